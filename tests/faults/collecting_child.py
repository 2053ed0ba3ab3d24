"""Collects garbage again and again: `python -m tests.faults.collecting_child FOLDER DAY_SECONDS`.

Begins when a line comes on standard input, and ends with the first round after that has ended. Prints how much it
removed, in how many rounds.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import closing
from pathlib import Path

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.garbage import CollectableFolder
from lading.backends.database.catalogue import open_catalogue
from lading.backends.database.repositories import open_records
from lading.engine.cancel import Cancellation
from lading.engine.collect import collect
from tests.faults.registry_child import DAY, allow_tracing

LEFT_SECONDS = 5.0


def main(folder: Path, day_seconds: float) -> None:
    allow_tracing()
    over = threading.Event()
    sys.stdin.readline()
    threading.Thread(target=_wait, args=[over], daemon=True).start()
    removed = rounds = 0
    records = open_records(folder / "lading.db")
    catalogue = open_catalogue(folder / "lading.db", lambda: time.time() * DAY / day_seconds)
    content = ContentFolder(folder / "content", catalogue.leases)
    with closing(records), closing(catalogue), closing(content):
        while not (rounds and over.is_set()):
            removed += collect(
                CollectableFolder(content),
                catalogue.images,
                catalogue.leases,
                [records],
                left_before=time.time() - LEFT_SECONDS,
                dry_run=False,
                cancel=Cancellation(),
            ).removed
            rounds += 1
    sys.stdout.write(f"{removed} {rounds}\n")


def _wait(over: threading.Event) -> None:
    sys.stdin.read()
    over.set()


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
