"""Measure `docker pull` and `docker push` through Lading beside the same commands through dockerd, and write the table.

    python -m benchmarks.docker_door [--rounds 3] [--scale 1] [--output FILE]

Both pull the same image from one registry, as new, and push it to an empty second one, taking turns; all of them keep
their content on one file system. Beside them the floor pulls it, a script that moves bytes safely and nothing more.
Needs root, dockerd, docker, docker-registry and skopeo.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.run import MEMORY_FOLDER, commit
from benchmarks.service_memory import Memory
from benchmarks.table import machine
from tests.peers import docker_door, layouts, programs
from tests.peers.docker_command import DockerCommand
from tests.peers.service_process import Service

ROOT = Path(__file__).resolve().parent.parent
LAYERS, LAYER_BYTES = 10, 100 * 1024 * 1024
AIMS = {"pull": 0.15, "push": 0.25}
"""Of dockerd's wall time (issue 5)."""

KINDS = {"random": 256, "programs": 16}
"""Of layers, with how many different bytes they have: random ones are the least work for dockerd, which unpacks and
packs them; programs and texts compress to half their size and less."""


@dataclass(frozen=True, slots=True)
class Engine:
    """One of the two: the command that speaks to it, and what tells its processor time."""

    name: str
    docker: DockerCommand
    memory: Memory
    costs: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    def run(self, verb: str, *arguments: str) -> None:
        """The command, its seconds and the engine's seconds of processor time."""
        cpu, began = self.memory.cpu(), time.perf_counter()
        said = self.docker(*arguments)
        wall = time.perf_counter() - began
        if said.status:
            raise RuntimeError(f"docker {' '.join(arguments)} at {self.name} exited {said.status}:\n{said.all}")
        self.costs.setdefault(verb, []).append((wall, self.memory.cpu() - cpu))

    def cost(self, verb: str) -> tuple[float, float]:
        """Medians of wall and processor seconds."""
        walls, cpus = zip(*self.costs[verb], strict=True)
        return median(walls), median(cpus)


def main() -> int:
    """Returns 0 when the page was written, whatever it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="of the layers' size")
    parser.add_argument("--output", type=Path, default=ROOT / "docs/proof/docker-api.md")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    place = MEMORY_FOLDER if MEMORY_FOLDER.is_dir() else Path(tempfile.gettempdir())
    with tempfile.TemporaryDirectory(dir=place) as folder:
        engines, floor = _measured(Path(folder), options.rounds, max(1, int(LAYER_BYTES * options.scale)))
    page = "\n".join(_page(engines, floor, options.rounds, options.scale, load)) + "\n"
    options.output.write_text(page)
    print(page)
    return 0


def _measured(folder: Path, rounds: int, size: int) -> tuple[Sequence[Engine], Mapping[str, float]]:
    """Both engines with what everything cost them, and the seconds of the floor's pull of each kind."""
    floor: dict[str, list[float]] = {}
    with (
        programs.docker_registry(folder / "seed") as seed,
        programs.docker_engine(folder / "dockerd") as dockerd,
        tempfile.TemporaryDirectory(prefix="lading-") as short,
    ):
        for kind, symbols in KINDS.items():
            _seed(folder / "image", f"{seed.host}/{kind}:1", size, symbols)
        ours = f"unix://{short}/docker.sock"
        service = Service(folder / "lading", {"LADING_DOCKER_API": ours})
        with service.running() as child:
            theirs = int((folder / "dockerd" / "pid").read_text())
            engines = (
                Engine("dockerd", _command(f"unix://{dockerd.socket}", folder), Memory([theirs])),
                Engine("lading", _command(ours, folder), Memory([child.pid])),
            )
            for number in range(rounds):
                for engine in engines if number % 2 else reversed(engines):
                    for kind in KINDS:
                        _round(engine, kind, f"{seed.host}/{kind}:1", folder / f"{engine.name}-{kind}-{number}")
                for kind in KINDS:
                    floor.setdefault(kind, []).append(_floor_pull(seed.host, kind, folder / "floor"))
    return engines, {kind: median(seconds) for kind, seconds in floor.items()}


def _floor_pull(host: str, repository: str, folder: Path) -> float:
    """Its own seconds, from the first request to the last proof."""
    command = [sys.executable, str(ROOT / "benchmarks/floor.py"), "pull", host, repository, "1", str(folder)]
    told = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout
    programs.run("rm", "-rf", str(folder))
    return float(json.loads(told)["transfer"])


def _round(engine: Engine, kind: str, image: str, folder: Path) -> None:
    docker_door.emptied(engine.docker)
    engine.run(f"pull, {kind}", "pull", "-q", image)
    with programs.docker_registry(folder) as empty:
        target = f"{empty.host}/app:1"
        engine.docker("tag", image, target)
        engine.run(f"push, {kind}", "push", "-q", target)
    docker_door.emptied(engine.docker)
    programs.run("rm", "-rf", str(folder))


def _command(engine: str, folder: Path) -> DockerCommand:
    return DockerCommand(docker_door.newest(), engine, folder / "home", api=None)


def _seed(folder: Path, image: str, size: int, symbols: int) -> None:
    layers = [layouts.layer(str(number), size, symbols) for number in range(LAYERS)]
    layouts.write_layout(folder, "1", layouts.write_image(folder, layers))
    programs.skopeo("--insecure-policy", "copy", "--dest-tls-verify=false", f"oci:{folder}:1", f"docker://{image}")
    programs.run("rm", "-rf", str(folder))


def _page(
    engines: Sequence[Engine], floor: Mapping[str, float], rounds: int, scale: float, load: float
) -> Sequence[str]:
    theirs, ours = engines
    size = f"{LAYERS} × {LAYER_BYTES * scale / 1024 / 1024:.0f} MiB"
    lines = [
        "# The docker command through Lading and through dockerd",
        "",
        f"Commit {commit()}, {datetime.now(UTC):%Y-%m-%d}; {machine()}; load average of other work when it began:"
        f" {load:.1f}. `docker pull` of {size}, as new, from Debian's docker-registry, and `docker push` of it to a"
        f" second, empty one; medians of {rounds} rounds, taking turns, everything on one file system. The processor"
        " time is the engine's own, without the command and the registries. Random layers do not compress, the"
        " others to half their size, as programs do. Made by"
        " `python -m benchmarks.docker_door`.",
        "",
        "| | dockerd, s | lading, s | ratio | aim | dockerd, CPU s | lading, CPU s | ratio |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in ours.costs:
        aim = AIMS[row.partition(",")[0]]
        (wall, cpu), (own_wall, own_cpu) = theirs.cost(row), ours.cost(row)
        lines.append(
            f"| {row} | {wall:.2f} | {own_wall:.2f} | {own_wall / wall:.2f} | {aim} | {cpu:.2f} | {own_cpu:.2f} |"
            f" {own_cpu / cpu:.2f} |"
        )
    least = [
        f"{floor[kind]:.2f} s for {kind} layers, {floor[kind] / theirs.cost(f'pull, {kind}')[0]:.2f} × dockerd"
        for kind in KINDS
    ]
    return [
        *lines,
        "",
        "Receiving, hashing, writing and syncing the same layers once, in three threads without an engine, a command or"
        f" a database (`benchmarks/floor.py pull`): {', and '.join(least)}.",
    ]


if __name__ == "__main__":
    sys.exit(main())
