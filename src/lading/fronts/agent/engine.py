"""The engine that the agent stands beside, and whether it answers."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled, LadingError, TimedOut
from lading.wire.message import Cancel, Request, Transport

UNKNOWN = "unknown"
"""The version of an engine that does not answer."""

_VERSION_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Engine:
    """It is asked at URLs that begin with `origin`; one that is down, every `look_seconds`."""

    transport: Transport
    origin: str = "http://docker"
    look_seconds: float = 15.0

    def version(self, cancel: Cancel) -> str:
        """What it says of itself; UNKNOWN where it does not answer. Raises Cancelled."""
        asking = Request(
            "GET", f"{self.origin}/version", answer_seconds=_VERSION_SECONDS, stall_seconds=_VERSION_SECONDS
        )
        try:
            answer = self.transport.send(asking, cancel)
            said = json.loads(answer.body) if answer.status == 200 else None
        except (LadingError, ValueError):
            cancel.check()
            return UNKNOWN
        version = said.get("Version") if isinstance(said, dict) else None
        return version if isinstance(version, str) and version else UNKNOWN


class EngineWatch:
    """While inside, an engine that does not answer is asked again and again; `back` is called once it does: a new login
    tells the server."""

    def __init__(self, engine: Engine, cancel: Cancel, back: Callable[[], None]) -> None:
        self._engine, self._outer, self._back = engine, cancel, back
        self.is_back = False

    def __enter__(self) -> Self:
        self._within = Cancellation.within(self._outer)
        self._cancel = self._within.__enter__()
        self._thread = threading.Thread(target=self._look, name="engine watch", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._cancel.cancel()
        self._thread.join()
        self._within.__exit__(None, None, None)

    def _look(self) -> None:
        with suppress(Cancelled, TimedOut):
            while self._engine.version(self._cancel) == UNKNOWN:
                self._cancel.wait(self._engine.look_seconds)
            self.is_back = True
            self._back()
