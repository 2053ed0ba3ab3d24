"""The table that is published: every figure with those it is held against, and where the aims were missed."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Cost


@dataclass(frozen=True, slots=True)
class Measured:
    """One row: the cost for each contender by name; `size` is that of the layers in bytes."""

    name: str
    size: int
    costs: Mapping[str, Cost]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a reader needs to believe the figures."""

    commit: str
    date: str
    rounds: int
    scale: float
    registry_on: str
    data_on: str
    programs: Sequence[str]


MIB = 1024 * 1024


def markdown(rows: Sequence[Measured], circumstances: Circumstances) -> str:
    """The whole page."""
    return "\n".join(
        [
            "# Benchmarks",
            "",
            *_introduction(circumstances),
            "",
            "| | transfer s: lading | floor | ratio | command s: lading | skopeo | ratio | CPU s: lading | skopeo |"
            " peak MiB: lading | skopeo | requests: lading | skopeo | floor |",
            "|---|" + "---:|" * 13,
            *(_line(row) for row in rows),
            "",
            *_aims(rows),
            "",
        ]
    )


def _introduction(circumstances: Circumstances) -> list[str]:
    return [
        f"Commit {circumstances.commit}, {circumstances.date}; {machine()}; medians of {circumstances.rounds} rounds,"
        " the contenders taking turns.",
        f"The registry is Debian's docker-registry on {circumstances.registry_on}, client data on"
        f" {circumstances.data_on}; {', '.join(circumstances.programs)}; sizes × {circumstances.scale:g}.",
        "",
        "*Transfer* is from the first request to the last proof, in the process; *command* is the whole process. The"
        " floor is `benchmarks/floor.py`, a standard-library script with the same safety. skopeo starts with an empty"
        " blob-info cache, has no push of several tags at once (ten commands here) and keeps nothing of an interrupted"
        " pull. Made by `python -m benchmarks.run`.",
    ]


def machine() -> str:
    """Processors, system and Python."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    cores = f"{len(models)} × {models[0]}" if models else platform.processor()
    return f"{cores}, {platform.system()} {platform.release()}, Python {platform.python_version()}"


def _line(row: Measured) -> str:
    command, transfer = row.costs["lading"], row.costs["lading, transfer"]
    skopeo, floor = row.costs["skopeo"], row.costs["floor"]
    figures = [
        _seconds(transfer.transfer),
        _seconds(floor.transfer),
        _ratio(transfer.transfer, floor.transfer),
        _seconds(command.command),
        _seconds(skopeo.command),
        _ratio(command.command, skopeo.command),
        _seconds(command.cpu),
        _seconds(skopeo.cpu),
        f"{command.memory:.0f}",
        f"{skopeo.memory:.0f}",
        str(command.requests),
        str(skopeo.requests),
        str(floor.requests),
    ]
    return f"| {row.name} | {' | '.join(figures)} |"


@dataclass(frozen=True, slots=True)
class Aim:
    """What a row should keep to, and what it did."""

    text: str
    met: bool


def _aims(rows: Sequence[Measured]) -> list[str]:
    aims = [aim for row in rows for aim in _aims_of(row)]
    missed = [f"- missed: {aim.text}" for aim in aims if not aim.met]
    explained = ["", "What keeps the missed ones up is in `benchmarks-explained.md`."] if missed else []
    return [f"Aims met: {sum(aim.met for aim in aims)} of {len(aims)}.", *missed, *explained]


COMMAND_AIMS = {
    "cold push": 0.6,
    "cold pull": 0.6,
    "one 2 GiB layer": 0.6,
    "copy, registry to registry": 0.75,
    "60 × 1 MiB layers": 1.0,
}
SMALL_ROWS = {"no-op push", "one layer changed", "second repository", "10 tags"}
PUSHES = {"cold push", "one 2 GiB layer", "60 × 1 MiB layers"}


def _aims_of(row: Measured) -> list[Aim]:
    command, transfer = row.costs["lading"], row.costs["lading, transfer"]
    skopeo, floor = row.costs["skopeo"], row.costs["floor"]
    aims = [Aim(f"{row.name}: {command.memory:.0f} MiB peak (80)", command.memory < 80)]
    if row.size >= 60 * MIB and row.name not in {"no-op push", "second repository"}:
        assert transfer.transfer is not None
        assert floor.transfer is not None
        ratio = transfer.transfer / floor.transfer
        aims.append(Aim(f"{row.name}: transfer {ratio:.2f} × floor (1.1)", ratio <= 1.1))
    if row.name in COMMAND_AIMS:
        ratio, most = command.command / skopeo.command, COMMAND_AIMS[row.name]
        least = floor.command / skopeo.command
        text = f"{row.name}: command {ratio:.2f} × skopeo ({most:g}; the floor itself {least:.2f})"
        aims.append(Aim(text, ratio <= most))
    if row.name in SMALL_ROWS:
        more = command.command - skopeo.command
        aims.append(Aim(f"{row.name}: command {more:+.2f} s against skopeo (+0.12)", more <= 0.12))
    if row.name in PUSHES:
        ratio = command.cpu / skopeo.cpu
        aims.append(Aim(f"{row.name}: CPU {ratio:.2f} × skopeo (0.1)", ratio <= 0.1))
    return aims


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _ratio(value: float | None, against: float | None) -> str:
    return "–" if value is None or not against else f"{value / against:.2f}"
