"""What an operation costs with one replica and with three: processor time and statements, by the same clients.

    python -m benchmarks.scale.cost [--rounds N] [--output FILE] [--picture FILE]

Two deployments stand beside each other, each with its own PostgreSQL, SeaweedFS, balancer and two workers: one has one
replica, the other three. The clients do the same to both, in turns. What the processes take while nobody asks is taken
off, and shown by itself.
"""

from __future__ import annotations

import argparse
import base64
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
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
from benchmarks.scale.deployment import Deployment, deployment
from benchmarks.service_images import SeededRegistry
from benchmarks.table import machine
from tests.peers.job_follower import JobFollower
from tests.peers.service_process import BOUND_SECONDS

ROOT = Path(__file__).resolve().parent.parent.parent
FEW, MANY = 1, 3
WORKERS, CLIENTS = 2, 3
SHAPE = Shape(2, 64 << 10)
SETTLING_SECONDS, IDLE_SECONDS = 15.0, 8.0
MOST = 1.15
"""What is asked: three replicas take less than so many times what one takes."""

LEAST = 0.5
"""What is less counts as much: of two next to nothing, a ratio says nothing."""

QUANTITIES = ("our CPU ms", "PostgreSQL CPU ms", "statements", "commits")
PAGES = (
    "/api/jobs?page=1&limit=50",
    "/api/repositories?page=1&limit=50",
    "/api/repositories/{repository}/tags?page=1&limit=50",
    "/api/images?page=1&limit=50",
    "/api/audit?page=1&limit=50",
    "/api/registries",
)
LISTS = ("/v2/_catalog?n=50", "/v2/{repository}/tags/list?n=50")

_COUNTS = """
SELECT sum(calls), sum(calls) FILTER (WHERE query = 'COMMIT')
FROM pg_stat_statements JOIN pg_database ON dbid = pg_database.oid WHERE datname = current_database()
"""

Costs = Mapping[str, float]
"""Of one operation, or of one idle second: by quantity."""


class Site:
    """One deployment, and what its processes have taken so far."""

    def __init__(self, place: Deployment) -> None:
        self.place, self._database = place, psycopg.connect(place.database, autocommit=True)
        self._database.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        (backend,) = self._database.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        postmaster = int(Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()[1])
        ours = [process.pid for process in (*place.replicas, *place.workers) if process.pid is not None]
        self._ours, self._postgres = Processor(ours), Processor([postmaster])
        login = base64.b64encode(f"admin:{place.api.token}".encode()).decode()
        self.registries = [Registry(place.api.registry_port, f"Basic {login}") for _ in range(CLIENTS)]
        self.prefix = f"cost/{len(place.replicas)}"
        for client, registry in enumerate(self.registries):
            registry.push(f"{self.prefix}-{client}", SHAPE)  # what is pulled

    def spent(self, work: Callable[[], object]) -> tuple[Costs, float]:
        """What was taken while this was done, and how many seconds it lasted."""
        began, before = time.monotonic(), self._taken()
        work()
        after = self._taken()
        return {name: after[name] - before[name] for name in QUANTITIES}, time.monotonic() - began

    def _taken(self) -> Costs:
        calls, commits = self._database.execute(_COUNTS).fetchone() or (0, 0)
        values = (self._ours.seconds() * 1000, self._postgres.seconds() * 1000, float(calls or 0), float(commits or 0))
        return dict(zip(QUANTITIES, values, strict=True))


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing a client does, so many times each in a round; it is told its site, which client it is, and a number
    that is another each time."""

    name: str
    times: int
    do: Callable[[Site, int, int], None]


def _pushed(site: Site, client: int, number: int) -> None:
    site.registries[client].push(f"{site.prefix}-{client}", SHAPE, f"v{number}")


def _pulled(site: Site, client: int, number: int) -> None:  # noqa: ARG001  as all are called
    site.registries[client].pull(f"{site.prefix}-{client}")


def _browsed(site: Site, client: int, number: int) -> None:
    repository = f"{site.prefix}-{client}"
    page = (*PAGES, *LISTS)[number % (len(PAGES) + len(LISTS))]
    if page.startswith("/v2/"):
        site.registries[client].ask("GET", page.format(repository=repository))
        return
    status, body = site.place.api.text("GET", page.format(repository=quote(repository, safe="")))
    assert status == 200, body


def _worked(site: Site, client: int, number: int) -> None:
    image = f"{site.place.outside.host}/app{(number + client) % 4}:1"
    job = site.place.api.started("/api/images/pull", {"image": image, "scanAfterPull": False})
    follower = JobFollower(site.place.api, job).start()
    assert follower.ended.wait(BOUND_SECONDS), f"{job} was not followed to its end"
    follower.stop()


OPERATIONS = (
    Operation("push", 12, _pushed),
    Operation("pull by tag", 100, _pulled),
    Operation("page or list", 80, _browsed),
    Operation("job by a worker, followed", 10, _worked),
)


def _together(site: Site, operation: Operation, numbers: Iterator[int]) -> None:
    """All clients at once, each its share."""
    told = [[next(numbers) for _ in range(operation.times)] for _ in range(CLIENTS)]

    def one(client: int) -> None:
        for number in told[client]:
            operation.do(site, client, number)

    for registry in site.registries:
        registry.close()  # while the other site was asked, the balancer may have done so
    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(one, range(CLIENTS)))


@dataclass(frozen=True, slots=True)
class Found:
    """By number of replicas: of an operation, of an idle second, and of the whole mix."""

    operations: Mapping[str, Mapping[int, Costs]]
    idle: Mapping[int, Costs]

    @property
    def mix(self) -> Mapping[int, Costs]:
        """One round of everything, divided by how many operations that is."""
        whole = sum(each.times for each in OPERATIONS)
        return {
            replicas: {
                name: sum(self.operations[each.name][replicas][name] * each.times for each in OPERATIONS) / whole
                for name in QUANTITIES
            }
            for replicas in (FEW, MANY)
        }


def measured(sites: Mapping[int, Site], rounds: int, tell: Callable[[str], None]) -> Found:
    """Medians of the rounds, in which the sites take turns."""
    numbers = itertools.count(1)
    for site in sites.values():
        for each in OPERATIONS:
            _together(site, each, numbers)
    time.sleep(SETTLING_SECONDS)  # what is measured next is what they do by themselves
    resting: dict[int, list[Costs]] = {replicas: [] for replicas in sites}
    found: dict[str, dict[int, list[Costs]]] = {each.name: {replicas: [] for replicas in sites} for each in OPERATIONS}
    for number in range(rounds):
        for replicas, site in sites.items():
            taken, seconds = site.spent(partial(time.sleep, IDLE_SECONDS))
            resting[replicas].append({name: value / seconds for name, value in taken.items()})
        idle = {replicas: _middle(costs) for replicas, costs in resting.items()}
        for each in OPERATIONS:
            for replicas, site in sites.items():
                taken, seconds = site.spent(partial(_together, site, each, numbers))
                count = each.times * CLIENTS
                cost = {name: (taken[name] - idle[replicas][name] * seconds) / count for name in QUANTITIES}
                found[each.name][replicas].append(cost)
                shown = ", ".join(f"{name} {value:.1f}" for name, value in cost.items())
                tell(f"round {number + 1}: {each.name}, {replicas} of them: {shown}")
    return Found(
        {name: {replicas: _middle(costs) for replicas, costs in each.items()} for name, each in found.items()},
        {replicas: _middle(costs) for replicas, costs in resting.items()},
    )


def _middle(costs: Sequence[Costs]) -> Costs:
    return {name: median(cost[name] for cost in costs) for name in QUANTITIES}


def page(found: Found, circumstances: str, picture: str) -> Iterator[str]:
    """Its lines."""
    yield from ["# From one replica to three", "", circumstances, "", f"![One and three side by side]({picture})", ""]
    yield from [
        "Two deployments side by side, each with PostgreSQL, SeaweedFS, HAProxy without sticky sessions and"
        f" {WORKERS} workers. {CLIENTS} clients do the same to both, in turns; a push and a pull are of an image of"
        f" {SHAPE}; a job is a pull from another registry. Processor time is that of all replicas and workers, and of"
        " PostgreSQL; statements are counted by PostgreSQL and include BEGIN and COMMIT. What is taken while nobody"
        f" asks is taken off, and stands in the last table. What a replica remembers of rows it asks anew every five"
        f" seconds, and so does each of three. Asked: less than {MOST:g} times as much.",
        "",
    ]
    yield from _table([*((name, costs) for name, costs in found.operations.items()), ("**the mix**", found.mix)])
    yield from ["", "## A second while nobody asks", ""]
    yield from _table([("all processes together", found.idle)])
    yield ""
    missed = [
        f"- missed: {name}, {quantity}: {ratio(costs, quantity):.2f} ×"
        for name, costs in (*found.operations.items(), ("the mix", found.mix))
        for quantity in QUANTITIES
        if ratio(costs, quantity) >= MOST
    ]
    asked = (len(found.operations) + 1) * len(QUANTITIES)
    yield from [f"Met: {asked - len(missed)} of {asked}.", *missed, ""]


def _table(rows: Sequence[tuple[str, Mapping[int, Costs]]]) -> Iterator[str]:
    yield "| | " + " | ".join(f"{name}: {FEW} | {MANY} | ratio" for name in QUANTITIES) + " |"
    yield "|---|" + "---:|" * (3 * len(QUANTITIES))
    for name, costs in rows:
        figures = (
            f"{costs[FEW][quantity]:.1f} | {costs[MANY][quantity]:.1f} | {ratio(costs, quantity):.2f}"
            for quantity in QUANTITIES
        )
        yield f"| {name} | {' | '.join(figures)} |"


def ratio(costs: Mapping[int, Costs], quantity: str) -> float:
    """Three against one."""
    return max(costs[MANY][quantity], LEAST) / max(costs[FEW][quantity], LEAST)


def _pictured(found: Found) -> str:
    panels = [
        Panel(
            name,
            {
                "CPU ms, all processes": [
                    costs[replicas]["our CPU ms"] + costs[replicas]["PostgreSQL CPU ms"] for replicas in (FEW, MANY)
                ],
                "statements": [costs[replicas]["statements"] for replicas in (FEW, MANY)],
            },
        )
        for name, costs in (*found.operations.items(), ("the mix", found.mix))
    ]
    about = "Processor time and statements of one operation, with one replica and with three"
    return drawn(about, [f"{FEW} replica", f"{MANY} replicas"], panels)


def main() -> int:
    """Writes the page and its picture."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale.cost")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=ROOT / "docs/proof/scale-cost.md")
    parser.add_argument("--picture", type=Path, default=ROOT / "docs/pictures/scale-cost.svg")
    options = parser.parse_args()
    circumstances = (
        f"Commit {commit()}, {datetime.now(UTC):%Y-%m-%d}; {machine()}; load average of other work when it began:"
        f" {os.getloadavg()[0]:.1f}. Made by `python -m benchmarks.scale.cost`, medians of {options.rounds} rounds."
    )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        sites: dict[int, Site] = {}
        for replicas in (FEW, MANY):
            at = Path(folder, str(replicas))
            at.mkdir()
            place = stack.enter_context(deployment(at, replicas, WORKERS, counting=True))
            seeded = SeededRegistry(place.outside.root, 1 << 16)
            for number in range(4):
                seeded.add(f"app{number}", 1, 4096)
            place.api.registry(place.outside.host)
            sites[replicas] = Site(place)
        found = measured(sites, options.rounds, lambda text: print(text, flush=True))
    options.picture.write_text(_pictured(found))
    picture = os.path.relpath(options.picture, options.output.parent)
    options.output.write_text("\n".join(page(found, circumstances, picture)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
