"""What an operation costs as rows grow a thousandfold, on SQLite and on PostgreSQL.

    python -m benchmarks.scale.growth [--rounds N] [--levels 1000,10000,…] [--output FILE] [--picture FILE]

One `lading serve` over a folder. Between two levels it is stopped, and rows are put in (benchmarks.scale.growth_rows).
A cost is processor time, of the server and of PostgreSQL together; what they take while nobody asks is taken off.
"""

from __future__ import annotations

import argparse
import base64
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from urllib.parse import quote

import psycopg

from benchmarks.capacity import Registry
from benchmarks.capacity_model import Shape
from benchmarks.drawing import Panel, drawn
from benchmarks.processor import Processor
from benchmarks.run import commit
from benchmarks.scale.growth_rows import MANY, Rows, fill
from benchmarks.service_images import SeededRegistry
from benchmarks.table import machine
from tests.peers import programs
from tests.peers.job_follower import JobFollower
from tests.peers.postgres_server import postgres_server
from tests.peers.service_process import BOUND_SECONDS, SECRET_KEY, Service

ROOT = Path(__file__).resolve().parent.parent.parent
LEVELS = (1_000, 10_000, 100_000, 1_000_000)
MOST_OTHERS = 100_000
"""Repositories and jobs; tags and entries of the audit trail go on to the last level."""

SHAPE = Shape(1, 4096)
IDLE_SECONDS = 4.0
WARM = 3
"""How often each is done before it counts."""

FLAT = 1.25
"""How much more than at the first level is still called flat: the same measured twice differs by some per cent."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that somebody does; `times` are so many in a round. The number is another each time."""

    name: str
    times: int
    do: Callable[[int], None]


@dataclass
class Place:
    """A server on one kind of database, which runs within `running()`. `ended` is a job that was done before all."""

    kind: str
    service: Service
    database: str | Path
    outside: str
    ended: str = ""
    rows: Rows = field(default_factory=Rows)

    @contextmanager
    def running(self) -> Iterator[Processor]:
        """Its processor time, and that of its database."""
        with self.service.running() as child, ExitStack() as stack:
            processes = [child.pid]
            if isinstance(self.database, str):
                server = stack.enter_context(psycopg.connect(self.database, autocommit=True))
                (backend,) = server.execute("SELECT pg_backend_pid()").fetchone() or (0,)
                processes.append(int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1]))
            yield Processor(processes)

    def registry(self) -> Registry:
        """A new connection to it, as docker has them."""
        login = base64.b64encode(f"admin:{self.service.token}".encode()).decode()
        return Registry(self.service.registry_port, f"Basic {login}")

    def grow(self, level: int) -> None:
        """It does not run meanwhile."""
        others = min(level, MOST_OTHERS)
        wanted = Rows(others, level, others, level)
        fill(self.database, self.rows, wanted)
        self.rows = wanted


def operations(place: Place) -> Sequence[Operation]:
    """All that are asked about."""
    ours, service, many = place.registry(), place.service, quote(MANY, safe="")
    middle = f"build-{10_000_000 + place.rows.tags // 2}"
    between = f"grown/r{10_000_000 + place.rows.repositories // 2}"
    source = f"{place.outside}/app:1"

    def api(path: str) -> Callable[[int], None]:
        return lambda _: _asked(service, path)

    def v2(path: str) -> Callable[[int], None]:
        return lambda _: _listed(ours, path)

    def pushed_anew(number: int) -> None:
        ours.push(f"new/r{number}", SHAPE)

    def pushed_there(number: int) -> None:
        ours.push(MANY, SHAPE, f"pushed-{number}")

    def pulled(_: int) -> None:
        ours.pull(MANY)

    def worked(_: int) -> None:
        _follow(service, service.started("/api/images/pull", {"image": source, "scanAfterPull": False}))

    return (
        Operation("push, a new repository", 30, pushed_anew),
        Operation("push, into all those tags", 30, pushed_there),
        Operation("pull by tag, among all those", 300, pulled),
        Operation("/v2/ tags, a page in the middle", 300, v2(f"/v2/{MANY}/tags/list?n=50&last={middle}")),
        Operation("/v2/ catalog, a page in the middle", 300, v2(f"/v2/_catalog?n=50&last={quote(between, safe='')}")),
        Operation("list of tags, first page", 60, api(f"/api/repositories/{many}/tags?page=1&limit=50")),
        Operation("list of repositories, first page", 60, api("/api/repositories?page=1&limit=50")),
        Operation("list of jobs, first page", 60, api("/api/jobs?page=1&limit=50")),
        Operation("audit trail, first page", 60, api("/api/audit?page=1&limit=50")),
        Operation("audit trail, of one actor", 60, api("/api/audit?page=1&limit=50&username=admin")),
        Operation("job, from start to end, followed", 20, worked),
        Operation("job that has ended, followed", 60, lambda _: _follow(service, place.ended)),
    )


def measured(place: Place, rounds: int, numbers: Iterator[int]) -> Mapping[str, float]:
    """Milliseconds of processor time for one of each, by name: the median of the rounds, in which they take turns."""
    found: dict[str, list[float]] = {}
    with place.running() as processor:
        asked = operations(place)
        for each in asked:
            for _ in range(WARM):
                each.do(next(numbers))
        for _ in range(rounds):
            idle = _spent(processor, partial(time.sleep, IDLE_SECONDS))  # what they do by themselves
            for each in asked:
                began = time.monotonic()
                spent = _spent(processor, partial(_repeated, each, numbers))
                spent -= idle / IDLE_SECONDS * (time.monotonic() - began)
                found.setdefault(each.name, []).append(spent / each.times * 1000)
    return {name: median(values) for name, values in found.items()}


def _repeated(operation: Operation, numbers: Iterator[int]) -> None:
    for _ in range(operation.times):
        operation.do(next(numbers))


def _spent(processor: Processor, work: Callable[[], object]) -> float:
    before = processor.seconds()
    work()
    return processor.seconds() - before


def _asked(service: Service, path: str) -> None:
    status, body = service.ask("GET", path)
    assert status == 200, body
    assert body["items"], path


def _listed(registry: Registry, path: str) -> None:
    told = json.loads(registry.ask("GET", path))
    assert len(told.get("tags") or told.get("repositories")) == 50, path


def _follow(service: Service, job: str) -> None:
    follower = JobFollower(service, job).start()
    assert follower.ended.wait(BOUND_SECONDS), f"{job} was not followed to its end"
    follower.stop()


@contextmanager
def places(folder: Path) -> Iterator[Sequence[Place]]:
    """Both kinds, each with one image in MANY and one that was pulled."""
    with ExitStack() as stack:
        outside = stack.enter_context(programs.docker_registry(folder / "outside"))
        SeededRegistry(outside.root, 1 << 16).add("app", 1, 4096)
        postgres = stack.enter_context(postgres_server())
        path = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
        settings = {"LADING_SECRET_KEY": SECRET_KEY, "LADING_DOCKER_API": "off", **path}
        url = postgres.empty()
        made = (
            Place("SQLite", Service(folder / "sqlite", settings), folder / "sqlite/lading.db", outside.host),
            Place("PostgreSQL", Service(folder / "other", {**settings, "LADING_DATABASE": url}), url, outside.host),
        )
        for place in made:
            place.service.data.mkdir(parents=True)
            with place.running():
                place.registry().push(MANY, SHAPE)
                place.service.registry(outside.host)
                wanted = {"image": f"{outside.host}/app:1", "scanAfterPull": False}
                place.ended = place.service.started("/api/images/pull", wanted)
                place.service.ended([place.ended])
        yield made


_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"

Found = Mapping[str, Mapping[str, Sequence[float]]]
"""By operation and kind of database, for each level."""


def grown(levels: Sequence[int], rounds: int, tell: Callable[[str], None]) -> Found:
    """All of it."""
    found: dict[str, dict[str, list[float]]] = {}
    numbers = itertools.count(1)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, places(Path(folder)) as made:
        for level in levels:
            for place in made:
                place.grow(level)
                for name, cost in measured(place, rounds, numbers).items():
                    found.setdefault(name, {}).setdefault(place.kind, []).append(cost)
                    tell(f"{level:>9,} {place.kind:>10} {cost:8.2f} ms  {name}")
    return found


def page(found: Found, levels: Sequence[int], circumstances: str, picture: str) -> Iterator[str]:
    """Its lines."""
    heads = [f"{level:,}" for level in levels]
    yield from ["# What an operation costs as rows grow", "", circumstances, ""]
    yield f"![Processor time of an operation at each number of rows]({picture})"
    yield from [
        "",
        "Milliseconds of processor time for one, of the server and its database together, medians of the rounds. At"
        " each level there are so many repositories, tags in one repository, ended jobs (of three lines each) and"
        f" entries of the audit trail; beyond {MOST_OTHERS:,} tags and entries alone grow on. *Ratio* is the last level"
        f" against the first; up to {FLAT:g} is called flat here, as the same measured twice differs by some per cent.",
        "",
    ]
    for kind in dict.fromkeys(kind for costs in found.values() for kind in costs):
        yield from [f"## {kind}", "", f"| | {' | '.join(heads)} | ratio |", "|---|" + "---:|" * (len(levels) + 1)]
        for name, costs in found.items():
            shown = " | ".join(f"{cost:.1f}" for cost in costs[kind])
            yield f"| {name} | {shown} | {ratio(costs[kind]):.2f} |"
        yield ""
    yield from _aims(found)
    yield ""


def _aims(found: Found) -> Iterator[str]:
    rows = [(name, kind, ratio(costs)) for name, by_kind in found.items() for kind, costs in by_kind.items()]
    missed = [(name, kind, times) for name, kind, times in rows if times > FLAT]
    yield f"Flat: {len(rows) - len(missed)} of {len(rows)}."
    yield from (f"- grows: {name}, {kind}: {times:.2f} ×" for name, kind, times in missed)


def ratio(costs: Sequence[float]) -> float:
    """The last against the first."""
    return costs[-1] / costs[0]


def main() -> int:
    """Writes the page and its picture."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale.growth")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--levels", default=",".join(map(str, LEVELS)))
    parser.add_argument("--output", type=Path, default=ROOT / "docs/proof/scale-growth.md")
    parser.add_argument("--picture", type=Path, default=ROOT / "docs/pictures/scale-growth.svg")
    options = parser.parse_args()
    levels = [int(level) for level in options.levels.split(",")]
    circumstances = (
        f"Commit {commit()}, {datetime.now(UTC):%Y-%m-%d}; {machine()}; load average of other work when it began:"
        f" {os.getloadavg()[0]:.1f}. Made by `python -m benchmarks.scale.growth`."
    )
    found = grown(levels, options.rounds, lambda text: print(text, flush=True))
    panels = [Panel(name, by_kind) for name, by_kind in found.items()]
    about = "Milliseconds of processor time for one operation, at each number of rows; flat lines"
    options.picture.write_text(drawn(about, [f"10{_RAISED[len(str(level)) - 1]}" for level in levels], panels))
    picture = os.path.relpath(options.picture, options.output.parent)
    options.output.write_text("\n".join(page(found, levels, circumstances, picture)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
