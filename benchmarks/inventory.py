"""Measure what it costs to know what is inside new layers, and write the table to docs/proof/.

    python -m benchmarks.inventory [--rounds 3] [--scale 1] [--tar FILE] [--output FILE]

`--tar` is a real root file system to read instead of the one that is made up. Needs no other program and no network.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median

from benchmarks.contenders import ROOT
from benchmarks.run import commit
from benchmarks.table import MIB, machine
from lading.backends.inventories.reader import InventoryReader
from lading.engine.cancel import Cancellation
from lading.main.inventory_child import COMMAND
from lading.oci.digest import Digest
from tests.fakes.root_images import Pack, as_it_is, packed_by_gzip, packed_by_zstd
from tests.fakes.viewed_images import KeptLayer, ViewedImage, filed_as

AIM = 1.5
"""Seconds of processor time for each 160 MiB of new layers, children's included (issue 6)."""
UNIT = 160 * MIB
LAYERS = 5
PACKS: dict[str, Pack] = {"gzip": packed_by_gzip, "zstd": packed_by_zstd, "plain": as_it_is}

FILES, PACKAGES, PYTHON, NPM = 11_000, 400, 120, 1_500
"""Of a layer of 160 MiB: what a Debian with a Python and a Node application has."""
MADE_UP = (
    f"A layer of 160 MiB has {FILES:,} files, among them {PACKAGES} packages of dpkg, {PYTHON} of Python and {NPM:,} of"
    " npm."
)
LINES = " a line of its description\n" * 12


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of wall and of processor time, ours and the children's; MiB that a child took at most."""

    wall: float
    own: float
    children: float
    memory: float
    opened: int
    packages: int

    @property
    def cpu(self) -> float:
        return self.own + self.children


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: the median of several runs, of `size` bytes of new layers before compression."""

    name: str
    size: int
    costs: Sequence[Cost]

    @property
    def per_unit(self) -> float:
        return median(cost.cpu for cost in self.costs) * UNIT / self.size if self.size else 0.0

    def line(self) -> str:
        wall, own, children = (
            median(getattr(cost, each) for cost in self.costs) for each in ("wall", "own", "children")
        )
        last = self.costs[-1]
        figures = [f"{self.size / MIB:.0f}", f"{last.opened}", f"{last.packages}", f"{wall:.3f}", f"{own:.3f}"]
        return f"| {self.name} | {' | '.join(figures)} | {children:.3f} | {self.per_unit:.2f} | {last.memory:.0f} |"


def main() -> int:
    """Returns 0 when the table was written, whatever it says; within a run of its own, prints one cost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--tar", type=Path)
    parser.add_argument("--output", type=Path, default=ROOT / "docs/proof/inventory.md")
    parser.add_argument("--once", nargs="+", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        print(json.dumps(once(options.once[0], options.once[1:])))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        made = rows(Path(folder), options.rounds, options.scale, options.tar)
        page = "\n".join(written(made, options.rounds, options.tar))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(page)
    print(page)
    return 0


def rows(folder: Path, rounds: int, scale: float, real: Path | None) -> Iterator[Row]:
    """Every row, measured."""
    tars = [real.read_bytes()] if real else [layer(number, scale) for number in range(LAYERS + 1)]
    sizes = [len(tar) for tar in tars]
    names = {pack: [keep(folder, tar, PACKS[pack]) for tar in tars] for pack in PACKS}
    del tars
    cache = folder / "inventory.db"
    for pack, paths in names.items():
        yield Row(f"one new layer, {pack}", sizes[0], [fresh(cache, paths[:1]) for _ in range(rounds)])
    if real:  # one layer is all there is
        return
    shared, changed = names["gzip"][:LAYERS], [*names["gzip"][: LAYERS - 1], names["gzip"][-1]]
    yield Row(f"{LAYERS} new layers, gzip", sum(sizes[:LAYERS]), [fresh(cache, shared) for _ in range(rounds)])
    second = []
    for _ in range(rounds):
        fresh(cache, shared)
        second.append(measured(cache, changed))
    yield Row("a second image, one layer new", sizes[-1], second)
    yield Row("the same image again", 0, [measured(cache, changed) for _ in range(rounds)])


def written(measured_rows: Iterator[Row], rounds: int, real: Path | None) -> Iterator[str]:
    """The page's lines."""
    made = list(measured_rows)
    over = [row for row in made if row.per_unit > AIM]
    yield from (
        "# Inventories",
        "",
        f"Commit {commit()}, {datetime.now(UTC):%Y-%m-%d}; {machine()}; medians of {rounds} rounds.",
        "",
        f"{MADE_UP if real is None else f'The layer is {real.name}.'} Every run is a process of its own and starts its"
        " children; *CPU* is processor time, *per 160 MiB* ours and the children's. Made by"
        " `python -m benchmarks.inventory`.",
        "",
        "| | MiB | layers opened | packages | wall s | CPU s: ours | children | per 160 MiB | child's peak MiB |",
        "|---|" + "---:|" * 8,
        *(row.line() for row in made),
        "",
        f"Aim: at most {AIM:g} s of processor time per 160 MiB of new layers; {len(over)} rows miss it.",
        "",
    )


def fresh(cache: Path, layers: Sequence[Path]) -> Cost:
    """With nothing known."""
    cache.unlink(missing_ok=True)
    return measured(cache, layers)


def measured(cache: Path, layers: Sequence[Path]) -> Cost:
    """In a process of its own, so that figures are of nothing else."""
    command = [sys.executable, "-m", "benchmarks.inventory", "--once", str(cache), *map(str, layers)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT)
    return Cost(**json.loads(done.stdout))


def once(cache: Path, layers: Sequence[Path]) -> dict[str, float]:
    """The inventory of the image of these layers, through everything that a scan goes through."""
    image = ViewedImage(*map(opened, layers))
    before, began = used(resource.RUSAGE_SELF), time.perf_counter()
    reader = InventoryReader(cache, COMMAND)
    inventory = reader.image(image, lambda *_: None, Cancellation())
    wall = time.perf_counter() - began
    reader.close()
    return {
        "wall": wall,
        "own": used(resource.RUSAGE_SELF) - before,
        "children": used(resource.RUSAGE_CHILDREN),
        "memory": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
        "opened": len(image.opened),
        "packages": len(inventory.packages),
    }


def used(whose: int) -> float:
    """Seconds of processor time."""
    usage = resource.getrusage(whose)
    return usage.ru_utime + usage.ru_stime


# ── layers


def keep(folder: Path, tar: bytes, pack: Pack) -> Path:
    """A blob whose file's name says what it is."""
    packed = pack(tar)
    path = folder / f"{Digest.of(tar).encoded}-{Digest.of(packed).encoded}"
    path.write_bytes(packed)
    return path


def opened(path: Path) -> KeptLayer:
    """A blob that was kept."""
    diff_id, blob = (Digest.parse(f"sha256:{encoded}") for encoded in path.name.split("-"))
    return filed_as(path, diff_id, blob)


def layer(seed: int, scale: float) -> bytes:
    """A root file system's tar: evidence of each sort among files that are none; half of the bytes compress."""
    random = Random(seed)
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, content in files(random, seed, scale):
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return raw.getvalue()


def files(random: Random, seed: int, scale: float) -> Iterator[tuple[str, bytes]]:
    """Paths and contents."""
    names = [f"package-{seed}-{number}" for number in range(int(PACKAGES * scale))]
    status = "".join(
        f"Package: {name}\nStatus: install ok installed\nSource: source-{name} (1.0-1)\nArchitecture: amd64\n"
        f"Version: 1.0-{number}\nDescription: nothing\n{LINES}\n"
        for number, name in enumerate(names)
    )
    yield "var/lib/dpkg/status", status.encode()
    yield "etc/os-release", b"ID=debian\nVERSION_ID=12\n"
    for name in names:
        yield f"var/lib/dpkg/info/{name}.list", "".join(f"/usr/share/{name}/{n}\n" for n in range(60)).encode()
    for number in range(int(PYTHON * scale)):
        path = f"usr/local/lib/python3.11/site-packages/module_{seed}_{number}-1.0.dist-info/METADATA"
        yield path, f"Metadata-Version: 2.1\nName: module-{seed}-{number}\nVersion: 1.0\n\n{'text ' * 400}".encode()
    for number in range(int(NPM * scale)):
        told = {"name": f"part-{seed}-{number}", "version": "1.0.0", "license": "MIT", "scripts": {"test": "x" * 500}}
        yield f"srv/app/node_modules/part-{seed}-{number}/package.json", json.dumps(told).encode()
    count = max(1, int(FILES * scale) - int((PACKAGES + PYTHON + NPM) * scale))
    for number in range(count):
        half = int(UNIT * scale / count / 2)
        begins = b"\x7fELF" if number % 20 == 0 else b"text"
        folder = "usr/bin" if number % 20 == 0 else f"usr/share/package-{seed}-{number % 400}"
        yield f"{folder}/{number}", begins + random.randbytes(half) + b"some words, again and again; " * (half // 29)


if __name__ == "__main__":
    sys.exit(main())
