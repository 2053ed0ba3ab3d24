"""Which port our own registry gets: it is part of every image's name, so it stays once it is chosen (interfaces §1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Protocol, TypeVar

from lading.errors import Refused, StorageFailed

SERVER = "lading"
"""What our registry calls itself in the field `Server` of its root's answer, so that it can be told from others."""

FIRST_PORT = 5000
PORTS_TRIED = 20

KEPT_PORT = "registry.port"
"""The file in a data folder that remembers the port; where it is, repositories keep content too."""


class FolderServed(Refused):
    """Another `lading serve` has this data folder."""

    hint = "Stop it, or give this one another data folder."
    command = "Stop it, or give this one another folder with --data."

    def __init__(self, folder: str) -> None:
        super().__init__(folder)
        self.folder = folder

    def __str__(self) -> str:
        return f"another lading serve or lading worker runs over the data folder {self.folder}"


class PortTaken(StorageFailed):
    """The port that belongs to image names is in use by another program."""

    code = "listen"

    def __init__(self, port: int, reason: str) -> None:
        super().__init__(port, reason)
        self.port, self.reason = port, reason
        self.why = reason
        self.hint = f"Find who has it: ss -ltnp 'sport = :{port}'. Or choose another one."
        self.command = f"Find who has it: ss -ltnp 'sport = :{port}'. Another one: lading serve --registry-port PORT"

    def __str__(self) -> str:
        return f"the registry cannot have port {self.port}"


class ApiPortTaken(StorageFailed):
    """The port of the API is in use by another program."""

    code = "listen"

    def __init__(self, port: int, reason: str) -> None:
        super().__init__(port, reason)
        self.port, self.why = port, reason
        self.hint = f"Find who has it: ss -ltnp 'sport = :{port}'. Or choose another one."
        self.command = f"Find who has it: ss -ltnp 'sport = :{port}'. Another one: lading serve --port PORT"

    def __str__(self) -> str:
        return f"the API cannot have port {self.port}"


class KeptPort(Protocol):
    """Where the port that was chosen once is remembered."""

    def read(self) -> int | None:
        """None where nothing was chosen yet."""

    def write(self, port: int) -> None:
        """Remember it. Raises StorageFailed."""


class Listening(Protocol):
    """A server that listens."""

    @property
    def addresses(self) -> Sequence[tuple[str, int]]:
        """What is listened on."""


S = TypeVar("S", bound=Listening)


@contextmanager
def listening(listen: Callable[[int], AbstractContextManager[S]], asked: int | None, kept: KeptPort) -> Iterator[S]:
    """The server, on the port asked for, else the one kept, else the next free one from 5000, which is then kept.

    Raises PortTaken.
    """
    with ExitStack() as stack:
        server = _first(stack, listen, ports(asked, kept.read()))
        if asked is None:
            kept.write(server.addresses[0][1])
        yield server


def ports(asked: int | None, kept: int | None) -> Sequence[int]:
    """The ports to try, in order."""
    if asked is not None:
        return [asked]
    return [kept] if kept is not None else range(FIRST_PORT, FIRST_PORT + PORTS_TRIED)


def _first(stack: ExitStack, listen: Callable[[int], AbstractContextManager[S]], tried: Sequence[int]) -> S:
    for port in tried:
        try:
            return stack.enter_context(listen(port))
        except StorageFailed as error:
            if port == tried[-1]:
                raise PortTaken(port, str(error)) from error
    raise ValueError("no port to try")
