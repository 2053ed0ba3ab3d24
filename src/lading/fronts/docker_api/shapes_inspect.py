"""One image, and its history, as each version of the API spells them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from lading.fronts.docker_api.shapes_list import (
    DESCRIPTOR_FROM,
    VIRTUAL_SIZE_BEFORE,
    Json,
    manifests_json,
    repo_digests,
    repo_tags,
)
from lading.services.environment_images import Details, Step, Summary
from lading.wire.docker_urls import ApiVersion

CONTAINER_CONFIG_BEFORE = ApiVersion(1, 45)
RUNTIME_FIELDS_BEFORE = ApiVersion(1, 50)
"""Until then the settings had what only a container has."""

DRIVER = "lading"
"""What keeps the layers: as they came, not unpacked."""

ZERO_TIME = "0001-01-01T00:00:00Z"
"""Go's, for what nobody knows."""

_ALWAYS: Mapping[str, object] = {
    "User": "",
    "Env": None,
    "Cmd": None,
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": None,
    "Labels": None,
}
_OF_CONTAINERS: Mapping[str, object] = {
    "Hostname": "",
    "Domainname": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Image": "",
}
_WHERE_SET = ("ExposedPorts", "Healthcheck", "ArgsEscaped", "StopSignal", "StopTimeout", "Shell")
_ALSO_BEFORE = ("NetworkDisabled", "MacAddress")


def details_json(details: Details, version: ApiVersion, *, size: int, manifests: bool = False) -> Json:
    """`size` is of the platform that was asked for, in bytes."""
    summary, document = details.summary, details.document
    created = _moment(_text(document, "created")) or (ZERO_TIME if version < VIRTUAL_SIZE_BEFORE else None)
    written: Json = {
        "Id": summary.id,
        "RepoTags": repo_tags(summary),
        "RepoDigests": repo_digests(summary),
        "Parent": details.parent,
        "Comment": details.comment or _comment(document),
        **_given({"Created": created}),
        **_of_containers(document, version),
        "DockerVersion": details.docker_version or _text(document, "docker_version"),
        "Author": _text(document, "author"),
        "Config": settings_json(details.config, version),
        "Architecture": _text(document, "architecture"),
        **_given({"Variant": _text(document, "variant")}),
        "Os": _text(document, "os"),
        **_given({"OsVersion": _text(document, "os.version")}),
        "Size": size,
    }
    if version < VIRTUAL_SIZE_BEFORE:
        written["VirtualSize"] = size
    written["GraphDriver"] = {"Data": None, "Name": DRIVER}
    written["RootFS"] = {"Type": "layers", **_given({"Layers": list(details.diff_ids)})}
    written["Metadata"] = {"LastTagTime": ZERO_TIME if summary.moved is None else moment_json(summary.moved)}
    if version >= DESCRIPTOR_FROM and summary.root is not None:
        written["Descriptor"] = summary.root.written()
    if manifests:
        written["Manifests"] = manifests_json(summary.parts)
    return written


def settings_json(settings: Mapping[str, object], version: ApiVersion) -> Json:
    """What an image says of running it, filled up as Docker's daemon does."""
    runtime = version < RUNTIME_FIELDS_BEFORE
    filled = {**(_OF_CONTAINERS if runtime else {}), **_ALWAYS}
    kept = (*_WHERE_SET, *(_ALSO_BEFORE if runtime else ()))
    return {
        **{name: settings.get(name) or empty for name, empty in filled.items()},
        **{name: value for name in kept if (value := settings.get(name))},
    }


def history_json(steps: Sequence[Step], summary: Summary) -> Sequence[Json]:
    """The newest step is the image itself; of the others nobody knows which image they once were."""
    return [
        {
            "Comment": step.comment,
            "Created": int(step.created or 0),
            "CreatedBy": step.created_by,
            "Id": "<missing>" if place else summary.id,
            "Size": step.size,
            "Tags": None if place else repo_tags(summary) or None,
        }
        for place, step in enumerate(steps)
    ]


def moment_json(seconds: float) -> str:
    """Seconds since 1970 as Go writes a moment: no more digits than it has."""
    return _moment(datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")) or ZERO_TIME


def _of_containers(document: Mapping[str, object], version: ApiVersion) -> Json:
    """The container that a build made the image from, until 1.44."""
    if version >= CONTAINER_CONFIG_BEFORE:
        return {}
    settings = document.get("container_config")
    return {
        "Container": _text(document, "container"),
        "ContainerConfig": settings_json(settings if isinstance(settings, dict) else {}, version),
    }


def _comment(document: Mapping[str, object]) -> str:
    """The image's own, else that of its newest step."""
    history = document.get("history")
    newest = history[-1] if isinstance(history, list) and history else None
    return _text(document, "comment") or (_text(newest, "comment") if isinstance(newest, dict) else "")


def _text(document: Mapping[str, object], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _moment(text: str) -> str:
    """RFC 3339 without the zeros at its end."""
    return re.sub(r"\.(\d*?)0*(?=\D|$)", lambda found: f".{found[1]}" if found[1] else "", text, count=1)


def _given(members: Mapping[str, object]) -> Json:
    return {name: value for name, value in members.items() if value}
