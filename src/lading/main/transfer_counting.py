"""What is counted of jobs and registries while the service runs. Labels hold hosts of registries, and only so many of
them: users may name any."""

from __future__ import annotations

import threading

from prometheus_client import CollectorRegistry, Counter, Histogram

from lading.oci.reference import Reference, ReferenceInvalid
from lading.services.jobs.job import JobRequest
from lading.services.running.worked import Worked
from lading.services.server.statistics import TRANSFERS
from lading.services.watching.subject import subject_of
from lading.services.work.copies import COPY
from lading.services.work.pulls import PULL
from lading.services.work.pushes import PUSH

MOST_HOSTS = 200
"""Those that come after are counted together."""

OTHER, OWN = "other", "own"
"""Instead of a host: any other, and none."""

SECONDS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0)
"""Buckets: a push of nothing new takes a second, a great one an hour."""


class TransferCounting:
    """For any number of threads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lock = threading.Lock()
        self._hosts = {OTHER, OWN}
        self._moved = Counter(
            "lading_transfer_bytes",
            "Bytes that jobs of this process moved, out to a registry or in from one.",
            ["direction", "registry"],
            registry=registry,
        )
        self._saved = Counter(
            "lading_transfer_saved_bytes",
            "Bytes that jobs of this process did not have to move: they were there.",
            registry=registry,
        )
        self._seconds = Histogram(
            "lading_job_duration_seconds",
            "How long jobs of this process took, from when they began here to their end.",
            ["kind", "state"],
            registry=registry,
            buckets=SECONDS,
        )
        self._requests = Counter(
            "lading_registry_requests",
            "Requests of this process to registries by the status of the answer; 0: there was none.",
            ["registry", "code"],
            registry=registry,
        )

    def worked(self, worked: Worked) -> None:
        """One turn of work."""
        request, totals = worked.request, worked.totals
        if request.kind in TRANSFERS:
            direction = "out" if request.kind in {PUSH, COPY} else "in"
            self._moved.labels(direction, self._host(_registry(request))).inc(_bytes(totals.get("sent")))
            self._saved.inc(sum(_bytes(totals.get(name)) for name in ("kept", "exists", "mounted")))
        if worked.state is not None:
            self._seconds.labels(request.kind, worked.state.value).observe(worked.seconds)

    def requested(self, registry: str, status: int) -> None:
        """One request to a registry."""
        self._requests.labels(self._host(registry), str(status)).inc()

    def _host(self, host: str) -> str:
        if host in self._hosts:
            return host
        with self._lock:
            if len(self._hosts) < MOST_HOSTS:
                self._hosts.add(host)
            return host if host in self._hosts else OTHER


def _registry(request: JobRequest) -> str:
    """The host that it moves bytes to or from; of several targets the first one's."""
    subject = subject_of(request)
    named = subject.image if request.kind == PULL else next(iter(subject.targets), None)
    try:
        return OWN if named is None else Reference.parse(named).repository.registry
    except ReferenceInvalid:
        return OTHER


def _bytes(count: object) -> int:
    return count if isinstance(count, int) else 0
