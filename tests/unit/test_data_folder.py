"""The port that a data folder remembers, and that one at a time serves it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lading.backends.content_store.tree import Tree
from lading.main.data_folder import (
    SERVE_LOCK,
    DataFolderUnusable,
    KeptPort,
    begun_folder,
    open_to_others,
    private_folder,
    served_alone,
    served_port,
    telling_port,
    was_served,
)
from lading.services.server.serving import FolderServed


def test_a_port_that_was_kept_is_read_again(tmp_path: Path) -> None:
    KeptPort.of(tmp_path).write(5001)

    assert KeptPort.of(tmp_path).read() == 5001


@pytest.mark.parametrize("content", ["", "no port", "123456"])
def test_what_is_no_port_counts_as_none(content: str, tmp_path: Path) -> None:
    KeptPort.of(tmp_path).path.write_text(content)

    assert KeptPort.of(tmp_path).read() is None


def test_a_port_that_cannot_be_kept_is_told_of_the_folder(tmp_path: Path) -> None:
    KeptPort.of(tmp_path).path.mkdir()

    with pytest.raises(DataFolderUnusable) as failed:
        KeptPort.of(tmp_path).write(5001)

    assert failed.value.path == tmp_path


def test_the_port_of_a_server_is_told_as_long_as_it_runs(tmp_path: Path) -> None:
    before = served_port(tmp_path)
    with served_alone(tmp_path):
        starting = served_port(tmp_path)
        with telling_port(tmp_path, 5055):
            told = served_port(tmp_path)
        stopping = served_port(tmp_path)

    assert (before, starting, told, stopping) == (None, None, 5055, None)


def test_the_port_of_a_server_that_was_killed_is_not_told(tmp_path: Path) -> None:
    with served_alone(tmp_path), telling_port(tmp_path, 5055):
        left = (tmp_path / SERVE_LOCK).read_bytes()
    (tmp_path / SERVE_LOCK).write_bytes(left)

    assert left == b"5055\n"
    assert served_port(tmp_path) is None


def test_a_folder_is_known_by_its_whole_path_to_children_that_work_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    assert private_folder(Path("data")) == tmp_path / "data"
    assert begun_folder(Path("data"), "a flag") == tmp_path / "data"


def test_a_folder_that_takes_no_file_is_said_to_be_unusable(tmp_path: Path) -> None:
    with pytest.raises(DataFolderUnusable, match="cannot be used"), served_alone(tmp_path / "is" / "not there"):
        raise AssertionError("nobody serves it")


def test_two_do_not_serve_one_folder(tmp_path: Path) -> None:
    with served_alone(tmp_path), pytest.raises(FolderServed), served_alone(tmp_path):
        raise AssertionError("it is served already")


def test_who_has_served_a_folder_leaves_a_mark_whatever_the_port(tmp_path: Path) -> None:
    """Else a local collection would not ask the repositories what they keep."""
    assert not was_served(tmp_path)
    with served_alone(tmp_path):
        assert was_served(tmp_path)
    assert was_served(tmp_path)


def test_images_are_private_in_a_folder_that_is_not(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Tree(tmp_path / "content").prepare()

    assert (tmp_path / "content").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(("mode", "told"), [(0o700, False), (0o755, True), (0o750, True), (0o711, True)])
def test_a_folder_that_others_may_look_into_is_told_apart(tmp_path: Path, mode: int, told: bool) -> None:
    tmp_path.chmod(mode)

    assert open_to_others(tmp_path) is told
