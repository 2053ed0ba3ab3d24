"""An event as the API spells it, and which of them a client wants."""

from __future__ import annotations

from collections.abc import Mapping

from lading.fronts.docker_api.refusals import familiar
from lading.fronts.docker_api.shapes_list import Json
from lading.services.environment_images import ImageEvent
from lading.wire.docker_query import Filters

FILTERS = (
    "builder",
    "config",
    "container",
    "daemon",
    "event",
    "image",
    "label",
    "network",
    "node",
    "plugin",
    "scope",
    "secret",
    "service",
    "type",
    "volume",
)
_IMAGE_FILTERS = frozenset({"event", "image", "label", "scope", "type"})


def event_json(event: ImageEvent, labels: Mapping[str, str]) -> Json:
    """With the fields of before 1.22 beside the newer ones: old clients read those alone. What a host tells of it
    stands as the host says it."""
    attributes = {**labels, **({"name": familiar(event.name)} if event.name else {}), **event.told}
    nanoseconds = event.nanoseconds or round(event.at * 1e6) * 1000
    return {
        "status": event.action,
        "id": event.id,
        "Type": "image",
        "Action": event.action,
        "Actor": {"ID": event.id, "Attributes": attributes},
        "scope": "local",
        "time": nanoseconds // 1_000_000_000,
        "timeNano": nanoseconds,
    }


def passes(event: Json, filters: Filters) -> bool:
    """Whether a client that filters so wants to hear of it."""
    if any(name in filters for name in set(FILTERS) - _IMAGE_FILTERS):
        return False
    actor = event["Actor"]
    assert isinstance(actor, dict)
    attributes, name = actor["Attributes"], actor["Attributes"].get("name", "")
    called = {actor["ID"], name, _without_tag(name)}
    return (
        _wants(filters, "type", {"image"})
        and _wants(filters, "scope", {"local"})
        and _wants(filters, "event", {str(event["Action"])})
        and _wants(filters, "image", called)
        and all(_has(attributes, label) for label in filters.all("label"))
    )


def _wants(filters: Filters, name: str, values: set[str]) -> bool:
    return name not in filters or not values.isdisjoint(filters.all(name))


def _has(attributes: Mapping[str, str], label: str) -> bool:
    """`name`, or `name=value`."""
    name, equals, value = label.partition("=")
    return name in attributes and (not equals or attributes[name] == value)


def _without_tag(name: str) -> str:
    head, colon, tail = name.rpartition(":")
    return head if colon and "/" not in tail else name
