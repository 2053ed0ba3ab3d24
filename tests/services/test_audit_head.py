"""The end of the audit trail: what is cut off, taken away or made anew there behind Lading's back is found."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.credentials.box import GivenKeys
from lading.backends.database.service_database import open_service_database
from lading.services.access import LADING
from lading.services.audit.audit import Deed, Result
from lading.services.audit.head import NONE_YET
from lading.services.audit.records import HEAD_SETTING, AuditRow
from lading.services.audit.seal import Sealer, Verification, seal_of, verify
from lading.services.audit.trail import AuditTrail
from lading.services.server.secret_rotation import Keys
from tests.fakes.people import KEY, SetClock, heads

NEW_KEY = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="


class Sealed:
    """A trail of six sealed rows, and somebody who can write to its database."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.database = open_service_database(path, SetClock())
        self.trail = AuditTrail(self.database.audit, SetClock())
        self.record(6)
        self.seal()

    def record(self, count: int) -> None:
        for number in range(count):
            self.trail.record(LADING, Deed("push", "image", str(number), "app"), Result.DONE)

    def seal(self) -> None:
        Sealer(self.database.audit, heads(self.database)).seal_all()

    def verify(self) -> Verification:
        return verify(self.database.audit.each(), heads(self.database).kept)

    def broken(self) -> int | None:
        found = self.verify().broken
        return None if found is None else found.row

    def rows(self) -> list[AuditRow]:
        return list(self.database.audit.each())

    def behind_our_back(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.path)) as file, file:
            for statement in statements:
                file.execute(statement)

    def made_anew(self) -> None:
        """A whole chain, as anybody can compute it."""
        seal = ""
        for row in self.rows():
            seal = seal_of(seal, row)
            self.behind_our_back(f"UPDATE audit SET seal = '{seal}' WHERE id = {row.id}")


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[Sealed]:
    made = Sealed(tmp_path / "lading.db")
    yield made
    made.database.close()


def test_the_end_of_a_trail_is_known_from_its_first_row_on(sealed: Sealed) -> None:
    found = sealed.verify()
    assert (found.sound, found.since, found.tail) == (True, 1, 0)

    sealed.record(3)
    assert (sealed.verify().sound, sealed.verify().tail) == (True, 3)
    sealed.seal()
    assert (sealed.verify().sound, sealed.verify().since) == (True, 1)


ATTACKS = {
    "the newest rows removed": ("DELETE FROM audit WHERE id > 4",),
    "all rows removed": ("DELETE FROM audit",),
    "the newest seals taken away": ("UPDATE audit SET seal = NULL WHERE id > 4",),
    "all seals taken away": ("UPDATE audit SET seal = NULL",),
    "the newest seals taken away, and what they sealed changed": (
        "UPDATE audit SET seal = NULL WHERE id > 4",
        "UPDATE audit SET actor = 'eve' WHERE id = 5",
    ),
    "the end taken away": (f"DELETE FROM setting WHERE key = '{HEAD_SETTING}'",),
    "the end made illegible": (f"""UPDATE setting SET value = '"x"' WHERE key = '{HEAD_SETTING}'""",),
    "the end made no JSON": (f"UPDATE setting SET value = 'x' WHERE key = '{HEAD_SETTING}'",),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_done_to_the_end_is_found_and_never_healed(sealed: Sealed, attack: str) -> None:
    sealed.behind_our_back(*ATTACKS[attack])
    first = sealed.verify()
    assert not first.sound

    sealed.record(3)
    sealed.seal()
    assert not sealed.verify().sound
    assert sealed.verify().tail == 0


@pytest.mark.parametrize("change", ["UPDATE audit SET actor = 'eve' WHERE id = 2", "DELETE FROM audit WHERE id = 6"])
def test_a_whole_new_chain_is_found(sealed: Sealed, change: str) -> None:
    sealed.behind_our_back(change)
    sealed.made_anew()
    assert sealed.broken() == 6


def test_a_row_put_in_with_a_seal_of_its_own_is_found(sealed: Sealed) -> None:
    sealed.record(1)
    sealed.made_anew()
    assert sealed.broken() == 7


def test_an_earlier_head_tells_nothing_but_itself(sealed: Sealed) -> None:
    """It was sealed by Lading, and is put back to hide what came after it: which shows, as that is sealed."""
    earlier = sealed.database.audit.head()
    sealed.record(2)
    sealed.seal()
    sealed.behind_our_back(f"""UPDATE setting SET value = '"{earlier}"' WHERE key = '{HEAD_SETTING}'""")
    assert sealed.broken() == 8


def test_a_trail_of_an_earlier_version_says_since_when_its_end_is_known(sealed: Sealed) -> None:
    sealed.behind_our_back(f"""UPDATE setting SET value = '"{NONE_YET}"' WHERE key = '{HEAD_SETTING}'""")
    assert (sealed.verify().sound, sealed.verify().since) == (True, None)

    sealed.record(2)
    sealed.seal()
    assert (sealed.verify().sound, sealed.verify().since) == (True, 7)


def test_another_key_makes_no_head(sealed: Sealed) -> None:
    other = heads(sealed.database, NEW_KEY)
    assert not verify(sealed.database.audit.each(), other.kept).sound


@pytest.mark.parametrize("known", [True, False])
def test_the_end_is_known_after_a_change_of_keys(sealed: Sealed, known: bool) -> None:
    if not known:
        sealed.behind_our_back(f"""UPDATE setting SET value = '"x"' WHERE key = '{HEAD_SETTING}'""")
    both: Keys = GivenKeys(f"{NEW_KEY} {KEY}")
    sealed.database.seals.reseal(both.reseal)

    assert verify(sealed.database.audit.each(), heads(sealed.database, NEW_KEY).kept).sound is known


def test_rows_that_are_sealed_during_a_verification_break_nothing(sealed: Sealed) -> None:
    def rows() -> Iterator[AuditRow]:
        yield from sealed.rows()
        sealed.record(2)
        sealed.seal()
        yield from sealed.rows()[6:]

    found = verify(rows(), heads(sealed.database).kept)
    assert (found.sound, found.rows) == (True, 8)


def test_a_sealer_that_was_overtaken_seals_nothing(sealed: Sealed) -> None:
    held, last = sealed.database.audit.head(), sealed.database.audit.last_sealed()
    sealed.record(1)
    row = sealed.rows()[-1]
    assert last is not None
    assert last.seal is not None
    seals = [(row.id, seal_of(last.seal, row))]

    assert not heads(sealed.database).seal(last, "another", seals)
    assert heads(sealed.database).seal(last, held, seals)
    assert not heads(sealed.database).seal(last, held, seals)
    assert sealed.verify().sound
