"""Every kind of job there is, and what is so of it for whoever runs jobs and for whoever only asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from lading.services.access import Actor
from lading.services.distribution.forms import DISTRIBUTE, hosts_left
from lading.services.jobs.job import JsonObject, Telling
from lading.services.jobs.kinds import FALLBACK, Again, Over, WorkKind, nothing_left, the_same
from lading.services.retention.runs import RETENTION
from lading.services.scans.advisories import ADVISORIES
from lading.services.scans.jobs import SCAN
from lading.services.scans.rematch import REMATCH
from lading.services.scans.rounds import SCAN_ROUND
from lading.services.scans.scanner_updates import UPDATE
from lading.services.transfers.failures import PULL_FALLBACK, PUSH_FALLBACK
from lading.services.work.copies import COPY
from lading.services.work.imports import IMPORT
from lading.services.work.pulls import PULL
from lading.services.work.pushes import PUSH
from lading.services.work.sweep import SWEEP
from lading.wire.docker_words import Verb
from lading.wire.message import Cancel

_WORDS = {
    PUSH: (Verb.PUSH, PUSH_FALLBACK),
    PULL: (Verb.PULL, PULL_FALLBACK),
    COPY: (Verb.PUSH, PUSH_FALLBACK),
    DISTRIBUTE: (Verb.PULL, FALLBACK),
    IMPORT: (Verb.PULL, FALLBACK),
    SWEEP: (Verb.PUSH, FALLBACK),
    RETENTION: (Verb.PUSH, FALLBACK),
    SCAN: (Verb.PUSH, FALLBACK),
    SCAN_ROUND: (Verb.PUSH, FALLBACK),
    REMATCH: (Verb.PUSH, FALLBACK),
    ADVISORIES: (Verb.PULL, FALLBACK),
    UPDATE: (Verb.PULL, FALLBACK),
}
"""How the lines of its layers are worded, and what is told of an error that nobody foresaw."""

_AGAIN: Mapping[str, Again] = {DISTRIBUTE: hosts_left}
"""What is left of a job where it is tried again."""

JOB_KINDS = tuple(_WORDS)


class Worker(Protocol):
    """Who does jobs of one kind: services.jobs.kinds.Admit and services.jobs.job.Work."""

    def admit(self, actor: Actor, fields: JsonObject) -> None: ...

    def work(self, actor: Actor, fields: JsonObject, telling: Telling, cancel: Cancel) -> JsonObject: ...


def job_table(
    workers: Mapping[str, Worker],
    over: Mapping[str, Over] = MappingProxyType({}),
    lanes: Mapping[Verb, int] = MappingProxyType({}),
) -> Mapping[str, WorkKind]:
    """`workers` for each of JOB_KINDS, and what is done when jobs of some are `over`. All of them go on after a
    restart, as what has arrived is kept. `lanes` are those that were set, where they were."""

    def kind(name: str, verb: Verb, fallback: str) -> WorkKind:
        worker, behind, wide = workers[name], over.get(name, nothing_left), lanes.get(verb)
        return WorkKind(
            worker.work,
            worker.admit,
            verb,
            resumes=True,
            fallback=fallback,
            over=behind,
            again=_AGAIN.get(name, the_same),
            lanes=wide,
        )

    return {name: kind(name, *words) for name, words in _WORDS.items()}
