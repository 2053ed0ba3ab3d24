"""`lading worker`: a process that does the jobs that servers of the same database hand over, wired."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lading.backends.machine.readiness import supervised
from lading.main.data_folder import private_folder, served_alone
from lading.main.handing_over import shared_places
from lading.main.logs import logged_to
from lading.main.product import Running, running
from lading.oci.platform import Platform
from lading.settings import Settings

if TYPE_CHECKING:
    from lading.backends.job_queue.worker import QueueWorker


@dataclass(frozen=True, slots=True)
class WorkingProduct:
    """What works: `jobs` at once, `folder` for what is its own."""

    jobs: int
    database: str
    storage: str
    folder: str


@contextmanager
def working_product(settings: Settings, native: Platform) -> Iterator[WorkingProduct]:
    """Jobs are taken while inside; what runs at the end is given back, and goes on elsewhere. Raises FolderServed,
    NothingShared, QueueFailed, StorageFailed."""
    database, storage = shared_places(settings)
    from lading.backends.job_queue.worker import QueueWorker  # noqa: PLC0415  nobody else pays for it

    data = private_folder(settings.data)
    handing = replace(settings, workers=True)
    with (
        served_alone(data),
        logged_to(sys.stderr),
        running(handing, native, doors=False) as product,
        _taking(product, QueueWorker(database, product.take_job, settings.worker_jobs)),
        supervised(os.environ),
    ):
        yield WorkingProduct(settings.worker_jobs, str(product.database.place), storage, str(data))


@contextmanager
def _taking(product: Running, worker: QueueWorker) -> Iterator[None]:
    """Nothing more is taken before what runs is given back: it would be, too."""
    worker.begin()
    try:
        yield
    finally:
        try:
            worker.stop()
        finally:
            product.stop_jobs()
