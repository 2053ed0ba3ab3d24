"""Advisories imported and looked up: what each source has, and which record counts."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from lading.backends.advisories.failures import (
    ImportRuns,
)
from lading.backends.advisories.importing import import_turn
from lading.backends.advisories.lookup import KeptAdvisories
from tests.fakes.advisory_files import NOW, advisory, brought, folder_of, kept_in
from tests.unit.advisories.found import counts, ids


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
