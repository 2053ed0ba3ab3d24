"""One of several processes that serve our registry (registry_processes.py): `python -P -m lading.main.registry_child`.

Its standard input is the line to its parent, which says everything else.
"""

from __future__ import annotations

import logging
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from lading.backends.content_store.storage import Reserve
from lading.backends.machine.children import AWAY, STOP
from lading.backends.machine.parent import Parent
from lading.backends.passwords.hashing import ArgonPasswords
from lading.errors import LadingError, Unavailable
from lading.fronts.http.byte_server import ByteServer
from lading.fronts.http.certificate import ServerCertificate
from lading.fronts.http.forwarding import Forwarding
from lading.main.authenticating import authentication_of, sessions_of, throttle_of
from lading.main.certificates import certificate_of, renew
from lading.main.content_place import content_of
from lading.main.logs import logged_to
from lading.main.own_trust import OwnTrust
from lading.main.registry_plane import RegistryParts, registry_plane
from lading.main.registry_processes import DRAIN_SECONDS, RENEW, Order
from lading.main.repository_care import counted_pulls
from lading.main.rows import open_rows
from lading.main.short_looks import short_looks
from lading.main.trust_serving import trust_collections
from lading.services.repositories.repositories import Repositories
from lading.settings import Settings

log = logging.getLogger("lading.serve")


def main() -> int:
    """Returns when the parent said so, and what ran has ended; AWAY or 1, where nothing could be served."""
    parent = Parent(socket.socket(fileno=sys.stdin.fileno()))
    order = Order.read(parent.begins_with())
    with logged_to(sys.stderr):
        try:
            _serve(order, parent)
        except Unavailable as error:
            log.warning("a registry process cannot serve for now: %s", str(error))
            return AWAY
        except LadingError as error:
            log.error("a registry process cannot serve: %s", error)  # noqa: TRY400  it says it all
            return 1
    return 0


def _serve(order: Order, parent: Parent) -> None:
    stopped = threading.Event()
    settings = order.settings
    certificate = certificate_of(settings)
    listener = socket.socket(fileno=order.listener)
    listener.setblocking(False)
    with (
        _parts(settings) as parts,
        ByteServer(
            [listener],
            registry_plane(settings, parts, alone=False),
            order.limits,
            stop_seconds=DRAIN_SECONDS,
            certificate=certificate,
            is_proxy=Forwarding.parse(settings.trusted_proxies).trusts,
        ),
        short_looks(),
    ):
        parent.at_work({STOP: stopped.set, RENEW: partial(_renew, certificate)})
        stopped.wait()


def _renew(certificate: ServerCertificate | None) -> None:
    if certificate is not None:
        renew(certificate)


@contextmanager
def _parts(settings: Settings) -> Iterator[RegistryParts]:
    """What the registry alone stands on, as lading.main.product has it for everything."""
    with ExitStack() as stack:
        rows = open_rows(stack, settings)
        database, trail, box = rows.database, rows.trail, rows.box
        reserve = Reserve(settings.keep_free, settings.keep_free_percent)
        content = content_of(stack, rows.data, database, settings.storage, reserve).content
        repositories = Repositories(database.repositories, content, clock=time.time)
        trust = OwnTrust.of(settings, database, repositories, trail, partial(trust_collections, database, box, trail))
        pull_counts = counted_pulls(stack, database)
        throttle = throttle_of(settings, database)

        def woken(topic: str | None) -> None:
            database.changes.woken(topic)
            throttle.woken(topic)

        stack.enter_context(database.wakes.listening(woken))
        authentication = authentication_of(database, ArgonPasswords(), sessions_of(database), trail, throttle)
        yield RegistryParts(database, trail, box, content, authentication, pull_counts, trust.gate)


if __name__ == "__main__":
    sys.exit(main())
