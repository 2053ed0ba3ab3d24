"""Replicas and workers on one PostgreSQL and one S3 server under load, while they are killed and frozen, the database
restarts, the object store sends everybody away and the balancer cuts all off: nothing acknowledged is lost. The full
half hour is `python -m benchmarks.scale`; its table is docs/proof/scale.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.scale.faults import Weather
from benchmarks.scale.storm import Outcome, Storm, run_storm
from tests.proof_table import Tell

pytestmark = pytest.mark.peer("postgres", "haproxy", "docker-registry", "weed")

ONE_OF_EACH = {
    "replica killed": 1,
    "worker killed": 1,
    "worker frozen": 1,
    "database restarted": 1,
    "object store answers 503": 1,
    "balancer cut all connections": 1,
}
SHORT = Storm(
    Weather(seconds=30, gap=3, away=4, deck=ONE_OF_EACH),
    seed=5,
    replicas=2,
    workers=2,
    agents=1,
    pushers=1,
    pullers=1,
    makers=3,
)
LONG = Storm(Weather(seconds=600, gap=8, away=60), seed=6)


def test_nothing_acknowledged_is_lost_in_a_short_storm(tmp_path: Path) -> None:
    outcome = run_storm(tmp_path, SHORT)

    assert_sound(outcome, SHORT.least)
    assert set(outcome.ledger.faults) == set(ONE_OF_EACH)


@pytest.mark.proof("ten minutes of it")
def test_nothing_acknowledged_is_lost_in_a_storm(tmp_path: Path, record_property: Tell) -> None:
    outcome = run_storm(tmp_path, LONG)

    record_property("faults", outcome.ledger.faults.total())
    record_property("manifests", outcome.verified.manifests)
    record_property("jobs", sum(outcome.verified.jobs.values()))
    record_property("losses", len(outcome.ledger.losses))
    assert_sound(outcome, LONG.least)


def assert_sound(outcome: Outcome, least: int) -> None:
    """The load was one, and nothing of it was lost."""
    assert outcome.ledger.losses == []
    assert outcome.ledger.broken == []
    assert all(count.acknowledged >= least for count in outcome.ledger.counts.values() if count.attempted)
    assert outcome.verified.followers > 0
