"""Rounds over all images, matching again when advisories change, and what is remembered of layers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from lading.errors import Unreachable
from lading.inventory.layer import ImageInventory, Installed
from lading.inventory.package import Package, PackageType
from lading.inventory.severity import Severity
from lading.oci.digest import Digest
from lading.services.access import Denied
from lading.services.environments.environment import ConnectionType, Environment
from lading.services.environments.records import EnvironmentRow
from lading.services.findings.rows import FindingQuery, Occasion, ScanQuery, ScanRow
from lading.services.findings.scanner import ScanFailed, ScannerName
from lading.services.inventories.inventory_keeping import InventoryKeeping
from lading.services.jobs.job import JsonObject
from lading.services.jobs.records import JobFilter
from lading.services.named_rows import RowUnknown
from lading.services.scans.jobs import NothingScans, ScanForm, ScanIncomplete, ScanJobs
from lading.services.scans.keeping import KEPT_SCANS, ScanKeeping
from lading.services.scans.rematch import Rematches
from lading.services.scans.rounds import ScanRounds
from lading.services.scans.scanner_settings import ScannerUnknown
from lading.services.scans.scans import ScanOrder
from lading.wire.message import Cancel
from tests.fakes.environment_bench import ADMIN, CANCEL, actor
from tests.fakes.jobs import Stage
from tests.fakes.scan_bench import OPENSSL, ZLIB, Heard, ScanBench, scan_bench

APP, DB = "registry.example/team/app:1", "registry.example/team/db:1"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[ScanBench]:
    with scan_bench(tmp_path) as made:
        yield made


@pytest.fixture
def rounds(bench: ScanBench) -> ScanRounds:
    keeping = keeping_of(bench)
    return ScanRounds(bench.scans, bench.settings, bench.environments, Stage().jobs, bench.trail, keeping=keeping)


def keeping_of(bench: ScanBench) -> ScanKeeping:
    return ScanKeeping(bench.scans_kept, bench.environments, one_cancel)


@contextmanager
def one_cancel() -> Iterator[Cancel]:
    yield CANCEL


@pytest.fixture
def rematches(bench: ScanBench) -> Rematches:
    return Rematches(bench.scans, Stage().jobs, bench.trail, one_cancel)


def scanned(bench: ScanBench, image: str = APP) -> ScanRow:
    with bench.scans.opened(1, image, None, CANCEL) as view:
        (row,) = bench.scans.scan(ScanOrder(1, ScannerName.OSV, Occasion.PULL), view, lambda _: None, CANCEL)
    bench.inventories.images[row.subject.config] = ImageInventory(None, ())
    return row


# ── rounds


def test_a_round_scans_every_image_once_and_knows_the_rest(bench: ScanBench, rounds: ScanRounds) -> None:
    bench.load(APP)
    scanned(bench)
    heard = Heard()

    result = rounds.work(ADMIN, {"environment": None}, heard, CANCEL)

    assert result["images"] == len(bench.osv.seen) == 1
    assert result["summary"] == {**{each.value: 0 for each in Severity}, "high": 1, "low": 1}
    assert heard.statuses == ["scanning", "scanned"]
    assert heard.lines[1]["message"] == "Scan complete - found 2 vulnerabilities"


def test_an_image_that_fails_does_not_end_the_round(bench: ScanBench, rounds: ScanRounds) -> None:
    bench.load(APP)
    bench.osv.error = ScanFailed("osv", "it was killed")
    heard = Heard()

    result = rounds.work(ADMIN, {"environment": 1}, heard, CANCEL)

    assert (result["images"], result["failed"]) == (1, 1)
    assert (heard.lines[1]["message"], heard.lines[1]["summary"]) == ("Scan failed - it was killed", None)


def test_an_environment_that_does_not_answer_is_passed_over(
    bench: ScanBench, rounds: ScanRounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.load(APP)
    bench.records.add_environment(lambda _: EnvironmentRow(2, "away", ConnectionType.SOCKET, "/run/docker.sock"))
    open_here = bench.environments.unguarded

    def unguarded(id: int) -> Environment:  # noqa: A002
        if id == 2:
            raise Unreachable("away")
        return open_here(id)

    monkeypatch.setattr(bench.environments, "unguarded", unguarded)

    result = rounds.work(ADMIN, {"environment": None}, Heard(), CANCEL)

    assert (result["images"], result["unreachable"]) == (1, ["away"])


def test_a_round_learns_what_is_gone(bench: ScanBench, rounds: ScanRounds) -> None:
    bench.load(APP)
    scanned(bench)
    bench.environments.open(ADMIN, None).remove(APP, False, CANCEL)

    rounds.work(ADMIN, {"environment": None}, Heard(), CANCEL)

    assert not bench.scans_kept.findings(FindingQuery(), 0, 10)
    assert bench.scans_kept.count_scans(ScanQuery()) == 1


def test_what_our_own_engine_lost_is_learned_without_a_round(bench: ScanBench) -> None:
    bench.load(APP)
    scanned(bench)
    keeping = keeping_of(bench)

    keeping.look()
    assert bench.scans_kept.findings(FindingQuery(), 0, 10)
    bench.environments.open(ADMIN, None).remove(APP, False, CANCEL)
    keeping.look()
    assert not bench.scans_kept.findings(FindingQuery(), 0, 10)


def test_old_scans_of_an_image_go(bench: ScanBench) -> None:
    bench.load(APP)
    for _ in range(KEPT_SCANS + 3):
        bench.osv.built += 1
        scanned(bench)
    newest = scanned(bench)

    assert keeping_of(bench).prune() == 3
    assert bench.scans_kept.count_scans(ScanQuery()) == KEPT_SCANS
    assert bench.scans_kept.scan(newest.id) == newest


def test_nothing_is_scanned_where_no_scanner_is_chosen(bench: ScanBench, rounds: ScanRounds) -> None:
    bench.load(APP)
    bench.settings.put(ADMIN, 1, ScannerName.NONE)

    assert rounds.work(ADMIN, {"environment": None}, Heard(), CANCEL)["images"] == 0


def test_who_may_have_a_round(rounds: ScanRounds) -> None:
    rounds.admit(actor("scans:run", environments={1}), {"environment": 1})
    for fields in ({"environment": None}, {"environment": 2}):
        with pytest.raises(Denied):
            rounds.admit(actor("scans:run", environments={1}), fields)
    with pytest.raises(RowUnknown):
        rounds.start(ADMIN, 99)
    assert rounds.chores(None) == ()
    assert [chore.every for chore in rounds.chores(60.0)] == [60.0]


# ── matching again


def test_only_what_differs_is_told_and_kept(bench: ScanBench, rematches: Rematches) -> None:
    bench.load(APP)
    before = scanned(bench)
    bench.osv.built += 1
    bench.osv.findings = (ZLIB,)
    heard = Heard()

    result = rematches.work(ADMIN, {}, heard, CANCEL)

    assert (result["images"], result["changed"], result["unread"]) == (1, 1, 0)
    assert heard.statuses == ["matching", "rematched"]
    told = heard.lines[1]
    assert (told["new"], told["fixed"]) == ([], [OPENSSL.id])
    (standing,) = bench.scans_kept.standing(1)
    assert (standing.id, standing.occasion) == (told["scanId"], Occasion.ADVISORIES)
    assert standing.id > before.id
    with pytest.raises(Exception, match="does not hold"):
        bench.osv.seen[-1].open(bench.osv.seen[0].layers[0])  # no blob is touched


def test_where_newer_data_say_the_same_the_scan_takes_over_their_time(bench: ScanBench, rematches: Rematches) -> None:
    bench.load(APP)
    before = scanned(bench)
    bench.osv.built += 1
    bench.osv.findings = (replace(OPENSSL, description="Said better"), ZLIB)
    heard = Heard()

    assert rematches.work(ADMIN, {}, heard, CANCEL)["changed"] == 0
    assert heard.statuses == ["matching"]
    (standing,) = bench.scans_kept.standing(1)
    assert (standing.id, standing.result.built) == (before.id, bench.osv.built)


def test_a_worse_rating_is_a_difference(bench: ScanBench, rematches: Rematches) -> None:
    bench.load(APP)
    scanned(bench)
    bench.osv.built += 1
    bench.osv.findings = (replace(OPENSSL, severity=Severity.CRITICAL), ZLIB)

    assert rematches.work(ADMIN, {}, Heard(), CANCEL)["changed"] == 1


def test_what_is_not_known_any_more_stays_as_it_was(bench: ScanBench, rematches: Rematches) -> None:
    bench.load(APP)
    before = scanned(bench)
    bench.inventories.images.clear()
    bench.osv.built += 1

    assert rematches.work(ADMIN, {}, Heard(), CANCEL)["unread"] == 1
    assert [row.id for row in bench.scans_kept.standing(1)] == [before.id]


def test_a_look_begins_a_job_only_where_the_data_are_others(bench: ScanBench) -> None:
    stage = Stage()
    rematches = Rematches(bench.scans, stage.jobs, bench.trail, one_cancel)
    bench.load(APP)
    scanned(bench)

    rematches.look()
    assert stage.jobs.page(ADMIN, JobFilter(), 0, 10).total == 0
    bench.osv.built += 1
    rematches.look()
    assert [job.request.kind for job in stage.jobs.page(ADMIN, JobFilter(), 0, 10).jobs] == ["rematch"]


# ── scans that somebody asks for


@pytest.fixture
def asked(bench: ScanBench) -> ScanJobs:
    return bench.jobs(Stage().jobs)


def test_who_asks_gets_the_events_and_the_results(bench: ScanBench, asked: ScanJobs) -> None:
    bench.load(APP)
    job = asked.start(ADMIN, None, ScanForm(APP), None, CANCEL)
    heard = Heard()

    result = asked.work(ADMIN, job.request.fields, heard, CANCEL)

    assert heard.statuses == ["scanning", "scan-progress", "scan-complete"]
    assert result["message"] == "Scan complete - found 2 vulnerabilities"
    assert job.request.deed is not None
    assert (job.request.deed.action, job.request.deed.entity_name) == ("scan", APP)


def test_who_asks_where_nothing_is_chosen_gets_the_best_there_is(bench: ScanBench, asked: ScanJobs) -> None:
    bench.load(APP)
    bench.settings.put(ADMIN, 1, ScannerName.NONE)
    job = asked.start(ADMIN, 1, ScanForm(APP), None, CANCEL)
    asked.work(ADMIN, job.request.fields, Heard(), CANCEL)

    assert bench.grype.seen
    assert not bench.osv.seen


def test_a_scan_without_any_result_is_a_job_that_failed(bench: ScanBench, asked: ScanJobs) -> None:
    bench.load(APP)
    bench.osv.error = ScanFailed("osv", "it was killed")
    job = asked.start(ADMIN, 1, ScanForm(APP, "osv"), None, CANCEL)
    heard = Heard()

    with pytest.raises(ScanFailed, match="it was killed"):
        asked.work(ADMIN, job.request.fields, heard, CANCEL)
    assert heard.lines[-1]["message"] == "Scan failed - it was killed"


def test_who_asks_by_an_id_is_told_no_name_that_may_not_be_seen(bench: ScanBench, asked: ScanJobs) -> None:
    """Of the same content as an image of somebody else's."""
    asker = actor("scans:run", "scans:view", environments={1}, repositories=("team/*",))
    image = bench.load("registry.example/a-secret/project:1", APP)
    fields: JsonObject = {"environment": 1, "image": image, "scanner": None, "platform": None}
    heard = Heard()

    asked.work(asker, fields, heard, CANCEL)

    assert [each["imageName"] for each in heard.results] == [APP]
    assert [row.subject.name for row in bench.lists.scans(asker, ScanQuery(), 0, 10).rows] == [APP]


def test_what_is_asked_wrong_is_said_at_once(bench: ScanBench, asked: ScanJobs) -> None:
    bench.load(APP)
    for form, error in (
        (ScanForm(), ScanIncomplete),
        (ScanForm(APP, "clam"), ScannerUnknown),
        (ScanForm(APP, "none"), NothingScans),
    ):
        with pytest.raises(error):
            asked.start(ADMIN, 1, form, None, CANCEL)
    with pytest.raises(Denied):
        asked.start(actor("images:view", "images:pull"), 1, ScanForm(APP), None, CANCEL)
    with pytest.raises(Denied):
        asked.start(actor("scans:run", repositories=("else/*",)), 1, ScanForm(APP), None, CANCEL)
    asked.start(actor("scans:run", repositories=("team/*",)), 1, ScanForm(APP), None, CANCEL)


# ── what is remembered of layers


def test_layers_of_images_that_somebody_has_stay(bench: ScanBench) -> None:
    bench.load(APP)
    row = scanned(bench)
    layer = Digest.of(b"of a host")
    package = Package(PackageType.DEB, "zlib", "1", "var/lib/dpkg/status")
    bench.inventories.images[row.subject.config] = ImageInventory(None, (Installed(package, layer),))
    store = bench.own.places.local()
    keeping = InventoryKeeping(lambda: store.own, lambda: bench.own.names, bench.scans_kept, bench.inventories)

    keeping.forget()

    with bench.scans.opened(1, APP, None, CANCEL) as view:
        here = {each.diff_id for each in view.layers}
    assert bench.inventories.stayed == {*here, layer, row.subject.config}

    bench.environments.open(ADMIN, None).remove(APP, False, CANCEL)
    bench.scans_kept.mark_present(1, ())
    keeping.forget()
    assert bench.inventories.stayed == frozenset()
