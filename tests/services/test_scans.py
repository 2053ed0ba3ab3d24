"""Scanning one image: what is kept, what is looked for again, and what is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lading.errors import LadingError, NotFound
from lading.inventory.severity import Severity
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.services.environments.environment import ConnectionType
from lading.services.environments.records import EnvironmentRow
from lading.services.findings.rows import FindingQuery, Occasion, ScanQuery, ScanRow, ScanSubject
from lading.services.findings.scanner import Finding, ScanFailed, ScannerName, ScanProgress, ScanStatus
from lading.services.inventories.stored_views import Unscannable
from lading.services.lookup import ImageUnknown
from lading.services.platforms import Wanted
from lading.services.scans.scans import ScanOrder
from tests.fakes.docker_archives import reader
from tests.fakes.environment_bench import ADMIN, CANCEL
from tests.fakes.scan_bench import OPENSSL, ZLIB, Heard, ScanBench, scan_bench
from tests.fakes.several_platforms import several

NAME = "registry.example/team/app:1"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[ScanBench]:
    with scan_bench(tmp_path) as made:
        yield made


def scanned(
    bench: ScanBench, image: str = NAME, scanner: ScannerName = ScannerName.OSV, environment: int = 1
) -> Sequence[ScanRow]:
    told: list[ScanProgress] = []
    with bench.scans.opened(1, image, None, CANCEL) as view:
        return bench.scans.scan(ScanOrder(environment, scanner, Occasion.ASKED), view, told.append, CANCEL)


def test_a_scan_is_kept_with_what_it_was_of(bench: ScanBench) -> None:
    image = bench.load(NAME)

    (row,) = scanned(bench)

    assert row.result.findings == (OPENSSL, ZLIB)
    assert bench.scans_kept.scan(row.id) == row
    subject = row.subject
    assert (subject.environment, subject.image, subject.name) == (1, image, NAME)
    assert subject.platform == "linux/amd64"
    assert subject.manifest is not None
    assert bench.scans.latest(1, subject.config) == [row]


def test_a_view_reads_the_layers_of_our_own_store(bench: ScanBench) -> None:
    bench.load(NAME)
    with bench.scans.opened(1, NAME, None, CANCEL) as view:
        for layer in view.layers:
            assert layer.descriptor is not None
            content = bytearray(layer.descriptor.size)
            reader = view.open(layer)
            assert reader.readinto(memoryview(content)) == len(content)
            reader.close()
            assert Digest.of(bytes(content)) == layer.descriptor.digest
        with view.layout() as folder:
            assert ":" not in str(folder)
            assert len(list((folder / "blobs" / "sha256").iterdir())) == len({*view.layers}) + 2
        assert not folder.exists()


def test_equal_content_over_equal_data_is_not_looked_at_again(bench: ScanBench) -> None:
    bench.load(NAME)
    (first,) = scanned(bench)

    assert scanned(bench) == [first]
    assert len(bench.osv.seen) == 1


@pytest.mark.parametrize("change", ["version", "built"])
def test_another_version_or_newer_data_look_again(bench: ScanBench, change: str) -> None:
    bench.load(NAME)
    (first,) = scanned(bench)
    if change == "version":
        bench.osv.version = "2"
    else:
        bench.osv.built += 1

    (second,) = scanned(bench)

    assert second.id > first.id
    assert len(bench.osv.seen) == 2


def test_another_name_of_known_content_gets_a_row_of_its_own_and_no_scan(bench: ScanBench) -> None:
    bench.load(NAME, "registry.example/team/app:2")
    (first,) = scanned(bench)
    (second,) = scanned(bench, "registry.example/team/app:2")

    assert (second.subject.name, second.result.findings) == ("registry.example/team/app:2", first.result.findings)
    assert second.id != first.id
    assert len(bench.osv.seen) == 1


def test_a_scan_that_failed_is_kept_and_the_next_one_looks_again(bench: ScanBench) -> None:
    bench.load(NAME)
    bench.osv.error = ScanFailed("osv", "it was killed")
    (failed,) = scanned(bench)
    bench.osv.error = None
    (sound,) = scanned(bench)

    assert (failed.result.status, failed.result.error, failed.summary) == (ScanStatus.FAILED, "it was killed", None)
    assert sound.summary is not None
    assert scanned(bench) == [sound]


def test_what_is_known_is_newest_again_after_a_scan_that_failed(bench: ScanBench) -> None:
    bench.load(NAME)
    (sound,) = scanned(bench)
    bench.osv.built += 1
    bench.osv.error = ScanFailed("osv", "it was killed")
    scanned(bench)
    bench.osv.built -= 1
    bench.osv.error = None

    (again,) = scanned(bench)

    assert again.id > sound.id
    assert bench.scans.latest(1, again.subject.config) == [again]
    assert len(bench.osv.seen) == 2


def test_both_have_a_row_each_and_one_that_fails_leaves_the_others(bench: ScanBench) -> None:
    bench.load(NAME)
    bench.grype.error = ScanFailed("grype", "its data is too old")

    grype, trivy = scanned(bench, scanner=ScannerName.BOTH)

    assert (grype.result.scanner, grype.result.status) == ("grype", ScanStatus.FAILED)
    assert (trivy.result.scanner, trivy.result.status) == ("trivy", ScanStatus.OK)


def test_none_scans_nothing(bench: ScanBench) -> None:
    bench.load(NAME)

    assert scanned(bench, scanner=ScannerName.NONE) == []


def test_what_is_not_there_cannot_be_scanned(bench: ScanBench) -> None:
    with pytest.raises(ImageUnknown):
        scanned(bench)


def test_a_view_of_what_has_no_name_yet(bench: ScanBench) -> None:
    bench.load(NAME)
    root = bench.own.names.find(NAME)
    assert root is not None

    view = bench.views.of_root(root.root, "registry.example/team/new:1")

    assert (view.id, view.name) == (str(root.root.digest), "registry.example/team/new:1")


def test_the_platform_that_is_meant_is_looked_at(bench: ScanBench) -> None:
    image = several()
    bench.environments.open(ADMIN, None).load(reader(image.archive(NAME)), lambda _: None, CANCEL)
    rows: list[ScanRow] = []
    for platform in (None, Platform("linux", "arm64")):
        with bench.scans.opened(1, NAME, platform, CANCEL) as view:
            rows += bench.scans.scan(ScanOrder(1, ScannerName.OSV, Occasion.ASKED), view, lambda _: None, CANCEL)

    assert [row.subject.platform for row in rows] == ["linux/amd64", "linux/arm64"]
    assert [row.subject.manifest for row in rows] == [image.amd64.digest, image.arm64.digest]
    assert {row.subject.image for row in rows} == {str(image.root.digest)}
    assert bench.lists.of_image(ADMIN, 1, NAME) == rows[::-1]
    assert all(row.standing for row in bench.scans_kept.standing(1))
    for missing in (Platform("linux", "s390x"), Platform("linux", "riscv64")):
        with pytest.raises(NotFound), bench.scans.opened(1, NAME, missing, CANCEL):
            pass


def test_a_pull_of_several_platforms_scans_each(bench: ScanBench) -> None:
    image, heard = several(), Heard()
    bench.environments.open(ADMIN, None).load(reader(image.archive(NAME)), lambda _: None, CANCEL)
    wanted = Wanted.of("linux/amd64,linux/arm64")

    pulled = bench.on_pull.pulled(1, NAME, NAME, wanted, CANCEL)
    rows = bench.on_pull.scan(ADMIN, pulled, ScannerName.OSV, heard, CANCEL)

    assert [row.subject.platform for row in rows] == ["linux/amd64", "linux/arm64"]
    assert heard.statuses.count("scan-complete") == 1


def test_exceptions_mark_what_is_kept_and_a_change_of_them_follows(bench: ScanBench) -> None:
    bench.load(NAME)
    (row,) = scanned(bench)
    hidden: set[str] = {OPENSSL.id}

    def suppression(subject: ScanSubject, findings: Sequence[Finding]) -> tuple[Finding, ...]:
        return tuple(replace(each, suppressed_by="7" if each.id in hidden else None) for each in findings)

    bench.scans._suppression = suppression
    assert bench.scans.reconsider() == 1
    after = bench.scans_kept.scan(row.id)
    assert after is not None
    assert after.summary == {**dict.fromkeys(Severity, 0), Severity.LOW: 1}
    assert bench.scans.reconsider() == 0

    hidden.clear()
    assert bench.scans.reconsider() == 1
    assert bench.scans_kept.scan(row.id) == row


def test_scans_of_a_row_that_is_gone_are_not_opened(bench: ScanBench) -> None:
    with pytest.raises(LadingError), bench.scans.opened(99, NAME, None, CANCEL):
        pass


def test_other_environments_hold_the_same_engine_here(bench: ScanBench) -> None:
    """What is known of content is known wherever it is."""
    bench.load(NAME)
    row = EnvironmentRow(0, "second", ConnectionType.EMBEDDED)
    second = bench.records.add_environment(lambda key: replace(row, id=key))
    scanned(bench)
    scanned(bench, environment=second.id)

    assert len(bench.osv.seen) == 1
    assert bench.scans_kept.count_scans(ScanQuery()) == 2
    assert len(bench.scans_kept.findings(FindingQuery(), 0, 10)) == 4


def test_a_chart_is_no_image() -> None:
    assert str(Unscannable("charts/app:1")) == "charts/app:1 is no image, so there is nothing to scan"
