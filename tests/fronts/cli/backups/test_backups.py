"""`lading backup` and `lading restore` over data folders: what is kept, and what comes back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.fakes.service_folder import JOB, ServiceFolder
from tests.fronts.cli.backups.kept import index, load, other, pieces
from tests.peers.postgres_server import RunningPostgres
from tests.peers.service_process import SECRET_KEY


@pytest.mark.parametrize("name", ["kept", "kept.tar", "kept.tar.zst"])
def test_what_is_restored_is_what_was_backed_up(lading: ServiceFolder, tmp_path: Path, name: str) -> None:
    place = str(tmp_path / name)
    made = lading.json("backup", place, "--with-keys")
    back = other(lading)
    told = back.json("restore", place)

    assert (made["blobs"], made["missing"], made["keys"]) == (told["blobs"], [], True)
    assert back("images").out == lading("images").out
    assert back.json("doctor", "--content")[2]["well"] is True
    assert [job["id"] for job in back.json("jobs", "ls")] == [JOB]
    assert [user["username"] for user in back.json("user", "ls")] == ["joe"]
    assert back.json("audit", "verify")["sound"] is True
    before, after = (each.json("audit", "tail", "-n", "100") for each in (lading, back))
    assert after[-1]["action"] == "restore"
    assert after[:-1] == before[: len(after) - 1]
    assert (Path(place).stat().st_mode & 0o077) == 0


def test_keys_and_memories_of_content_trust_come_back_where_they_were(lading: ServiceFolder, tmp_path: Path) -> None:
    kept = {
        "seen-signatures.json": b"{}",
        "trust/private/0a1b.key": b"sealed",
        "trust/tuf/localhost:5000/team/app/root.json": b"root",
        "trust/tuf/registry.corp/app/root.json": b"root",
    }
    beside = {"trust/private/.0a1b.key.x1": b"half", "trust/tuf/registry.corp/app/root.json.lock": b""}
    for name, content in (kept | beside).items():
        (lading.data / name).parent.mkdir(0o700, parents=True, exist_ok=True)
        (lading.data / name).write_bytes(content)
    lading("backup", str(tmp_path / "kept"))
    back = other(lading)
    back("restore", str(tmp_path / "kept"))

    found = {name: back.data / name for name in (*kept, *beside)}
    assert {name: path.read_bytes() for name, path in found.items() if path.exists()} == kept
    assert {path.stat().st_mode & 0o777 for path in found.values() if path.exists()} == {0o600}
    folders = [path for path in (back.data / "trust", *(back.data / "trust").rglob("*")) if path.is_dir()]
    assert {path.stat().st_mode & 0o077 for path in folders} == {0}


@pytest.mark.parametrize(
    "name", ["trust", "trust/", "trust/../x", "trust/.x", "trust//x", "trustful/x", "trust/\0", "x"]
)
def test_a_backup_that_names_a_file_beside_ours_is_refused(lading: ServiceFolder, tmp_path: Path, name: str) -> None:
    place = tmp_path / "kept"
    lading("backup", str(place))
    told = index(place)
    assert isinstance(told["files"], dict)
    told["files"][name] = told["files"]["lading.db"]
    (place / "backup.json").write_text(json.dumps(told))

    refused = other(lading).run("restore", str(place))

    assert refused.code != 0
    assert "no backup of Lading's" in refused.err
    assert not other(lading).data.exists()


@pytest.mark.peer("postgres")
def test_rows_of_postgresql_come_back_there_or_in_a_file(tmp_path: Path, postgres: RunningPostgres) -> None:
    key = {"LADING_SECRET_KEY": SECRET_KEY}
    there = ServiceFolder(tmp_path / "data", key | {"LADING_DATABASE": postgres.empty()})
    load(there, "team/app:1")
    there.user("joe", "admin")
    there("backup", str(tmp_path / "kept"))
    moved = ServiceFolder(tmp_path / "moved", key | {"LADING_DATABASE": postgres.empty()})
    beside = ServiceFolder(tmp_path / "beside", key)
    filled = ServiceFolder(tmp_path / "filled", there.environment).run("restore", str(tmp_path / "kept"))

    for back in (moved, beside):
        assert "secret key" not in back("restore", str(tmp_path / "kept")).err
        assert back("images").out == there("images").out
        assert [user["username"] for user in back.json("user", "ls")] == ["joe"]
        assert back.json("audit", "verify")["sound"] is True
    assert (filled.code, (tmp_path / "filled").exists()) == (6, False)
    assert "is in use" in filled.err


def test_a_second_backup_keeps_what_is_there_and_forgets_the_rest(lading: ServiceFolder, tmp_path: Path) -> None:
    place = tmp_path / "kept"
    lading("backup", str(place))
    first = {path.name: path.stat().st_ino for path in pieces(place)}
    lading("rmi", "team/app:1")
    load(lading, "team/other:2")
    made = lading.json("backup", str(place))
    second = {path.name: path.stat().st_ino for path in pieces(place)}

    assert made["kept"] > 0
    assert {name: first[name] for name in second if name in first}.items() <= second.items()
    assert len(second) == made["blobs"] + 1  # and the rows
    assert set(first) - set(second)


def test_a_folder_shares_blobs_with_the_data_folder_and_nothing_that_is_written(
    lading: ServiceFolder, tmp_path: Path
) -> None:
    lading("backup", str(tmp_path / "kept"))

    shared = {path.name for path in pieces(tmp_path / "kept") if path.stat().st_nlink > 1}
    assert shared == {path.name for path in (lading.data / "content/blobs/sha256").iterdir()}
    assert list((lading.data / "scratch").iterdir()) == []


def test_a_backup_without_content_takes_no_blobs_place(lading: ServiceFolder, tmp_path: Path) -> None:
    lading("backup", str(tmp_path / "kept"))
    refused = lading.run("backup", str(tmp_path / "kept"), "--no-content")
    rows = lading.json("backup", str(tmp_path / "rows"), "--no-content")
    back = other(lading)
    restored = back("restore", str(tmp_path / "rows"))

    assert refused.code == 6
    assert (rows["blobs"], rows["content"]) == (0, False)
    assert "the backup has no content" in restored.err
    assert [user["username"] for user in back.json("user", "ls")] == ["joe"]


def test_secrets_stay_shut_without_the_key(lading: ServiceFolder, tmp_path: Path) -> None:
    made = lading("backup", str(tmp_path / "kept"))
    back = other(lading)
    restored = back("restore", str(tmp_path / "kept"))
    shut = back.run("audit", "verify")
    shutil.copy(lading.data / "secret.key", back.data)

    assert "the secret key is not in it" in made.err
    assert "put secret.key into the data folder" in restored.err
    assert shut.code != 0
    assert back.json("audit", "verify")["sound"] is True
    assert not any(b"s3cret-of-the-registry" in path.read_bytes() for path in pieces(tmp_path / "kept"))


def test_a_key_that_no_file_holds_is_told_to_be_missing(lading: ServiceFolder, tmp_path: Path) -> None:
    (lading.data / "secret.key").unlink()

    told = lading("backup", str(tmp_path / "kept"), "--with-keys").err

    assert "is not in it, and no file here has it: LADING_SECRET_KEY gives it. Keep a copy" in told


def test_the_key_of_the_environment_is_told_to_be_missing_though_a_file_is_there(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    given = ServiceFolder(tmp_path / "data", {"LADING_SECRET_KEY": SECRET_KEY})
    words = ("registry", "add", "corp", "https://registry.corp", "-u", "ci", "--password-stdin")
    given(*words, stdin="s3cret-of-the-registry")
    (key,) = (each["text"].split()[2] for each in given.run("doctor", "--format", "json").json if each["name"] == "key")
    (tmp_path / "elsewhere").mkdir()
    ServiceFolder(tmp_path / "elsewhere")(*words, stdin="another")
    shutil.copy(tmp_path / "elsewhere/secret.key", given.data)

    made = given("backup", str(tmp_path / "kept"), "--with-keys")

    assert f"the secret key {key} is not in it" in made.err
    assert '"secret.key"' in (tmp_path / "kept/backup.json").read_text()  # it may seal the logins of commands


def test_a_folder_that_is_not_empty_is_left_alone(lading: ServiceFolder, tmp_path: Path) -> None:
    lading("backup", str(tmp_path / "kept"))
    before = sorted(lading.data.rglob("*"))
    refused = lading.run("restore", str(tmp_path / "kept"))

    assert refused.code == 6
    assert "is not empty" in refused.err
    assert sorted(lading.data.rglob("*")) == before


def test_somebodys_folder_is_not_filled_with_a_backup(lading: ServiceFolder, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/1.jpg").write_bytes(b"")
    refused = lading.run("backup", str(tmp_path / "photos"))

    assert refused.code == 2
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["1.jpg"]
