"""One registry's host as this process knows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from lading.backends.registry_client.host import Host, Manners
from lading.backends.registry_client.quirks import quirk_of
from lading.engine.cancel import Cancellation
from lading.services.registries.holds import Hold, RegistryHolds
from lading.wire.endpoint import Endpoint, Profile
from lading.wire.message import Response
from lading.wire.progress import Held
from lading.wire.retry import Again
from tests.fakes.clock import WaitingClock
from tests.fakes.records import MemoryProfiles


class Around:
    """A host with everything around it."""

    def __init__(self, registry: str = "reg.example") -> None:
        self.profiles, self.clock, self.held = MemoryProfiles(), WaitingClock(), list[Held]()
        self.cancel = Cancellation(pause=self.clock.pause)
        self.host = Host(registry, Endpoint(registry), self.profiles, self.clock, self.held.append)

    def with_manners(self, manners: Manners) -> Host:
        """The same as a process knows it that has others beside it."""
        host = self.host
        return Host(
            host.registry, Endpoint(host.registry), self.profiles, self.clock, self.held.append, manners=manners
        )


@dataclass
class Told:
    """Fulfils Others, by a list."""

    kept: list[Hold]

    def tell(self, hold: Hold) -> None:
        self.kept.append(hold)

    def hear(self, keep: Callable[[Hold], object]) -> None:
        for hold in self.kept:
            keep(hold)
        self.kept.clear()


def test_a_hold_is_waited_for_once() -> None:
    around = Around()
    around.host.hold(Again(30, "the rate limit", shared=True))

    around.host.wait(around.cancel)
    around.host.wait(around.cancel)

    assert around.clock.waited == [30]
    assert around.held == [Held("reg.example", "30 s for the rate limit", 30)]


def test_a_shorter_hold_does_not_cut_a_longer_one_and_is_not_told() -> None:
    around = Around()
    around.host.hold(Again(30, "a", shared=True))
    around.host.hold(Again(10, "b", shared=True))

    around.host.wait(around.cancel)

    assert around.clock.waited == [30]
    assert len(around.held) == 1


@pytest.mark.parametrize(("jump", "waited"), [(-3600, [30]), (3600, [])])
def test_a_clock_that_jumps_makes_no_wait_longer(jump: float, waited: list[float]) -> None:
    around = Around()
    around.host.hold(Again(30, "a", shared=True))
    around.clock.now += jump

    around.host.wait(around.cancel)

    assert around.clock.waited == waited


def test_lessons_are_kept_where_they_change_something() -> None:
    around = Around()
    around.host.learn(lambda profile: profile)
    assert around.profiles.of("reg.example") == Profile()

    around.host.learn(lambda _profile: Profile(chunk_limit=5))
    assert around.profiles.of("reg.example") == Profile(chunk_limit=5)


def test_the_time_a_body_takes_is_learned_from_others() -> None:
    around = Around()
    assert around.host.sending_seconds(1000) == 0

    around.host.sent(100, 1)
    around.host.sent(300, 1)

    assert around.host.sending_seconds(1000) == 5


@pytest.mark.parametrize(
    ("host", "profile", "delete_action"),
    [
        ("reg.example", Profile(), "delete"),
        ("docker.io", Profile(), "delete"),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", Profile(mounts_itself=False), "delete"),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", Profile(mounts_itself=False), "delete"),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", Profile(mounts_itself=False), "delete"),
        ("quay.io", Profile(), "*"),
        ("notquay.io", Profile(), "delete"),
        ("quay.io.evil.example", Profile(), "delete"),
    ],
)
def test_names_decide_only_what_asking_cannot_teach(host: str, profile: Profile, delete_action: str) -> None:
    quirk = quirk_of(host)

    assert (quirk.profile, quirk.delete_action) == (profile, delete_action)


def test_what_was_learned_goes_before_what_a_name_says() -> None:
    ecr = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    around = Around(ecr)
    assert not around.host.profile.mounts_itself

    around.profiles.learn(ecr, Profile(scheme="https", chunk_limit=7))
    known = Host(ecr, Endpoint(ecr), around.profiles, around.clock, around.held.append)
    assert known.profile.chunk_limit == 7


def test_a_host_is_met_once_it_is_known_how() -> None:
    """Of several threads at a first contact one learns the scheme just when another's attempt by TLS fails."""
    met: list[bool] = []

    class Seeing(MemoryProfiles):
        def learn(self, host: str, profile: Profile) -> None:
            super().learn(host, profile)
            met.append(asked.met)

    asked = Host("localhost:5000", Endpoint("localhost:5000"), Seeing(), WaitingClock(), list[Held]().append)
    asked.answered("http://localhost:5000/v2/", Response(200))

    assert met == [False]
    assert (asked.met, asked.origins) == (True, ("http://localhost:5000",))


def test_a_hold_that_another_process_was_told_is_kept_to_and_told_once() -> None:
    around = Around()
    elsewhere = [Hold("reg.example", 20, "the rate limit")]
    around.host = around.with_manners(Manners(RegistryHolds(around.clock, Told(elsewhere))))

    around.host.wait(around.cancel)
    around.host.wait(around.cancel)

    assert around.clock.waited == [20]
    assert around.held == [Held("reg.example", "20 s for the rate limit", 20)]


def test_one_that_is_told_here_is_written_down_for_the_others() -> None:
    around, written = Around(), list[Hold]()
    around.host = around.with_manners(Manners(RegistryHolds(around.clock, Told(written))))

    around.host.hold(Again(30, "the rate limit", shared=True))

    assert written == [Hold("reg.example", 30, "the rate limit")]
