"""Passwords that were right a short while ago: known under a keyed hash, for a while, within bounds."""

from __future__ import annotations

from dataclasses import replace

from lading.services.identity.password_memory import KEY_BYTES, MOST_REMEMBERED, REMEMBER_SECONDS, PasswordMemory
from lading.services.identity.user_records import UserRow
from tests.fakes.people import SetClock

ADA = UserRow(1, "ada", "hash of ada's")


def test_a_password_is_known_for_a_few_minutes() -> None:
    clock = SetClock()
    memory = PasswordMemory(bytes(KEY_BYTES), clock)
    memory.remember(ADA, "secret")

    assert memory.knows(ADA, "secret")
    assert not memory.knows(ADA, "Secret")
    assert not memory.knows(replace(ADA, id=2), "secret")
    clock.now += REMEMBER_SECONDS
    assert not memory.knows(ADA, "secret")


def test_a_password_that_was_changed_anywhere_is_not_known() -> None:
    """The row is what the database says now, whichever process wrote it."""
    memory = PasswordMemory(bytes(KEY_BYTES), SetClock())
    for changed in (replace(ADA, password_hash="another"), replace(ADA, password_hash=None)):
        memory.remember(ADA, "secret")

        assert not memory.knows(changed, "secret")
        assert not memory.knows(ADA, "secret")


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    memory = PasswordMemory(bytes(KEY_BYTES), SetClock())
    for number in range(MOST_REMEMBERED + 1):
        memory.remember(ADA, str(number))

    assert not memory.knows(ADA, "0")
    assert memory.knows(ADA, "1")
    assert memory.knows(ADA, str(MOST_REMEMBERED))


def test_no_password_is_kept_as_it_is() -> None:
    memory = PasswordMemory(bytes(KEY_BYTES), SetClock())
    memory.remember(ADA, "very secret")

    assert "very secret" not in repr(vars(memory))
