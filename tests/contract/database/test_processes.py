"""Several processes at one database, and processes that are killed: nothing fails, nothing acknowledged is lost."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.database.catalogue import open_catalogue
from lading.backends.database.connection import Connections
from lading.backends.database.repositories import open_records
from lading.oci.digest import Digest
from lading.services.repositories.edits import Edit, HoldBlob
from lading.services.repositories.records import RepositoryView
from tests.fakes.children import Child
from tests.fakes.repository_rows import held_in

CATALOGUE = """
import sys, time
from pathlib import Path
from lading.backends.database.catalogue import open_catalogue
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.reference import Repository

path, name, most = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
catalogue = open_catalogue(path, time.time)
sys.stdin.read(1)
for number in range(most):
    digest = Digest.of(f"{name}{number}".encode())
    catalogue.leases.hold([digest])
    catalogue.locations("me").learn(digest, Repository("a.example", name))
    catalogue.uploads("me").begun(Repository("a.example", name), digest, "https://a.example/u")
    catalogue.images.point([f"{name}:{number}"], Descriptor("m", digest, 1), "absent")
    print(number, flush=True)
catalogue.close()
"""

RECORDS = """
import sys
from pathlib import Path
from lading.backends.database.repositories import open_records
from lading.oci.digest import Digest
from lading.services.repositories.edits import HoldBlob

path, name, most = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
records = open_records(path)
sys.stdin.read(1)
for number in range(most):
    shared = Digest.of(str(number).encode())
    own = Digest.of(f"{name}{number}".encode())
    records.change("shared", lambda view: [] if view.blob(shared) else [HoldBlob(shared, 1)], 1.0)
    records.change(name, lambda view: [HoldBlob(own, 1)], 1.0)
    print(number, flush=True)
records.close()
"""

FOR_EVER = 1_000_000


def started(program: str, path: Path, name: str, most: int) -> subprocess.Popen[str]:
    """It waits for a byte before it works, so that several begin together."""
    command = [sys.executable, "-c", program, str(path), name, str(most)]
    return Child(command, stdin=-1, stdout=-1, stderr=-1, text=True)


def begin(processes: Sequence[subprocess.Popen[str]]) -> None:
    for process in processes:
        assert process.stdin
        process.stdin.write("g")
        process.stdin.flush()


@pytest.mark.parametrize("program", [CATALOGUE, RECORDS], ids=["catalogue", "records"])
def test_processes_that_write_at_once_all_succeed(tmp_path: Path, program: str) -> None:
    path = tmp_path / "lading.db"
    processes = [started(program, path, f"p{number}", 50) for number in range(4)]
    begin(processes)

    told = [process.communicate() for process in processes]

    assert [(out.split()[-1:], err) for out, err in told] == [(["49"], "")] * 4


def test_what_several_catalogues_wrote_is_all_there(tmp_path: Path) -> None:
    path = tmp_path / "lading.db"
    processes = [started(CATALOGUE, path, f"p{number}", 25) for number in range(3)]
    begin(processes)
    for process in processes:
        process.communicate()

    with closing(open_catalogue(path, time.time)) as catalogue:
        assert len(list(catalogue.images.all())) == 75
        assert len(set(catalogue.leases.held())) == 75
        assert len(catalogue.locations("me").of(Digest.of(b"p024"), "a.example")) == 1


def acknowledged(program: str, path: Path, least: int) -> int:
    """Run it until `least` results were told, kill it, and say how many were told in all."""
    process = started(program, path, "killed", FOR_EVER)
    begin([process])
    assert process.stdout
    told = [process.stdout.readline() for _ in range(least)]
    process.kill()
    rest, _ = process.communicate()
    return len(told) + len([line for line in rest.splitlines(keepends=True) if line.endswith("\n")])


@pytest.mark.parametrize("least", [1, 7, 40])
def test_what_a_killed_catalogue_acknowledged_is_there(tmp_path: Path, least: int) -> None:
    path = tmp_path / "lading.db"
    count = acknowledged(CATALOGUE, path, least)

    assert sound(path)
    with closing(open_catalogue(path, time.time)) as catalogue:
        names = {image.reference for image in catalogue.images.all()}
        leased = set(catalogue.leases.held())
    assert {f"killed:{number}" for number in range(count)} <= names
    assert {Digest.of(f"killed{number}".encode()) for number in range(count)} <= leased


@pytest.mark.parametrize("least", [1, 7, 40])
def test_what_a_killed_registry_acknowledged_is_there(tmp_path: Path, least: int) -> None:
    path = tmp_path / "lading.db"
    count = acknowledged(RECORDS, path, least)
    digests = [Digest.of(f"killed{number}".encode()) for number in range(count)]

    assert sound(path)
    with closing(open_records(path)) as records:
        assert held_in(records.view("killed"), digests) == set(digests)


def test_a_push_of_the_same_layer_by_several_processes_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "lading.db"
    processes = [started(RECORDS, path, f"p{number}", 20) for number in range(4)]
    begin(processes)
    for process in processes:
        process.communicate()

    def hold_again(view: RepositoryView) -> Sequence[Edit]:
        assert view.blob(Digest.of(b"19")) == 1
        return [HoldBlob(Digest.of(b"19"), 1)]

    with closing(open_records(path)) as records:
        records.change("shared", hold_again, 1.0)
        assert list(records.holders(Digest.of(b"19"), 9)) == ["shared"]
        assert list(records.repositories("", 9)) == ["p0", "p1", "p2", "p3", "shared"]


def sound(path: Path) -> bool:
    with closing(Connections(path)) as connections, connections.reading() as connection:
        answer: str = connection.execute("PRAGMA integrity_check").fetchone()[0]
    return answer == "ok"
