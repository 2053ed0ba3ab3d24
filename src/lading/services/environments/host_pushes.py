"""Pushes of Docker hosts into our own registry under a name that they are only lent."""

from __future__ import annotations

from contextlib import suppress

from lading.errors import LadingError, NotFound
from lading.oci.digest import Digest
from lading.services.environments.environment import Environment
from lading.services.environments.orders import PushOrder
from lading.wire.message import Cancel
from lading.wire.progress import Report


def push_and_unname(environment: Environment, order: PushOrder, report: Report, cancel: Cancel) -> Digest | None:
    """Push to the one target of the order, and take its name from the image at the host again: which therefore has
    another one, as with its last name an image goes. Raises what the push does.

    Gives the digest of what was pushed, as far as the host told: another host that is lent a login for the same
    repository may have the tag by now.
    """
    (target,) = order.targets
    (arrived,) = environment.push(order, report, cancel)
    if arrived.error is not None:
        with suppress(LadingError):  # a push takes back what it gave, but not what an attempt left that was killed
            environment.remove(str(target), False, cancel)
        raise arrived.error
    with suppress(NotFound):
        environment.remove(str(target), False, cancel)
    return arrived.digest
