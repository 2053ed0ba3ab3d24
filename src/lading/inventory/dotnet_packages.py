""".NET applications and runtimes: `NAME.deps.json` names what stands beside them (.NET runtime configuration files).

`libraries` are all that the build knew, by NAME/VERSION; `targets` say which of them have files at run time: the
others, such as analysers, are not in the image.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lading.inventory.evidence import Evidence, EvidenceRead
from lading.inventory.evidence_invalid import noted
from lading.inventory.evidence_json import json_object, members, word
from lading.inventory.package import Package, PackageType

DEPENDENCIES_LIMIT = 16 * 1024 * 1024
"""The longest list of dependencies read, in bytes."""


def is_dependencies(path: str) -> bool:
    """Whether a path is that of a .NET program's list of dependencies."""
    return path.endswith(".deps.json")


@noted
def read_dependencies(path: str, content: bytes) -> EvidenceRead:
    """The packages that stand beside a .NET program; its own projects are nobody's packages."""
    document = json_object(content)
    placed = _placed(document)
    packages = (
        _package(library, path)
        for library, entry in members(document.get("libraries")).items()
        if members(entry).get("type") in _PACKAGES and (placed is None or library in placed)
    )
    return EvidenceRead(tuple(dict.fromkeys(package for package in packages if package is not None)))


EVIDENCE = (Evidence(".NET dependencies", is_dependencies, read_dependencies, DEPENDENCIES_LIMIT),)

_RUNTIME = "runtimepack"
_PACKAGES = ("package", _RUNTIME)
_OLD_RUNTIME = re.compile(r"^runtime\.([a-z0-9-]{1,40})\.(Microsoft\.(?:NETCore|AspNetCore)\.App)$")
_FILES = ("runtime", "native", "runtimeTargets", "resources")


def _package(library: str, path: str) -> Package | None:
    """The package of NAME/VERSION.

    Runtimes that an application brings along have `runtimepack.` before their name. Those of .NET Core 3 have another
    name than they are published by, and the version of the build that became the release: 3.1.23-servicing.22122.4 is
    3.1.23.
    """
    name, _, version = library.partition("/")
    name = _OLD_RUNTIME.sub(r"\2.Runtime.\1", name.removeprefix(f"{_RUNTIME}."))
    name, version = word(name), word(version.partition("-servicing.")[0])
    return Package(PackageType.NUGET, name, version, path) if name and version else None


def _placed(document: Mapping[str, object]) -> frozenset[str] | None:
    """The libraries with files at run time; None where the document does not say."""
    targets = members(document.get("targets"))
    target = document.get("runtimeTarget")
    name = target if isinstance(target, str) else members(target).get("name")
    libraries = members(targets.get(name)) if isinstance(name, str) else {}
    return frozenset(_with_files(libraries)) if libraries else None


def _with_files(libraries: Mapping[str, object]) -> Iterator[str]:
    for library, entry in libraries.items():
        if any(members(entry).get(kind) for kind in _FILES):
            yield library
