"""Who may do what: actors, their grants, and the one question every door asks.

    actor ── grants: permissions, in which environments, for which repositories     from its roles
          └─ scopes: a token's own narrowing of them; None for a person's session

A permission is `noun:verb`; in a role `noun:*` is every verb of a noun, and `*` is everything; but what is BY_NAME is
given by its own name alone.

A repository pattern is a whole name in which `*` stands for any run of characters, none and `/` among them; so `**` is
`*`. Every other character is itself, capitals too: hosts are in small letters, and Docker Hub is `docker.io`.

    pattern = [ host "/" ] path          host: the part before the first "/", where oci.reference.is_registry says so
    ghcr.io/acme/*   that registry's paths alone; a `*` of the host stays within the host, its port included
    team/*           such paths in every registry
    either           in our own registry, whose names have no host: paths that match the pattern as it stands

docs/how-to/people.md has a table of examples, which a test goes through.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from lading.errors import LadingError, Side
from lading.oci.reference import Repository, is_registry


class Permission(StrEnum):
    """Everything that somebody may be allowed (interfaces §2)."""

    IMAGES_VIEW = "images:view"
    IMAGES_PULL = "images:pull"
    IMAGES_PUSH = "images:push"
    IMAGES_TAG = "images:tag"
    IMAGES_REMOVE = "images:remove"
    IMAGES_EXPORT = "images:export"
    IMAGES_IMPORT = "images:import"
    ENVIRONMENTS_VIEW = "environments:view"
    ENVIRONMENTS_EDIT = "environments:edit"
    REGISTRIES_VIEW = "registries:view"
    REGISTRIES_EDIT = "registries:edit"
    REGISTRIES_REMOVE = "registries:remove"
    REPOSITORIES_VIEW = "repositories:view"
    REPOSITORIES_PULL = "repositories:pull"
    REPOSITORIES_PUSH = "repositories:push"
    REPOSITORIES_REMOVE = "repositories:remove"
    REPOSITORIES_EDIT = "repositories:edit"
    SCANS_VIEW = "scans:view"
    SCANS_RUN = "scans:run"
    POLICIES_VIEW = "policies:view"
    POLICIES_EDIT = "policies:edit"
    EXCEPTIONS_VIEW = "exceptions:view"
    EXCEPTIONS_EDIT = "exceptions:edit"
    JOBS_VIEW = "jobs:view"
    JOBS_EDIT = "jobs:edit"
    AUDIT_VIEW = "audit:view"
    USERS_VIEW = "users:view"
    USERS_EDIT = "users:edit"
    SETTINGS_VIEW = "settings:view"
    SETTINGS_EDIT = "settings:edit"
    METRICS_VIEW = "metrics:view"
    TRUST_VIEW = "trust:view"
    TRUST_EDIT = "trust:edit"
    TRUST_SIGN = "trust:sign"
    TRUST_EXEMPT = "trust:exempt"


BY_NAME = frozenset({Permission.TRUST_EXEMPT})
"""What a role gives only where it names it: no pattern does. Whoever may everything is held to the rules about
signatures all the same; scanners and promoters, who read what nobody has signed yet, are told so one by one."""


EVERYTHING = "*"
"""The pattern of all permissions."""


class Denied(LadingError):
    """The actor is known, and may not. Its text is fixed (interfaces §2); the hint names what it takes."""

    side = Side.CALLER
    code = "denied"

    def __init__(
        self, permission: Permission, environment: int | None = None, repository: Repository | str | None = None
    ) -> None:
        super().__init__(permission, environment, repository)
        self.permission, self.environment, self.repository = permission, environment, repository
        self.hint = f"It takes the permission {permission}: ask whoever grants roles."

    def __str__(self) -> str:
        return "Permission denied"


class NotLoggedIn(LadingError):
    """Nobody is logged in, and something here is not for everybody."""

    side = Side.CALLER
    code = "unauthorized"

    def __str__(self) -> str:
        return "Authentication required"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a role gives: `permissions` are patterns. `environments` None: in all, and in what is in none.
    `repositories` None: for all."""

    permissions: frozenset[str]
    environments: frozenset[int] | None = None
    repositories: tuple[str, ...] | None = None

    def covers(self, permission: Permission, environment: int | None, repository: Repository | str | None) -> bool:
        """Whether it allows this there. A grant that names environments or repositories allows nothing outside them."""
        return (
            matches(permission, self.permissions)
            and (self.environments is None or environment in self.environments)
            and (self.repositories is None or (repository is not None and _named(repository, self.repositories)))
        )


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, through which door. `user` None: nobody in particular, or Lading itself. `address` is where from, as a
    trusted proxy or the socket says; `request` ties together what one request led to. `proof` is another one after a
    new password, or for another API token (standing.proof_of)."""

    name: str
    grants: tuple[Grant, ...] = ()
    user: int | None = None
    token: int | None = None
    scopes: frozenset[str] | None = None
    address: str = ""
    request: str = ""
    proof: str = field(default="", repr=False, compare=False)

    def come_from(self, address: str, request: str) -> Actor:
        """The same one with this request; written out, as dataclasses.replace takes ten times as long."""
        name, grants, user, token, scopes = self.name, self.grants, self.user, self.token, self.scopes
        return Actor(name, grants, user, token, scopes, address, request, self.proof)

    @property
    def nobody(self) -> bool:
        """Whether it is nobody in particular, who may nothing: not even ask what there is."""
        return self.user is None and self.token is None and not self.grants

    def may(
        self, permission: Permission, environment: int | None = None, repository: Repository | str | None = None
    ) -> bool:
        """The one question. What is asked without an environment is about no environment; a `repository` that is text
        is a path in our own registry."""
        if self.scopes is not None and not matches(permission, self.scopes):
            return False
        return any(grant.covers(permission, environment, repository) for grant in self.grants)

    def patterns(self, permission: Permission) -> frozenset[str] | None:
        """Those of the names in our own registry for which it may; None: for all of them."""
        if self.scopes is not None and not matches(permission, self.scopes):
            return frozenset()
        grants = [grant for grant in self.grants if grant.environments is None]
        found = [grant.repositories for grant in grants if matches(permission, grant.permissions)]
        if None in found:
            return None
        return frozenset(pattern for patterns in found for pattern in patterns or ())

    def may_somewhere(self, permission: Permission, environment: int | None = None) -> bool:
        """Whether there is a repository for which it may in this environment; None: a repository or an environment.
        Lists show those and leave out the rest."""
        if self.scopes is not None and not matches(permission, self.scopes):
            return False
        return any(
            matches(permission, grant.permissions)
            for grant in self.grants
            if environment is None or grant.environments is None or environment in grant.environments
        )


LADING = Actor("lading", (Grant(frozenset({EVERYTHING, *BY_NAME})),))
"""Lading itself: schedules, restarts, and whoever works on the data folder by command line."""


def matches(permission: Permission, patterns: Collection[str]) -> bool:
    """Whether one of `*`, `noun:*` and `noun:verb` says it."""
    if permission in BY_NAME:
        return permission in patterns
    noun, _, _ = permission.partition(":")
    return EVERYTHING in patterns or f"{noun}:*" in patterns or permission in patterns


def split_pattern(pattern: str) -> tuple[str | None, str]:
    """The registry that a repository pattern names, if it does, and the pattern of paths there."""
    first, slash, rest = pattern.partition("/")
    return (first, rest) if slash and is_registry(first) else (None, pattern)


def _named(repository: Repository | str, patterns: Iterable[str]) -> bool:
    if isinstance(repository, str):
        return any(fnmatchcase(repository, pattern) for pattern in patterns)
    return any(_names(registry, path, repository) for registry, path in map(split_pattern, patterns))


def _names(registry: str | None, path: str, repository: Repository) -> bool:
    """Part by part: a path may begin with what looks like a registry, and be in quite another."""
    return (registry is None or fnmatchcase(repository.registry, registry)) and fnmatchcase(repository.path, path)
