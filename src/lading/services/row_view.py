"""Rows of the service as JSON, by the names that interfaces §2 gives them: what the REST door answers and the command
line prints. Times are ISO 8601, in UTC; secrets are left out."""

from __future__ import annotations

from collections.abc import Mapping

from lading.services.audit.seal import Verification
from lading.services.environments.connection_test import ConnectionReport
from lading.services.environments.records import EnvironmentRow
from lading.services.identity.identity_records import SignedOn
from lading.services.identity.login_records import TokenRow
from lading.services.identity.roles import grant_json
from lading.services.identity.user_records import RoleRow, UserRow
from lading.services.json_values import Json, iso
from lading.services.registries.records import RegistryRow


def registry_json(row: RegistryRow, valid_until: float | None = None) -> Json:
    """A registry, without its password and its provider's secret fields; `valid_until` is when the login ends that its
    provider minted last, in seconds since 1970."""
    return {
        "id": row.id,
        "name": row.name,
        "url": row.url,
        "username": row.username,
        "isDefault": row.is_default,
        "hasCredentials": row.sealed is not None,
        "tls": row.tls.value,
        "ca": row.ca,
        "relay": row.relay.value,
        "provider": row.provider.value,
        "fields": dict(row.provider_fields),
        "hasSecretFields": row.provider_sealed is not None,
        "validUntil": iso(valid_until),
    }


def environment_json(row: EnvironmentRow) -> Json:
    """An environment, without its secrets."""
    return {
        "id": row.id,
        "name": row.name,
        "connectionType": row.connection_type.value,
        "socketPath": row.socket_path,
        "host": row.host,
        "port": row.port,
        "protocol": row.protocol,
        "tlsCa": row.tls_ca,
        "tlsCert": row.tls_cert,
        "hasTlsKey": row.tls_key_sealed is not None,
        "tlsSkipVerify": row.tls_skip_verify,
        "hasHawserToken": row.hawser_token_sealed is not None,
        "isDefault": row.is_default,
    }


def report_json(report: ConnectionReport) -> Json:
    """What came of a connection test, step by step."""
    steps = [
        _told(name=step.name, ok=step.ok, detail=step.detail or None, error=step.error, hint=step.hint)
        for step in report.steps
    ]
    return _told(success=report.success, steps=steps, error=report.error)


def user_json(row: UserRow, signed_on: Mapping[int, SignedOn]) -> Json:
    """A user, without the password; `signed_on` are those who come by single sign-on, by their ids."""
    return {
        "id": row.id,
        "username": row.name,
        "active": row.active,
        "roles": list(row.roles),
        "hasPassword": row.password_hash is not None,
        "createdAt": iso(row.created),
        "signOn": _sign_on_json(signed_on[row.id]) if row.id in signed_on else None,
    }


def _sign_on_json(signed_on: SignedOn) -> Json:
    return {"issuer": signed_on.issuer, "lastLoginAt": None if signed_on.last is None else iso(signed_on.last)}


def role_json(row: RoleRow) -> Json:
    """A role, and what it gives."""
    return {
        "id": row.id,
        "name": row.name,
        "builtIn": row.built_in,
        "grants": [grant_json(grant) for grant in row.grants],
    }


def token_json(row: TokenRow) -> Json:
    """An API token, without its secret."""
    return {
        "id": row.id,
        "name": row.name,
        "userId": row.user,
        "prefix": row.prefix,
        "scopes": None if row.scopes is None else sorted(row.scopes),
        "createdAt": iso(row.created),
        "expiresAt": iso(row.expires),
        "usedAt": iso(row.used),
    }


def verification_json(found: Verification) -> Json:
    """What a walk along the audit trail found."""
    return _told(
        sound=found.sound,
        rows=found.rows,
        head=None if found.head is None else {"id": found.head[0], "seal": found.head[1]},
        broken=None if found.broken is None else {"id": found.broken.row, "reason": found.broken.reason},
        gaps=[list(gap) for gap in found.gaps],
        unsealed={"rows": found.tail, "ids": None if found.tail_ids is None else list(found.tail_ids)},
        endKnownSince=found.since,
    )


def _told(**fields: object) -> Json:
    return {name: value for name, value in fields.items() if value is not None}
