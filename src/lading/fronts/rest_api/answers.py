"""Values of the services as JSON, by the names that interfaces §2 gives them. Times are ISO 8601, in UTC."""

from __future__ import annotations

from collections.abc import Sequence

from lading.oci.reference import Reference
from lading.services.agents.view import agent_json, agent_token_json
from lading.services.browsing.image_lists import Marks
from lading.services.environment_images import Details, Step, Summary
from lading.services.environments.orders import Pruned
from lading.services.json_values import Json, iso
from lading.services.registries.search import RepositoryFound
from lading.services.row_view import (
    environment_json,
    registry_json,
    report_json,
    role_json,
    token_json,
    user_json,
    verification_json,
)
from lading.wire.retry import Quota

__all__ = [
    "Json",
    "agent_json",
    "agent_token_json",
    "details_json",
    "environment_json",
    "found_json",
    "history_json",
    "iso",
    "marked_json",
    "pruned_json",
    "quota_json",
    "registry_json",
    "report_json",
    "role_json",
    "summary_json",
    "token_json",
    "user_json",
    "verification_json",
]


def quota_json(quota: Quota | None) -> Json | None:
    """How much a registry still allows: `remaining` of `limit` requests in `seconds`."""
    if quota is None:
        return None
    return _told(remaining=quota.remaining, limit=quota.limit, seconds=quota.window)


def found_json(found: RepositoryFound) -> Json:
    """A repository that a search found."""
    told = {"description": found.description, "stars": found.stars, "official": found.official}
    return {"name": found.path} | _told(**told)


def summary_json(summary: Summary) -> Json:
    """An image in a list; its names as docker writes them."""
    return {
        "id": summary.id,
        "tags": [Reference.parse(name).familiar for name in summary.names],
        "digests": [Reference.parse(name).familiar for name in summary.digests],
        "created": iso(summary.created),
        "size": summary.size,
        "labels": dict(summary.labels),
        "platforms": list(summary.platforms),
    }


def details_json(details: Details) -> Json:
    """An image with what it is made of."""
    return summary_json(details.summary) | {
        "digest": str(details.digest) if details.digest else None,
        "platform": details.platform,
        "layers": list(details.layers),
        "config": dict(details.config),
    }


def marked_json(told: Json, marks: Marks | None) -> Json:
    """What is told of an image, with what is known of it besides."""
    if marks is None:
        return told
    severity = (marks.worst.value if marks.worst else "none") if marks.looked else None
    known = {"uniqueSize": marks.unique, "severity": severity, "locked": marks.locked, "signed": marks.signed}
    return told | known


def history_json(steps: Sequence[Step]) -> list[Json]:
    """The steps that made an image, newest first."""
    return [
        {
            "id": step.id,
            "created": iso(step.created),
            "createdBy": step.created_by,
            "size": step.size,
            "comment": step.comment,
        }
        for step in steps
    ]


def pruned_json(pruned: Pruned) -> Json:
    """What is gone."""
    return {"deleted": [*pruned.untagged, *pruned.deleted], "spaceReclaimed": pruned.reclaimed}


def _told(**fields: object) -> Json:
    return {name: value for name, value in fields.items() if value is not None}
