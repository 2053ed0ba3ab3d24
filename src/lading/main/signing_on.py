"""Single sign-on, wired, where a provider is configured."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from lading.backends.database.service_database import ServiceDatabase
from lading.backends.http.addresses import resolve_beyond_link
from lading.backends.http.transport import HttpTransport
from lading.backends.openid.provider import Client, OpenIdProvider
from lading.errors import InputInvalid
from lading.main.own_engine import USER_AGENT
from lading.services.audit.audit import Trail
from lading.services.identity.sessions import Sessions
from lading.services.identity.sign_on_users import SignOnAccounts, SignOnRules
from lading.services.identity.single_sign_on import SingleSignOn
from lading.settings import Settings
from lading.wire.endpoint import Endpoint
from lading.wire.guard import authority, may_carry_secrets


class SignOnHalf(InputInvalid):
    """Some of its settings are there, and one that it cannot do without is not."""

    def __init__(self, missing: str) -> None:
        super().__init__(missing)
        self.missing = missing
        self.hint = f"Set {missing}, or none of the settings that begin with oidc-."

    def __str__(self) -> str:
        return f"single sign-on is configured, and {self.missing} is not"


class IssuerInPlain(InputInvalid):
    """A provider that has no TLS, on another machine."""

    hint = "Plain HTTP is taken of a provider on this machine alone: give the provider a certificate."

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host

    def __str__(self) -> str:
        return f"oidc-issuer is http://, and {self.host} is not this machine"


class RolesUnknown(InputInvalid):
    """Groups are to have roles that nobody has made, so their people would be let in nowhere."""

    def __init__(self, roles: Sequence[str], known: Sequence[str]) -> None:
        super().__init__(roles, known)
        self.roles = roles
        self.hint = f"There are {', '.join(known)}. A group whose name has a comma needs the settings file, as a list."

    def __str__(self) -> str:
        return f"oidc-roles names {', '.join(map(repr, self.roles))}: nobody has made such a role"


def sign_on(
    stack: ExitStack, settings: Settings, database: ServiceDatabase, sessions: Sessions, trail: Trail
) -> SingleSignOn | None:
    """None where it is not configured, or nobody logs in at all. Raises SignOnHalf, IssuerInPlain, RolesUnknown,
    StorageFailed."""
    client = sign_on_client(settings)
    if client is None:
        return None
    by_group = _by_group(settings.oidc_roles)
    _check_roles(by_group, sorted(role.name for role in database.users.roles()))
    ways = HttpTransport(
        lambda host: Endpoint(host, ca_file=settings.tls_ca), os.environ, USER_AGENT, resolve=resolve_beyond_link
    )
    stack.callback(ways.close)
    return SingleSignOn(
        OpenIdProvider(client, ways, time.time, time.monotonic),
        SignOnRules(settings.oidc_name, by_group),
        SignOnAccounts(database.users, database.identities, sessions),
        trail,
        clock=time.time,
        random=os.urandom,
    )


def sign_on_client(settings: Settings) -> Client | None:
    """What the settings say of it; None where that is nothing, or where nobody logs in at all. Raises SignOnHalf,
    IssuerInPlain."""
    issuer, client = settings.oidc_issuer, settings.oidc_client_id
    if settings.no_auth or (issuer is None and client is None and not settings.oidc_roles):
        return None
    if issuer is None or client is None or not settings.oidc_roles:
        needed = {"oidc-issuer": issuer, "oidc-client-id": client, "oidc-roles": settings.oidc_roles}
        raise SignOnHalf(next(name for name, value in needed.items() if not value))
    if not may_carry_secrets(issuer, plain_allowed=False):
        raise IssuerInPlain(authority(issuer))
    return Client(issuer, client, settings.oidc_client_secret, settings.oidc_scopes, settings.oidc_groups_claim)


def _by_group(given: Sequence[str]) -> Mapping[str, frozenset[str]]:
    """A group's name may have an equals sign, as those of directories do; a role's has none."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for word in given:
        group, _, role = word.rpartition("=")
        found[group.strip()].add(role.strip())
    return {group: frozenset(roles) for group, roles in found.items()}


def _check_roles(by_group: Mapping[str, frozenset[str]], known: Sequence[str]) -> None:
    unknown = sorted({role for roles in by_group.values() for role in roles}.difference(known))
    if unknown:
        raise RolesUnknown(unknown, known)
