"""Many pulls at once in one `lading serve`, a crowd that follows one of them, and some who never read."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any  # what a follower's JSON holds

from benchmarks.service_followers import STARTED
from benchmarks.service_images import SeededRegistry
from benchmarks.service_memory import watched_memory
from tests.peers import programs
from tests.peers.service_process import Service, until

MIB = 1024 * 1024
LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Load:
    """`pulls` at once, of `size` MiB and `rate` bytes a second each; `followers` on one of them, whose layers are of a
    MiB, the others' of four; and `deaf` others who follow it and never read. `lead` is how many seconds the others'
    bytes have moved when that one's begin to."""

    pulls: int
    size: int
    followers: int
    deaf: int = 0
    rate: int = 1_000_000
    lead: float = 0


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of it. `fresh` of the `lines` were written when all followed; `missed` counts followers who did not get
    each line once and in order. Delays (median, 95 of 100, the longest) are seconds from a fresh line's own time stamp
    to its arrival. `ticks` is what a follower got, a second, from its first to its last; `seconds` is from the first
    pull asked for to the last one's end; `idle` and `peak` are MiB of the server's proportional memory; `cpu` its
    seconds."""

    load: Load
    lines: int
    fresh: int
    missed: int
    delays: tuple[float, float, float]
    ticks: float
    seconds: float
    failed: int
    idle: float
    peak: float
    cpu: float


def run_load(folder: Path, storage: Path, load: Load) -> Loaded:
    """In these empty folders: the server's and the registry's."""
    SeededRegistry(storage / "followed", MIB).add("app0", load.size, MIB)
    seeded = SeededRegistry(storage / "others", 4 * MIB)
    for number in range(1, load.pulls):
        seeded.add(f"app{number}", load.size // 4, 4 * MIB)
    service = Service(folder / "data", {"LADING_LIMIT_RATE": str(load.pulls * load.rate)})
    with (
        programs.docker_registry(folder / "followed", storage=storage / "followed") as followed,
        programs.docker_registry(folder / "others", storage=storage / "others") as others,
        service.running() as child,
        watched_memory([child.pid]) as memory,
        ExitStack() as stack,
    ):
        for registry in (followed, others):
            service.registry(registry.host)
        idle = memory.now()
        with followed.frozen():  # nothing moves before everybody is there
            with others.frozen():
                jobs = [_begun(service, others if number else followed, number) for number in range(load.pulls)]
                if load.deaf:
                    stack.enter_context(crowd(service, jobs[0], load.deaf, "--deaf"))
                followers, joined = stack.enter_context(crowd(service, jobs[0], load.followers))
            cpu, began = memory.cpu(), time.monotonic()
            time.sleep(load.lead)  # the load is under way by then
        until(lambda: _over(service), "all pulls have ended", 600, LOOK_SECONDS)
        seconds, cpu = time.monotonic() - began, memory.cpu() - cpu
        told = json.loads(followers.communicate(timeout=60)[0])
        failed = load.pulls - _count(service, "done")
        lines = _stamped(folder / "data/lading.db", jobs[0])
    return Loaded(
        load,
        *_seen(told, lines, joined),
        seconds,
        failed,
        idle,
        memory.peak,
        cpu,
    )


def _begun(service: Service, registry: programs.RunningRegistry, number: int) -> str:
    return service.started("/api/images/pull", {"image": f"{registry.host}/app{number}:1"})


def _seen(
    told: list[dict[str, list[Any]]], lines: dict[int, float], joined: float
) -> tuple[int, int, int, tuple[float, float, float], float]:
    """Lines, those written after all had `joined`, what was missed, delays of the latter, ticks a second."""
    expected = sorted(lines)
    missed = sum([number for number, _ in each["arrivals"]] != expected for each in told)
    fresh = {number for number, at in lines.items() if at > joined}
    delays = [at - lines[number] for each in told for number, at in each["arrivals"] if number in fresh]
    cuts = quantiles(delays, n=100)
    ticks = [_rate([at for at in each["ticks"] if at > joined]) for each in told]
    return len(lines), len(fresh), missed, (cuts[49], cuts[94], max(delays)), median(ticks)


def _rate(instants: list[float]) -> float:
    """How many came a second, once they came."""
    return (len(instants) - 1) / (instants[-1] - instants[0]) if len(instants) > 1 else 0.0


@contextmanager
def crowd(service: Service, job: str, count: int, *options: str) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """So many followers in a process of their own, once each has an answer, and when that was; they end with this."""
    command = [sys.executable, "-m", "benchmarks.service_followers"]
    arguments = [str(service.port), service.token, job, str(count), *options]
    with subprocess.Popen([*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout
        assert child.stdin
        try:
            word, _, at = child.stdout.readline().decode().partition(" ")
            assert word == STARTED
            yield child, float(at)
        finally:
            if not child.stdin.closed:
                child.stdin.close()
            child.kill()


def _over(service: Service) -> bool:
    return _count(service, "queued", "running") == 0


def _count(service: Service, *states: str) -> int:
    wanted = "&".join(f"status={state}" for state in states)
    return int(str(service.ask("GET", f"/api/jobs?page=1&limit=1&{wanted}")[1]["total"]))


def _stamped(database: Path, job: str) -> dict[int, float]:
    """When each of the job's lines was given, by number."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return dict(connection.execute("SELECT number, at FROM job_line WHERE job = ?", [job]).fetchall())
