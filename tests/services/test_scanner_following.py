"""Databases of scanners of several processes: what a job brought to one of them, the others bring too, and once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled, LadingError
from lading.services.clocks import Clocks
from lading.services.findings.scanner import Probe, ScanFailed, ScanReport
from lading.services.jobs.job import JobState
from lading.services.jobs.kinds import WorkKind
from lading.services.scans.scanner_choice import ScannerChoice
from lading.services.scans.scanner_following import ScannerFollowing
from lading.services.scans.scanner_updates import UPDATE, ScannerUpdates
from lading.wire.docker_words import Verb
from lading.wire.message import Cancel
from tests.fakes.jobs import ADMIN, Stage

CANCEL = Cancellation()


@dataclass
class Makers:
    """Who publishes databases; `built` is of what time the newest is."""

    built: float = 1000.25


@dataclass
class Played:
    """Fulfils Updatable: a scanner at one process. `asked` counts updates."""

    makers: Makers
    version: str = "1.0"
    built: float | None = None
    error: LadingError | None = None
    asked: int = field(default=0)

    def probe(self, cancel: Cancel) -> Probe:
        return Probe(self.built is not None, self.version, self.built)

    def update(self, report: ScanReport, cancel: Cancel) -> bool:
        cancel.check()
        self.asked += 1
        if self.error is not None:
            raise self.error
        changed, self.built = self.built != self.makers.built, self.makers.built
        return changed


@dataclass
class House:
    """A process that does jobs, and one beside it that follows."""

    there: Mapping[str, Played]
    here: Mapping[str, Played]

    def __post_init__(self) -> None:
        self.stage = Stage()
        choice = ScannerChoice({}, Clocks(self.stage.clock, self.stage.clock))
        self.updates = ScannerUpdates(self.there, choice, self.stage.jobs, self.stage.trail)
        self.stage.kinds[UPDATE] = WorkKind(self.updates.work, self.updates.admit, Verb.PULL, resumes=True)
        self.following = ScannerFollowing(self.here, self.stage.records)

    def job(self, scanner: str | None = None) -> JobState:
        """One that was done there, a minute after what was before."""
        self.stage.clock.advance(60)
        job = self.updates.start(ADMIN, scanner)
        self.stage.run()
        return self.stage.jobs.get(ADMIN, job.id).state


@pytest.fixture
def makers() -> Makers:
    return Makers()


@pytest.fixture
def house(makers: Makers) -> House:
    """Grype at both, trivy only there."""
    return House(
        {"grype": Played(makers), "trivy": Played(makers)},
        {"grype": Played(makers), "trivy": Played(makers, version="")},
    )


def test_what_a_job_brought_elsewhere_is_brought_here_once(house: House, makers: Makers) -> None:
    assert house.following.follow(CANCEL) == []
    house.job()

    assert house.following.follow(CANCEL) == ["grype"]
    assert house.following.follow(CANCEL) == []

    assert house.here["grype"].built == makers.built
    assert house.here["trivy"].asked == 0


def test_a_newer_one_is_brought_again(house: House, makers: Makers) -> None:
    house.job()
    house.following.follow(CANCEL)
    makers.built += 3600
    house.job("grype")

    assert house.following.follow(CANCEL) == ["grype"]
    assert house.here["grype"].built == makers.built


def test_who_has_it_already_asks_nobody(house: House, makers: Makers) -> None:
    """It did the job itself, or shares a folder with who did."""
    house.job()
    house.here["grype"].built = makers.built

    assert house.following.follow(CANCEL) == []
    assert house.here["grype"].asked == 0


def test_where_the_makers_have_no_newer_one_for_us_we_do_not_ask_again_and_again(house: House, makers: Makers) -> None:
    house.job()
    makers.built = 5.0

    house.following.follow(CANCEL)
    house.following.follow(CANCEL)

    assert house.here["grype"].asked == 1


def test_a_job_that_could_not_bring_all_still_tells_that_some_came(house: House) -> None:
    house.there["trivy"].error = ScanFailed("trivy", "its makers are away")
    assert house.job() is JobState.ERROR

    assert house.following.follow(CANCEL) == ["grype"]
    assert house.following.follow(CANCEL) == []


def test_a_job_that_brought_nothing_is_not_followed(house: House) -> None:
    for scanner in house.there.values():
        scanner.error = ScanFailed("grype", "its makers are away")
    assert house.job() is JobState.ERROR

    assert house.following.follow(CANCEL) == []


def test_one_that_fails_here_keeps_no_other_from_coming_and_is_tried_again(house: House, makers: Makers) -> None:
    failing = Played(makers, error=ScanFailed("grype", "its makers are away"))
    following = ScannerFollowing({"grype": failing, "trivy": Played(makers)}, house.stage.records)
    house.job()

    with pytest.raises(ScanFailed):
        following.follow(CANCEL)
    failing.error = None

    assert following.follow(CANCEL) == ["grype"]


def test_who_stops_meanwhile_stops_at_once(house: House) -> None:
    house.job()
    cancel = Cancellation()
    cancel.cancel()

    with pytest.raises(Cancelled):
        house.following.follow(cancel)
