"""A data folder that was named is there already, but for the commands that begin one: a misspelt one is no new one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.service_folder import PASSWORD, ServiceFolder

READS = [
    ["user", "ls"],
    ["user", "add", "ann", "--password-stdin"],
    ["token", "ls"],
    ["registry", "add", "prod", "r.example:5000"],
    ["environment", "ls"],
    ["jobs", "ls"],
    ["audit", "verify"],
    ["config", "rotate-key"],
    ["images"],
    ["gc"],
    ["untag", "app:1"],
    ["ls", "127.0.0.1:1/team/app"],
]


@pytest.mark.parametrize("words", READS, ids=" ".join)
def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path, words: list[str]) -> None:
    said = ServiceFolder(tmp_path / "misspelt").run(*words, stdin=PASSWORD)

    assert said.code == 5
    assert said.err.splitlines()[0] == f"error: {tmp_path / 'misspelt'} is no data folder"
    assert "It was named by LADING_DATA." in said.err
    assert not (tmp_path / "misspelt").exists()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch()

    said = ServiceFolder(tmp_path).run("user", "ls", "--data", str(tmp_path))

    assert said.code == 5
    assert "It holds other things, and nothing of Lading's. It was named by --data." in said.err
    assert [each.name for each in tmp_path.iterdir()] == ["letter.txt"]


def test_the_default_folder_is_made_by_whatever_needs_it_first(tmp_path: Path) -> None:
    folder = ServiceFolder(tmp_path / "unused", {"LADING_DATA": "", "XDG_DATA_HOME": str(tmp_path / "share")})

    assert folder("user", "ls", "-q").out == ""
    assert (tmp_path / "share" / "lading" / "lading.db").exists()


def test_what_brings_content_begins_a_folder(tmp_path: Path) -> None:
    folder = ServiceFolder(tmp_path / "new")
    archive = tmp_path / "root.tar"
    archive.write_bytes(bytes(10240))

    folder("import", str(archive), "app:1")

    assert folder("images", "-q").out.startswith("docker.io/library/app:1@sha256:")
    assert folder("user", "ls", "-q").out == ""
