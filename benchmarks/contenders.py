"""Who runs: Lading, skopeo and the floor. Each says which commands do a piece of work, and starts without a memory."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from benchmarks.samples import Sample
from tests.peers.programs import find, run

ROOT = Path(__file__).parent.parent
CACHE = Path("/var/lib/containers/cache")
"""Where skopeo keeps what it learned when root runs it, whatever HOME says."""

LADING = ROOT / ".venv/bin/lading"

Commands = list[list[str]]


@dataclass(frozen=True, slots=True)
class Place:
    """An image in a registry."""

    host: str
    repository: str
    tag: str = "1"

    def __str__(self) -> str:
        return f"{self.host}/{self.repository}:{self.tag}"


class Contender(Protocol):
    """`fresh` forgets all earlier runs; `holding` says whether the samples are in its store then.

    `origin` is a repository of the same registry that has the layers already.
    """

    @property
    def name(self) -> str: ...

    def fresh(self, *, holding: bool) -> None: ...

    def push(self, sample: Sample, targets: Sequence[Place], origin: str | None) -> Commands: ...

    def pull(self, source: Place) -> Commands: ...

    def interrupt(self, source: Place, sample: Sample) -> None:
        """Leave half of a pull behind, as a killed process does."""

    def copy(self, source: Place, target: Place) -> Commands: ...


class Lading:
    """Our own, on a data folder that holds the samples already. `seed` is the registry they came from."""

    def __init__(self, folder: Path, seed: str, *, timed: bool) -> None:
        self.name = "lading, transfer" if timed else "lading"
        self._program = [sys.executable, "-m", "benchmarks.transfer"] if timed else [str(LADING)]
        self._template, self._data, self._seed = folder / "template", folder / "lading", seed
        self._empty = folder / "empty"

    def seed(self, names: Sequence[str]) -> None:
        """Pull the samples once into the folder that each run starts from."""
        self._empty.mkdir(exist_ok=True)
        run(str(LADING), "images", "--data", str(self._empty))
        pull = [str(LADING), "pull", "--insecure", "--data", str(self._template)]
        run(*pull, *(str(Place(self._seed, name)) for name in names))

    def fresh(self, *, holding: bool) -> None:
        """The content is linked, not copied: it is read-only."""
        shutil.rmtree(self._data, ignore_errors=True)
        shutil.copytree(self._template if holding else self._empty, self._data, copy_function=_link_content)

    def push(self, sample: Sample, targets: Sequence[Place], origin: str | None) -> Commands:
        del origin  # it has learned that
        return [self._command("push", str(Place(self._seed, sample.name)), *map(str, targets))]

    def pull(self, source: Place) -> Commands:
        return [self._command("pull", str(source))]

    def interrupt(self, source: Place, sample: Sample) -> None:
        words = ["pull", str(source), "--insecure", "--data", str(self._data), "--progress", "json"]
        command = [str(LADING), *words, "--limit-rate", str(max(1, sample.size // 2))]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as child:
            assert child.stderr is not None
            _read_until(child.stderr, sample.size // 2)
            child.kill()

    def copy(self, source: Place, target: Place) -> Commands:
        return [self._command("copy", str(source), str(target))]

    def _command(self, *words: str) -> list[str]:
        return [*self._program, *words, "--insecure", "--progress", "none", "--data", str(self._data)]


class Skopeo:
    """What people use today. Its blob-info cache is emptied before each run."""

    name = "skopeo"

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "skopeo"

    def fresh(self, *, holding: bool) -> None:
        del holding  # it reads and writes layouts
        shutil.rmtree(self._folder, ignore_errors=True)
        for cache in (CACHE, Path(os.environ.get("XDG_DATA_HOME", self._folder)) / "containers/cache"):
            (cache / "blob-info-cache-v1.boltdb").unlink(missing_ok=True)

    def push(self, sample: Sample, targets: Sequence[Place], origin: str | None) -> Commands:
        del origin  # its cache knows that
        return [self._command(f"oci:{sample.layout}:1", f"docker://{target}") for target in targets]

    def pull(self, source: Place) -> Commands:
        return [self._command(f"docker://{source}", f"oci:{self._folder}:1")]

    def interrupt(self, source: Place, sample: Sample) -> None:
        """It keeps nothing of a pull that was killed."""

    def copy(self, source: Place, target: Place) -> Commands:
        return [self._command(f"docker://{source}", f"docker://{target}")]

    @staticmethod
    def _command(source: str, target: str) -> list[str]:
        program = find("skopeo")
        assert program, "skopeo is not installed"
        flags = ["--src-tls-verify=false"] if source.startswith("docker:") else []
        flags += ["--dest-tls-verify=false"] if target.startswith("docker:") else []
        return [program, "--insecure-policy", "copy", "-q", *flags, source, target]


class Floor:
    """The standard-library script."""

    name = "floor"

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "floor"

    def fresh(self, *, holding: bool) -> None:
        del holding  # it reads layouts
        shutil.rmtree(self._folder, ignore_errors=True)

    def push(self, sample: Sample, targets: Sequence[Place], origin: str | None) -> Commands:
        tags = [target.tag for target in targets]
        words = ["push", str(sample.layout), targets[0].host, targets[0].repository, *tags]
        return [self._command(*words, *(["--from", origin] if origin else []))]

    def pull(self, source: Place) -> Commands:
        return [self._command("pull", source.host, source.repository, source.tag, str(self._folder))]

    def interrupt(self, source: Place, sample: Sample) -> None:
        del source  # half of each layer is laid there: the script keeps no rate
        blobs = self._folder / "blobs/sha256"
        blobs.mkdir(parents=True)
        for blob in (sample.layout / "blobs/sha256").iterdir():
            if (size := blob.stat().st_size) > 4096:
                with blob.open("rb") as whole, (blobs / f"{blob.name}.partial").open("wb") as half:
                    _copy_bytes(whole, half, size // 2)

    def copy(self, source: Place, target: Place) -> Commands:
        ends = [source.host, source.repository, source.tag, target.host, target.repository, target.tag]
        return [self._command("copy", *ends)]

    @staticmethod
    def _command(*words: str) -> list[str]:
        return [sys.executable, str(ROOT / "benchmarks/floor.py"), *words]


def _link_content(source: str, target: str) -> None:
    if "/blobs/" in source:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def _read_until(lines: Iterable[str], size: int) -> None:
    """Follow progress until so many bytes have moved."""
    moved: dict[str, int] = {}
    for line in lines:
        event = json.loads(line)
        if "current" in event:
            moved[event["id"]] = event["current"]
        if sum(moved.values()) >= size:
            return


def _copy_bytes(source: BinaryIO, target: BinaryIO, count: int) -> None:
    while count and (chunk := source.read(min(count, 1024 * 1024))):
        target.write(chunk)
        count -= len(chunk)
