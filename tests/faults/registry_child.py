"""Our registry as a process of its own, to be killed: `python -m tests.faults.registry_child FOLDER [DAY_SECONDS]`.

Prints its port, and serves until its standard input ends. With DAY_SECONDS a day is that short for leases.
"""

from __future__ import annotations

import ctypes
import sys
import time
from contextlib import closing
from pathlib import Path

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.storage import Reserve
from lading.backends.database.service_database import open_service_database
from lading.fronts.registry_api.serving import open_registry

DAY = 24 * 60 * 60.0
KEPT_FREE = 1024 * 1024
"""Bytes: without any, nothing could be deleted on a full disk, where deleting needs room in the database first."""

_PR_SET_PTRACER, _ANYBODY = 0x59616D61, ctypes.c_ulong(-1)


def allow_tracing() -> None:
    """strace comes later, and is no parent of ours."""
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANYBODY, 0, 0, 0)


def main(folder: Path, day_seconds: float) -> None:
    allow_tracing()
    database = open_service_database(folder / "lading.db", lambda: time.time() * DAY / day_seconds)
    content = ContentFolder(folder / "content", database.catalogue.leases, reserve=Reserve(KEPT_FREE))
    registry = open_registry(database.repositories, content, changes=database.changes)
    with closing(database), closing(content), registry as server:
        sys.stdout.write(f"{server.addresses[0][1]}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else DAY)
