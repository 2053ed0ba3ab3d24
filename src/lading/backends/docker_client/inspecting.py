"""One image as a daemon describes it, and what of its config can be read back from that."""

from __future__ import annotations

from collections.abc import Mapping

from lading.backends.docker_client.answers import Members, digests, platform, summary
from lading.backends.docker_client.parts import root
from lading.oci.digest import Digest
from lading.oci.instants import parse_instant
from lading.services.environment_images import Details

_RUN = ("Env", "Entrypoint", "Cmd", "WorkingDir", "User", "ExposedPorts", "Volumes", "Labels", "StopSignal")
"""The settings that image-spec knows (config.md); a daemon's answer mixes them with a container's."""

_DOCKERS_OWN = ("OnBuild", "Healthcheck", "Shell", "ArgsEscaped")
"""Those that Docker writes into configs besides."""


def details(row: Members, where: str) -> Details:
    """Of `GET /images/{name}/json`. Raises AnswerUnreadable."""
    layers = _layers(row)
    return Details(
        summary=summary(row, where),
        platform=str(platform(row) or ""),
        layers=layers,
        config=_settings(row, _RUN),
        digest=root_digest(row),
        document=_document(row, layers),
        diff_ids=layers,
        parent=_text(row, "Parent"),
        comment=_text(row, "Comment"),
        docker_version=_text(row, "DockerVersion"),
    )


def root_digest(row: Members) -> Digest | None:
    """What registries call the image: its descriptor's digest, or the one all of them call it by."""
    described = root(row)
    if described is not None:
        return described.digest
    known = {digest for _, digest in digests(row)}
    return known.pop() if len(known) == 1 else None


def _document(row: Members, layers: tuple[str, ...]) -> Mapping[str, object]:
    """The image config (image-spec, config.md) as far as the daemon tells it: without its history."""
    created, built_for = _text(row, "Created"), platform(row)
    said = {"created": created if parse_instant(created) is not None else "", "author": _text(row, "Author")}
    return {
        **{name: value for name, value in said.items() if value},
        **(built_for.written() if built_for else {}),
        "config": _settings(row, (*_RUN, *_DOCKERS_OWN)),
        **({"rootfs": {"type": "layers", "diff_ids": list(layers)}} if layers else {}),
    }


def _settings(row: Members, names: tuple[str, ...]) -> dict[str, object]:
    config = row.get("Config")
    return {name: config[name] for name in names if config.get(name)} if isinstance(config, dict) else {}


def _layers(row: Members) -> tuple[str, ...]:
    """The diffIDs, from the base up."""
    file_system = row.get("RootFS")
    found = file_system.get("Layers") if isinstance(file_system, dict) else None
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()


def _text(row: Members, name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""
