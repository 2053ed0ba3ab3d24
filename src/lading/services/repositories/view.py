"""Repositories of our own registry as JSON, by the names that interfaces §2 gives them: what the REST door answers and
the command line prints. Times are ISO 8601, in UTC."""

from __future__ import annotations

from lading.services.json_values import Json, iso
from lading.services.repositories.guarded_repositories import ProtectedTag, is_immutable
from lading.services.repositories.protection import Forbidden
from lading.services.repositories.rows import RepositoryRow
from lading.services.repositories.rules import TagRelease, rule_json
from lading.services.repositories.trust import trust_json


def repository_json(row: RepositoryRow) -> Json:
    """A repository with its own rules; `tags` counts them, `size` is in bytes, shared with others or not."""
    return {
        "name": row.name,
        "visibility": row.visibility.value,
        "immutable": is_immutable(row.rules),
        "rules": [rule_json(rule) for rule in row.rules],
        "trust": None if row.trust is None else trust_json(row.trust),
        "tags": row.tags,
        "size": row.size,
        "createdAt": iso(row.created),
        "pushedAt": iso(row.pushed),
        "pulledAt": iso(row.pulled),
        "pulls": row.pulls,
    }


def tag_json(found: ProtectedTag, signed: bool | None = None) -> Json:
    """A tag; `signed` is whether it is as the repository's trust rule asks, None where there is none. `pointedAt` is
    when it last moved, `protectedBy` what it is protected by now. `manifestPulls` are of what
    it names, by digest or by whatever tag; clients that resolve a tag first pull so."""
    tag = found.row.tag
    return {
        "name": tag.name,
        "digest": str(tag.digest),
        "mediaType": found.row.media_type,
        "size": found.row.size,
        "createdAt": iso(tag.created),
        "pointedAt": iso(tag.pointed),
        "pulledAt": iso(tag.pulled),
        "pulls": tag.pulls,
        "manifestPulledAt": iso(found.row.pulled),
        "manifestPulls": found.row.pulls,
        "signed": signed,
        "protectedBy": [_forbidden_json(each) for each in found.forbidden],
        "release": None if tag.release is None else release_json(tag.release),
    }


def release_json(release: TagRelease) -> Json:
    """Who let go of a tag, why, and until when; null: until it is used."""
    return {
        "reason": release.reason,
        "username": release.actor,
        "createdAt": iso(release.at),
        "until": iso(release.until),
    }


def _forbidden_json(forbidden: Forbidden) -> Json:
    rule = forbidden.rule
    scope = "repository" if rule.repositories is None else "registry"
    return {"against": forbidden.step.value, "scope": scope, "rule": rule_json(rule), "until": iso(forbidden.until)}
