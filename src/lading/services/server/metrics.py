"""What is counted, for whoever may read it."""

from __future__ import annotations

from collections.abc import Callable

from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Trail
from lading.services.audit.trail import admit


class Metrics:
    """For every door."""

    def __init__(self, render: Callable[[], bytes], trail: Trail) -> None:
        """`render` writes all that is counted down."""
        self._render, self._trail = render, trail

    def read(self, actor: Actor) -> bytes:
        """As Prometheus reads it. Raises Denied, NotLoggedIn."""
        admit(self._trail, actor, Permission.METRICS_VIEW, Deed("view", "metrics", "", ""))
        return self._render()
