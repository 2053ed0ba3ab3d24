"""`lading` in this process, telling the seconds from its first request to its last proof.

    python -m benchmarks.transfer push …

Modules are loaded before the clock starts, as a server has them; what the command line costs is measured with the real
command.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from lading import main
from lading.backends.http.transport import HttpTransport
from lading.services.transfers.transfers import Transfers

LOADED_FIRST = (
    "lading.backends.content_store.folder",
    "lading.backends.content_store.listing",
    "lading.backends.database.catalogue",
    "lading.backends.registry_client.repository",
    "lading.engine.copy",
)

P = ParamSpec("P")
R = TypeVar("R")


class Stopwatch:
    """Starts with the first request, stops with the last verb that returned."""

    def __init__(self) -> None:
        self.began: float | None = None
        self.ended = 0.0

    def starting(self, function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def send(*arguments: P.args, **options: P.kwargs) -> R:
            if self.began is None:
                self.began = time.perf_counter()
            return function(*arguments, **options)

        return send

    def stopping(self, function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def verb(*arguments: P.args, **options: P.kwargs) -> R:
            try:
                return function(*arguments, **options)
            finally:
                self.ended = time.perf_counter()

        return verb


def timed() -> int:
    """Run the command line with the watch on. Returns its exit code."""
    for module in LOADED_FIRST:
        importlib.import_module(module)
    watch = Stopwatch()
    HttpTransport.send = watch.starting(HttpTransport.send)  # type: ignore[method-assign]  # the program as it is, watched
    for verb in ("push", "pull", "copy"):
        setattr(Transfers, verb, watch.stopping(getattr(Transfers, verb)))
    code = main.run()
    if watch.began is not None:
        sys.stdout.write(json.dumps({"transfer": watch.ended - watch.began}) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(timed())
