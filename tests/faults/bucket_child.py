"""Our registry over a bucket and PostgreSQL as a process of its own, and its collector:
`python -m tests.faults.bucket_child serve|collect DATABASE ADDRESS DAY_SECONDS`.

A day is that short for leases. `serve` prints its port, and serves until its standard input ends; `collect` collects
again and again until then, and prints how much it removed, in how many rounds.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import closing

from lading.backends.content_store.objects.bucket import Bucket
from lading.backends.content_store.objects.collectable import CollectableBucket
from lading.backends.content_store.objects.content import ObjectContent
from lading.backends.database.service_database import ServiceDatabase, open_service_database
from lading.engine.cancel import Cancellation
from lading.engine.collect import collect
from lading.fronts.registry_api.serving import open_registry
from tests.faults.registry_child import DAY

LEFT_SECONDS = 5.0


def main(work: str, url: str, address: str, day_seconds: float) -> None:
    database = open_service_database(url, lambda: time.time() * DAY / day_seconds)
    with closing(database), closing(database.turns()) as turns:
        content = ObjectContent(Bucket.at(address), database.catalogue.leases, turns)
        with closing(content):
            (_serve if work == "serve" else _collect)(database, content)


def _serve(database: ServiceDatabase, content: ObjectContent) -> None:
    with open_registry(database.repositories, content, changes=database.changes) as server:
        sys.stdout.write(f"{server.addresses[0][1]}\n")
        sys.stdout.flush()
        sys.stdin.read()


def _collect(database: ServiceDatabase, content: ObjectContent) -> None:
    over = threading.Event()
    threading.Thread(target=_wait, args=[over], daemon=True).start()
    removed = rounds = 0
    while not (rounds and over.is_set()):
        removed += collect(
            CollectableBucket(content),
            database.catalogue.images,
            database.catalogue.leases,
            [database.repositories],
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
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
