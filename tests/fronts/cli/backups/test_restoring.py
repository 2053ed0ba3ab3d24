"""`lading restore` of what is damaged, older, half done or no backup; and what the doctor says of backups."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.content_store.locks import exclusive
from lading.backends.database.schema import VERSION
from lading.main.data_folder import RESTORING
from lading.oci.digest import Digest
from tests.fakes.service_folder import ServiceFolder
from tests.fronts.cli.backups.kept import index, other, pieces


@pytest.mark.parametrize("name", ["photos", "photos/1.jpg", "nowhere", "nothing"])
def test_what_is_no_backup_is_not_restored(tmp_path: Path, name: str) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/1.jpg").write_bytes(b"\xff\xd8")
    (tmp_path / "nothing").mkdir()
    back = ServiceFolder(tmp_path / "other")
    refused = back.run("restore", str(tmp_path / name))

    assert refused.code == 2
    assert "is no backup" in refused.err
    assert not back.data.exists()


def test_a_newer_ladings_backup_is_refused(lading: ServiceFolder, tmp_path: Path) -> None:
    lading("backup", str(tmp_path / "kept"))
    newer = index(tmp_path / "kept") | {"schema": VERSION + 1}
    (tmp_path / "kept/backup.json").write_text(json.dumps(newer))
    back = other(lading)
    refused = back.run("restore", str(tmp_path / "kept"))

    assert refused.code == 6
    assert f"has tables of version {VERSION + 1}" in refused.err
    assert not back.data.exists()


def test_a_backup_that_names_other_files_is_refused(lading: ServiceFolder, tmp_path: Path) -> None:
    lading("backup", str(tmp_path / "kept"))
    told = index(tmp_path / "kept")
    files = told["files"]
    assert isinstance(files, dict)
    hostile = told | {"files": {**files, "../../.bashrc": next(iter(files.values()))}}
    (tmp_path / "kept/backup.json").write_text(json.dumps(hostile))

    assert other(lading).run("restore", str(tmp_path / "kept")).code == 2


@pytest.mark.parametrize("harm", ["changed", "shortened", "gone"])
def test_a_damaged_backup_is_restored_only_where_that_is_accepted(
    lading: ServiceFolder, tmp_path: Path, harm: str
) -> None:
    lading("backup", str(tmp_path / "kept"))
    blobs = {path.name for path in (lading.data / "content/blobs/sha256").iterdir()}
    victim = next(path for path in pieces(tmp_path / "kept") if path.name in blobs)
    content = victim.read_bytes()
    victim.unlink()
    if harm != "gone":
        victim.write_bytes(content[:-1] + (b"" if harm == "shortened" else b"?"))
    back = other(lading)
    refused = back.run("restore", str(tmp_path / "kept"))
    left = back.data.exists()
    accepted = back.run("restore", str(tmp_path / "kept"), "--keep-going")

    assert (refused.code, left) == (1, False)
    assert victim.name in refused.err
    assert accepted.code == 3
    assert [user["username"] for user in back.json("user", "ls")] == ["joe"]
    assert victim.name not in {path.name for path in (back.data / "content/blobs/sha256").iterdir()}


def test_rows_that_are_damaged_are_never_restored(lading: ServiceFolder, tmp_path: Path) -> None:
    lading("backup", str(tmp_path / "kept"))
    files = index(tmp_path / "kept")["files"]
    assert isinstance(files, dict)
    rows = tmp_path / "kept/blobs" / files["lading.db"][0].replace(":", "/")
    rows.write_bytes(rows.read_bytes()[:-1])
    back = other(lading)

    assert back.run("restore", str(tmp_path / "kept"), "--keep-going").code == 1
    assert not back.data.exists()


def test_an_archive_that_was_cut_off_is_damaged(lading: ServiceFolder, tmp_path: Path) -> None:
    for name in ("kept.tar", "kept.tar.zst"):
        path = tmp_path / name
        lading("backup", str(path))
        whole = path.read_bytes()
        for length in (len(whole) // 2, 600, 20):
            path.write_bytes(whole[:length])
            back = other(lading)
            assert back.run("restore", str(path)).code in {1, 2}
            assert not back.data.exists()


def test_content_that_is_missing_is_told_and_the_rest_is_kept(lading: ServiceFolder, tmp_path: Path) -> None:
    (manifest,) = [image["digest"] for image in lading.json("images")]
    (lading.data / "content/blobs" / manifest.replace(":", "/")).unlink()
    said = lading.run("backup", str(tmp_path / "kept"), "--format", "json")

    assert said.code == 3
    assert said.json["missing"] == [manifest]
    assert other(lading).run("restore", str(tmp_path / "kept")).code == 0


def test_a_folder_that_is_half_restored_is_nobodys_until_it_is_whole(lading: ServiceFolder, tmp_path: Path) -> None:
    lading("backup", str(tmp_path / "kept"))
    back = other(lading)
    (back.data / RESTORING / "files").mkdir(parents=True)
    (back.data / "content").mkdir()
    refused = back.run("images")
    back("restore", str(tmp_path / "kept"))

    assert refused.code == 6
    assert "is not restored yet" in refused.err
    assert back("images").out == lading("images").out


def test_what_is_stopped_leaves_what_was_there(lading: ServiceFolder, tmp_path: Path) -> None:
    lading("backup", str(tmp_path / "kept"))
    before = index(tmp_path / "kept")
    backup = lading.run("backup", str(tmp_path / "kept"), "--timeout", "0.000001")
    archive = lading.run("backup", str(tmp_path / "kept.tar"), "--timeout", "0.000001")
    back = other(lading)
    restore = back.run("restore", str(tmp_path / "kept"), "--timeout", "0.000001")

    assert (backup.code, archive.code, restore.code) == (124, 124, 124)
    assert index(tmp_path / "kept") == before
    assert not (tmp_path / "kept.tar").exists()
    assert not back.data.exists()
    assert lading.json("audit", "tail", "-n", "1")[0]["result"] == "failed"


def test_two_backups_do_not_get_in_each_others_way(lading: ServiceFolder, tmp_path: Path) -> None:
    lading("backup", str(tmp_path / "kept"))
    with exclusive(lading.data / "backup.lock"):
        here = lading.run("backup", str(tmp_path / "another"))
    with exclusive(tmp_path / "kept/lock"):
        there = lading.run("backup", str(tmp_path / "kept"))

    assert (here.code, there.code) == (6, 6)


def test_what_a_killed_backup_left_goes(lading: ServiceFolder, tmp_path: Path) -> None:
    lading("backup", str(tmp_path / "kept"))
    (lading.data / "scratch/backup-left").mkdir()
    (tmp_path / "kept/blobs/sha256" / ("0" * 64)).write_bytes(b"")
    (tmp_path / "kept/blobs/sha256" / ("1" * 64 + ".new")).write_bytes(b"")
    made = lading.json("backup", str(tmp_path / "kept"))

    assert list((lading.data / "scratch").iterdir()) == []
    assert len(pieces(tmp_path / "kept")) == made["blobs"] + 1


def test_a_backup_of_an_older_lading_is_brought_to_our_tables(lading: ServiceFolder, tmp_path: Path) -> None:
    script = Path("tests/contract/database/version_6.sql").read_text()
    old = ServiceFolder(tmp_path / "old/data")
    old.data.mkdir(parents=True)
    with closing(sqlite3.connect(old.data / "lading.db")) as connection:
        connection.executescript(script)
    shutil.copy(lading.data / "secret.key", old.data)
    (tmp_path / "kept/blobs/sha256").mkdir(parents=True)
    rows = (old.data / "lading.db").read_bytes()
    lading("backup", str(tmp_path / "model"), "--no-content")
    digest = Digest.of(rows)
    (tmp_path / "kept/blobs" / str(digest).replace(":", "/")).write_bytes(rows)
    told = index(tmp_path / "model") | {"schema": 6, "files": {"lading.db": [str(digest), len(rows)]}}
    (tmp_path / "kept/backup.json").write_text(json.dumps(told))
    back = other(lading)
    back("restore", str(tmp_path / "kept"))

    with closing(sqlite3.connect(back.data / "lading.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    shutil.copy(lading.data / "secret.key", back.data)
    assert back("user", "ls").out


def test_the_doctor_knows_the_last_backup_and_the_key(lading: ServiceFolder, tmp_path: Path) -> None:
    before = {each["name"]: each for each in lading.json("doctor")}
    lading("backup", str(tmp_path / "kept"))
    after = {each["name"]: each for each in lading.json("doctor")}
    (lading.data / "secret.key").rename(tmp_path / "secret.key")
    said = lading.run("doctor", "--format", "json")
    keyless = {each["name"]: each for each in said.json}

    assert "backup" not in before
    assert after["backup"]["well"] is True
    assert after["backup"]["text"].endswith(str(tmp_path / "kept"))
    assert after["database"]["text"] == f"SQLite, tables of version {VERSION}"
    assert after["key"]["text"].endswith("opens what is sealed here")
    assert (said.code, keyless["key"]["well"]) == (1, False)
    assert keyless["key"]["hint"]


def test_the_doctor_knocks_where_others_are_told_our_registry_is(lading: ServiceFolder) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    away = ServiceFolder(lading.data, {"LADING_REGISTRY_PUBLIC_URL": f"http://127.0.0.1:{port}"})
    finding = next(each for each in away.run("doctor", "--format", "json").json if each["name"] == "address")

    assert finding["well"] is False
    assert finding["hint"]


def test_the_doctor_says_when_the_certificate_ends(lading: ServiceFolder, tmp_path: Path) -> None:
    (tmp_path / "tls.pem").write_text("nothing")
    shown = ServiceFolder(lading.data, {"LADING_TLS_CERT": str(tmp_path / "tls.pem"), "LADING_TLS_KEY": "/nowhere"})
    finding = next(each for each in shown.run("doctor", "--format", "json").json if each["name"] == "certificate")

    assert (finding["well"], finding["hint"]) == (False, f"openssl x509 -noout -text -in {tmp_path / 'tls.pem'}")
