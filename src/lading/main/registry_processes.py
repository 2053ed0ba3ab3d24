"""Several processes that serve our registry: this one opens its port, and they take the connections that come there.

Each is `python -P -m lading.main.registry_child`, and wires the registry alone: no API, no jobs, no Docker door. They
have the rows, the content and the certificate's files in common, and no memory.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from lading.backends.machine.children import Children
from lading.fronts.http.limits import Limits
from lading.fronts.http.listening import Listener, listen
from lading.main.data_folder import KeptPort
from lading.services.server.serving import listening
from lading.settings import Settings

COMMAND = (sys.executable, "-P", "-m", "lading.main.registry_child")
"""One of this very installation; nothing comes from the working directory."""

RENEW = b"r"
"""The word after which a child reads its certificate again."""

DRAIN_SECONDS = 10.0
"""How long a child that stops waits for requests that run."""

STOP_SECONDS = 20.0
"""How long all of a child's stop may take; who needs longer is cut off."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a child begins with. It goes through memory alone, as there are secrets in it."""

    settings: Settings
    limits: Limits
    listener: int
    """The open file that listens, the same in parent and child."""

    @classmethod
    def read(cls, told: bytes) -> Order:
        """What `written` wrote, in this very program."""
        order: object = pickle.loads(told)  # noqa: S301  over a socket that our parent alone has the other end of
        assert isinstance(order, Order)
        return order

    def written(self) -> bytes:
        """Without where each setting came from: nobody shows it there."""
        return pickle.dumps(replace(self, settings=replace(self.settings, origins=())))


@dataclass(frozen=True, slots=True)
class _Bound:
    """A port of ours where connections wait until somebody takes them."""

    listener: Listener

    @property
    def addresses(self) -> Sequence[tuple[str, int]]:
        return [self.listener.socket.getsockname()[:2]]

    @property
    def number(self) -> int:
        """Of its open file."""
        return self.listener.socket.fileno()


@dataclass(frozen=True, slots=True)
class RegistryProcesses:
    """They serve at `address`, a host and port."""

    address: tuple[str, int]
    children: Children

    def renew(self) -> None:
        """All read the certificate again."""
        self.children.tell(RENEW)


@contextmanager
def registry_processes(settings: Settings, limits: Limits) -> Iterator[RegistryProcesses]:
    """All at work while inside; at the end requests that run have DRAIN_SECONDS. Raises PortTaken, ChildFailed."""

    @contextmanager
    def bound(port: int) -> Iterator[_Bound]:
        listener = listen((settings.host, port))
        try:
            yield _Bound(listener)
        finally:
            listener.close()

    with listening(bound, settings.registry_port, KeptPort.of(settings.data)) as door:
        order = Order(settings, limits, door.number)
        children = Children(
            "registry",
            COMMAND,
            settings.registry_processes,
            begins_with=order.written(),
            inherited=[door.number],
        )
        children.begin()
        try:
            yield RegistryProcesses(door.addresses[0], children)
        finally:
            door.listener.close()  # else connections would still wait here, for nobody
            children.stop(STOP_SECONDS)
