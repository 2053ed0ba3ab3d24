"""Scans and findings, on every database."""

from __future__ import annotations

from dataclasses import replace

from lading.backends.database.service_database import ServiceDatabase
from lading.inventory.fix_state import FixState
from lading.inventory.severity import Severity
from lading.oci.digest import Digest
from lading.services.findings.rows import FindingQuery, Occasion, ScanQuery, ScanRow, ScanSubject
from lading.services.findings.scanner import Coverage, Finding, ScanResult, ScanStatus

CONFIG, OTHER = Digest.of(b"config"), Digest.of(b"another config")
SUBJECT = ScanSubject(1, str(Digest.of(b"index")), "team/app:1", CONFIG, Digest.of(b"manifest"), "linux/amd64")
OPENSSL = Finding(
    "CVE-2099-0001",
    Severity.HIGH,
    "openssl",
    "1.1.1",
    "1.1.1w",
    "Buffer overflow",
    ("GHSA-aaaa-bbbb-cccc",),
    "deb",
    "pkg:deb/debian/openssl@1.1.1",
    FixState.FIXED,
    7.5,
    "https://example.test/1",
    "var/lib/dpkg/status",
    Digest.of(b"layer"),
    1.7e9,
    True,
    None,
    ("grype", "trivy"),
)
ZLIB = Finding("CVE-2099-0002", Severity.LOW, "zlib", "1.2", path="var/lib/dpkg/status")
COVERAGE = Coverage("Debian 12", 142, 140, 3, {"gem": 2}, {"Debian:12": 1.7e9}, ("one note",))
RESULT = ScanResult("osv", "1", ScanStatus.OK, 1000.5, 2.5, (OPENSSL, ZLIB), COVERAGE, 1.7e9)
FAILED = ScanResult("osv", "1", ScanStatus.FAILED, 1001.0, 0.5, error="it was killed")


def added(database: ServiceDatabase, result: ScanResult = RESULT, *, subject: ScanSubject = SUBJECT) -> ScanRow:
    return database.scans.add_scan(subject, result, Occasion.PULL)


def ids(database: ServiceDatabase, query: FindingQuery) -> list[str]:
    found = [each.finding.id for each in database.scans.findings(query, 0, 100)]
    assert sum(database.scans.count_findings(query).values()) == len(found)
    return found


def test_a_scan_comes_back_as_it_was(database: ServiceDatabase) -> None:
    row = added(database)

    assert database.scans.scan(row.id) == row
    assert (row.summary, row.standing) == (RESULT.summary, True)
    assert database.scans.scan(10**30) is None


def test_whatever_stands_in_an_image_can_be_kept(database: ServiceDatabase) -> None:
    """Strangers choose names, versions and paths."""
    odd = "a\0b\ud800'\"%_"
    hostile = replace(
        OPENSSL,
        id=odd,
        package=odd,
        version=odd,
        fixed_version=odd,
        path=odd,
        purl=odd,
        aliases=(odd,),
        scanners=(odd,),
    )
    other = replace(hostile, id=odd.replace("\0", "\ufffd"), description="another", cvss=float("inf"), published=1e300)
    failed = replace(FAILED, error=odd, coverage=Coverage(odd, 1, 0, 0, {odd: 1}, {odd: 1.0}, (odd,)))

    row = added(database, replace(RESULT, findings=(hostile, other)))
    added(database, failed, subject=replace(SUBJECT, name=odd, image=odd))

    kept = database.scans.scan(row.id)
    assert kept is not None
    assert (kept.result.findings[1].cvss, kept.result.findings[1].published) == (None, None)
    assert len(kept.result.findings) == len(database.scans.findings(FindingQuery(text=odd), 0, 10)) == 2
    assert database.scans.count_scans(ScanQuery(text=odd, image=odd)) == 1


def test_a_failed_scan_counts_nothing_and_leaves_the_one_before_standing(database: ServiceDatabase) -> None:
    sound, failed = added(database), added(database, FAILED)

    assert database.scans.scan(failed.id) == replace(failed, summary=None, standing=False)
    assert [row.id for row in database.scans.latest(1, CONFIG)] == [failed.id]
    assert [row.id for row in database.scans.standing(1)] == [sound.id]


def test_a_later_scan_is_the_standing_one(database: ServiceDatabase) -> None:
    first = added(database)
    elsewhere = added(database, subject=replace(SUBJECT, environment=2))
    other = added(database, replace(RESULT, scanner="grype"))
    second = added(database, replace(RESULT, findings=(ZLIB,)))

    assert [row.id for row in database.scans.standing(1)] == [other.id, second.id]
    assert [row.id for row in database.scans.standing(None, CONFIG)] == [elsewhere.id, other.id, second.id]
    assert [row.id for row in database.scans.latest(1, CONFIG)] == [other.id, second.id]
    stood = database.scans.scan(first.id)
    assert stood is not None
    assert not stood.standing
    assert ids(database, FindingQuery(environments=frozenset({1}), scanner="osv")) == [ZLIB.id]


def test_what_is_known_of_equal_content_is_found_by_scanner_version_and_data(database: ServiceDatabase) -> None:
    row = added(database)
    added(database, replace(FAILED, built=RESULT.built))

    assert database.scans.kept_result(CONFIG, "osv", "1", RESULT.built) == row
    for asked in (
        (OTHER, "osv", "1", RESULT.built),
        (CONFIG, "trivy", "1", RESULT.built),
        (CONFIG, "osv", "2", RESULT.built),
        (CONFIG, "osv", "1", 2.0),
        (CONFIG, "osv", "1", None),
    ):
        assert database.scans.kept_result(*asked) is None


def test_data_without_a_time_are_their_own(database: ServiceDatabase) -> None:
    row = added(database, replace(RESULT, built=None))

    assert database.scans.kept_result(CONFIG, "osv", "1", None) == row


def test_newer_data_may_confirm_what_was_found(database: ServiceDatabase) -> None:
    row = added(database)
    again = replace(RESULT, started=2000.0, built=1.8e9, coverage=Coverage("Debian 12", 142, 142), findings=())

    database.scans.confirm_scan(row.id, again)

    assert database.scans.scan(row.id) == replace(row, result=replace(again, findings=RESULT.findings))


FOUND: list[tuple[FindingQuery, list[str]]] = [
    (FindingQuery(), [OPENSSL.id, ZLIB.id]),
    (FindingQuery(severities=frozenset({Severity.LOW, Severity.UNKNOWN})), [ZLIB.id]),
    (FindingQuery(vulnerability="CVE-2099-0001"), [OPENSSL.id]),
    (FindingQuery(vulnerability="GHSA-aaaa-bbbb-cccc"), [OPENSSL.id]),
    (FindingQuery(vulnerability="GHSA-aaaa-bbbb-ccc"), []),
    (FindingQuery(vulnerability="%"), []),
    (FindingQuery(vulnerability="\0"), []),
    (FindingQuery(vulnerability="\ud800"), []),
    (FindingQuery(text="ghsa-aaaa-bbbb"), [OPENSSL.id]),
    (FindingQuery(package="zlib"), [ZLIB.id]),
    (FindingQuery(fixable=True), [OPENSSL.id]),
    (FindingQuery(fixable=False), [ZLIB.id]),
    (FindingQuery(suppressed=True), []),
    (FindingQuery(suppressed=False), [OPENSSL.id, ZLIB.id]),
    (FindingQuery(scanner="grype"), []),
    (FindingQuery(text="OPENS"), [OPENSSL.id]),
    (FindingQuery(text="team/app"), [OPENSSL.id, ZLIB.id]),
    (FindingQuery(environments=frozenset({2})), []),
    (FindingQuery(environments=frozenset()), []),
    (FindingQuery(limited={1: frozenset({"team/app:1"})}), [OPENSSL.id, ZLIB.id]),
    (FindingQuery(limited={1: frozenset({"another"})}), []),
]


def test_findings_are_filtered_and_their_counts_equal_the_list(database: ServiceDatabase) -> None:
    added(database)

    assert [(query, ids(database, query)) for query, _ in FOUND] == FOUND


def test_a_standing_scan_is_told_under_the_newest_name_that_may_be_seen(database: ServiceDatabase) -> None:
    """Of content with several names one scan stands, whichever was scanned last."""
    test = replace(SUBJECT, name="test/app:1")
    prod = replace(SUBJECT, name="prod/app:1", image=str(Digest.of(b"prod")), manifest=Digest.of(b"another manifest"))
    added(database, subject=replace(test, name="test/app:0"))
    added(database, FAILED, subject=test)
    added(database, subject=replace(prod, environment=2))
    standing = added(database, replace(RESULT, findings=(ZLIB,)), subject=prod)
    mine = FindingQuery(limited={1: frozenset({"test/app:0", "test/app:1"}), 2: frozenset()})

    found = database.scans.findings(mine, 0, 10)
    assert [(each.scan, each.subject, each.finding) for each in found] == [(standing.id, test, ZLIB)]
    for text, shown in (("prod", []), ("test/app:1", [ZLIB.id]), ("test/app:0", [])):
        assert ids(database, replace(mine, text=text)) == shown
    assert ids(database, replace(mine, environments=frozenset({2}))) == []
    both = FindingQuery(limited={1: frozenset({"test/app:1", "prod/app:1"})}, text="prod")
    assert {each.subject.name for each in database.scans.findings(both, 0, 10)} == {"prod/app:1"}

    database.scans.mark_present(1, {prod.image})
    assert ids(database, mine) == []


def test_findings_of_images_that_are_gone_are_in_no_list(database: ServiceDatabase) -> None:
    added(database)
    gone = replace(SUBJECT, image="sha256:gone", name="old:1", config=OTHER)
    added(database, subject=gone)

    database.scans.mark_present(1, {SUBJECT.image})
    assert {each.subject for each in database.scans.findings(FindingQuery(), 0, 10)} == {SUBJECT}

    database.scans.mark_present(1, {SUBJECT.image, gone.image})
    assert {each.subject for each in database.scans.findings(FindingQuery(), 0, 10)} == {SUBJECT, gone}


def test_what_an_exception_hides_stays_in_the_list_and_leaves_the_counts(database: ServiceDatabase) -> None:
    row = added(database)

    database.scans.suppress(row.id, {0: "7"})
    hidden = database.scans.scan(row.id)
    assert hidden is not None
    assert hidden.summary == {**dict.fromkeys(Severity, 0), Severity.LOW: 1}
    assert [each.suppressed_by for each in hidden.result.findings] == ["7", None]
    assert ids(database, FindingQuery(suppressed=True)) == [OPENSSL.id]

    database.scans.suppress(row.id, {0: None})
    assert database.scans.scan(row.id) == row


COUNTED: list[tuple[ScanQuery, int]] = [
    (ScanQuery(), 2),
    (ScanQuery(text="APP"), 1),
    (ScanQuery(image="team/app:1"), 1),
    (ScanQuery(image=SUBJECT.image), 1),
    (ScanQuery(config=OTHER), 1),
    (ScanQuery(scanner="grype"), 0),
    (ScanQuery(status=ScanStatus.FAILED), 1),
    (ScanQuery(environments=frozenset({1})), 2),
    (ScanQuery(limited={1: frozenset()}), 0),
    (ScanQuery(limited={2: frozenset()}), 2),
]


def test_scans_are_filtered_newest_first(database: ServiceDatabase) -> None:
    first = added(database)
    second = added(database, FAILED, subject=replace(SUBJECT, image="sha256:other", name="db:2", config=OTHER))

    for query, count in COUNTED:
        rows = database.scans.scans(query, 0, 10)
        assert database.scans.count_scans(query) == len(rows) == count, query
        assert [row.id for row in rows] == sorted((row.id for row in rows), reverse=True)
        assert not any(row.result.findings for row in rows)
    assert [row.id for row in database.scans.scans(ScanQuery(), 0, 10)] == [second.id, first.id]
    assert database.scans.names() == {"team/app:1", "db:2"}


def test_old_scans_go_but_the_standing_one(database: ServiceDatabase) -> None:
    standing = added(database)
    failed = [added(database, FAILED) for _ in range(4)]
    elsewhere = added(database, subject=replace(SUBJECT, environment=9))

    assert database.scans.prune_scans(2, {1}) == 3

    kept = [row.id for row in database.scans.scans(ScanQuery(), 0, 10)]
    assert kept == [failed[3].id, failed[2].id, standing.id]
    assert elsewhere.id not in kept
    assert database.scans.scan(standing.id) == standing


def test_whoever_may_see_very_many_names_sees_them(database: ServiceDatabase) -> None:
    """More than PostgreSQL takes values beside one statement."""
    row = added(database, subject=replace(SUBJECT, name="team/a:7"))
    names = frozenset(f"team/a:{number}" for number in range(70_000))

    seen = ScanQuery(limited={SUBJECT.environment: names})
    assert database.scans.count_scans(seen) == 1
    assert [each.id for each in database.scans.scans(seen, 0, 10)] == [row.id]
    assert database.scans.count_scans(ScanQuery(limited={SUBJECT.environment: names - {"team/a:7"}})) == 0
    assert database.scans.count_scans(ScanQuery(limited={SUBJECT.environment: frozenset()})) == 0
