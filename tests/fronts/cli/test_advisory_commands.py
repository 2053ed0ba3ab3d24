"""`lading advisories` over a data folder."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.advisories.importing import DATABASE, import_turn
from lading.backends.advisories.lookup import KeptAdvisories
from tests.fakes.advisory_files import Bucket, advisory, folder_of, zip_of
from tests.fakes.scripted_server import ScriptedServer
from tests.fakes.service_folder import ServiceFolder


@pytest.fixture
def lading(tmp_path: Path) -> ServiceFolder:
    (tmp_path / "data").mkdir()
    return ServiceFolder(tmp_path / "data")


def test_a_folder_without_advisories_says_how_to_get_them(lading: ServiceFolder) -> None:
    said = lading("advisories", "status")

    assert said.out.split() == ["ECOSYSTEM", "RECORDS", "DATA", "OF", "NEWEST", "IMPORTED", "SOURCE"]
    assert "lading advisories update" in said.err
    assert lading.json("advisories", "status") == []


def test_an_import_tells_what_came_and_status_how_old_it_is(lading: ServiceFolder, tmp_path: Path) -> None:
    source = folder_of(tmp_path / "source", advisory("PYSEC-1", modified="2020-01-01T00:00:00Z"))
    (source / "PYSEC-9.json").write_text('{"id": "PYSEC-8", "modified": "x"}')
    said = lading("advisories", "import", str(source), "--name", "pypa")
    (told,) = lading.json("advisories", "status")

    assert said.out == "pypa   1 advisory: 1 new, 0 changed, 0 gone\n"
    assert "1 file named like advisories cannot be used" in said.err
    assert (told["ecosystem"], told["records"], told["source"], told["location"]) == ("PyPI", 1, "pypa", str(source))
    assert told["newest"] == told["built"] == "2020-01-01T00:00:00.000Z"
    row = lading("advisories", "status").out.splitlines()[1].split("  ")
    assert [cell.strip() for cell in row if cell][0::2][:2] == ["PyPI", "6 years ago"]
    assert lading("advisories", "status", "-q").out == "PyPI\n"


def test_the_second_of_two_importers_is_refused(lading: ServiceFolder, tmp_path: Path) -> None:
    source = folder_of(tmp_path / "source", advisory("PYSEC-1"))
    with import_turn(lading.data):
        said = lading.run("advisories", "import", str(source))

    assert said.code == 6
    assert "advisories are being imported already" in said.err


def test_a_source_is_forgotten_with_all_it_brought_and_no_other(lading: ServiceFolder, tmp_path: Path) -> None:
    both = advisory("PYSEC-1", aliases=["CVE-2099-0001"])
    for name, source in (("wrong", (both, advisory("PYSEC-2"))), ("right", (both,))):
        lading("advisories", "import", str(folder_of(tmp_path / name, *source)), "--name", name)

    said = lading("advisories", "forget", "wrong")
    again = lading.run("advisories", "forget", "wrong")

    assert said.out == "wrong   forgotten, and 2 advisories with it\n"
    assert [(each["source"], each["records"]) for each in lading.json("advisories", "status")] == [("right", 1)]
    with closing(KeptAdvisories(lading.data / DATABASE)) as lookup:
        assert [each.id for each in lookup.of_package("PyPI", "demo")] == ["PYSEC-1"]
        assert [each.id for each in lookup.by_ids(["CVE-2099-0001", "PYSEC-2"])] == ["PYSEC-1"]
    assert again.code == 5
    assert "error: no advisories came from wrong" in again.err
    assert "try:   lading advisories status" in again.err


def test_nothing_is_forgotten_where_nothing_is_known_or_while_somebody_imports(
    lading: ServiceFolder, tmp_path: Path
) -> None:
    assert lading.run("advisories", "forget", "pypa").code == 5
    assert not (lading.data / DATABASE).exists()
    source = folder_of(tmp_path / "source", advisory("PYSEC-1"))
    lading("advisories", "import", str(source), "--name", "pypa")

    with import_turn(lading.data):
        assert lading.run("advisories", "forget", "pypa").code == 6
    assert len(lading.json("advisories", "status")) == 1


@pytest.mark.parametrize(("place", "code"), [("nowhere", 5), ("empty", 2), ("http://127.0.0.1:1/all.zip", 7)])
def test_what_cannot_be_imported_is_told(place: str, code: int, lading: ServiceFolder, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    said = lading.run("advisories", "import", place if "://" in place else str(tmp_path / place))

    assert (said.code, said.out) == (code, "")
    assert "try:" in said.err


def test_an_update_brings_what_is_asked_for_and_tells_what_stays(lading: ServiceFolder) -> None:
    bucket = Bucket()
    bucket.records["PyPI"] = [advisory("PYSEC-1")]
    with ScriptedServer(bucket) as server:
        said = lading("advisories", "update", "PyPI", "--advisories-url", server.url(""))
        partly = lading.run("advisories", "update", "PyPI", "npm", "--advisories-url", server.url("/"))

    assert said.out.splitlines()[1].split() == ["osv:PyPI", "1", "1", "0", "0", "0"]
    assert partly.code == 3
    assert "npm stays as it was" in partly.err
    assert "osv:PyPI" in partly.out


def test_a_zip_may_be_named_by_its_path(lading: ServiceFolder, tmp_path: Path) -> None:
    (tmp_path / "all.zip").write_bytes(zip_of(advisory("PYSEC-1"), advisory("PYSEC-2")))
    told = lading.json("advisories", "import", str(tmp_path / "all.zip"))

    assert (told["records"], told["new"], told["unread"]) == (2, 2, 0)
