"""Figures over time, for pictures: how transfers went, and what storage took."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from lading.fronts.rest_api.answers import Json
from lading.fronts.rest_api.dependencies import ActorNeeded, ProductNeeded
from lading.fronts.rest_api.shapes.statistics import StorageSample, TransferStatistics
from lading.fronts.rest_api.told import array, one
from lading.services.content.storage_samples import KEPT_DAYS as SAMPLED_DAYS
from lading.services.content.storage_samples import sample_json
from lading.services.jobs.chores import KEPT_DAYS
from lading.services.server.statistics import statistics_json

router = APIRouter(prefix="/api/statistics", tags=["statistics"])


@router.get("/transfers", responses=one(TransferStatistics))
def transfer_statistics(
    product: ProductNeeded,
    actor: ActorNeeded,
    hours: Annotated[int, Query(ge=1, le=KEPT_DAYS * 24, description="This hour, and those before it.")] = 24,
) -> Json:
    """How your transfers went, with `jobs:view` everybody's: bytes moved and saved by the hour, how long they took, and
    why some failed."""
    return statistics_json(product.transfer_statistics.counted(actor, hours))


@router.get("/storage", responses=array(StorageSample))
def storage_statistics(
    product: ProductNeeded,
    actor: ActorNeeded,
    days: Annotated[int, Query(ge=1, le=SAMPLED_DAYS, description="So many days up to now.")] = 30,
) -> list[Json]:
    """What our own content took from hour to hour, the oldest sample first; of days more than a month ago the last
    one."""
    return [sample_json(sample) for sample in product.storage_history.samples(actor, days)]
