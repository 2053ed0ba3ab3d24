"""`lading backup` and `lading restore`, killed wherever they change a file: a backup is whole or the one before it, and
a data folder is restored or nobody's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.docker_archives import docker_archive
from tests.fakes.service_folder import ServiceFolder
from tests.peers import programs
from tests.proof_table import Tell

pytestmark = [pytest.mark.peer("strace"), pytest.mark.proof]

CALLS = "rename,renameat,renameat2,unlink,unlinkat,rmdir,link,linkat,fsync,fdatasync,ftruncate"
MOST = 400
FILES = ("lading.db", "secret.key")
STEP = 1
"""Every call of a thread."""


def killed(lading: ServiceFolder, number: int, *arguments: str) -> bool:
    """Whether the command came to this call of its own, at which it was to be killed; else it must go well."""
    strace = programs.find("strace")
    assert strace
    tracing = [strace, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={CALLS}"]
    tracing += ["-e", f"inject={CALLS}:signal=KILL:when={number}"]
    surroundings = {"PATH": os.environ["PATH"], "HOME": str(lading.data.parent / "home")}
    done = subprocess.run(
        [*tracing, sys.executable, "-m", "lading", "--data", str(lading.data), *arguments],
        env=surroundings,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode in {0, -signal.SIGKILL, 128 + signal.SIGKILL}, done.stderr
    return done.returncode != 0


def kills(attempt: Callable[[int], bool]) -> int:
    """How many calls there are, of those that were tried."""
    count = 0
    for number in range(1, MOST, STEP):
        if not attempt(number):
            break
        count += 1
    return count


def load(lading: ServiceFolder, name: str) -> None:
    path = lading.data.parent / "image.tar"
    path.write_bytes(docker_archive([name]))
    lading("load", "-i", str(path))


@pytest.fixture
def lading(tmp_path: Path) -> ServiceFolder:
    (tmp_path / "data").mkdir()
    folder = ServiceFolder(tmp_path / "data")
    load(folder, "team/app:1")
    folder.user("joe", "admin")
    return folder


def assert_whole(place: Path, folder: Path) -> int:
    """The backup there can be restored; how many images are in it."""
    back = ServiceFolder(folder)
    back("restore", str(place))
    assert [user["username"] for user in back.json("user", "ls")] == ["joe"]
    assert back.json("doctor", "--content")[2]["text"].endswith("all well")
    return len(back.json("images"))


def test_a_killed_backup_leaves_the_one_before_it_or_is_whole(
    lading: ServiceFolder, tmp_path: Path, record_property: Tell
) -> None:
    place = tmp_path / "kept"
    lading("backup", str(place), "--with-keys")

    def attempt(number: int) -> bool:
        load(lading, f"team/app:{number}-new")
        dead = killed(lading, number, "backup", str(place), "--with-keys")
        assert assert_whole(place, tmp_path / f"back-{number}") >= 1
        return dead

    count = kills(attempt)
    made = lading.json("backup", str(place), "--with-keys")

    record_property("kills", count)
    assert count
    assert len([path for path in (place / "blobs").rglob("*") if path.is_file()]) == made["blobs"] + len(FILES)
    assert list((lading.data / "scratch").iterdir()) == []


def test_a_killed_restore_leaves_nothing_that_anybody_takes_for_a_data_folder(
    lading: ServiceFolder, tmp_path: Path, record_property: Tell
) -> None:
    place = tmp_path / "kept"
    lading("backup", str(place), "--with-keys")
    images = lading("images").out

    def attempt(number: int) -> bool:
        back = ServiceFolder(tmp_path / f"back-{number}")
        dead = killed(back, number, "restore", str(place))
        if not dead:
            return False
        left = back.run("images")
        whole = left.code == 0 and left.out == images
        assert whole or left.code in {5, 6}, left
        if not whole:
            back("restore", str(place))
        assert back("images").out == images
        assert back.json("doctor", "--content")[2]["text"].endswith("all well")
        return True

    count = kills(attempt)
    record_property("kills", count)
    assert count
