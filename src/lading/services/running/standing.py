"""How a run stands at this moment, which only the process that runs it knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lading.services.jobs.job import JsonObject


@dataclass(frozen=True, slots=True)
class Holding:
    """Nothing moves to or from `host` before `until`, seconds since 1970 (None: the host did not say)."""

    host: str
    until: float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """`totals` are bytes; `layers` the lines of all layers that are on their way, without their bars; `holding` is
    there while a host lets nothing move. `changes` counts what the run was told: where it is the same, so is the rest.
    """

    totals: JsonObject
    layers: Sequence[JsonObject]
    holding: Holding | None
    changes: int
