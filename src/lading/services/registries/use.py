"""When registries were asked something last."""

from __future__ import annotations

from collections.abc import Callable

MOST_HOSTS = 4096
"""References may name any host: of more than so many, only those met first are remembered."""


class RegistryUse:
    """Of this process, since it began; for any number of threads. `clock` tells seconds since 1970."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = dict[str, float]()

    def asked(self, registry: str) -> None:
        """Now, at this host[:port]."""
        if registry in self._last or len(self._last) < MOST_HOSTS:
            self._last[registry] = self._clock()

    def last(self, registry: str) -> float | None:
        """In seconds since 1970; None: not yet."""
        return self._last.get(registry)
