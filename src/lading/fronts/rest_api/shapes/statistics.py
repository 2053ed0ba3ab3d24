"""Figures over time: services.server.statistics and services.content.storage_samples make them."""

from __future__ import annotations

from typing import TypedDict


class TransferBucket(TypedDict):
    """An hour that begins at `start`: bytes `moved` and `saved` by transfers that ended in it, and how many of them
    were `done` and `failed`."""

    start: str
    moved: int
    saved: int
    done: int
    failed: int


class Durations(TypedDict):
    """Seconds from the start to the end of jobs that were done: the half were quicker than `p50`, 19 of 20 quicker than
    `p95`."""

    p50: float
    p95: float
    count: int


class FailureCount(TypedDict):
    """How many transfers failed by one cause."""

    code: str
    count: int


class TransferStatistics(TypedDict):
    """Of transfers that ended: by the hour, by kind, and by cause."""

    buckets: list[TransferBucket]
    durations: dict[str, Durations]
    failures: list[FailureCount]


class StorageSample(TypedDict):
    """What our storage took `at` that moment, in bytes: `logical`, if nothing were shared; `unique`, what names reach,
    once each; `stored`, all that lies on disk; `reclaimable` of it is reached by nothing."""

    at: str
    logical: int
    unique: int
    stored: int
    reclaimable: int
    free: int | None
    capacity: int | None
    images: int
    repositories: int
