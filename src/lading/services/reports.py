"""One Report for several tellers: a copy tells of its pieces, and a registry's client of its waits."""

from __future__ import annotations

import threading

from lading.wire.progress import Event, Report


def serialised(report: Report) -> Report:
    """The same, for any number of threads: a Report is called by one at a time."""
    lock = threading.Lock()

    def tell(event: Event) -> None:
        with lock:
            report(event)

    return tell
