"""Databases of scanners brought up to date as jobs: who may, what is told, what one that fails leaves of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import LadingError
from lading.services.access import LADING, Denied
from lading.services.audit.audit import Result
from lading.services.clocks import Clocks
from lading.services.findings.scanner import Probe, ScanFailed, ScanProgress, ScanReport, ScanStage
from lading.services.jobs.job import JobState, JsonObject
from lading.services.jobs.kinds import WorkKind
from lading.services.scans.json import probe_json
from lading.services.scans.scanner_choice import ScannerChoice
from lading.services.scans.scanner_updates import UPDATE, NoneInstalled, NotUpdatable, ScannerUpdates
from lading.wire.docker_words import Verb
from lading.wire.message import Cancel
from tests.fakes.jobs import ADMIN, VIEWER, Stage


@dataclass
class Played:
    """A scanner whose database is as it is told."""

    version: str = "1.0"
    newer: bool = True
    error: LadingError | None = None
    built: float | None = None

    def probe(self, cancel: Cancel) -> Probe:
        return Probe(self.built is not None, self.version, self.built, "" if self.built else "it has no database yet")

    def update(self, report: ScanReport, cancel: Cancel) -> bool:
        cancel.check()
        report(ScanProgress(ScanStage.UPDATING, "Downloading the database", 0))
        if self.error is not None:
            raise self.error
        self.built = 1795136523.0
        return self.newer


@dataclass
class House:
    """Jobs, and the updates over them."""

    stage: Stage
    updates: ScannerUpdates

    @classmethod
    def of(cls, scanners: Mapping[str, Played], every: float | None = None) -> House:
        stage = Stage()
        choice = ScannerChoice({}, Clocks(stage.clock, stage.clock))
        updates = ScannerUpdates(scanners, choice, stage.jobs, stage.trail, every)
        stage.kinds[UPDATE] = WorkKind(updates.work, updates.admit, Verb.PULL, resumes=True)
        return cls(stage, updates)

    def run(self, scanner: str | None = None) -> tuple[JobState, JsonObject, list[object]]:
        """How it ended, with what, and what it told before."""
        job = self.updates.start(ADMIN, scanner)
        self.stage.run()
        ended = self.stage.jobs.get(ADMIN, job.id)
        assert ended.result is not None
        told = [line.data.get("message") for line in self.stage.records.lines(job.id, 0, 100)]
        return ended.state, ended.result, told[:-1]


def test_all_that_are_installed_are_updated() -> None:
    house = House.of({"grype": Played(), "trivy": Played(newer=False), "other": Played(version="")})

    state, result, told = house.run()

    assert state is JobState.DONE
    assert result["scanners"] == {
        "grype": {"updated": True, "dbVersion": "2026-11-20T01:02:03.000Z"},
        "trivy": {"updated": False, "dbVersion": "2026-11-20T01:02:03.000Z"},
    }
    assert told == ["Downloading the database"] * 2
    assert house.stage.trail.kept == [("admin", "update", Result.STARTED), ("admin", "update", Result.DONE)]


def test_one_that_fails_leaves_the_others_updated() -> None:
    house = House.of({"grype": Played(error=ScanFailed("grype", "no network")), "trivy": Played()})

    state, result, told = house.run()

    assert (state, result["error"]) == (JobState.ERROR, "not up to date: grype")
    assert "Stays as it was: grype: no network" in told


def test_where_all_fail_it_says_why() -> None:
    state, result, _ = House.of({"grype": Played(error=ScanFailed("grype", "no network"))}).run("grype")

    assert (state, result["error"], result["code"]) == (JobState.ERROR, "grype: no network", "scan_failed")


def test_where_none_is_installed_it_says_so() -> None:
    house = House.of({"grype": Played(version="")})

    assert house.run()[1]["error"] == str(NoneInstalled())
    with pytest.raises(NotUpdatable, match="'osv'"):
        house.updates.start(ADMIN, "osv")


def test_who_may_not_edit_settings_is_refused() -> None:
    house = House.of({"grype": Played()})

    with pytest.raises(Denied):
        house.updates.start(VIEWER)
    with pytest.raises(Denied):
        house.updates.probes(VIEWER, Cancellation())

    assert [kept[2] for kept in house.stage.trail.kept] == [Result.DENIED] * 2


def test_by_itself_only_where_a_setting_says_how_often() -> None:
    assert House.of({"grype": Played()}).updates.chores() == ()

    house = House.of({"grype": Played()}, every=60.0)
    [chore] = house.updates.chores()
    chore.run()

    assert chore.every == 60.0
    assert house.stage.trail.kept == [(LADING.name, "update", Result.STARTED)]


def test_equal_updates_share_one_run() -> None:
    played = Played()
    house = House.of({"grype": played})
    jobs = [house.updates.start(ADMIN, "grype") for _ in range(2)]

    house.stage.run()

    assert [house.stage.jobs.get(ADMIN, job.id).state for job in jobs] == [JobState.DONE] * 2


def test_a_probe_as_the_api_tells_it() -> None:
    assert probe_json("grype", Probe(True, "0.116.0", 1795136523.0)) == {
        "name": "grype",
        "available": True,
        "version": "0.116.0",
        "dbVersion": "2026-11-20T01:02:03.000Z",
        "reason": None,
    }
