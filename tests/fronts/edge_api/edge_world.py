"""The door as `lading serve` runs it, in front of a word; behind it a login and a hub that a test plays."""

from __future__ import annotations

import json
import queue
import socket
import threading
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn

from lading.fronts.edge_api.asgi import Receive, Scope, Send
from lading.fronts.edge_api.door import EdgeDoor
from lading.fronts.edge_api.limits import EdgeLimits
from lading.fronts.http.forwarding import Forwarding
from lading.fronts.http.limits import Limits
from lading.fronts.http.ours import OurNames
from lading.fronts.rest_api.connections import API_LIMITS, bounded
from lading.fronts.rest_api.sockets import bounded_sockets
from lading.services.agents.logins import Admitted, AgentTokenWrong
from lading.services.hub.hub import AgentLink
from lading.wire.tunnel_frames import STOCK_FRAME_LIMIT, Hello
from tests.fakes.raw_client import WAIT_SECONDS
from tests.fakes.websocket_client import WebSocketClient

TOKEN = "t" * 43
HELLO = {"type": "hello", "version": "0.2.14", "protocol": "1.0", "agentId": "a-1", "agentName": "rack 3"}
OURS = {**HELLO, "capabilities": ["lading-streams"]}


@dataclass(frozen=True)
class Attached:
    """What the hub was given for an agent, and what it heard of it: messages, and None once it is lost."""

    environment: int
    hello: Hello
    address: str
    link: AgentLink
    heard: queue.Queue[str | bytes | None] = field(default_factory=queue.Queue)

    def receive(self, frame: str | bytes) -> None:
        self.heard.put(frame)

    def lost(self) -> None:
        self.heard.put(None)

    def next(self) -> str | bytes | None:
        """What was heard next."""
        return self.heard.get(timeout=WAIT_SECONDS)


class Played:
    """Logins and hub: TOKEN opens environment 7, and its welcome is a frame of its own; `failure` is raised instead."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.looking, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        self.logins: list[tuple[str, str]] = []
        self.attached: queue.Queue[Attached] = queue.Queue()
        self.arrivals: queue.Queue[Admitted] = queue.Queue()
        self.departures: queue.Queue[AgentLink] = queue.Queue()

    def login(self, hello: Hello, address: str, request: str) -> Admitted:
        self.logins.append((address, request))
        self.looking.set()
        assert self.go_on.wait(WAIT_SECONDS)
        if self.failure is not None:
            raise self.failure
        if hello.token != TOKEN:
            raise AgentTokenWrong
        return Admitted(7, 1)

    def arrived(self, admitted: Admitted, link: AgentLink) -> None:
        self.arrivals.put(admitted)

    def left(self, link: AgentLink) -> None:
        self.departures.put(link)

    def __call__(self, environment: int, hello: Hello, address: str, link: AgentLink) -> Attached:
        attached = Attached(environment, hello, address, link)
        link.send(json.dumps({"type": "welcome", "environmentId": environment}))
        self.attached.put(attached)
        return attached

    def next(self, agent_id: str = "a-1") -> Attached:
        """The agent of this id that was attached next; others are of tests before."""
        while True:
            attached = self.attached.get(timeout=WAIT_SECONDS)
            if attached.hello.agent_id == agent_id:
                return attached

    def left_by(self, link: AgentLink) -> bool:
        """Once this one has gone."""
        while self.departures.get(timeout=WAIT_SECONDS) is not link:
            pass
        return True


@dataclass(frozen=True)
class EdgeWorld:
    """A server at `address`."""

    address: tuple[str, int]
    played: Played
    server: uvicorn.Server

    def connect(self, **headers: str) -> WebSocketClient:
        """A socket that nobody has logged in over."""
        return WebSocketClient(self.address, headers={name.replace("_", "-"): value for name, value in headers.items()})

    @contextmanager
    def agent(self, hello: Mapping[str, object] = HELLO) -> Iterator[tuple[WebSocketClient, Attached]]:
        """One that is in, its welcome read."""
        name = uuid.uuid4().hex
        with self.connect() as client:
            client.say(**{**hello, "agentId": name, "token": TOKEN})
            assert client.hear() == {"type": "welcome", "environmentId": 7}
            yield client, self.played.next(name)


@contextmanager
def edge_world(
    limits: EdgeLimits | None = None, connections: Limits = API_LIMITS, proxies: tuple[str, ...] = ()
) -> Iterator[EdgeWorld]:
    """While inside; `proxies` are those that are trusted."""
    played, forwarding = Played(), Forwarding.parse(proxies)
    names = OurNames.of_urls(["https://lading.corp"])
    with ThreadPoolExecutor(2) as threads, socket.create_server(("127.0.0.1", 0)) as listener:
        door = EdgeDoor(_word, played, played, names, forwarding, threads, limits or EdgeLimits())
        kept = bounded(connections, forwarding.trusts)
        config = uvicorn.Config(
            door,
            http=kept,
            ws=bounded_sockets(kept),
            ws_max_size=STOCK_FRAME_LIMIT,
            ws_ping_interval=None,
            ws_per_message_deflate=False,
            proxy_headers=False,
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=5,
        )
        server = _Server(config)
        thread = threading.Thread(target=server.run, args=[[listener]])
        thread.start()
        server.up.wait(WAIT_SECONDS)
        try:
            yield EdgeWorld(listener.getsockname(), played, server)
        finally:
            server.should_exit = True
            thread.join()


class _Server(uvicorn.Server):
    """Tells when it is up."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


async def _word(scope: Scope, receive: Receive, send: Send) -> None:
    """What answers everything else."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"word"})
