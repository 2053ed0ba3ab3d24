"""Guessing is slowed down; the account's owner, who is somewhere else, is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.services.identity.shared_throttling import SharedThrottle
from lading.services.identity.throttling import (
    FREE_FOR_ACCOUNT,
    FREE_FOR_ADDRESS,
    LONGEST_PAUSE,
    MOST_KEYS,
    Failures,
    Seldom,
    Throttle,
    TooManyAttempts,
    one_more,
    pause_left,
    place_of,
)
from lading.services.wakes import TOPIC_BYTES
from tests.fakes.people import SetClock


@pytest.mark.parametrize(
    ("count", "pause"),
    [(0, 0), (4, 0), (5, 1), (6, 2), (7, 4), (12, 128), (15, LONGEST_PAUSE), (10_000, LONGEST_PAUSE)],
)
def test_pauses_double_up_to_a_quarter_of_an_hour(count: int, pause: float) -> None:
    assert pause_left(Failures(count, 1000.0), 5, 1000.0) == pause
    assert pause_left(Failures(count, 1000.0), 5, 1000.0 + pause) == 0


@given(st.integers(0, 40), st.floats(0, 1e9))
def test_a_further_failure_never_shortens_the_pause(count: int, now: float) -> None:
    before = Failures(count, now)

    assert pause_left(one_more(before, now), 5, now) >= pause_left(before, 5, now)


def test_failures_are_forgotten_after_a_quiet_hour() -> None:
    assert one_more(Failures(20, 1000.0), 1000.0 + 3601) == Failures(1, 4601.0)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("socket", "socket"),
    ],
)
def test_an_address_counts_as_what_one_client_has(address: str, place: str) -> None:
    assert place_of(address) == place


def failed(throttle: Throttle, account: str, address: str, times: int) -> None:
    for _ in range(times):
        throttle.begin(account, address)


def test_an_attacker_does_not_lock_the_owner_out() -> None:
    throttle = Throttle(SetClock())
    failed(throttle, "ann", "203.0.113.9", FREE_FOR_ACCOUNT)

    with pytest.raises(TooManyAttempts) as told:
        throttle.begin("ann", "203.0.113.9")
    throttle.begin("ann", "192.0.2.1")

    assert told.value.seconds == 1.0
    assert told.value.hint == "Try again in 1 seconds."


def test_one_address_may_not_try_one_password_for_every_account() -> None:
    throttle = Throttle(SetClock())
    for number in range(FREE_FOR_ADDRESS):
        throttle.begin(f"user{number}", "203.0.113.9")

    with pytest.raises(TooManyAttempts):
        throttle.begin("ann", "203.0.113.9")


def test_many_at_once_gain_nothing() -> None:
    """None of them has failed yet, and still they count."""
    throttle = Throttle(SetClock())
    failed(throttle, "ann", "203.0.113.9", FREE_FOR_ACCOUNT)

    with pytest.raises(TooManyAttempts):
        throttle.begin("ann", "203.0.113.9")


def test_success_clears_the_account_and_not_the_address() -> None:
    throttle = Throttle(SetClock())
    for number in range(FREE_FOR_ADDRESS - 1):
        throttle.begin(f"user{number}", "203.0.113.9")
    throttle.begin("own", "203.0.113.9")
    throttle.succeeded("own", "203.0.113.9")
    throttle.begin("victim", "203.0.113.9")

    with pytest.raises(TooManyAttempts):
        throttle.begin("other", "203.0.113.9")


def test_what_could_not_be_checked_does_not_count() -> None:
    throttle = Throttle(SetClock())
    for _ in range(100):
        throttle.begin("ann", "192.0.2.1")
        throttle.undone("ann", "192.0.2.1")

    throttle.begin("ann", "192.0.2.1")


def test_the_pause_passes() -> None:
    clock = SetClock()
    throttle = Throttle(clock)
    failed(throttle, "ann", "192.0.2.1", FREE_FOR_ACCOUNT)
    clock.now += 1

    throttle.begin("ann", "192.0.2.1")


def processes(clock: SetClock, keys: tuple[bytes, ...] = (b"key",) * 3) -> list[SharedThrottle]:
    """Several that hear each other, and themselves."""
    found: list[SharedThrottle] = []

    def tell(topic: str) -> None:
        assert len(topic.encode()) <= TOPIC_BYTES
        for each in found:
            each.woken(topic)

    found += [SharedThrottle(Throttle(clock), tell, str(at), key) for at, key in enumerate(keys)]
    return found


def wrong(throttle: SharedThrottle, account: str, address: str) -> None:
    throttle.begin(account, address)
    throttle.failed(account, address)


def test_who_guesses_at_several_processes_has_no_more_guesses() -> None:
    all_ = processes(SetClock())
    for number in range(FREE_FOR_ACCOUNT):
        wrong(all_[number % 3], "ann", "203.0.113.9")

    for throttle in all_:
        with pytest.raises(TooManyAttempts):
            throttle.begin("ann", "203.0.113.9")
        throttle.begin("ann", "192.0.2.1")


def test_who_guesses_for_every_account_at_several_processes_is_slowed_down_as_well() -> None:
    all_ = processes(SetClock())
    for number in range(FREE_FOR_ADDRESS):
        wrong(all_[number % 3], f"user{number}", "2001:db8::1")

    for throttle in all_:
        with pytest.raises(TooManyAttempts):
            throttle.begin("ann", "2001:db8::2")


def test_who_remembers_the_password_at_last_is_let_in_everywhere() -> None:
    one, two, _ = processes(SetClock())
    for _ in range(FREE_FOR_ACCOUNT - 1):
        wrong(two, "ann", "192.0.2.1")
    one.begin("ann", "192.0.2.1")
    one.succeeded("ann", "192.0.2.1")

    for _ in range(FREE_FOR_ACCOUNT):
        two.begin("ann", "192.0.2.1")


def test_nothing_is_told_of_who_did_nothing_wrong() -> None:
    told: list[str] = []
    throttle = SharedThrottle(Throttle(SetClock()), told.append, "one", b"key")
    for end in (throttle.succeeded, throttle.undone):
        throttle.begin("ann", "192.0.2.1")
        end("ann", "192.0.2.1")

    assert not told


def test_what_is_told_says_nothing_of_the_name() -> None:
    """It may be a password, typed into the wrong field."""
    told: list[str] = []
    for key in (b"one", b"another"):
        wrong(SharedThrottle(Throttle(SetClock()), told.append, "one", key), "my-secret", "192.0.2.1")

    first, second = told
    assert first != second
    assert "my-secret" not in first
    assert "192.0.2.1" not in first


@pytest.mark.parametrize("topic", [None, "", "login/", "login/x", "login/x/failed/a", "login/x/what/a/b", "audit"])
def test_what_is_no_news_of_logins_changes_nothing(topic: str | None) -> None:
    throttle = SharedThrottle(Throttle(SetClock()), lambda _: None, "one", b"key")
    throttle.woken(topic)

    for _ in range(FREE_FOR_ACCOUNT):
        throttle.begin("ann", "192.0.2.1")


def test_seldom_says_yes_once_in_a_while() -> None:
    clock = SetClock()
    seldom = Seldom(clock, 60)

    assert [seldom.now("a"), seldom.now("a"), seldom.now("b")] == [True, False, True]
    clock.now += 60
    assert seldom.now("a")


def test_memory_is_bounded() -> None:
    """What was quiet the longest is forgotten; what is busy stays."""
    clock = SetClock()
    throttle = Throttle(clock)
    failed(throttle, "ann", "203.0.113.9", FREE_FOR_ACCOUNT)
    for number in range(MOST_KEYS):
        throttle.begin(f"user{number}", f"198.51.{number // 250}.{number % 250}")
    throttle.begin("ann", "203.0.113.9")

    seldom = Seldom(clock, 60)
    for number in range(MOST_KEYS + 1):
        seldom.now(number)

    assert seldom.now(0)
    assert not seldom.now(MOST_KEYS)
