"""What was seen of signed repositories, in a folder that several processes share."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from lading.backends.credentials.trust_keys import TrustFolderUnusable
from lading.backends.credentials.trust_memories import FolderMemories
from lading.oci.reference import ReferenceInvalid
from lading.proof.tuf_trusted import TrustMemory
from tests.fakes.trust_repository import GUN

HUB = "docker.io/library/alpine"


def seen(timestamp: int, root: bytes = b"{root}", **others: int) -> TrustMemory:
    return TrustMemory(root, {"timestamp": timestamp, **others})


def test_nothing_is_known_before_anything_was_seen(tmp_path: Path) -> None:
    assert FolderMemories(tmp_path / "tuf").of(GUN) is None
    assert not (tmp_path / "tuf").exists()


def test_what_was_seen_is_known_in_another_process(tmp_path: Path) -> None:
    memory = seen(3, targets=2)

    assert FolderMemories(tmp_path / "tuf").keep(GUN, memory, None)
    assert FolderMemories(tmp_path / "tuf").of(GUN) == memory
    assert FolderMemories(tmp_path / "tuf").of(HUB) is None


def test_a_repository_below_another_has_a_file_of_its_own(tmp_path: Path) -> None:
    memories = FolderMemories(tmp_path)
    memories.keep(GUN, seen(1), None)
    memories.keep(f"{GUN}/below", seen(2), None)
    memories.keep("localhost:5000/app", seen(3), None)

    assert [memories.of(name) for name in (GUN, f"{GUN}/below", "localhost:5000/app")] == [seen(1), seen(2), seen(3)]


def test_files_are_for_the_owner_alone(tmp_path: Path) -> None:
    FolderMemories(tmp_path / "tuf").keep(GUN, seen(1), None)

    [file] = (tmp_path / "tuf").rglob("*.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "tuf").stat().st_mode) == 0o700


def test_who_ends_later_with_an_older_view_takes_nothing_back(tmp_path: Path) -> None:
    memories = FolderMemories(tmp_path)
    memories.keep(GUN, seen(1), None)
    began = memories.of(GUN)
    memories.keep(GUN, seen(5), began)

    assert memories.keep(GUN, seen(4), began)

    assert memories.of(GUN) == seen(5)


def test_a_root_taken_on_first_use_is_not_replaced_by_another_first_use(tmp_path: Path) -> None:
    memories = FolderMemories(tmp_path)
    memories.keep(GUN, seen(1, b"the first"), None)

    assert not memories.keep(GUN, seen(9, b"another"), None)

    assert memories.of(GUN) == seen(1, b"the first")


def test_a_root_that_follows_the_one_known_takes_its_place(tmp_path: Path) -> None:
    memories = FolderMemories(tmp_path)
    first = seen(1, b"first")
    memories.keep(GUN, first, None)

    assert memories.keep(GUN, seen(2, b"second"), first)
    assert memories.of(GUN) == seen(2, b"second")


def test_forgotten_is_as_never_seen(tmp_path: Path) -> None:
    memories = FolderMemories(tmp_path)
    memories.keep(GUN, seen(1), None)

    memories.forget(GUN)
    memories.forget(GUN)

    assert memories.of(GUN) is None


@pytest.mark.parametrize(
    "content", ["", "{}", "[1]", '{"root": 1, "versions": {}}', '{"root": "r", "versions": {"t": "1"}}']
)
def test_what_cannot_be_read_is_not_taken_for_nothing(tmp_path: Path, content: str) -> None:
    memories = FolderMemories(tmp_path)
    memories.keep(GUN, seen(1), None)
    next(tmp_path.rglob("_seen.json")).write_text(content)

    with pytest.raises(TrustFolderUnusable):
        memories.of(GUN)


@pytest.mark.parametrize("name", ["../../etc/passwd", "registry.example/../x", "/etc", "registry.example/_seen.json"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(ReferenceInvalid):
        FolderMemories(tmp_path).of(name)


def test_many_at_once_leave_the_newest(tmp_path: Path) -> None:
    FolderMemories(tmp_path).keep(GUN, seen(1), None)

    def keep(version: int) -> None:
        memories = FolderMemories(tmp_path)
        memories.keep(GUN, seen(version), memories.of(GUN))

    threads = [threading.Thread(target=keep, args=(version,)) for version in range(2, 18)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert FolderMemories(tmp_path).of(GUN) == seen(17)
