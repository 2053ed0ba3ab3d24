"""Jobs, wired: how many run at once and where, what runs them, and what each kind of them does."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from lading.backends.job_queue.threads import ThreadQueue
from lading.fronts.rest_api.product import Product
from lading.main.own_engine import Lanes
from lading.main.rows import Rows
from lading.services.clocks import Clocks
from lading.services.distribution.forms import DISTRIBUTE
from lading.services.jobs.kinds import Over, WorkKind
from lading.services.jobs.owners import Owners
from lading.services.retention.runs import RETENTION
from lading.services.running.dispatch import Dispatch
from lading.services.running.jobs import Jobs
from lading.services.running.runner import JobRunner, Surroundings
from lading.services.running.worked import Count
from lading.services.scans.advisories import ADVISORIES
from lading.services.scans.jobs import SCAN
from lading.services.scans.rematch import REMATCH
from lading.services.scans.rounds import SCAN_ROUND
from lading.services.scans.scanner_updates import UPDATE
from lading.services.work.copies import COPY
from lading.services.work.imports import IMPORT, forget_archive
from lading.services.work.pulls import PULL
from lading.services.work.pushes import PUSH
from lading.services.work.sweep import SWEEP
from lading.services.work.table import Worker, job_table
from lading.wire.docker_words import Verb

JOBS_IN_ALL = 384
JOBS_HERE = 224
JOBS_PER_ENVIRONMENT = 64
"""At once: in all, at our own engine, and at each other environment; so two that hang leave room for a third. Most of a
job's time is waiting for somebody else; what each may use of a host, its lanes bound."""


@dataclass(frozen=True, slots=True)
class Work:
    """`kinds` is filled once there is what does them: services that ask for jobs do jobs themselves."""

    kinds: dict[str, WorkKind]
    runner: JobRunner
    jobs: Jobs


def work_in(rows: Rows, queue: ThreadQueue, worked: Count, dispatch: Dispatch) -> Work:
    """Over these rows, where jobs wait in this queue, unless `dispatch` hands them over; `worked` counts what is
    done."""
    database, kinds = rows.database, dict[str, WorkKind]()
    owners, clocks = Owners(database.users, database.tokens, time.time), Clocks(time.time, time.monotonic)
    runner = JobRunner(Surroundings(database.jobs, kinds, owners, rows.trail, queue, clocks, worked, dispatch))
    return Work(kinds, runner, Jobs(runner, database.jobs, rows.trail, time.time, lambda: str(uuid.uuid4())))


def job_queue(embedded: int) -> ThreadQueue:
    """Where jobs wait for room; `embedded` is our own engine's environment."""
    return ThreadQueue(JOBS_IN_ALL, JOBS_PER_ENVIRONMENT, {embedded: JOBS_HERE})


def job_kinds(product: Product, lanes: Lanes) -> Mapping[str, WorkKind]:
    """What each kind of job does."""
    workers: Mapping[str, Worker] = {
        PUSH: product.pushes,
        PULL: product.pulls,
        COPY: product.copies,
        DISTRIBUTE: product.distributions,
        SWEEP: product.sweep,
        RETENTION: product.retention_runs,
        ADVISORIES: product.advisories,
        SCAN: product.scan_jobs,
        SCAN_ROUND: product.scan_rounds,
        REMATCH: product.rematches,
        UPDATE: product.scanner_updates,
        IMPORT: product.imports,
    }
    over: Mapping[str, Over] = {
        IMPORT: partial(forget_archive, product.imports.archives),
        ADVISORIES: product.rematches.advisories_over,
    }
    return job_table(workers, over, {Verb.PUSH: lanes.push, Verb.PULL: lanes.pull})
