"""Packages of npm: what lies in `node_modules`, as npm, yarn and pnpm lay it out (package.json, npm documentation).

A package is its folder's package.json: `node_modules/NAME/package.json`, `node_modules/@SCOPE/NAME/package.json`, at
any depth of folders. package.json elsewhere is an application's own, which nobody publishes advisories about, except
yarn as it is unpacked beside Node and Debian's folder of modules.
"""

from __future__ import annotations

import re

from lading.inventory.evidence import Evidence, EvidenceRead
from lading.inventory.evidence_invalid import noted
from lading.inventory.evidence_json import json_object, members, word, words
from lading.inventory.npm_locks import EVIDENCE as LOCKS
from lading.inventory.npm_names import npm_package

MANIFEST_LIMIT = 2 * 1024 * 1024
"""The longest package.json read, in bytes."""


def is_installed_manifest(path: str) -> bool:
    """Whether a path is the package.json of an installed package."""
    return path.endswith("/package.json") and _INSTALLED.search(path) is not None


@noted
def read_manifest(path: str, content: bytes) -> EvidenceRead:
    """The package that a package.json names. One without a version is a folder's settings, and says nothing."""
    manifest = json_object(content)
    name, version = word(manifest.get("name")), word(manifest.get("version"))
    package = npm_package(name, version, path, _licenses(manifest.get("license") or manifest.get("licenses")))
    return EvidenceRead((package,) if package else ())


EVIDENCE = (Evidence("npm package", is_installed_manifest, read_manifest, MANIFEST_LIMIT), *LOCKS)

_INSTALLED = re.compile(
    r"(?:^|/)node_modules/(?:@[^/]+/)?[^/@.][^/]*/package\.json$"
    r"|^usr/(?:share/nodejs|lib/nodejs)/(?:@[^/]+/)?[^/@.][^/]*/package\.json$"
    r"|(?:^|/)yarn-v[0-9.]+/package\.json$"
)


def _licenses(value: object) -> tuple[str, ...]:
    """The licence expression, or the older forms: {type}, [{type}], [text]."""
    several = value if isinstance(value, list) else [value]
    return words([members(one).get("type") or one for one in several[:10]])
