"""What tags come to, and what lists of images ask of scans and the trail, on every database."""

from __future__ import annotations

from dataclasses import replace

from lading.backends.database.service_database import ServiceDatabase
from lading.inventory.severity import Severity
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import OCI_INDEX, OCI_MANIFEST
from lading.services.audit.audit import Deed, Result
from lading.services.audit.records import AuditEntry
from lading.services.findings.rows import Occasion, ScanSubject
from lading.services.findings.scanner import Finding, ScanResult, ScanStatus
from lading.services.repositories.edits import Edit, HoldBlob, HoldManifest, PointTag
from lading.services.repositories.rows import HeldManifest
from lading.services.repositories.tag_contents import RootContent, TagNaming, TagsWith

CONFIG, BASE, TOP = (Digest.of(word) for word in (b"config", b"base", b"top"))
ONE = HeldManifest(Descriptor(OCI_MANIFEST, Digest.of(b"one"), 5), (CONFIG, BASE))
TWO = HeldManifest(Descriptor(OCI_MANIFEST, Digest.of(b"two"), 5), (CONFIG, BASE, TOP))
ABSENT = Digest.of(b"a platform that is not here")
INDEX = HeldManifest(Descriptor(OCI_INDEX, Digest.of(b"index"), 5), (ONE.descriptor.digest, ABSENT, Digest.of(b"two")))
ONE_ID, TWO_ID, INDEX_ID = (each.descriptor.digest for each in (ONE, TWO, INDEX))


def put(database: ServiceDatabase, repository: str, *edits: Edit) -> None:
    held: list[Edit] = [
        HoldBlob(CONFIG, 1),
        HoldBlob(BASE, 10),
        HoldManifest(ONE),
        HoldManifest(TWO),
        HoldManifest(INDEX),
    ]
    database.repositories.change(repository, lambda _view: [*held, *edits], 1.0)


def test_content_is_found_in_tags_however_deep_it_lies(database: ServiceDatabase) -> None:
    put(database, "a/b", PointTag("1", ONE_ID), PointTag("2", ONE_ID), PointTag("all", INDEX_ID))
    put(database, "c", PointTag("two", TWO_ID))

    found = database.tag_contents.tags_with([BASE, TOP, TWO_ID])

    assert set(found) == {
        TagsWith(BASE, "a/b", ONE_ID, 2),
        TagsWith(BASE, "a/b", INDEX_ID, 1),
        TagsWith(BASE, "c", TWO_ID, 1),
        TagsWith(TOP, "a/b", INDEX_ID, 1),
        TagsWith(TOP, "c", TWO_ID, 1),
        TagsWith(TWO_ID, "a/b", INDEX_ID, 1),
        TagsWith(TWO_ID, "c", TWO_ID, 1),
    }
    assert len(found) == len(set(found))
    assert database.tag_contents.tags_with([]) == []


def test_tags_are_found_by_what_they_name(database: ServiceDatabase) -> None:
    put(database, "c", PointTag("two", TWO_ID))
    put(database, "a/b", PointTag("1", ONE_ID), PointTag("2", ONE_ID))

    everything = database.tag_contents.tags_naming([ONE_ID, TWO_ID, CONFIG], 10)

    assert everything == [
        TagNaming("a/b", "1", ONE_ID),
        TagNaming("a/b", "2", ONE_ID),
        TagNaming("c", "two", TWO_ID),
    ]
    assert database.tag_contents.tags_naming([ONE_ID, TWO_ID], 1) == everything[:1]


def test_layers_of_a_root_are_those_of_all_its_platforms_that_are_here(database: ServiceDatabase) -> None:
    put(database, "a/b")

    found = database.tag_contents.layers_of("a/b", [INDEX_ID, ONE_ID, ABSENT])

    assert {each.root: each for each in found} == {
        INDEX_ID: RootContent(INDEX_ID, {BASE: 10, TOP: None}),  # whose blob the repository does not hold
        ONE_ID: RootContent(ONE_ID, {BASE: 10}),
    }
    assert database.tag_contents.layers_of("none", [INDEX_ID]) == []


def test_the_worst_of_the_standing_scans_is_told(database: ServiceDatabase) -> None:
    subject = ScanSubject(1, "sha256:a", "a:1", CONFIG, None, "linux/amd64")
    finding = Finding("CVE-1", Severity.HIGH, "zlib", "1")
    hidden = replace(finding, id="CVE-2", severity=Severity.CRITICAL, suppressed_by="exception")
    result = ScanResult("osv", "1", ScanStatus.OK, 1.0, 1.0, (finding, hidden))
    for each, came in (
        (subject, result),
        (replace(subject, image="sha256:b", config=BASE), replace(result, findings=())),
        (replace(subject, image="sha256:c", config=TOP), ScanResult("osv", "1", ScanStatus.FAILED, 1.0, 1.0)),
        (replace(subject, environment=2, image="sha256:d"), result),
    ):
        database.scans.add_scan(each, came, Occasion.ASKED)
    asked = {f"sha256:{letter}" for letter in "abcd"}

    assert database.scans.worst(1, asked) == {"sha256:a": Severity.HIGH, "sha256:b": None}
    assert database.scans.worst(1, {*asked, *map(str, range(1000))}) == database.scans.worst(1, asked)


def test_the_last_removal_of_an_image_is_found_by_its_names_and_its_id(database: ServiceDatabase) -> None:
    def record(name: str, at: float, action: str = "remove", environment: int = 1, **details: object) -> None:
        deed = Deed(action, "image", name, name, environment, details)
        database.audit.append(AuditEntry(at, "ann", 1, None, deed, Result.DONE))

    record("app:1", 1.0, imageId="sha256:abc123")
    record("app:1", 2.0)
    record("app:1", 3.0, action="tag")
    record("app:1", 4.0, environment=2)
    record("", 5.0, action="prune", deleted=["sha256:def_456"])

    def when(names: set[str], mention: str | None = None) -> float | None:
        row = database.audit.last_removal(1, names, mention)
        return None if row is None else row.entry.created

    assert when({"app:1", "docker.io/library/app:1"}) == 2.0
    assert when({"other"}, "abc123") == 1.0
    assert when(set(), "def_456") == 5.0
    assert when(set(), "defx456") is None
    assert when({"other"}) is None
