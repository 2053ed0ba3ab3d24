"""Jobs that bring advisories up to date: who may, what they say, how often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from lading.errors import NetworkFailed
from lading.services.access import Actor, Denied, Grant, NotLoggedIn
from lading.services.jobs.job import JobState
from lading.services.jobs.kinds import WorkKind
from lading.services.scans.advisories import (
    ADVISORIES,
    Advisories,
    Feed,
    Imported,
    Origin,
    Report,
    Schedule,
    Updated,
    UrlNeeded,
    UrlSecret,
    shown_url,
)
from lading.wire.docker_words import Verb
from lading.wire.message import Cancel
from tests.fakes.jobs import ADMIN, BOB, Stage

VIEWER = Actor("viewer", (Grant(frozenset({"scans:view"}), frozenset({3})),), user=5)


@dataclass
class Played:
    """Fulfils AdvisoryKeeping; remembers what it was asked."""

    updated: Updated = field(default_factory=lambda: Updated((Imported("osv:PyPI", 2, 2, built=0.0),)))
    asked: list[object] = field(default_factory=list)

    def feeds(self) -> Sequence[Feed]:
        return (Feed("PyPI", "osv:PyPI", "http://mirror/PyPI/", 2, None, None, 1.0),)

    def bring(self, origin: Origin, report: Report, cancel: Cancel) -> Imported:
        self.asked.append(origin)
        report("Downloading...")
        return Imported("source", 1, 1)

    def update(self, ecosystems: Sequence[str], report: Report, cancel: Cancel) -> Updated:
        self.asked.append(tuple(ecosystems))
        report("Downloading...")
        return self.updated

    def forget(self, source: str) -> int:
        self.asked.append(source)
        return 1


class Setting:
    """The service over played advisories, and its jobs."""

    def __init__(self, every: float | None = None) -> None:
        self.stage, self.kept = Stage(), Played()
        self.service = Advisories(self.kept, self.stage.jobs, self.stage.trail, Schedule("http://mirror", every))
        self.stage.kinds[ADVISORIES] = WorkKind(self.service.work, self.service.admit, Verb.PULL, resumes=True)

    def ended(self, job: str) -> JobState:
        self.stage.run()
        found = self.stage.records.find(job)
        assert found is not None
        return found.state


def test_an_update_asks_for_what_was_named_and_tells_what_came() -> None:
    setting = Setting()
    job = setting.service.start_update(ADMIN, ("PyPI", "npm"))

    assert setting.ended(job.id) is JobState.DONE
    assert setting.kept.asked == [("PyPI", "npm")]
    assert setting.stage.statuses(job.id) == ["importing", "complete"]
    found = setting.stage.records.find(job.id)
    assert found is not None
    assert found.result is not None
    assert found.result["sources"] == [
        {
            "source": "osv:PyPI",
            "records": 2,
            "new": 2,
            "changed": 0,
            "gone": 0,
            "unread": 0,
            "built": "1970-01-01T00:00:00.000Z",
        }
    ]


def test_equal_updates_share_one_run() -> None:
    setting = Setting()
    jobs = [setting.service.start_update(ADMIN) for _ in range(2)]

    assert {setting.ended(job.id) for job in jobs} == {JobState.DONE}
    assert setting.kept.asked == [()]


def test_an_update_of_which_a_part_fails_has_failed_and_says_which() -> None:
    setting = Setting()
    setting.kept.updated = Updated(setting.kept.updated.imported, (("npm", NetworkFailed("away")),))
    job = setting.service.start_update(ADMIN)

    assert setting.ended(job.id) is JobState.ERROR
    assert setting.stage.statuses(job.id) == ["importing", "importing", "error"]


def test_an_import_is_a_job_of_its_own() -> None:
    setting = Setting()
    job = setting.service.start_import(ADMIN, "https://example.test/all.zip", "ours")

    assert setting.ended(job.id) is JobState.DONE
    assert setting.kept.asked == [Origin("https://example.test/all.zip", name="ours")]
    assert [action for _, action, _ in setting.stage.trail.kept] == ["import", "import"]


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("", UrlNeeded),
        ("/srv/all.zip", UrlNeeded),
        ("file:///srv/all.zip", UrlNeeded),
        ("ftp://example.test/all.zip", UrlNeeded),
        ("https://ann:pw@example.test/all.zip", UrlSecret),
        ("https://example.test/all.zip?sig=secret", UrlSecret),
    ],
)
def test_only_plain_urls_become_jobs(url: str, error: type[Exception]) -> None:
    with pytest.raises(error) as refused:
        Setting().service.start_import(ADMIN, url)
    assert "pw" not in str(refused.value)
    assert "secret" not in str(refused.value).replace("a secret", "")


def test_bringing_takes_a_permission_that_looking_does_not() -> None:
    setting = Setting()

    assert [feed.ecosystem for feed in setting.service.feeds(VIEWER)] == ["PyPI"]
    for actor in (VIEWER, BOB):
        with pytest.raises(Denied):
            setting.service.start_update(actor)
        with pytest.raises(Denied):
            setting.service.start_import(actor, "https://example.test/all.zip")
    with pytest.raises(Denied):
        setting.service.feeds(BOB)
    with pytest.raises(NotLoggedIn):
        setting.service.start_update(Actor("nobody"))


@pytest.mark.parametrize(("every", "names"), [(None, []), (3600.0, [ADVISORIES])])
def test_nothing_is_fetched_unless_a_setting_says_how_often(every: float | None, names: list[str]) -> None:
    setting = Setting(every)
    chores = setting.service.chores()

    assert [chore.name for chore in chores] == names
    for chore in chores:
        chore.run()
        setting.stage.run()
    assert setting.kept.asked == [()] * len(names)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ann:p@w@mirror.test:8443/a/all.zip?x=1#y", "https://mirror.test:8443/a/all.zip"),
        ("http://mirror.test", "http://mirror.test"),
        ("http://mirror.test?x=1", "http://mirror.test"),
    ],
)
def test_a_url_is_shown_without_what_may_be_secret(url: str, shown: str) -> None:
    assert shown_url(url) == shown
