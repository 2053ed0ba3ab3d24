"""What is counted while the service runs: requests by route, jobs, and what the process takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from prometheus_client import CollectorRegistry, Gauge, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from lading import __version__
from lading.main.transfer_counting import TransferCounting
from lading.services.registries.use import RegistryUse

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

    def processes(self, name: str, children: Beside) -> None:
        """What other processes of ours take, each by its number: what this process counts is of itself alone."""
        self.watch(
            {
                f"lading_{name}_processes": (f"Processes that serve the {name}.", lambda: len(children.running)),
                f"lading_{name}_processes_begun_again": (
                    f"How often one of those that serve the {name} took the place of one that had ended.",
                    lambda: children.begun_again,
                ),
            }
        )
        self._registry.register(_Processes(f"lading_{name}_", children))

    def render(self) -> bytes:
        """All of it, as Prometheus reads it (text format 0.0.4)."""
        return generate_latest(self._registry)


class Beside(Protocol):
    """Processes that this one began."""

    @property
    def running(self) -> Mapping[int, int]:
        """The process id of each by its number."""

    @property
    def begun_again(self) -> int:
        """How often one took another's place."""


@dataclass(frozen=True, eq=False)
class _Processes(Collector):
    """As ProcessCollector has it of one: memory, processor time and open files, where the system says so in /proc."""

    prefix: str
    children: Beside

    def collect(self) -> Iterator[Metric]:
        families: dict[str, Metric] = {}
        for number, process in self.children.running.items():
            for told in ProcessCollector(pid=partial(int, process), registry=None).collect():
                name = self.prefix + told.name
                family = families.setdefault(name, Metric(name, told.documentation, told.type))
                for sample in told.samples:
                    family.add_sample(self.prefix + sample.name, {"process": str(number)}, sample.value)
        yield from families.values()


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
