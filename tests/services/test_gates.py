"""Gates before a push, a copy and a promotion: what is stored counts, platform by platform, by whoever's word does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from lading.backends.database.service_database import ServiceDatabase, open_service_database
from lading.inventory.severity import Severity
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index
from lading.oci.media_types import OCI_INDEX, OCI_MANIFEST
from lading.oci.platform import Platform
from lading.oci.reference import Repository
from lading.services.environment_images import Part, PartKind, Summary
from lading.services.findings.rows import Occasion, ScanSubject
from lading.services.findings.scanner import Finding, ScannerName, ScanResult, ScanStatus
from lading.services.gate_parts import parts_of
from lading.services.gates.exceptions import ExceptionForm, ExceptionInvalid, Exceptions
from lading.services.gates.gates import Gates
from lading.services.gates.policies import KEPT_SECONDS, Policies
from lading.services.gates.policy import Action, Handling, Limits, Mode, Place, Scope
from lading.services.gates.records import PolicyRow, VerdictQuery
from lading.services.gates.refusals import MOST_NAMED, GateRefused, Given
from lading.services.gates.scans import KnownScans
from lading.services.platforms import Wanted
from tests.fakes.environment_bench import ADMIN
from tests.fakes.environment_records import KeptTrail
from tests.fakes.images import AMD64
from tests.fakes.records import Clock

NOTHING_HIGH = Limits(max_severity=Severity.MEDIUM)
HIGH = Finding("CVE-2026-1", Severity.HIGH, "openssl", "1", "2")
ARM64 = Platform("linux", "arm64")
TARGET = Place(1, Repository("registry.example", "team/app"), 4)
ROOT, AMD, ARM = Digest.of(b"index"), Digest.of(b"amd64"), Digest.of(b"arm64")


@dataclass
class World:
    database: ServiceDatabase
    clock: Clock
    trail: KeptTrail
    chosen: ScannerName = ScannerName.OSV

    @property
    def gates(self) -> Gates:
        return Gates(
            self.database.gates, KnownScans(self.database.scans, lambda _: self.chosen), self.trail, self.clock
        )

    def policy(self, action: Action = Action.PUSH, limits: Limits = NOTHING_HIGH, **more: object) -> PolicyRow:
        name = f"p{len(self.database.gates.policies())}"
        made = PolicyRow(0, name, action, limits=limits, mode=Mode.ENFORCE)
        return self.database.gates.add_policy(lambda id: replace(made, id=id, **more))  # type: ignore[arg-type]  # noqa: A006

    def scanned(
        self,
        *findings: Finding,
        image: Digest = ROOT,
        manifest: Digest | None = AMD,
        platform: Platform = AMD64,
        scanner: str = "osv",
        status: ScanStatus = ScanStatus.OK,
        config: bytes = b"config",
        environment: int = 1,
    ) -> None:
        digest = Digest.of(config + str(platform).encode())
        subject = ScanSubject(environment, str(image), "team/app:1", digest, manifest, str(platform))
        result = ScanResult(scanner, "1", status, self.clock(), 1.0, findings, built=self.clock())
        self.database.scans.add_scan(subject, result, Occasion.ASKED)
        self.clock.advance(1)

    def push(self, image: Summary, wanted: Wanted | None = None) -> Sequence[Given]:
        return self.gates.push(ADMIN, TARGET, "registry.example/team/app:1", lambda: image, wanted)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceDatabase]:
    with ExitStack() as stack:
        opened = open_service_database(tmp_path_factory.mktemp("gates") / "service.db", Clock())
        stack.callback(opened.close)
        yield opened


@pytest.fixture
def world(database: ServiceDatabase) -> World:
    for policy in database.gates.policies():
        database.gates.remove_policy(policy.id)
    for exception in database.gates.exceptions():
        database.gates.remove_exception(exception.id)
    database.gates.forget_verdicts(float("inf"))
    database.scans.prune_scans(0, [])
    return World(database, Clock(), KeptTrail())


def image(*platforms: tuple[Digest, Platform], available: bool = True) -> Summary:
    def part(digest: Digest, platform: Platform) -> Part:
        descriptor = Descriptor("application/vnd.oci.image.manifest.v1+json", digest, 7)
        return Part(descriptor, PartKind.IMAGE, platform, available, 7)

    return Summary(str(ROOT), ("team/app:1",), (), None, 7, parts=tuple(part(*each) for each in platforms))


BOTH = ((AMD, AMD64), (ARM, ARM64))


def test_without_a_policy_nobody_looks(world: World) -> None:
    def look() -> Summary:
        raise AssertionError("nobody asked")

    assert world.gates.push(ADMIN, TARGET, "x", look, None) == ()


def test_stored_findings_stop_a_push(world: World) -> None:
    world.policy()
    world.scanned(HIGH)

    with pytest.raises(GateRefused, match="CVE-2026-1 \\(high in openssl 1, fixed in 2\\)"):
        world.push(image((AMD, AMD64)))


def test_a_clean_image_is_pushed(world: World) -> None:
    world.policy()
    world.scanned()

    (given,) = world.push(image((AMD, AMD64)))
    assert (given.verdict.allowed, given.json["platform"]) == (True, "linux/amd64")


def test_each_platform_that_is_sent_is_judged(world: World) -> None:
    world.policy()
    world.scanned()
    with pytest.raises(GateRefused, match="not scanned"):
        world.push(image(*BOTH))

    assert len(world.push(image(*BOTH), Wanted(platforms=(AMD64,)))) == 1
    world.scanned(manifest=ARM, platform=ARM64)
    assert len(world.push(image(*BOTH))) == 2
    world.scanned(HIGH, manifest=ARM, platform=ARM64)
    with pytest.raises(GateRefused, match="CVE-2026-1"):
        world.push(image(*BOTH))


@pytest.mark.parametrize(
    ("kind", "platform"),
    [
        (PartKind.UNKNOWN, AMD64),
        (PartKind.UNKNOWN, None),
        (PartKind.ATTESTATION, AMD64),
        (PartKind.ATTESTATION, None),
    ],
)
def test_what_a_container_runtime_would_choose_is_judged_whatever_it_is_called(
    world: World, kind: PartKind, platform: Platform | None
) -> None:
    """Docker runs what has a config of any media type, and what is said to be an attestation of another."""
    world.policy()
    world.scanned(manifest=ARM, platform=ARM64)
    clean = image((ARM, ARM64))
    said = {"vnd.docker.reference.type": "attestation-manifest"} if kind is PartKind.ATTESTATION else {}
    disguised = Part(Descriptor(OCI_MANIFEST, AMD, 7, platform, annotations=said), kind, platform, True, 7)

    assert world.push(clean)
    for wanted in (None, Wanted(platforms=(AMD64,))):
        with pytest.raises(GateRefused, match="not scanned"):
            world.push(replace(clean, parts=(*clean.parts, disguised)), wanted)


def test_only_an_attestation_for_no_platform_is_passed_over(world: World) -> None:
    world.policy()
    world.scanned(manifest=ARM, platform=ARM64)
    clean = image((ARM, ARM64))
    said = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": str(ARM)}
    attestation = Descriptor(OCI_MANIFEST, AMD, 7, Platform("unknown", "unknown"), annotations=said)
    part = Part(attestation, PartKind.ATTESTATION, attestation.platform, True, 7)
    listed = Descriptor(OCI_MANIFEST, ARM, 7, ARM64)
    root = Descriptor(OCI_INDEX, ROOT, 7)

    untold = replace(part, descriptor=Descriptor(OCI_MANIFEST, AMD, 7), platform=None)  # as a daemon may say it
    for each in (part, untold):
        assert len(world.push(replace(clean, parts=(*clean.parts, each)))) == 1
    assert parts_of(root, Index.build([listed, attestation])) == [(ARM, "linux/arm64")]
    for platform in (AMD64, None):
        disguised = replace(attestation, platform=platform)
        assert parts_of(root, Index.build([listed, disguised])) == [
            (ARM, "linux/arm64"),
            (AMD, "linux/amd64" if platform else ""),
        ]


def test_at_a_docker_host_platforms_are_known_by_their_names(world: World) -> None:
    world.policy()
    world.scanned(manifest=None)

    assert len(world.push(image((AMD, AMD64)))) == 1
    assert len(world.push(image())) == 1
    with pytest.raises(GateRefused, match="not scanned"):
        world.push(image(*BOTH))


def test_what_a_docker_host_says_of_an_image_counts_there_alone(world: World) -> None:
    """It can call what it likes by any digest, and have that looked at."""
    world.policy()
    world.policy(Action.PROMOTE)
    world.scanned(manifest=None, environment=2)

    with pytest.raises(GateRefused, match="not scanned"):
        world.push(image((AMD, AMD64)))
    with pytest.raises(GateRefused, match="not scanned"):
        world.gates.move(
            ADMIN, Action.PROMOTE, Place(None, "prod/app"), "prod/app:1", lambda: (ROOT, [(AMD, "linux/amd64")])
        )
    there = replace(TARGET, environment=2)
    assert world.gates.push(ADMIN, there, "registry.example/team/app:1", lambda: image((AMD, AMD64)), None)


def test_a_docker_hosts_word_spares_no_finding_elsewhere(world: World) -> None:
    before = Digest.of(b"what runs now")
    world.policy(limits=Limits(baseline=before))
    world.scanned(HIGH)
    world.scanned(HIGH, image=before, manifest=None, environment=2)

    with pytest.raises(GateRefused, match="CVE-2026-1"):
        world.push(image((AMD, AMD64)))


@pytest.mark.parametrize(
    ("chosen", "allowed"),
    [
        (ScannerName.OSV, False),
        (ScannerName.GRYPE, True),
        (ScannerName.AUTO, True),
        (ScannerName.NONE, True),
        (ScannerName.TRIVY, True),
        (ScannerName.BOTH, True),
    ],
)
def test_the_scanner_that_was_chosen_has_the_word(world: World, chosen: ScannerName, allowed: bool) -> None:
    """What one could not do is no reproach after another was chosen; where that has not looked, the newest has it."""
    world.policy()
    world.scanned(status=ScanStatus.FAILED, scanner="osv")
    world.scanned(scanner="grype")
    world.chosen = chosen

    if allowed:
        assert world.push(image((AMD, AMD64)))
    else:
        with pytest.raises(GateRefused, match="failed"):
            world.push(image((AMD, AMD64)))


def test_of_both_one_that_failed_counts(world: World) -> None:
    world.policy()
    world.scanned(scanner="grype", status=ScanStatus.FAILED)
    world.scanned(scanner="trivy")
    world.chosen = ScannerName.BOTH

    with pytest.raises(GateRefused, match="grype failed"):
        world.push(image((AMD, AMD64)))


def test_the_newest_scan_counts_and_not_the_best(world: World) -> None:
    world.policy()
    world.scanned()
    world.scanned(status=ScanStatus.FAILED)

    with pytest.raises(GateRefused, match="failed"):
        world.push(image((AMD, AMD64)))


def test_not_worse_than_an_image_that_is_known_by_its_id_or_its_config(world: World) -> None:
    before = Digest.of(b"what runs now")
    world.scanned(HIGH, image=before, config=b"before")
    world.scanned(HIGH)
    for compared in (before, Digest.of(b"before" + str(AMD64).encode())):
        policy = world.policy(limits=Limits(baseline=compared))
        assert world.push(image((AMD, AMD64)))[0].verdict.allowed
        world.database.gates.remove_policy(policy.id)

    world.policy(limits=Limits(baseline=Digest.of(b"nobody knows it")))
    with pytest.raises(GateRefused):
        world.push(image((AMD, AMD64)))


def test_a_promotion_is_judged_by_what_its_environment_found(world: World) -> None:
    world.policy(Action.PROMOTE, scope=Scope(repositories=("prod/*",)))
    place = Place(None, "prod/app")

    def promote(to: Place = place) -> Sequence[Given]:
        return world.gates.move(ADMIN, Action.PROMOTE, to, "prod/app:1", lambda: (ROOT, [(AMD, "linux/amd64")]))

    with pytest.raises(GateRefused, match="promoted: it was not scanned"):
        promote()
    assert promote(Place(None, "test/app")) == ()
    world.scanned()
    assert promote()[0].verdict.allowed
    world.scanned(HIGH, image=AMD)
    with pytest.raises(GateRefused, match="CVE-2026-1"):
        promote()


def test_every_policy_is_asked_and_every_word_is_kept(world: World) -> None:
    strict, mild = world.policy(), world.policy(limits=Limits(max_severity=Severity.HIGH))
    world.scanned(HIGH)

    with pytest.raises(GateRefused) as refused:
        world.push(image((AMD, AMD64)))

    assert refused.value.verdict.policy == strict
    kept = world.database.gates.verdicts(VerdictQuery(), 0, 10)
    assert {row.policy: row.allowed for row in kept} == {strict.id: False, mild.id: True}
    assert [result for action, result in world.trail.said if action == "judge"] == ["denied", "done"]


def test_a_refusal_names_some_and_counts_all(world: World) -> None:
    world.policy()
    world.scanned(*(replace(HIGH, id=f"CVE-2026-{number}") for number in range(150)))

    with pytest.raises(GateRefused) as refused:
        world.push(image((AMD, AMD64)))

    assert f"150 findings, {'CVE-2026-0'}" in str(refused.value)
    assert f"and {150 - MOST_NAMED} more" in str(refused.value)
    (told,) = refused.value.given
    assert (told.json["blocked"], len(told.json["blocking"])) == (150, 100)  # type: ignore[arg-type]  # a list


def test_verdicts_are_forgotten_when_nobody_asks_any_more(world: World) -> None:
    world.policy(limits=Limits(unscanned=Handling.WARN))
    world.push(image((AMD, AMD64)))
    policies = Policies(world.database.gates, world.trail, world.clock)
    (chore,) = policies.chores()

    chore.run()
    assert world.database.gates.count_verdicts(VerdictQuery()) == 1
    world.clock.advance(KEPT_SECONDS + 1)
    chore.run()
    assert world.database.gates.count_verdicts(VerdictQuery()) == 0


# ── exceptions


def test_findings_are_marked_anew_when_exceptions_change_and_when_they_are_over(world: World) -> None:
    changed: list[float] = []
    exceptions = Exceptions(world.database.gates, world.trail, world.clock, lambda: changed.append(world.clock()))
    (chore,) = exceptions.chores()
    subject = ScanSubject(1, str(ROOT), "team/app:1", Digest.of(b"c"), AMD, "linux/amd64")

    row = exceptions.add(ADMIN, ExceptionForm("CVE-2026-1", "known", image="team/*", expires=world.clock() + 100))
    assert exceptions.suppress(subject, [HIGH])[0].suppressed_by == f"exception {row.id}: accepted"
    chore.run()
    assert len(changed) == 1
    world.clock.advance(100)
    chore.run()
    assert len(changed) == 2
    assert exceptions.suppress(subject, [replace(HIGH, suppressed_by="x")])[0].suppressed_by is None
    exceptions.remove(ADMIN, row.id)
    assert len(changed) == 3


def test_an_end_that_no_calendar_has_is_refused(world: World) -> None:
    """9999-12-31 in a zone west of Greenwich is the year 10000: kept, no list of exceptions could be told any more."""
    exceptions = Exceptions(world.database.gates, world.trail, world.clock, lambda: None)
    document = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "urn:test:1",
        "timestamp": "2026-01-01T00:00:00Z",
        "statements": [
            {"vulnerability": {"name": "CVE-2026-1"}, "products": [{"@id": "pkg:pypi/a"}], "status": "fixed"}
        ],
    }
    end = datetime.fromisoformat("9999-12-31T23:59:59-23:59").timestamp()

    with pytest.raises(ExceptionInvalid, match="after the year 9998"):
        exceptions.add(ADMIN, ExceptionForm("CVE-2026-1", "known", expires=end))
    with pytest.raises(ExceptionInvalid, match="after the year 9998"):
        exceptions.take(ADMIN, document, end)
    assert exceptions.list(ADMIN) == []


def test_an_end_that_is_past_is_refused_for_a_document_too(world: World) -> None:
    exceptions = Exceptions(world.database.gates, world.trail, world.clock, lambda: None)

    with pytest.raises(ExceptionInvalid):
        exceptions.take(ADMIN, {}, world.clock())
