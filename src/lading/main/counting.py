"""What is counted while the service runs: requests by route, jobs, and what the process takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Gauge, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from lading import __version__
from lading.main.transfer_counting import TransferCounting
from lading.services.registry_use import RegistryUse

BUCKETS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
"""Seconds: most answers take milliseconds, one that waits for a job as long as that takes."""


class Counting:
    """For any number of threads. Labels hold routes as templates and no names, so that there are only so many."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        Info("lading", "The version that runs.", registry=self._registry).info({"version": __version__})
        self._requests = Histogram(
            "lading_request_seconds",
            "Requests of the API and its pages, until the end of their answers.",
            ["method", "route", "status"],
            registry=self._registry,
            buckets=BUCKETS,
        )
        self.transfers = TransferCounting(self._registry)
        self.use = RegistryUse(time.time)

    def requested(self, registry: str, status: int) -> None:
        """One request to a registry; 0: nothing came of it."""
        self.transfers.requested(registry, status)
        if status:
            self.use.asked(registry)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request that has been answered; 0 is the status of one that was hung up on."""
        self._requests.labels(method, route, str(status)).observe(seconds)

    def watch(self, gauges: Mapping[str, tuple[str, Callable[[], float]]]) -> None:
        """Names with what they mean, each looked at when somebody reads."""
        for name, (meaning, look) in gauges.items():
            Gauge(name, meaning, registry=self._registry).set_function(look)

    def kinds(self, name: str, meaning: str, look: Callable[[], Mapping[str, float]], label: str = "kind") -> None:
        """A gauge with a value for each kind, all looked at together when somebody reads."""
        self.sorts(name, meaning, lambda: {(kind,): value for kind, value in look().items()}, (label,))

    def sorts(
        self, name: str, meaning: str, look: Callable[[], Mapping[tuple[str, ...], float]], labels: tuple[str, ...]
    ) -> None:
        """The same with several labels."""
        self._registry.register(_Sorts(name, meaning, look, labels))

    def render(self) -> bytes:
        """All of it, as Prometheus reads it (text format 0.0.4)."""
        return generate_latest(self._registry)


@dataclass(frozen=True)
class _Sorts(Collector):
    name: str
    meaning: str
    look: Callable[[], Mapping[tuple[str, ...], float]]
    labels: tuple[str, ...]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(self.name, self.meaning, labels=self.labels)
        for values, value in self.look().items():
            family.add_metric(values, value)
        yield family
