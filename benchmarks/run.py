"""Measure Lading beside skopeo and the floor, on the same work in the same run, and write the table to docs/proof/.

    python -m benchmarks.run [--rounds 3] [--scale 1] [--row NAME]… [--output FILE]

`--scale 0.05` is a quick look. Needs docker-registry and skopeo, and as root unshare.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.contenders import CACHE, ROOT, Contender, Floor, Lading, Skopeo
from benchmarks.measure import Cost, middle, run
from benchmarks.rows import ROWS, Row, Stage
from benchmarks.samples import Sample, samples
from benchmarks.table import Circumstances, Measured, markdown
from tests.peers import programs

INNER = "LADING_BENCHMARKS_OWN_MOUNTS"
MEMORY_FOLDER = Path("/dev/shm")


def main() -> int:
    """Returns 0 when the table was written, whatever it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--row", action="append", choices=[row.name for row in ROWS])
    parser.add_argument("--output", type=Path, default=ROOT / "docs/proof/benchmarks.md")
    parser.add_argument("--folder", type=Path, help="for client data (default: the temporary folder)")
    options = parser.parse_args()
    if os.geteuid() == 0 and INNER not in os.environ:
        _with_own_mounts()
    rows = [row for row in ROWS if not options.row or row.name in options.row]
    storage = MEMORY_FOLDER if MEMORY_FOLDER.is_dir() else Path(tempfile.gettempdir())
    with tempfile.TemporaryDirectory(dir=options.folder) as data, tempfile.TemporaryDirectory(dir=storage) as stored:
        measured = _measure(rows, Path(data), Path(stored), options.rounds, options.scale)
        told = Circumstances(
            commit(),
            f"{datetime.now(UTC):%Y-%m-%d}",
            options.rounds,
            options.scale,
            _kind_of(Path(stored)),
            _kind_of(Path(data)),
            [programs.run("skopeo", "--version").strip(), _registry_version()],
        )
    page = markdown(measured, told)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(page)
    print(page)
    return 0


def _with_own_mounts() -> None:
    """Run again where skopeo's cache is an empty folder of our own: root's cannot be moved, and must not be lost."""
    CACHE.mkdir(parents=True, exist_ok=True)
    inner = f'mount -t tmpfs none {CACHE} && exec "$0" -m benchmarks.run "$@"'
    arguments = ["unshare", "--mount", "sh", "-c", inner, sys.executable, *sys.argv[1:]]
    os.execvpe("unshare", arguments, os.environ | {INNER: "1"})


def _measure(rows: Sequence[Row], data: Path, stored: Path, rounds: int, scale: float) -> list[Measured]:
    made = samples(data / "samples", scale)
    with programs.docker_registry(data / "seed", storage=stored / "seed") as seed:
        for sample in made.values():
            programs.skopeo(
                "--insecure-policy",
                "copy",
                "-q",
                "--dest-tls-verify=false",
                f"oci:{sample.layout}:1",
                f"docker://{seed.host}/{sample.name}:1",
            )
        lading, timed = Lading(data, seed.host, timed=False), Lading(data, seed.host, timed=True)
        lading.seed(list(made))
        contenders: list[Contender] = [lading, timed, Skopeo(data), Floor(data)]
        return [_row(row, contenders, made, seed, stored, rounds) for row in rows]


def _row(
    row: Row,
    contenders: Sequence[Contender],
    made: Mapping[str, Sample],
    seed: programs.RunningRegistry,
    stored: Path,
    rounds: int,
) -> Measured:
    costs: dict[str, list[Cost]] = defaultdict(list)
    for number in range(rounds):
        for contender in contenders:
            cost = _once(row, contender, made, seed, stored)
            print(f"{row.name}, round {number + 1}, {contender.name}: {cost}", file=sys.stderr, flush=True)
            costs[contender.name].append(cost)
    return Measured(row.name, made[row.sample].size, {name: middle(each) for name, each in costs.items()})


def _once(
    row: Row, contender: Contender, made: Mapping[str, Sample], seed: programs.RunningRegistry, stored: Path
) -> Cost:
    with (
        tempfile.TemporaryDirectory(dir=stored) as storage,
        tempfile.TemporaryDirectory() as folder,
        programs.docker_registry(Path(folder), storage=Path(storage)) as target,
    ):
        contender.fresh(holding=row.holding)
        stage = Stage(made, seed.host, target.host, contender)
        run(row.before(stage))
        commands = row.work(stage)
        before = len(seed.asked()) + len(target.asked())
        cost = run(commands)
        return cost.asking(len(seed.asked()) + len(target.asked()) - before)


def commit() -> str:
    """What is measured, as git describes it."""
    described = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return described.stdout.strip() or "unknown"


def _kind_of(folder: Path) -> str:
    return programs.run("stat", "-f", "-c", "%T", str(folder)).strip()


def _registry_version() -> str:
    program = programs.find("docker-registry")
    assert program
    words = programs.run(program, "--version").split()
    return f"docker-registry {words[-1]}"


if __name__ == "__main__":
    sys.exit(main())
