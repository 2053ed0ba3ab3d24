"""`lading worker`: a process that does the jobs that servers of the same database hand over, wired."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lading.backends.machine.readiness import supervised
from lading.fronts.health_api.application import HealthApi, Standing
from lading.fronts.http.byte_server import ByteServer
from lading.main.awaiting import awaited
from lading.main.data_folder import private_folder, served_alone
from lading.main.handing_over import shared_places
from lading.main.logs import logged_to
from lading.main.product import Running, running
from lading.main.reaching import reach
from lading.oci.platform import Platform
from lading.services.identity.authentication import Visit
from lading.setting_readers import address_of
from lading.settings import Settings
from lading.wire.message import Cancel

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
def working_product(settings: Settings, native: Platform, cancel: Cancel) -> Iterator[WorkingProduct]:
    """Jobs are taken while inside; what runs at the end is given back, and goes on elsewhere. Where the database or the
    object store is away it waits for them, until `cancel` ends that. Raises FolderServed, NothingShared, QueueFailed,
    ListenFailed, StorageFailed, Cancelled."""
    shared_places(settings)
    data, standing = private_folder(settings.data), Standing()
    with (
        served_alone(data),
        logged_to(sys.stderr),
        _page(settings, standing),
        awaited(
            partial(reach, settings),
            lambda: _working(settings, native, data, standing),
            standing.waits_for,
            cancel,
        ) as product,
        supervised(os.environ),
    ):
        yield product


@contextmanager
def _working(settings: Settings, native: Platform, data: Path, standing: Standing) -> Iterator[WorkingProduct]:
    """Raises Unavailable where what it stands on is away."""
    from lading.backends.job_queue.worker import QueueWorker  # noqa: PLC0415  nobody else pays for it

    database, storage = shared_places(settings)
    handing = replace(settings, workers=True)
    with (
        running(handing, native, doors=False) as product,
        _taking(product, QueueWorker(database, product.take_job, settings.worker_jobs)),
        standing.working(_Page(product)),
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


def _page(settings: Settings, standing: Standing) -> AbstractContextManager[object]:
    """Where it says how it is, while inside, if that was set; entering it raises ListenFailed."""
    if settings.worker_listen is None:
        return nullcontext()
    return ByteServer([address_of(settings.worker_listen)], HealthApi(standing))


@dataclass(frozen=True, slots=True)
class _Page:
    """Fulfils fronts.health_api.application.Works."""

    running: Running

    def ready(self) -> None:
        self.running.product.ready()

    def metrics(self, address: str, authorization: str | None) -> bytes:
        product = self.running.product
        actor = product.authenticator.authenticate(Visit(address, str(uuid.uuid4())), None, authorization)
        return product.metrics.read(actor)
