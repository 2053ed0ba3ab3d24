"""Imports of advisories that go wrong: whoever dies, and whatever a source holds, what was there stays."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from lading.backends.advisories.failures import (
    AdvisoriesDamaged,
    AdvisoriesUnusable,
    ImporterDied,
    ImportRuns,
    SourceUnknown,
    SourceUnreadable,
)
from lading.backends.advisories.importing import COMMAND, import_turn, imported
from lading.backends.advisories.lookup import KeptAdvisories
from lading.backends.advisories.messages import AnswerInvalid, Order, answer
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from tests.fakes.advisory_files import NOW, advisory, brought, folder_of, kept_in, zip_of
from tests.fakes.children import Child
from tests.unit.advisories.found import counts, ids


def many(tmp_path: Path, package: str) -> Path:
    """More than an importer tells of at once."""
    path = tmp_path / f"{package}.zip"
    path.write_bytes(zip_of(*(advisory(f"PYSEC-{number}", package) for number in range(2500))))
    return path


def order(data: Path, place: Path, tmp_path: Path) -> Order:
    return Order(str(data / "advisories.db"), str(place), str(tmp_path), "source", "source", NOW)


def test_an_import_that_is_cancelled_or_killed_leaves_what_was_there(data: Path, tmp_path: Path) -> None:
    brought(data, folder_of(tmp_path / "source", advisory("PYSEC-1")), name="source")
    place = many(tmp_path, "demo")
    told: list[int] = []
    with Cancellation() as cancel, import_turn(data) as turn:

        def files(count: int) -> None:
            told.append(count)
            cancel.cancel()

        with pytest.raises(Cancelled):
            imported(turn, order(data, place, tmp_path), files, cancel)
    assert told[0] == 1000
    assert ids(data) == ["PYSEC-1"]

    with Child[bytes](COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(order(data, place, tmp_path).line())
        child.stdin.flush()
        assert b"1000" in child.stdout.readline()
        os.kill(child.pid, signal.SIGKILL)
    assert ids(data) == ["PYSEC-1"]
    assert counts(brought(data, place, name="source")) == (2500, 2499, 0, 0, 0)


def test_an_importer_that_nobody_hears_any_more_changes_nothing(data: Path, tmp_path: Path) -> None:
    brought(data, folder_of(tmp_path / "source", advisory("PYSEC-1")), name="source")
    with Child[bytes](COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdout.close()
        child.stdin.write(order(data, many(tmp_path, "demo"), tmp_path).line())
        child.stdin.flush()
        assert child.wait() != 0
    assert ids(data) == ["PYSEC-1"]


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked at as Linux shows them")
def test_the_importer_knows_nothing_of_our_environment(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LADING_PASSWORD", "a secret")
    known: list[bytes] = []

    def files(_count: int) -> None:
        for child in Path("/proc/thread-self/children").read_text().split():
            process = Path("/proc", child)
            if b"advisories.child" in (process / "cmdline").read_bytes():
                known.append((process / "environ").read_bytes())

    with Cancellation() as cancel, import_turn(data) as turn:
        imported(turn, order(data, many(tmp_path, "demo"), tmp_path), files, cancel)

    assert known
    assert b"a secret" not in known[0]


def test_the_lock_outlives_whoever_began_the_import(data: Path) -> None:
    with import_turn(data) as turn:
        inherited = os.dup(turn.lock)
    with pytest.raises(ImportRuns), import_turn(data):
        raise AssertionError
    os.close(inherited)
    with import_turn(data) as turn:
        assert turn.incoming.is_dir()


def test_what_a_killed_import_left_goes_with_the_next(data: Path) -> None:
    (data / "advisories.incoming").mkdir()
    (data / "advisories.incoming" / "all.zip").write_bytes(b"half")
    with import_turn(data) as turn:
        assert list(turn.incoming.iterdir()) == []


def test_an_importer_that_dies_is_told(data: Path, tmp_path: Path) -> None:
    told = replace(order(data, tmp_path, tmp_path), path=cast("str", 7))
    with import_turn(data) as turn, pytest.raises(ImporterDied, match="status 1"):
        imported(turn, told, print, Cancellation())


@pytest.mark.parametrize("name", ["text", "link", "pipe", "empty", "many"])
def test_what_is_no_source_is_refused_and_nothing_changes(name: str, data: Path, tmp_path: Path) -> None:
    brought(data, folder_of(tmp_path / "source", advisory("PYSEC-1")), name="source")
    place = tmp_path / name
    match name:
        case "text":
            place.write_text("no zip")
        case "link":
            place.symlink_to("/dev/zero")
        case "pipe":
            os.mkfifo(place)
        case "empty":
            place.mkdir()
        case _:
            folder_of(place).joinpath("PYSEC-1.json").write_text('{"id": "PYSEC-1"}')

    with pytest.raises(SourceUnreadable):
        brought(data, place, name="source")
    assert ids(data) == ["PYSEC-1"]


def test_nothing_at_a_path_is_told(data: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceUnknown):
        brought(data, tmp_path / "nowhere")


def test_links_pipes_and_what_lies_beyond_a_folder_are_left_alone(data: Path, tmp_path: Path) -> None:
    source = folder_of(tmp_path / "source", advisory("PYSEC-1"))
    beyond = folder_of(tmp_path / "beyond", advisory("PYSEC-2"), advisory("PYSEC-3"))
    (source / "linked").symlink_to(beyond)
    (source / "PYSEC-2.json").symlink_to(beyond / "PYSEC-2.json")
    (source / "loop").symlink_to(source)
    (source / "PYSEC-4.json").mkdir()
    os.mkfifo(source / "PYSEC-5.json")
    folder_of(source / ".git", advisory("PYSEC-6"))

    assert brought(data, source).records == 1


def test_folders_without_end_are_refused(data: Path, tmp_path: Path) -> None:
    deep = tmp_path / "source"
    for _ in range(40):
        deep = deep / "x"
    deep.mkdir(parents=True)
    with pytest.raises(SourceUnreadable, match="deep"):
        brought(data, tmp_path / "source")


def test_names_that_lead_elsewhere_lead_nowhere(data: Path, tmp_path: Path) -> None:
    place = tmp_path / "all.zip"
    record = advisory("PYSEC-1")
    place.write_bytes(zip_of(record, advisory("../../../../tmp/PYSEC-2"), advisory("/etc/PYSEC-3")))
    before = sorted(tmp_path.rglob("*"))

    assert counts(brought(data, place)) == (1, 1, 0, 0, 2)
    assert [path for path in sorted(tmp_path.rglob("*")) if path not in before and data not in path.parents] == []


@pytest.mark.parametrize("content", [b"", b"no database" * 1000])
def test_a_damaged_file_is_told_and_left(content: bytes, data: Path, tmp_path: Path) -> None:
    (data / "advisories.db").write_bytes(content)
    source = folder_of(tmp_path / "source", advisory("PYSEC-1"))
    if not content:  # an empty file is an empty database
        assert ids(data) == []
        assert brought(data, source).records == 1
        return
    with pytest.raises(AdvisoriesDamaged):
        ids(data)
    with pytest.raises(AdvisoriesDamaged):
        brought(data, source)


def test_a_damaged_record_is_told(data: Path, tmp_path: Path) -> None:
    brought(data, folder_of(tmp_path / "source", advisory("PYSEC-1")))
    with closing(sqlite3.connect(data / "advisories.db")) as connection, connection:
        connection.execute("UPDATE record SET content = x'00'")
    with pytest.raises(AdvisoriesDamaged):
        ids(data)


def test_a_file_of_another_version_answers_nothing_and_is_begun_anew(data: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(data / "advisories.db")) as connection:
        connection.execute("CREATE TABLE record (other)")
        connection.execute("PRAGMA user_version = 99")
    assert (ids(data), kept_in(data).feeds()) == ([], ())

    brought(data, folder_of(tmp_path / "source", advisory("PYSEC-1")))
    assert ids(data) == ["PYSEC-1"]


def test_a_data_folder_that_cannot_be_written_is_told(data: Path, tmp_path: Path) -> None:
    source = folder_of(tmp_path / "source", advisory("PYSEC-1"))
    with pytest.raises(AdvisoriesUnusable):
        brought(data / "nowhere", source)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"x",
        b"[]",
        b"{}",
        b'{"done": {}}',
        b'{"done": {"records": "1"}}',
        b'{"failed": 1}',
        b'{"files": "x"}',
        b"7",
    ],
)
def test_what_no_child_says_is_not_believed(line: bytes) -> None:
    with pytest.raises(AnswerInvalid):
        answer(line)


def test_any_thread_may_ask(data: Path, tmp_path: Path) -> None:
    brought(data, folder_of(tmp_path / "source", *(advisory(f"PYSEC-{number}") for number in range(20))))
    with KeptAdvisories.opened(data / "advisories.db") as kept, ThreadPoolExecutor(4) as pool:

        def look(_: int) -> Sequence[object]:
            return kept.of_package("PyPI", "demo")

        assert {len(found) for found in pool.map(look, range(40))} == {20}
    assert kept.of_package("PyPI", "demo") == ()
