"""A LocalHub with played agents at the ends of its links: the test says what comes over a socket, and when time passes.

bench = EdgeBench(tmp_path)
link = bench.agent()                        # a stock agent of 2025 logs in for environment 1
answer = bench.ask("GET", "/info")          # somebody asks, on a thread of their own
asked = link.next(RequestFrame)             # what the agent is sent
link.says(ResponseFrame(asked.request_id, 200))
assert answer.result(BOUND_SECONDS).status == 200
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import TypeVar

from lading.backends.edge_hub.hub import LocalHub
from lading.engine.cancel import Cancellation
from lading.services.hub.hub import AgentLine
from lading.wire.message import Content, Reader, Request, Response
from lading.wire.tunnel_frames import LADING_STREAMS, End, Frame, Hello, Pong, StreamEnd, StreamFrame, Welcome
from lading.wire.tunnel_pieces import BodyPiece, piece_message, read_piece
from lading.wire.tunnel_text import frame_text, read_frame
from tests.fakes.work import BOUND_SECONDS

ENVIRONMENT = 1
BUFFER_BYTES = 1024 * 1024

T = TypeVar("T")

STOCK = Hello("0.2.14", "1.0", "a1", "edge", "28.0.1", "host", frozenset({"exec", "metrics"}), token="s" * 43)
NEWER = Hello("0.2.90", "1.0", "a1", "edge", "28.0.1", "host", frozenset(), token="s" * 43, has_token_hash=True)


def ours(**requests: int) -> Hello:
    """Our own agent's, that still works on these: by id, how much of their bodies it has."""
    return Hello("1", "1.0", "a1", "edge", "28.0.1", "host", frozenset({LADING_STREAMS}), requests=requests)


class PlayedLink:
    """An AgentLink whose other end is the test; `line` is what its frames go to, once it was attached."""

    line: AgentLine

    def __init__(self) -> None:
        self._sent: queue.Queue[Frame | BodyPiece] = queue.Queue()
        self.closed: tuple[int, str] | None = None

    def send(self, frame: str | bytes) -> None:
        """See AgentLink."""
        if self.closed is None:
            self._sent.put(read_frame(frame) if isinstance(frame, str) else read_piece(frame))

    def close(self, code: int, reason: str) -> None:
        """See AgentLink."""
        self.closed = self.closed or (code, reason)

    def next(self, kind: type[T]) -> T:
        """What the agent is sent next, which is of this kind."""
        frame = self._sent.get(timeout=BOUND_SECONDS)
        assert isinstance(frame, kind), frame
        return frame

    @property
    def idle(self) -> bool:
        """Whether nothing more has been sent."""
        return self._sent.empty()

    def says(self, *frames: Frame | BodyPiece) -> None:
        """What comes from the agent."""
        for frame in frames:
            self.line.receive(piece_message(frame) if isinstance(frame, BodyPiece) else frame_text(frame))

    def streams(self, id: str, content: bytes, size: int = 4096) -> None:  # noqa: A002  a request's own word
        """In slices, as a stock agent does."""
        for start in range(0, len(content), size):
            self.says(StreamFrame(id, content[start : start + size]))

    def ends(self, id: str) -> None:  # noqa: A002  a request's own word
        """As a stock agent ends everything."""
        self.says(StreamEnd(id, End.COMPLETED))


class EdgeBench:
    """`now` is its only clock."""

    def __init__(self, folder: Path, *, buffer_bytes: int = BUFFER_BYTES) -> None:
        self.now = 1_000_000.0
        self._ids = 0
        self.hub = LocalHub(folder / "agents", buffer_bytes, lambda: self.now, lambda: self.now, self._id)
        self._people = ThreadPoolExecutor(16)

    def _id(self) -> str:
        self._ids += 1
        return f"00000000-0000-4000-8000-{self._ids:012d}"

    def agent(self, hello: Hello = STOCK, environment: int = ENVIRONMENT) -> PlayedLink:
        """Logs in; its welcome was read."""
        link = self.attached(hello, environment)
        link.next(Welcome)
        return link

    def attached(self, hello: Hello, environment: int = ENVIRONMENT) -> PlayedLink:
        """The same, with the welcome still to come."""
        link = PlayedLink()
        link.line = self.hub.attach(environment, hello, "192.0.2.7", link)
        return link

    def ask(
        self,
        method: str,
        path: str,
        *,
        content: Content | None = None,
        reader: Reader | None = None,
        streamed: bool = False,
        cancel: Cancellation | None = None,
        passed: Callable[[int], None] = lambda _count: None,
        headers: dict[str, str] | None = None,
    ) -> Future[Response]:
        """Somebody asks the environment's engine."""
        request = Request(
            method, f"http://docker{path}", headers or {}, content=content, reader=reader, streamed=streamed
        )
        transport = self.hub.transport(ENVIRONMENT)
        return self._people.submit(transport.send, request, cancel or Cancellation(), passed)

    def read(self, stream: Reader | None, most: int = 1 << 40) -> Future[bytes]:
        """Somebody reads it to its end, or so many bytes of it."""
        assert stream is not None
        return self._people.submit(read_up_to, stream, most)

    def read_answer(self, answer: Future[Response]) -> Future[bytes]:
        """The same, as soon as there is a stream."""

        def read() -> bytes:
            stream = answer.result(BOUND_SECONDS).stream
            assert stream is not None
            return read_up_to(stream)

        return self._people.submit(read)

    def passes(self, seconds: float) -> None:
        """Time."""
        self.now += seconds
        self.hub.tick()

    def waits(self, answer: Future[T], link: PlayedLink, seconds: float = 600) -> None:
        """Time passes, with signs of life over the link, until this has been answered somehow."""
        for _ in range(int(seconds)):
            if answer.done():
                return
            self.passes(1)
            link.says(Pong(0))
            wait([answer], 0.01)  # the thread that waits may just be on its way to where it does

    def close(self) -> None:
        """Agents are sent away, and everybody is told."""
        self.hub.close()
        self._people.shutdown()


def read_up_to(stream: Reader, most: int = 1 << 40) -> bytes:
    """Its next bytes."""
    whole, buffer = bytearray(), memoryview(bytearray(64 * 1024))
    while len(whole) < most and (count := stream.readinto(buffer[: most - len(whole)])):
        whole += buffer[:count]
    return bytes(whole)
