"""Advisories imported and looked up: whole or not at all, whoever reads or kills meanwhile."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
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
from lading.services.scans.advisories import Imported
from tests.fakes.advisory_files import NOW, advisory, brought, folder_of, kept_in, zip_of
from tests.fakes.children import Child


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def ids(data: Path, name: str = "demo", ecosystem: str = "PyPI") -> list[str]:
    with KeptAdvisories.opened(data / "advisories.db") as kept:
        return [each.id for each in kept.of_package(ecosystem, name)]


def counts(done: Imported) -> tuple[int, int, int, int, int]:
    return done.records, done.new, done.changed, done.gone, done.unread


def test_what_was_imported_is_found_by_package_id_and_alias(data: Path, tmp_path: Path) -> None:
    first, other = advisory("PYSEC-1", "Some.Package", aliases=["CVE-2026-1"]), advisory("GHSA-1", fixed="3.0")
    brought(data, folder_of(tmp_path / "source", first, other))

    with KeptAdvisories.opened(data / "advisories.db") as kept:
        (found,) = kept.of_package("PyPI", "some-package")
        assert (found.id, found.affected[0].name, found.aliases) == ("PYSEC-1", "Some.Package", ("CVE-2026-1",))
        assert found.affected[0].ranges[0][1].version == "2.0"
        assert not kept.of_package("PyPI", "nothing")
        assert not kept.of_package("npm", "demo")
        assert {each.id for each in kept.by_ids(["CVE-2026-1", "PYSEC-1", "GHSA-1"])} == {"PYSEC-1", "GHSA-1"}
        assert kept.by_ids(["GHSA-1"])[0].affected[0].name == "demo"
        assert kept.feeds() == {"PyPI": 1767323045.0}


def test_status_tells_of_each_ecosystem_and_source(data: Path, tmp_path: Path) -> None:
    both = [
        {"package": {"ecosystem": ecosystem, "name": "openssl"}}
        for ecosystem in ("Debian:12", "Debian:13", "Debian:13")
    ]
    records = [
        advisory("DSA-1", affected=both),
        advisory("CVE-1", affected=[]),
        advisory("DSA-2", ecosystem="Debian:13"),
    ]
    source = tmp_path / "source"
    brought(data, folder_of(source, *records))
    feeds = kept_in(data).feeds()

    assert [(feed.ecosystem, feed.records, feed.source) for feed in feeds] == [
        ("", 1, str(source)),
        ("Debian:12", 1, str(source)),
        ("Debian:13", 2, str(source)),
    ]
    assert {(feed.newest, feed.built, feed.imported) for feed in feeds} == {(1767323045.0, 1767323045.0, NOW)}


def test_an_ecosystem_that_others_records_mention_in_passing_is_no_feed(data: Path, tmp_path: Path) -> None:
    shared = advisory("GHSA-1", affected=[about(ecosystem) for ecosystem in ("PyPI", "npm", "Debian:12")])
    records = [shared, advisory("GHSA-2"), advisory("DSA-1", ecosystem="Debian:13")]
    brought(data, folder_of(tmp_path / "source", *records, advisory("GHSA-3")))

    with KeptAdvisories.opened(data / "advisories.db") as kept:
        assert set(kept.feeds()) == {"PyPI", "Debian:12", "Debian:13"}


def about(ecosystem: str) -> dict[str, object]:
    return {"package": {"ecosystem": ecosystem, "name": "demo"}}


def test_a_data_folder_without_advisories_knows_none(data: Path) -> None:
    assert kept_in(data).feeds() == ()
    assert ids(data) == []
    with KeptAdvisories.opened(data / "advisories.db") as kept:
        assert (kept.by_ids(["CVE-1"]), kept.feeds()) == ([], {})
    assert list(data.iterdir()) == []


def test_only_its_owner_may_read_the_file(data: Path, tmp_path: Path) -> None:
    brought(data, folder_of(tmp_path / "source", advisory("PYSEC-1")))

    assert stat.S_IMODE((data / "advisories.db").stat().st_mode) == 0o600
    assert not (data / "advisories.incoming").exists()


def test_an_import_replaces_what_its_source_had(data: Path, tmp_path: Path) -> None:
    source = folder_of(tmp_path / "source", advisory("PYSEC-1"), advisory("PYSEC-2"), advisory("PYSEC-3"))
    assert counts(brought(data, source)) == (3, 3, 0, 0, 0)

    (source / "PYSEC-2.json").unlink()
    (source / "PYSEC-3.json").write_text('{"id": "PYSEC-3", "modified": 7, "affected": 7}')
    folder_of(source, advisory("PYSEC-1", "other"), advisory("PYSEC-4"))
    assert counts(brought(data, source)) == (3, 1, 1, 1, 1)
    assert (ids(data), ids(data, "other")) == (["PYSEC-3", "PYSEC-4"], ["PYSEC-1"])
    assert counts(brought(data, source)) == (3, 0, 0, 0, 1)


def test_another_revision_is_told_where_anything_has_changed(data: Path, tmp_path: Path) -> None:
    def revision() -> str:
        with KeptAdvisories.opened(data / "advisories.db") as kept:
            return kept.revision()

    source = folder_of(tmp_path / "source", advisory("PYSEC-1"), advisory("PYSEC-2"))
    revisions = [revision()]
    brought(data, source)
    revisions.append(revision())
    brought(data, source)
    assert revision() == revisions[-1]
    folder_of(source, advisory("PYSEC-1", "other"))
    brought(data, source)
    revisions.append(revision())
    (source / "PYSEC-2.json").unlink()
    brought(data, source)
    revisions.append(revision())
    assert len(set(revisions)) == 4


def test_what_came_under_a_name_is_replaced_wherever_it_comes_from(data: Path, tmp_path: Path) -> None:
    brought(data, folder_of(tmp_path / "old", advisory("PYSEC-1")), name="pypa")
    done = brought(data, folder_of(tmp_path / "new", advisory("PYSEC-2")), name="pypa")

    assert (done.source, counts(done)) == ("pypa", (1, 1, 0, 1, 0))
    assert [feed.location for feed in kept_in(data).feeds()] == [str(tmp_path / "new")]


def test_of_two_sources_the_record_modified_last_counts(data: Path, tmp_path: Path) -> None:
    old, new = "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z"
    brought(data, folder_of(tmp_path / "b", advisory("GHSA-1", "demo", modified=new)))
    brought(data, folder_of(tmp_path / "a", advisory("GHSA-1", "mistaken", modified=old), advisory("GHSA-2")))

    assert (ids(data), ids(data, "mistaken")) == (["GHSA-1", "GHSA-2"], [])
    with KeptAdvisories.opened(data / "advisories.db") as kept:
        assert len(kept.by_ids(["GHSA-1"])) == 1


def test_the_time_of_an_ecosystem_is_that_of_its_largest_source(data: Path, tmp_path: Path) -> None:
    old = [advisory(f"PYSEC-{number}", modified="2020-01-01T00:00:00Z") for number in range(3)]
    brought(data, folder_of(tmp_path / "large", *old))
    brought(data, folder_of(tmp_path / "small", advisory("GHSA-1")))

    with KeptAdvisories.opened(data / "advisories.db") as kept:
        assert kept.feeds() == {"PyPI": 1577836800.0}


def test_what_the_future_has_modified_is_no_newer_than_now(data: Path, tmp_path: Path) -> None:
    brought(data, folder_of(tmp_path / "source", advisory("PYSEC-1", modified="2099-01-01T00:00:00Z")))
    brought(data, folder_of(tmp_path / "zero", advisory("GO-1", ecosystem="Go", modified="0001-01-01T00:00:00Z")))

    (go, pypi) = kept_in(data).feeds()
    assert (pypi.newest, pypi.built) == (NOW, NOW)
    assert (go.newest, go.built) == (None, None)


def test_two_files_of_one_id_are_one_record(data: Path, tmp_path: Path) -> None:
    for folder, package, moment in (
        ("a", "old", "2025"),
        ("b", "new", "2026"),
        ("c", "older", "2024"),
        ("d", "new", "2026"),
    ):
        folder_of(tmp_path / "source", advisory(f"X-{folder}"))
        folder_of(tmp_path / "source" / folder, advisory("ALSA-1", package, modified=f"{moment}-01-01T00:00:00Z"))
    done = brought(data, tmp_path / "source")

    assert done.records == 5
    assert [ids(data, name) for name in ("old", "new", "older")] == [[], ["ALSA-1"], []]


def test_who_reads_goes_on_with_what_was_there(data: Path, tmp_path: Path) -> None:
    source = folder_of(tmp_path / "source", advisory("PYSEC-1"))
    brought(data, source)
    with KeptAdvisories.opened(data / "advisories.db") as kept:
        folder_of(source, advisory("PYSEC-1", "other"), advisory("PYSEC-2"))
        brought(data, source)

        assert [each.id for each in kept.of_package("PyPI", "demo")] == ["PYSEC-1"]
        assert kept.of_package("PyPI", "other") == []
        assert ids(data, "demo") == ["PYSEC-2"]


def test_a_second_importer_is_refused(data: Path, tmp_path: Path) -> None:
    source = folder_of(tmp_path / "source", advisory("PYSEC-1"))
    with import_turn(data), pytest.raises(ImportRuns):
        brought(data, source)
    assert brought(data, source).records == 1


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
