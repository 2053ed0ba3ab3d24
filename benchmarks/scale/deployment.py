"""Replicas and workers on one PostgreSQL and one S3 server, behind a balancer; each is started again when it ends.

clients ─▶ haproxy ─▶ replica 1 … N ─┐                    ┌─▶ PostgreSQL
                      worker 1 … M ──┴────────────────────┴─▶ haproxy ─▶ SeaweedFS
"""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from benchmarks.scale.balancer import Balancer, Door, balancer
from tests.peers import programs
from tests.peers.postgres_server import RunningPostgres, postgres_server
from tests.peers.s3_server import s3_server
from tests.peers.service_process import PASSWORD, SECRET_KEY, Service

CONNECTIONS = 400
"""Of PostgreSQL: each replica and worker has some thirty at most."""

AGAIN_SECONDS = 1.0
"""After a process ended by itself it is started again, as systemd would."""


class Supervised:
    """One process by name, and what may happen to it. A thread starts it again where it ends, unless it is held down;
    `ended` are the exit codes of ends that nobody here caused."""

    def __init__(self, name: str, command: Sequence[str], surroundings: Mapping[str, str], log: Path) -> None:
        self.name, self.log = name, log
        self.ended: list[int] = []
        self._command, self._surroundings = command, surroundings
        self._lock = threading.RLock()
        self._child: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] = log.open("ab")
        self._wanted, self._over = False, threading.Event()
        self._thread = threading.Thread(target=self._watch, name=f"supervisor of {name}", daemon=True)
        self._frozen = False

    @property
    def pid(self) -> int | None:
        """None while it is down."""
        with self._lock:
            return None if self._child is None else self._child.pid

    @property
    def frozen(self) -> bool:
        """Whether it is stopped just now, and will go on."""
        return self._frozen

    def begin(self) -> None:
        """It runs from now on until `finish`, but for what happens to it."""
        self.up()
        self._thread.start()

    def up(self) -> None:
        """Start it, where it does not run."""
        with self._lock:
            self._wanted = True
            if self._child is None:
                self._child = subprocess.Popen(
                    self._command,
                    stdout=self._output,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    env=self._surroundings,
                )

    def down(self, signal_number: int) -> None:
        """End it with this signal, and leave it so until `up`. Returns when it is over; one that does not end when it
        is asked to is killed after a minute, and that is an exit like one of its own."""
        with self._lock:
            self._wanted, child, self._child = False, self._child, None
        if child is None:
            return
        child.send_signal(signal_number)
        try:
            code = child.wait(60)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            self.ended.append(-signal.SIGALRM)
            return
        if signal_number == signal.SIGTERM and code not in {0, -signal.SIGTERM}:
            self.ended.append(code)

    def freeze(self) -> None:
        """It does nothing until `thaw`, and does not know."""
        with self._lock:
            if self._child is not None:
                self._child.send_signal(signal.SIGSTOP)
                self._frozen = True

    def thaw(self) -> None:
        """Harmless where it is not frozen."""
        with self._lock:
            self._frozen = False
            if self._child is not None and self._child.poll() is None:
                self._child.send_signal(signal.SIGCONT)

    def finish(self) -> None:
        """Asked to end, for good."""
        self._over.set()
        self.thaw()
        self.down(signal.SIGTERM)
        if self._thread.is_alive():
            self._thread.join()
        self._output.close()

    def _watch(self) -> None:
        while not self._over.wait(AGAIN_SECONDS):
            with self._lock:
                child = self._child
                if self._wanted and child is not None and child.poll() is not None:
                    self.ended.append(child.returncode)
                    self._child = None
                    self._frozen = False
                    self.up()


@dataclass
class Deployment:
    """All of it is up. `api` asks the API through the balancer as the admin; `registry` is the registry's host and port
    there; `store` stands before the object store."""

    folder: Path
    replicas: Sequence[Supervised]
    workers: Sequence[Supervised]
    agents: list[Supervised]
    balancer: Balancer
    store: Balancer
    postgres: RunningPostgres
    database: str
    api: Service
    outside: programs.RunningRegistry
    settings: Mapping[str, str] = field(repr=False)

    @property
    def registry(self) -> str:
        """As references spell it."""
        return f"127.0.0.1:{self.api.registry_port}"

    @property
    def supervised(self) -> Sequence[Supervised]:
        """All processes of ours."""
        return (*self.replicas, *self.workers, *self.agents)

    def agent(self, name: str) -> int:
        """One more of them, whose own engine an environment is; its id."""
        row = {"name": name, "connectionType": "hawser-edge"}
        status, made = self.api.ask("POST", "/api/environments", row)
        assert status == 201, made
        number = int(str(made["id"]))
        status, made = self.api.ask("POST", "/api/hawser/tokens", {"name": name, "environmentId": number})
        assert status == 201, made
        settings = {
            "LADING_SERVER": f"http://127.0.0.1:{self.api.port}",
            "LADING_TOKEN": str(made["token"]),
            "LADING_NO_DOCKER": "1",
            "LADING_NAME": name,
        }
        agent = _process(self.folder, name, ["agent"], settings)
        self.agents.append(agent)
        agent.begin()
        return number

    def await_up(self, seconds: float = 120) -> None:
        """Until every replica answers that it is ready. Raises AssertionError where one does not."""
        until = time.monotonic() + seconds
        for replica in self.replicas:
            while not self._ready(replica):
                assert time.monotonic() < until, f"{replica.name} is not up:\n{replica.log.read_text()[-3000:]}"
                time.sleep(0.1)  # a process of its own has no other way to say so

    def _ready(self, replica: Supervised) -> bool:
        asking = Service(self.folder, port=self.ports[replica.name])
        with suppress(OSError):
            return asking.text("GET", "/readyz")[0] == 200
        return False

    ports: Mapping[str, int] = field(default_factory=dict)
    """Of the replicas' APIs."""


@contextmanager
def deployment(folder: Path, replicas: int, workers: int, *, counting: bool = False) -> Iterator[Deployment]:
    """In an empty folder. `counting` makes PostgreSQL count statements."""
    with ExitStack() as stack:
        s3 = stack.enter_context(s3_server())
        postgres = stack.enter_context(postgres_server())
        postgres.run(f"ALTER SYSTEM SET max_connections = {CONNECTIONS}")
        if counting:
            postgres.run("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
        postgres.stop()
        postgres.start()
        outside = stack.enter_context(programs.docker_registry(folder / "outside"))
        store = stack.enter_context(balancer(folder / "store", {"store": Door({"weed": s3.port}, "/healthz")}))
        names = [f"replica{number}" for number in range(1, replicas + 1)]
        ports, registries = ({name: programs.free_port() for name in names} for _ in range(2))
        doors = {"api": Door(ports, "/readyz"), "registry": Door(registries, "/v2/", "^(200|401)$")}
        front = stack.enter_context(balancer(folder / "balancer", doors))
        database = postgres.empty()
        settings = {
            **s3.variables,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{store.port('store')}",
            "LADING_DATABASE": database,
            "LADING_STORAGE": s3.address(),
            "LADING_SECRET_KEY": SECRET_KEY,
            "LADING_ADMIN_PASSWORD": PASSWORD,
            "LADING_WORKERS": "1",
            "LADING_DOCKER_API": "off",
            "LADING_TRUSTED_PROXIES": "127.0.0.1",
            "LADING_PUBLIC_URL": f"http://127.0.0.1:{front.port('api')}",
            "LADING_REGISTRY_PUBLIC_URL": f"http://127.0.0.1:{front.port('registry')}",
        }
        serving = [
            _process(
                folder,
                name,
                ["serve"],
                {
                    **settings,
                    "LADING_PORT": str(ports[name]),
                    "LADING_REGISTRY_PORT": str(registries[name]),
                    "LADING_REPLICA_LISTEN": f"127.0.0.1:{programs.free_port()}",
                },
            )
            for name in names
        ]
        working = [_process(folder, f"worker{number}", ["worker"], settings) for number in range(1, workers + 1)]
        api = Service(folder / "client", port=front.port("api"), registry_port=front.port("registry"))
        agents: list[Supervised] = []
        made = Deployment(
            folder, serving, working, agents, front, store, postgres, database, api, outside, settings, ports
        )
        stack.callback(lambda: _finish(made.supervised))
        serving[0].begin()
        _until(lambda: made._ready(serving[0]), serving[0])
        for each in (*serving[1:], *working):
            each.begin()
        made.await_up()
        _until(lambda: _answers(api), serving[0])
        api.become_admin()
        yield made


def _answers(api: Service) -> bool:
    """At both doors of the balancer, which looks at each by itself, every now and then."""
    with suppress(OSError), closing(http.client.HTTPConnection("127.0.0.1", api.registry_port, timeout=60)) as registry:
        registry.request("GET", "/v2/")
        return registry.getresponse().status in {200, 401} and api.text("GET", "/readyz")[0] == 200
    return False


def _until(true: object, first: Supervised) -> None:
    assert callable(true)
    until = time.monotonic() + 120
    while not true():
        assert time.monotonic() < until, f"{first.name} is not up:\n{first.log.read_text()[-3000:]}"
        time.sleep(0.1)


def _finish(processes: Sequence[Supervised]) -> None:
    """All at once: each may take a while."""
    threads = [threading.Thread(target=each.finish) for each in processes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _process(folder: Path, name: str, command: Sequence[str], settings: Mapping[str, str]) -> Supervised:
    surroundings = {**plain_surroundings(folder), "LADING_DATA": str(folder / name), **settings}
    return Supervised(name, [sys.executable, "-m", "lading", *command], surroundings, folder / f"{name}.log")


def plain_surroundings(folder: Path) -> dict[str, str]:
    """What a program finds that nobody told anything."""
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    return {**kept, "HOME": str(folder / "home"), "TERM": "dumb"}
