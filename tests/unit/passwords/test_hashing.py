"""Passwords under argon2id: right, wrong, out of date, and no more of them at once than fit into memory."""

from __future__ import annotations

import threading
import time

import pytest

from lading.backends.passwords.hashing import ArgonPasswords
from lading.services.identity.passwords import Checked, PasswordsBusy

PASSWORD = "correct horse battery"


def cheap(**changes: int) -> ArgonPasswords:
    return ArgonPasswords(**({"passes": 1, "memory_kib": 8} | changes))


def test_the_parameters_are_those_of_the_text() -> None:
    assert ArgonPasswords().hash(PASSWORD).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize("password", [PASSWORD, "", "é\0ü", "x" * 1000])
def test_a_password_is_known_again(password: str) -> None:
    passwords = cheap()
    first, second = passwords.hash(password), passwords.hash(password)

    assert first != second
    assert passwords.check(first, password) is Checked.RIGHT
    assert passwords.check(first, password + "x") is Checked.WRONG


@pytest.mark.parametrize("hashed", [None, "", "plain", "$argon2id$v=19$m=8,t=1,p=1$broken"])
def test_what_is_no_hash_lets_nobody_in(hashed: str | None) -> None:
    assert cheap().check(hashed, PASSWORD) is Checked.WRONG
    assert cheap().check(hashed, "nobody") is Checked.WRONG


def test_other_parameters_make_a_hash_stale() -> None:
    old = cheap().hash(PASSWORD)

    assert cheap(passes=2).check(old, PASSWORD) is Checked.STALE
    assert cheap(passes=2).check(old, "wrong") is Checked.WRONG


def test_an_unknown_user_costs_what_a_known_one_does() -> None:
    """The same work, by the processor's time of this thread: the wall clock would tell of other things too."""
    passwords = cheap(memory_kib=4096, passes=4)
    hashed = passwords.hash(PASSWORD)
    passwords.check(None, PASSWORD)

    def cost(known: str | None) -> float:
        began = time.thread_time()
        for _ in range(5):
            passwords.check(known, "wrong")
        return time.thread_time() - began

    assert 0.25 < cost(None) / cost(hashed) < 4


def test_only_a_few_are_checked_at_once_and_the_rest_is_sent_away() -> None:
    passwords = cheap(memory_kib=32 * 1024, passes=4, at_once=1, waiting=1)
    hashed = passwords.hash(PASSWORD)
    told: list[object] = []
    together = threading.Barrier(12)

    def check() -> None:
        together.wait()
        try:
            told.append(passwords.check(hashed, PASSWORD))
        except PasswordsBusy as busy:
            told.append(busy.code)

    threads = [threading.Thread(target=check) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Checked.RIGHT in told
    assert set(told) == {Checked.RIGHT, "busy"}
    assert passwords.check(hashed, PASSWORD) is Checked.RIGHT
