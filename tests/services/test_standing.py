"""Who shows something is looked up once, and then remembered until somebody commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from lading.services.access import LADING, Actor, NotLoggedIn, Permission
from lading.services.identity.authentication import TokenRefused
from lading.services.identity.standing import Standing
from lading.services.identity.tokens import TokenForm, token_hash
from lading.services.identity.users import UserEdit
from tests.fakes.people import HOME, PASSWORD, People, basic, people


@dataclass
class Asked:
    """People, and what their database is asked."""

    people: People
    statements: list[str] = field(default_factory=list)

    def note(self, *said: object) -> None:
        """What SQLAlchemy tells before each statement."""
        self.statements.append(str(said[2]))

    def shown(self, header: str) -> Actor:
        return self.people.authentication.authenticate(HOME, None, header)


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    with people(tmp_path) as all_:
        found = Asked(all_)
        event.listen(Engine, "before_cursor_execute", found.note)
        try:
            yield found
        finally:
            event.remove(Engine, "before_cursor_execute", found.note)


Show = Callable[[Asked, Actor], str]


def by_token(asked: Asked, ann: Actor) -> str:
    return f"Bearer {asked.people.tokens.add(ann, TokenForm('ci')).secret}"


def by_token_and_name(asked: Asked, ann: Actor) -> str:
    return basic("Ann", asked.people.tokens.add(ann, TokenForm("ci")).secret)


def by_password(asked: Asked, ann: Actor) -> str:
    return basic("Ann", PASSWORD)


@pytest.mark.parametrize("show", [by_token, by_token_and_name, by_password])
def test_who_asks_again_costs_no_statement(asked: Asked, show: Show) -> None:
    header = show(asked, asked.people.actor("ann", "publisher"))
    asked.shown(header)  # what the first use writes down is a commit
    first = asked.shown(header)
    asked.statements.clear()

    assert [asked.shown(header) for _ in range(3)] == [first] * 3
    assert asked.statements == []


@pytest.mark.parametrize("show", [by_token, by_token_and_name, by_password])
def test_what_is_taken_away_is_gone_at_the_next_request(asked: Asked, show: Show) -> None:
    ann = asked.people.actor("ann", "publisher")
    header = show(asked, ann)
    for _ in range(2):
        assert asked.shown(header).may(Permission.REPOSITORIES_PUSH)

    asked.people.users.change(LADING, ann.user or 0, UserEdit(roles=()))
    assert not asked.shown(header).may(Permission.REPOSITORIES_PUSH)

    asked.people.users.change(LADING, ann.user or 0, UserEdit(active=False))
    with pytest.raises(NotLoggedIn):
        asked.shown(header)


def test_a_token_that_another_process_removes_opens_nothing_here(asked: Asked, tmp_path: Path) -> None:
    ann = asked.people.actor("ann")
    new = asked.people.tokens.add(ann, TokenForm("ci"))
    for _ in range(2):
        asked.shown(f"Bearer {new.secret}")

    with people(tmp_path) as other:
        other.tokens.remove(ann, new.row.id)
    asked.people.database.changes.woken(None)

    with pytest.raises(TokenRefused):
        asked.shown(f"Bearer {new.secret}")


def test_a_token_ends_on_time_while_nobody_commits(asked: Asked) -> None:
    all_ = asked.people
    new = all_.tokens.add(all_.actor("ann"), TokenForm("ci", expires=all_.clock() + 30))
    standing = Standing(all_.database.users, all_.database.tokens, all_.database.changes, all_.clock)
    hashed = token_hash(new.secret)
    assert standing.shown(hashed) == standing.shown(hashed) is not None

    all_.clock.now += 30

    assert standing.shown(hashed) is None


def test_what_nobody_has_is_not_remembered(asked: Asked) -> None:
    """Anybody can make up as many as they like: so they take the place of nothing."""
    all_ = asked.people
    standing = Standing(all_.database.users, all_.database.tokens, all_.database.changes, all_.clock)
    for _ in range(2):
        asked.statements.clear()
        assert standing.shown("made up") is None
        assert standing.named("nobody") is None
        assert standing.of(7, None) is None
        assert len(asked.statements) >= 3
