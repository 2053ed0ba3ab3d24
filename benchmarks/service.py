"""Measure `lading serve` in its own process, against real programs, and write the table to docs/proof/service.md.

    python -m benchmarks.service [--part load|readers|answers|docker]… [--pulls 200] [--followers 1000] [--output FILE]

Needs docker-registry and skopeo, and for `docker` dockerd and root.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.run import MEMORY_FOLDER, commit
from benchmarks.service_answers import Answers, run_answers
from benchmarks.service_docker import ROUNDS, DockerPushes, run_docker_pushes
from benchmarks.service_load import Load, Loaded, run_load
from benchmarks.table import machine
from lading.main.own_engine import LANES_IN_ALL

ROOT = Path(__file__).resolve().parent.parent
SIZE = 20
"""MiB of each pull: as many seconds."""

MISSED = (
    "What holds lines up is the interpreter's lock: the thread that makes them durable takes it some ten times for"
    " a commit, each time behind all threads that move bytes or begin to."
)

LEAD_SECONDS = 3.0
"""After this the first second, in which all pulls begin at once, is over."""

READERS = Load(pulls=20, size=8, followers=20)
DEAF = Load(pulls=20, size=8, followers=20, deaf=200)
"""The same with and without two hundred who never read."""


def main() -> int:
    """Returns 0 when the page was written, whatever it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=list(PARTS))
    parser.add_argument("--pulls", type=int, default=200)
    parser.add_argument("--followers", type=int, default=1000)
    parser.add_argument("--output", type=Path, default=ROOT / "docs/proof/service.md")
    options = parser.parse_args()
    lines = [
        "# The service under load",
        "",
        f"Commit {commit()}, {datetime.now(UTC):%Y-%m-%d}; {machine()}; load average of other work when it began:"
        f" {os.getloadavg()[0]:.1f}. `lading serve` is a process of its own over"
        " SQLite; the registry is Debian's docker-registry, the crowd and both share the machine with it. Made by"
        " `python -m benchmarks.service`.",
    ]
    for name, part in PARTS.items():
        if not options.part or name in options.part:
            print(f"── {name}", file=sys.stderr, flush=True)
            lines += ["", *part(options)]
    page = "\n".join(lines) + "\n"
    options.output.write_text(page)
    print(page)
    return 0


def _load(options: argparse.Namespace) -> Sequence[str]:
    load = Load(options.pulls, SIZE, options.followers, lead=LEAD_SECONDS)
    measured = []
    for each in (load, replace(load, lead=0)):
        with _folders() as (data, stored):
            measured.append(run_load(data, stored, each))
    met = measured[0].delays[1] < 0.25 and not any(loaded.missed or loaded.failed for loaded in measured)
    return [
        "## Many pulls, many who follow",
        "",
        f"{load.pulls} pulls of {load.size} MiB at once, {load.rate / 1e6:g} MB/s each; {load.followers} followers of"
        " one of them, over server-sent events, in one process. A line's delay is from its own time stamp to its"
        f" arrival. In the first row the followed pull moves when the others have for {LEAD_SECONDS:g} s; in the second"
        " all of them begin in the same instant. Aim: no line missed or repeated; in the first row 95 of 100 delays"
        " below 250 ms.",
        "",
        "| | lines, told to all | followers who missed or got one twice | delay ms: median | 95 % | longest |"
        " ticks/s at a follower | seconds | failed pulls | CPU s | PSS MiB: idle | peak |",
        "|---|" + "---:|" * 11,
        *map(_loaded, measured),
        "",
        f"Aim {'met' if met else 'missed'}. All pulls together move {LANES_IN_ALL} layers at a time, or one each where"
        " more of them run, each layer through a buffer of at most 1 MiB: that bounds the peak.",
        *([] if met else ["", MISSED]),
    ]


def _loaded(loaded: Loaded) -> str:
    median, most, longest = (delay * 1000 for delay in loaded.delays)
    figures = [
        "under way" if loaded.load.lead else "all at once",
        f"{loaded.lines}",
        f"{loaded.missed}",
        *(f"{each:.0f}" for each in (median, most, longest)),
        f"{loaded.ticks:.1f}",
        f"{loaded.seconds:.1f}",
        f"{loaded.failed}",
        f"{loaded.cpu:.1f}",
        f"{loaded.idle:.0f}",
        f"{loaded.peak:.0f}",
    ]
    return f"| {' | '.join(figures)} |"


def _readers(_: argparse.Namespace) -> Sequence[str]:
    rows = []
    for load in (READERS, DEAF, READERS, DEAF):
        with _folders() as (data, stored):
            loaded = run_load(data, stored, load)
        rows.append(
            f"| {load.deaf} | {loaded.seconds:.2f} | {loaded.delays[1] * 1000:.0f} | {loaded.cpu:.1f} |"
            f" {loaded.peak:.0f} |"
        )
    return [
        "## Followers who never read",
        "",
        f"{READERS.pulls} pulls of {READERS.size} MiB at 1 MB/s each, with and without {DEAF.deaf} connections that ask"
        f" for the events and never read one, taking turns. {READERS.size} MiB take {READERS.size * 1.048576:.1f} s.",
        "",
        "| that never read | seconds of all pulls | 95 % delay ms at those who read | CPU s | peak PSS MiB |",
        "|" + "---:|" * 5,
        *rows,
    ]


def _answers(_: argparse.Namespace) -> Sequence[str]:
    with _folders() as (data, stored):
        answers = run_answers(data, stored)
    return [
        "## `GET /api/jobs` beside pushes that wait",
        "",
        "| beside | median ms | 95 % | longest |",
        "|---|---:|---:|---:|",
        *(_answer(each) for each in answers),
    ]


def _answer(answers: Answers) -> str:
    return f"| {answers.circumstances} | {answers.median:.1f} | {answers.most:.1f} | {answers.longest:.0f} |"


def _docker(_: argparse.Namespace) -> Sequence[str]:
    with _folders() as (data, _stored):
        pushes = run_docker_pushes(data)
    met = pushes.added < 150 and pushes.cpu < 100
    return [
        "## A push through a Docker host, where nothing is new",
        "",
        f"{ROUNDS} rounds, taking turns: `docker push` of an image of five layers to a registry that has them, and the"
        " same push asked of the service, which answers when the registry has shown the tag. Aim: below 150 ms more in"
        " the median, below 100 ms of our processor a push.",
        "",
        "| docker push, median ms | through the service | added | our CPU ms a push |",
        "|---:|---:|---:|---:|",
        _pushes(pushes),
        "",
        f"Aim {'met' if met else 'missed'}.",
    ]


def _pushes(pushes: DockerPushes) -> str:
    return f"| {pushes.docker:.0f} | {pushes.service:.0f} | {pushes.added:.0f} | {pushes.cpu:.0f} |"


@contextmanager
def _folders() -> Iterator[tuple[Path, Path]]:
    """Two empty ones, in memory where there is some: one for the server, one for registries."""
    memory = MEMORY_FOLDER if MEMORY_FOLDER.is_dir() else None
    with (
        tempfile.TemporaryDirectory(dir=memory, ignore_cleanup_errors=True) as data,
        tempfile.TemporaryDirectory(dir=memory) as stored,
    ):
        yield Path(data), Path(stored)


PARTS: dict[str, Callable[[argparse.Namespace], Sequence[str]]] = {
    "load": _load,
    "readers": _readers,
    "answers": _answers,
    "docker": _docker,
}


if __name__ == "__main__":
    sys.exit(main())
