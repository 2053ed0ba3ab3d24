"""Measure the registry of `lading serve` with one process and with several, and write the table.

    python -m benchmarks.registry_processes [--processes 2] [--rounds 5] [--output FILE]

Both are up all the time and take turns, over the same file system. Needs wrk.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median

from benchmarks.registry import (
    BLOB_SIZE,
    BLOBS,
    MIB,
    ROOT,
    SECONDS,
    SMALL,
    Extent,
    large_blobs,
    ram_folder,
    registry_token,
    wrk,
)
from benchmarks.registry_client import Blob, Served, blob_at, pull_blobs, push_blobs, push_image
from benchmarks.run import commit
from benchmarks.service_memory import Memory
from benchmarks.table import machine
from tests.peers.registry_processes import both_children, without
from tests.peers.service_process import Service

CONTINUED = 512 * MIB


@dataclass(frozen=True, slots=True)
class Row:
    """What was found of one and of several; `faster` says whether more is better."""

    name: str
    one: float
    several: float
    faster: bool

    def __str__(self) -> str:
        ratio = self.several / self.one if self.faster else self.one / self.several
        return f"| {self.name} | {_figure(self.one)} | {_figure(self.several)} | {ratio:.2f} |"


def main() -> int:
    """Returns 0 when the page was written, whatever it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="of all sizes, numbers and times")
    parser.add_argument("--output", type=Path, default=ROOT / "docs/proof/registry-processes.md")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    rows, memory, extra = measured(options.processes, Extent(options.rounds, options.scale))
    lines = [
        "# The registry by several processes",
        "",
        f"Commit {commit()}, {datetime.now(UTC):%Y-%m-%d}; {machine()}; load average of other work when it began:"
        f" {load:.1f}. Two `lading serve` over the same file system, taking turns: one as it is, one with"
        f" `--registry-processes {options.processes}`. The clients share the machine with them. Made by"
        " `python -m benchmarks.registry_processes`.",
        "",
        f"| | 1 process | {options.processes} processes | times as fast |",
        "|---|---:|---:|---:|",
        *map(str, rows),
        "",
        memory,
        "",
        extra,
    ]
    page = "\n".join(lines) + "\n"
    options.output.write_text(page)
    print(page)
    return 0


def measured(processes: int, extent: Extent) -> tuple[Sequence[Row], str, str]:
    """The rows, and a sentence each about memory and about uploads that go on elsewhere."""
    found: dict[str, dict[str, list[float]]] = {}
    with ram_folder() as folder, ExitStack() as stack:
        services, parents, whole = {}, {}, {}
        for name, settings in (("one", {}), ("several", {"LADING_REGISTRY_PROCESSES": str(processes)})):
            service = Service(folder / name / "data", settings)
            service.data.parent.mkdir()
            parents[name] = stack.enter_context(service.running())
            host = f"127.0.0.1:{service.registry_port}"
            services[name] = Served(name, host, registry_token(service))
            whole[name] = Served(name, host, service.token)
        config = blob_at(folder / "config", Random(1).randbytes(SMALL))
        for registry in services.values():
            push_blobs(registry, "app", [config])
            push_image(registry, "app", ["1"], config, [config])
        for number in range(extent.rounds):
            blobs = large_blobs(folder, number, extent.of(BLOB_SIZE))
            for name in sorted(services, reverse=bool(number % 2)):
                _round(services[name], blobs, config, extent, found)
            for blob in blobs:
                blob.path.unlink()
        both = both_children(parents["several"]) if processes == 2 else None
        taken = {name: Memory([parent.pid]).now() for name, parent in parents.items()}
        memory = (
            f"PSS afterwards: {taken['one']:.0f} MiB with one process, {taken['several']:.0f} MiB with the parent and"
            f" {processes} others."
        )
        extra = _elsewhere(whole["several"], both, folder, extent) if both else ""
    rows = [
        Row(name, median(each["one"]), median(each["several"]), name.endswith("GETs/s")) for name, each in found.items()
    ]
    return rows, memory, extra


def _round(
    registry: Served, blobs: Sequence[Blob], config: Blob, extent: Extent, found: dict[str, dict[str, list[float]]]
) -> None:
    def note(what: str, figure: float) -> None:
        found.setdefault(what, {}).setdefault(registry.name, []).append(figure)

    size, seconds = f"{BLOBS} × {extent.of(BLOB_SIZE) / MIB:g} MiB at once, seconds", extent.of(SECONDS)
    note(f"PUT of {size}", push_blobs(registry, "app", blobs))
    note(f"GET of {size}", pull_blobs(registry, "app", blobs))
    note("manifest by tag, GETs/s", wrk(registry, "/v2/app/manifests/1", seconds))
    note(f"blob of {SMALL} bytes, GETs/s", wrk(registry, f"/v2/app/blobs/{config.digest}", seconds))


def _elsewhere(registry: Served, both: tuple[int, int], folder: Path, extent: Extent) -> str:
    """What an upload costs whose end comes to another process: that one reads again what is there."""
    size = extent.of(CONTINUED)
    same: list[float] = []
    other: list[float] = []
    for number in range(extent.rounds):
        blob = blob_at(folder / "continued", Random(number).randbytes(MIB) * (size // MIB or 1))
        for elsewhere, seconds in ((False, same), (True, other)):
            with without(both[1]):
                location = _sent(registry, blob, f"continued/{number}-{int(elsewhere)}")
            with without(both[0] if elsewhere else both[1]):
                began = time.perf_counter()
                _ask(registry, "PUT", f"{location}?digest={blob.digest}", b"", 201)
                seconds.append(time.perf_counter() - began)
    return (
        f"An upload of {size / MIB:.0f} MiB by PATCH whose closing PUT comes to the same process:"
        f" {median(same):.3f} s for that PUT; to the other one, which reads the file again first:"
        f" {median(other):.3f} s."
    )


def _sent(registry: Served, blob: Blob, repository: str) -> str:
    location = _ask(registry, "POST", f"/v2/{repository}/blobs/uploads/", b"", 202)
    return _ask(registry, "PATCH", location, blob.path.read_bytes(), 202)


def _ask(registry: Served, method: str, path: str, body: bytes, expected: int) -> str:
    """The Location."""
    with closing(registry.connection()) as asking:
        asking.request(method, path, body, {"Authorization": registry.authorization})
        answer = asking.getresponse()
        told = answer.read()
        assert answer.status == expected, told
        return answer.getheader("Location") or ""


def _figure(value: float) -> str:
    return f"{value:.3f}" if value < 100 else f"{value:,.0f}"


if __name__ == "__main__":
    raise SystemExit(main())
