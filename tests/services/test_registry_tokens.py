"""Registry tokens: somebody's login for minutes, gone at once with whatever it was given for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lading.services.access import Actor
from lading.services.identity.authentication import Visit, nobody
from lading.services.identity.registry_tokens import (
    ACCESS_SECONDS,
    REFRESH_SECONDS,
    RegistryTokenRefused,
    RegistryTokens,
)
from lading.services.identity.tokens import TokenForm
from lading.services.identity.user_records import UserRow
from lading.wire.authorize import Scope
from tests.fakes.people import HOME, PASSWORD, People, basic, people
from tests.fakes.registry_doors import Doors

SERVICE = "registry.corp"
SCOPES = (Scope("team/app", ("pull", "push")),)
VISIT = Visit("192.0.2.9", "request-9")

Change = Callable[[People, Actor], object]


@pytest.fixture
def all_(tmp_path: Path) -> Iterator[People]:
    with people(tmp_path) as found:
        yield found


@pytest.fixture
def tokens(all_: People) -> RegistryTokens:
    return Doors(all_).tokens


def changed(change: Callable[[UserRow], UserRow]) -> Change:
    return lambda all_, actor: all_.database.users.change_user(actor.user or 0, change)


def as_token(all_: People, actor: Actor, scopes: frozenset[str] | None = None, expires: float | None = None) -> Actor:
    """The same, logged in with an API token."""
    made = all_.tokens.add(actor, TokenForm("ci", scopes, expires))
    return all_.authentication.authenticate(HOME, None, f"Bearer {made.secret}")


def refused(ask: Callable[[], object]) -> None:
    with pytest.raises(RegistryTokenRefused, match="the registry token is wrong or has ended"):
        ask()


def test_an_access_token_is_its_user_for_these_scopes(all_: People, tokens: RegistryTokens) -> None:
    ada = all_.actor("ada", "publisher")

    visitor = tokens.visitor(VISIT, tokens.access(ada, SERVICE, SCOPES).text, SERVICE)

    assert visitor.actor == replace(ada, address=VISIT.address, request=VISIT.request)
    assert visitor.scopes == SCOPES
    assert visitor.opens(Scope("team/app", ("pull",)))
    assert not visitor.opens(Scope("team/app", ("delete",)))
    assert not visitor.opens(Scope("team/ap", ("pull",)))


def test_nobody_gets_tokens_too(tokens: RegistryTokens) -> None:
    visitor = tokens.visitor(VISIT, tokens.access(nobody(HOME), SERVICE, SCOPES).text, SERVICE)

    assert visitor.actor == nobody(VISIT)
    assert not visitor.is_known
    assert tokens.refresh(nobody(HOME), SERVICE) is None


def test_an_access_token_ends_after_five_minutes(all_: People, tokens: RegistryTokens) -> None:
    given = tokens.access(all_.actor("ada"), SERVICE, ())
    assert (given.issued, given.lifetime) == (int(all_.clock.now), ACCESS_SECONDS)

    all_.clock.now += ACCESS_SECONDS - 1
    tokens.visitor(VISIT, given.text, SERVICE)
    all_.clock.now += 1
    refused(lambda: tokens.visitor(VISIT, given.text, SERVICE))


ENDS: dict[str, Change] = {
    "inactive": changed(lambda row: replace(row, active=False)),
    "gone": lambda all_, actor: all_.database.users.remove_user(actor.user or 0),
}
API_TOKEN_ENDS: dict[str, Change] = {
    **ENDS,
    "API token gone": lambda all_, actor: all_.database.tokens.remove_token(actor.token or 0),
    "API token expired": lambda all_, _: setattr(all_.clock, "now", all_.clock.now + 60),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_token_ends_at_once_with_its_user(all_: People, tokens: RegistryTokens, end: str) -> None:
    ada = all_.actor("ada")
    access, refresh = tokens.access(ada, SERVICE, ()).text, tokens.refresh(ada, SERVICE) or ""
    tokens.visitor(VISIT, access, SERVICE)
    tokens.refreshed(VISIT, refresh, SERVICE)

    ENDS[end](all_, ada)

    refused(lambda: tokens.visitor(VISIT, access, SERVICE))
    refused(lambda: tokens.refreshed(VISIT, refresh, SERVICE))


@pytest.mark.parametrize("end", API_TOKEN_ENDS)
def test_a_token_ends_at_once_with_the_api_token_it_was_given_for(
    all_: People, tokens: RegistryTokens, end: str
) -> None:
    ada = as_token(all_, all_.actor("ada"), expires=all_.clock.now + 60)
    access, refresh = tokens.access(ada, SERVICE, ()).text, tokens.refresh(ada, SERVICE) or ""
    assert tokens.visitor(VISIT, access, SERVICE).actor.token == ada.token
    tokens.refreshed(VISIT, refresh, SERVICE)

    API_TOKEN_ENDS[end](all_, ada)

    refused(lambda: tokens.visitor(VISIT, access, SERVICE))
    refused(lambda: tokens.refreshed(VISIT, refresh, SERVICE))


def test_a_role_that_is_taken_away_is_gone_at_once(all_: People, tokens: RegistryTokens) -> None:
    ada = all_.actor("ada", "admin")
    access = tokens.access(ada, SERVICE, SCOPES).text
    assert tokens.visitor(VISIT, access, SERVICE).actor.grants

    all_.database.users.change_user(ada.user or 0, lambda row: replace(row, roles=()))

    assert tokens.visitor(VISIT, access, SERVICE).actor.grants == ()


def test_what_an_api_token_may_not_its_registry_token_may_not(all_: People, tokens: RegistryTokens) -> None:
    ada = as_token(all_, all_.actor("ada", "admin"), scopes=frozenset({"repositories:pull"}))

    again = tokens.refreshed(VISIT, tokens.refresh(ada, SERVICE) or "", SERVICE)

    assert again.scopes == frozenset({"repositories:pull"})
    assert tokens.visitor(VISIT, tokens.access(again, SERVICE, ()).text, SERVICE).actor.scopes == again.scopes


def test_a_new_password_ends_what_the_old_one_was_given_for(all_: People, tokens: RegistryTokens) -> None:
    ada = all_.actor("ada")
    by_token = as_token(all_, ada)
    access, refresh = tokens.access(ada, SERVICE, SCOPES).text, tokens.refresh(ada, SERVICE) or ""
    others = tokens.access(by_token, SERVICE, SCOPES).text, tokens.refresh(by_token, SERVICE) or ""
    tokens.visitor(VISIT, access, SERVICE)

    anew = all_.passwords.hash("another long word")
    all_.database.users.change_user(ada.user or 0, lambda row: replace(row, password_hash=anew))

    refused(lambda: tokens.visitor(VISIT, access, SERVICE))
    refused(lambda: tokens.refreshed(VISIT, refresh, SERVICE))
    tokens.visitor(VISIT, others[0], SERVICE)
    tokens.refreshed(VISIT, others[1], SERVICE)


def test_a_login_that_is_over_gets_tokens_that_open_nothing(all_: People, tokens: RegistryTokens) -> None:
    """The password was right when it was looked at, and is another one by the time a token is made."""
    ada = all_.authentication.authenticate(HOME, None, basic(all_.user("ada").name, PASSWORD))
    anew = all_.passwords.hash("another long word")
    all_.database.users.change_user(ada.user or 0, lambda row: replace(row, password_hash=anew))

    refused(lambda: tokens.visitor(VISIT, tokens.access(ada, SERVICE, SCOPES).text, SERVICE))
    refused(lambda: tokens.refreshed(VISIT, tokens.refresh(ada, SERVICE) or "", SERVICE))


def test_a_login_by_password_is_made_again_after_ninety_days(all_: People, tokens: RegistryTokens) -> None:
    ada = all_.actor("ada")
    refresh, by_token = tokens.refresh(ada, SERVICE) or "", tokens.refresh(as_token(all_, ada), SERVICE) or ""

    all_.clock.now += REFRESH_SECONDS

    refused(lambda: tokens.refreshed(VISIT, refresh, SERVICE))
    tokens.refreshed(VISIT, by_token, SERVICE)


def test_each_kind_is_for_its_own_service_and_use(all_: People, tokens: RegistryTokens) -> None:
    ada = all_.actor("ada")
    access, refresh = tokens.access(ada, SERVICE, ()).text, tokens.refresh(ada, SERVICE) or ""

    refused(lambda: tokens.visitor(VISIT, access, "other.corp"))
    refused(lambda: tokens.visitor(VISIT, refresh, SERVICE))
    refused(lambda: tokens.refreshed(VISIT, access, SERVICE))
    refused(lambda: tokens.refreshed(VISIT, refresh, "other.corp"))


def test_what_another_process_changes_counts_here_at_once(all_: People, tmp_path: Path) -> None:
    """Two processes over one database: each remembers what it has looked up, and asks whether that still stands."""
    ada = all_.actor("ada", "admin")
    with people(tmp_path) as others:
        there = Doors(others).tokens
        access = there.access(ada, SERVICE, SCOPES).text
        assert there.visitor(VISIT, access, SERVICE).actor.grants

        all_.database.users.change_user(ada.user or 0, lambda row: replace(row, active=False))

        refused(lambda: there.visitor(VISIT, access, SERVICE))
