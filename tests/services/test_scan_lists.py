"""Lists of scans and findings: who sees what, and that counts are those of the list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lading.inventory.severity import Severity
from lading.oci.digest import Digest
from lading.services.access import Actor, Denied, Grant
from lading.services.environments.environment import ConnectionType
from lading.services.environments.records import EnvironmentRow
from lading.services.findings.rows import FindingQuery, Occasion, ScanQuery, ScanRow, ScanSubject
from lading.services.findings.scan_comparison import compare_scans
from lading.services.findings.scanner import Finding, ScanResult, ScanStatus
from lading.services.named_rows import RowUnknown
from lading.services.scans.lists import ScansUnlike
from tests.fakes.environment_bench import ADMIN, actor
from tests.fakes.scan_bench import OPENSSL, ZLIB, ScanBench, scan_bench

NOBODY = Actor("nobody")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[ScanBench]:
    with scan_bench(tmp_path) as made:
        second = EnvironmentRow(2, "second", ConnectionType.SOCKET, "/run/docker.sock")
        made.records.add_environment(lambda _: second)
        yield made


def kept(bench: ScanBench, name: str, *findings: Finding, environment: int = 1, scanner: str = "osv") -> ScanRow:
    digest = Digest.of(name.encode())
    subject = ScanSubject(environment, str(digest), name, digest, None, "linux/amd64")
    result = ScanResult(scanner, "1", ScanStatus.OK, 1.0, 1.0, findings)
    return bench.scans.keep(subject, result, Occasion.PULL)


def test_findings_of_all_images_with_the_counts_of_the_list(bench: ScanBench) -> None:
    kept(bench, "a:1", OPENSSL, ZLIB)
    kept(bench, "b:1", OPENSSL, environment=2)

    page = bench.lists.findings(ADMIN, FindingQuery(), 0, 2)
    assert [(each.subject.name, each.finding.id) for each in page.found] == [
        ("a:1", OPENSSL.id),
        ("b:1", OPENSSL.id),
    ]
    assert (page.total, page.counts[Severity.HIGH], page.counts[Severity.LOW]) == (3, 2, 1)


def test_who_may_see_a_repository_sees_its_images_there_and_no_others(bench: ScanBench) -> None:
    mine = kept(bench, "registry.example/team/a:1", OPENSSL)
    other = kept(bench, "registry.example/else/b:1", OPENSSL)
    kept(bench, "registry.example/team/a:1", OPENSSL, environment=2)
    seer = actor("scans:view", environments={1}, repositories=("team/*",))

    assert [row.id for row in bench.lists.scans(seer, ScanQuery(), 0, 10).rows] == [mine.id]
    assert [each.scan for each in bench.lists.findings(seer, FindingQuery(), 0, 10).found] == [mine.id]
    assert bench.lists.get(seer, mine.id) == mine
    with pytest.raises(RowUnknown):
        bench.lists.get(seer, other.id)
    with pytest.raises(Denied):
        bench.lists.scans(seer, ScanQuery(frozenset({2})), 0, 10)


def test_of_content_with_two_names_only_what_may_be_seen_is_told(bench: ScanBench) -> None:
    content = Digest.of(b"the same")
    result = ScanResult("osv", "1", ScanStatus.OK, 1.0, 1.0, (OPENSSL,))
    names = ("registry.example/team/a:1", "registry.example/secret/project:1")
    mine, newer = (
        bench.scans.keep(ScanSubject(1, str(content), name, content, None, "linux/amd64"), result, Occasion.PULL)
        for name in names
    )
    seer = actor("scans:view", environments={1}, repositories=("team/*",))

    told = replace(newer, subject=mine.subject)
    assert bench.lists.of_image(ADMIN, 1, names[0]) == [newer]
    for called in (names[0], str(content)):
        assert bench.lists.of_image(seer, 1, called) == [told]
    assert bench.lists.of_image(seer, 1, names[1]) == []
    assert bench.lists.get(seer, newer.id) == told
    assert [row.id for row in bench.lists.scans(seer, ScanQuery(), 0, 10).rows] == [mine.id]
    found = bench.lists.findings(seer, FindingQuery(), 0, 10)
    assert [(each.scan, each.subject) for each in found.found] == [(newer.id, mine.subject)]
    assert found.total == 1


def test_what_a_scanner_found_under_a_hidden_name_is_told_and_what_it_failed_at_is_not(bench: ScanBench) -> None:
    content = Digest.of(b"the same")
    mine, hidden = (
        ScanSubject(1, str(content), name, content, None, "linux/amd64")
        for name in ("registry.example/team/a:1", "registry.example/secret/project:1")
    )
    sound = ScanResult("trivy", "1", ScanStatus.OK, 1.0, 1.0, (OPENSSL,))
    failed = replace(sound, status=ScanStatus.FAILED, findings=(), error=f"{hidden.name} is too much")
    seer = actor("scans:view", environments={1}, repositories=("team/*",))

    own = bench.scans.keep(mine, replace(sound, scanner="osv"), Occasion.PULL)
    standing = bench.scans.keep(hidden, sound, Occasion.PULL)
    unknown = bench.scans.keep(hidden, failed, Occasion.PULL)

    assert bench.lists.of_image(seer, 1, mine.name) == [own, replace(standing, subject=mine)]
    with pytest.raises(RowUnknown):
        bench.lists.get(seer, unknown.id)


def test_all_of_one_environment_and_a_repository_of_another(bench: ScanBench) -> None:
    grants = (
        Grant(frozenset({"scans:view"}), frozenset({1})),
        Grant(frozenset({"scans:view"}), frozenset({2}), ("team/*",)),
    )
    rows = [
        kept(bench, "registry.example/else/b:1"),
        kept(bench, "registry.example/team/a:1", environment=2),
        kept(bench, "registry.example/else/b:1", environment=2),
    ]

    page = bench.lists.scans(Actor("ann", grants, user=2), ScanQuery(), 0, 10)

    assert [row.id for row in page.rows] == [rows[1].id, rows[0].id]
    assert page.total == 2


def test_what_was_in_an_environment_goes_with_it(bench: ScanBench) -> None:
    kept(bench, "a:1", OPENSSL, environment=2)
    bench.environments.remove(ADMIN, 2)

    assert bench.lists.scans(ADMIN, ScanQuery(), 0, 10).total == 0
    assert bench.lists.findings(ADMIN, FindingQuery(frozenset({2})), 0, 10).total == 0


@pytest.mark.parametrize("deed", ["scans", "findings", "get", "compare"])
def test_who_may_not_is_refused(bench: ScanBench, deed: str) -> None:
    row = kept(bench, "a:1")
    asking: dict[str, Callable[[Actor], object]] = {
        "scans": lambda who: bench.lists.scans(who, ScanQuery(), 0, 1),
        "findings": lambda who: bench.lists.findings(who, FindingQuery(), 0, 1),
        "get": lambda who: bench.lists.get(who, row.id),
        "compare": lambda who: bench.lists.compare(who, row.id, row.id),
    }
    with pytest.raises(Denied):
        asking[deed](actor("images:view"))


def test_the_newest_scan_of_an_image_by_each_scanner(bench: ScanBench) -> None:
    kept(bench, "nginx:latest", ZLIB)
    newest = [kept(bench, "nginx:latest", OPENSSL), kept(bench, "nginx:latest", scanner="trivy")]

    assert bench.lists.of_image(ADMIN, None, "nginx") == newest
    assert bench.lists.of_image(ADMIN, 1, str(Digest.of(b"nginx:latest"))) == newest
    assert bench.lists.of_image(ADMIN, 2, "nginx") == []


def test_two_scans_are_compared_as_sets(bench: ScanBench) -> None:
    before, after = kept(bench, "a:1", OPENSSL), kept(bench, "a:2", ZLIB)

    found = bench.lists.compare(ADMIN, before.id, after.id)

    assert (found.new, found.fixed, found.same) == ((ZLIB,), (OPENSSL,), ())
    assert found.changed
    assert not compare_scans(before.result, before.result).changed
    with pytest.raises(ScansUnlike):
        bench.lists.compare(ADMIN, before.id, kept(bench, "a:1", scanner="trivy").id)
