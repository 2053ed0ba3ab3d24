"""Backups that nobody's Lading wrote: refused in a sentence, with nothing made and nothing read that is not theirs."""

from __future__ import annotations

import io
import json
import os
import sys
import tarfile
import tracemalloc
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from lading.oci.digest import Digest
from tests.fakes.service_folder import Said, ServiceFolder

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MIB = 1024 * 1024
ROWS = b"no rows at all"


@pytest.fixture
def back(tmp_path: Path) -> ServiceFolder:
    """A machine with nothing on it."""
    return ServiceFolder(tmp_path / "data")


def index(**told: object) -> Mapping[str, object]:
    """One that would do, but for what is told."""
    rows = [str(Digest.of(ROWS)), len(ROWS)]
    made = {"format": 1, "made": 1.0, "program": "0", "schema": 1, "complete": True}
    return made | {"files": {"lading.db": rows}, "blobs": [], "referrers": []} | told


def member(name: str, content: bytes = b"", kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """A header and its content, as a tar holds them."""
    described = tarfile.TarInfo(name)
    described.size, described.type, described.linkname = len(content), kind, link
    return described.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)


def archive(path: Path, members: Iterable[bytes], told: Mapping[str, object] | None = None) -> Path:
    """backup.json, and after it these."""
    first = member("backup.json", json.dumps(told or index()).encode())
    path.write_bytes(first + b"".join(members) + bytes(1024))
    return path


def folder(path: Path, text: str) -> Path:
    (path / "blobs/sha256").mkdir(parents=True)
    (path / "backup.json").write_text(text)
    return path


def assert_refused(said: Said, back: ServiceFolder, codes: Iterable[int] = (1, 2)) -> None:
    assert said.code in codes, said.err
    assert "Traceback" not in said.err
    assert not back.data.exists()


BIG = Digest.of(b"big")


@pytest.mark.parametrize(
    "told",
    [
        {"schema": float("inf")},
        {"schema": -1},
        {"schema": True},
        {"made": float("nan")},
        {"made": float("inf")},
        {"made": 1e300},
        {"made": -1e300},
        {"blobs": [[str(BIG), 10**40]]},
        {"blobs": [[str(BIG), True]]},
        {"blobs": [[str(BIG), 3], [str(BIG), 4]]},
        {"blobs": [[str(Digest.of(ROWS)), 3]]},
        {"files": {"lading.db": [str(BIG), 3], "logins.json": [str(BIG), 4]}},
        {"files": []},
        {"referrers": [[str(BIG)]]},
        {"program": ["\x1b[2J"]},
    ],
)
def test_an_index_that_says_what_cannot_be_is_refused(
    back: ServiceFolder, tmp_path: Path, told: Mapping[str, object]
) -> None:
    kept = folder(tmp_path / "kept", json.dumps(index(**told)))

    assert_refused(back.run("restore", str(kept)), back, (2,))


def test_what_no_disk_holds_is_refused_before_anything_is_written(back: ServiceFolder, tmp_path: Path) -> None:
    kept = folder(tmp_path / "kept", json.dumps(index(blobs=[[str(BIG), 2**62]])))
    said = back.run("restore", str(kept))

    assert_refused(said, back, (1,))
    assert f"has no room for the backup: it has {2**62 + len(ROWS)} bytes" in said.err


@pytest.mark.parametrize("text", ["[" * 100_000, '{"format":1', "\x00", '{"format":' + "9" * 5000 + "}", "[]", "1"])
def test_an_index_that_is_none_is_refused(back: ServiceFolder, tmp_path: Path, text: str) -> None:
    assert_refused(back.run("restore", str(folder(tmp_path / "kept", text))), back, (2,))


def test_a_pipe_in_the_place_of_a_piece_is_none(back: ServiceFolder, tmp_path: Path) -> None:
    kept = folder(tmp_path / "kept", json.dumps(index()))
    os.mkfifo(kept / "blobs/sha256" / Digest.of(ROWS).encoded)

    assert_refused(back.run("restore", str(kept)), back, (1,))


def test_a_pipe_in_the_place_of_the_index_is_none(back: ServiceFolder, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    os.mkfifo(tmp_path / "kept/backup.json")

    assert_refused(back.run("restore", str(tmp_path / "kept")), back, (2,))


def test_a_device_in_the_place_of_a_piece_is_not_read_without_end(back: ServiceFolder, tmp_path: Path) -> None:
    kept = folder(tmp_path / "kept", json.dumps(index()))
    (kept / "blobs/sha256" / Digest.of(ROWS).encoded).symlink_to("/dev/zero")

    assert_refused(back.run("restore", str(kept)), back, (1,))


@pytest.mark.parametrize("link", ["blobs", "blobs/sha256"])
def test_a_folder_that_leads_elsewhere_takes_nothing_away_there(tmp_path: Path, link: str) -> None:
    made = ServiceFolder(tmp_path / "made")
    made.data.mkdir()
    made.user("joe", "admin")
    made("backup", str(tmp_path / "kept"))
    (tmp_path / "kept" / link).rename(tmp_path / "moved")
    (tmp_path / "theirs/sha256").mkdir(parents=True)
    theirs = [tmp_path / "theirs/letter", tmp_path / "theirs/sha256/letter"]
    for each in theirs:
        each.write_text("dear")
    (tmp_path / "kept" / link).symlink_to(tmp_path / "theirs")
    refused = made.run("backup", str(tmp_path / "kept"))

    assert refused.code == 2
    assert all(each.exists() for each in theirs)


def garbled_pax() -> bytes:
    return member("pax", b"x" * 512, tarfile.XHDTYPE)


def wrong_pax(record: bytes) -> bytes:
    return member("pax", b"%d %s\n" % (len(record) + 4, record), tarfile.XHDTYPE) + member("blobs/x", b"x")


NAME = f"blobs/sha256/{Digest.of(ROWS).encoded}"


@pytest.mark.parametrize(
    "strange",
    [
        lambda: member(NAME, kind=tarfile.SYMTYPE, link="/etc/passwd"),
        lambda: member(NAME, kind=tarfile.LNKTYPE, link="../../etc/passwd"),
        lambda: member(NAME, kind=tarfile.LNKTYPE, link="backup.json"),
        lambda: member(NAME, kind=tarfile.CHRTYPE),
        lambda: member(NAME, kind=tarfile.FIFOTYPE),
        lambda: member(NAME, ROWS, kind=tarfile.GNUTYPE_SPARSE),
        lambda: member("../../../escaped", ROWS),
        lambda: member("/tmp/escaped", ROWS),
        lambda: member("blobs/sha256/../../../../escaped", ROWS),
        garbled_pax,
        lambda: wrong_pax(b"size=-1"),
        lambda: wrong_pax(b"GNU.sparse.size=x"),
        lambda: wrong_pax(b"path=\xff\xfe"),
        lambda: member("blobs/x", b"x")[:124] + b"\xff" * 12,
    ],
)
def test_members_that_are_no_pieces_lead_nowhere(
    back: ServiceFolder, tmp_path: Path, strange: Callable[[], bytes]
) -> None:
    said = back.run("restore", str(archive(tmp_path / "kept.tar", [strange()])))

    assert_refused(said, back)
    assert not (tmp_path / "escaped").exists()


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_a_header_without_end_is_not_taken_into_memory(back: ServiceFolder, tmp_path: Path, kind: bytes) -> None:
    described = tarfile.TarInfo("long")
    described.size, described.type = 512 * MIB, kind
    path = tmp_path / "kept.tar.zst"
    with zstd.open(path, "wb") as file:
        file.write(member("backup.json", json.dumps(index()).encode()) + described.tobuf(tarfile.GNU_FORMAT))
        for _ in range(512):
            file.write(bytes(MIB))
    tracemalloc.start()
    said = back.run("restore", str(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert_refused(said, back)
    assert peak < 64 * MIB


def test_an_index_without_end_is_refused_before_it_is_read(back: ServiceFolder, tmp_path: Path) -> None:
    described = tarfile.TarInfo("backup.json")
    described.size = 4096 * MIB
    path = tmp_path / "kept.tar"
    with path.open("wb") as file:
        file.write(described.tobuf(tarfile.GNU_FORMAT))
        file.truncate(512 * MIB)
    tracemalloc.start()
    said = back.run("restore", str(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert_refused(said, back, (2,))
    assert peak < 64 * MIB


def test_what_another_program_packed_is_a_backup_still(tmp_path: Path) -> None:
    """In PAX headers, and in another order than ours, as long as backup.json is the first."""
    made = ServiceFolder(tmp_path / "made")
    made.data.mkdir()
    made.user("joe", "admin")
    made("backup", str(tmp_path / "kept"), "--with-keys")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.add(tmp_path / "kept/backup.json", "backup.json")
        tar.add(tmp_path / "kept/blobs", "blobs")
    (tmp_path / "packed.tar").write_bytes(buffer.getvalue())
    back = ServiceFolder(tmp_path / "data")
    back("restore", str(tmp_path / "packed.tar"))

    assert [user["username"] for user in back.json("user", "ls")] == ["joe"]
