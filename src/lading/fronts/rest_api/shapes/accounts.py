"""People: sessions, users, roles and API tokens."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict


class Granted(TypedDict):
    """What a role gives; null is all of them."""

    permissions: list[str]
    environments: list[int] | None
    repositories: Annotated[list[str] | None, "Patterns, in which * stands for any run of characters."]


class Session(TypedDict):
    """Who is logged in, and what they may."""

    username: str
    userId: int | None
    grants: list[Granted]
    scopes: Annotated[list[str] | None, "What an API token narrows that to; null: it does not."]
    issuer: NotRequired[Annotated[str, "The provider, where this is a user of single sign-on."]]


class SignOn(TypedDict):
    """Single sign-on, for whoever is not logged in."""

    enabled: bool
    name: Annotated[str | None, "What people call it."]
    login: Annotated[str | None, "Where it begins, below the server's URL."]


class SignedOn(TypedDict):
    """How a user of single sign-on comes."""

    issuer: Annotated[str, "The provider's URL."]
    lastLoginAt: str | None


class User(TypedDict):
    """A user."""

    id: int
    username: str
    active: bool
    roles: Annotated[list[int], "The roles' ids."]
    hasPassword: bool
    createdAt: str
    signOn: Annotated[SignedOn | None, "Of one who comes by single sign-on."]


class Role(TypedDict):
    """A role, and what it gives."""

    id: int
    name: str
    builtIn: bool
    grants: list[Granted]


class Token(TypedDict):
    """An API token, without its secret."""

    id: int
    name: str
    userId: int
    prefix: Annotated[str, "How the secret begins."]
    scopes: list[str] | None
    createdAt: str
    expiresAt: str | None
    usedAt: str | None


class TokenMade(Token):
    """An API token that was just made."""

    token: Annotated[str, "The secret; it is not shown again."]
