"""Files that reach the disk, and the disk's refusals as our errors."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from lading.backends.content_store.storage import DiskFull, StorageUnusable, replace_file, storing, write_all


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_no_room_says_what_is_needed_and_what_is_free(tmp_path: Path, number: int) -> None:
    with pytest.raises(DiskFull) as refusal, storing(tmp_path / "x", need=123):
        raise OSError(number, "as the system says it")

    error = refusal.value
    assert (error.folder, error.need, error.why) == (tmp_path, 123, os.strerror(number))
    assert str(error) == f"{tmp_path} has no room for 123 bytes: {error.free} are free"


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ENOENT])
def test_other_refusals_name_the_file(tmp_path: Path, number: int) -> None:
    with pytest.raises(StorageUnusable) as refusal, storing(tmp_path / "x"):
        raise OSError(number, "as the system says it")

    assert str(refusal.value) == f"cannot use {tmp_path / 'x'}: {os.strerror(number)}"


def test_a_file_in_a_folder_that_is_not_there_is_answered_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(StorageUnusable) as refusal, storing(tmp_path / "new" / "x"):
        (tmp_path / "new" / "x").touch()

    assert refusal.value.command == f"mkdir -p {tmp_path / 'new'}"


def test_a_replaced_file_has_the_new_bytes_and_mode(tmp_path: Path) -> None:
    path = tmp_path / "x"
    replace_file(path, b"a long first text")
    replace_file(path, b"new", mode=0o644)

    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [each.name for each in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("lay", [Path.symlink_to, Path.hardlink_to])
def test_a_link_at_the_temporary_name_leads_nowhere(tmp_path: Path, lay: Callable[[Path, Path], None]) -> None:
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    lay(tmp_path / ".x.new", precious)

    replace_file(tmp_path / "x", b"new")

    assert precious.read_bytes() == b"precious"
    assert (tmp_path / "x").read_bytes() == b"new"
    assert not (tmp_path / "x").is_symlink()


def test_writing_starts_where_it_is_told(tmp_path: Path) -> None:
    file = os.open(tmp_path / "x", os.O_RDWR | os.O_CREAT)
    write_all(file, memoryview(b"world"), 6)
    write_all(file, memoryview(b"hello "), 0)
    os.close(file)

    assert (tmp_path / "x").read_bytes() == b"hello world"
