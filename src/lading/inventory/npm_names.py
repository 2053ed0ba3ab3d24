"""Names of npm packages: the scope is the namespace (package-name-guidelines)."""

from __future__ import annotations

import re

from lading.inventory.package import Package, PackageType


def npm_package(name: str, version: str, evidence: str, licenses: tuple[str, ...] = ()) -> Package | None:
    """The package `name`, which may have a scope, at `version`; None where those are not of a published package: one
    from a folder or a repository has where it came from as its version.

    The scope keeps its `@`: `@babel/core` has the namespace `@babel`.
    """
    if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
        return None
    scope, _, bare = name.rpartition("/")
    return Package(PackageType.NPM, bare, version, evidence, namespace=scope, licenses=licenses)


_NAME = re.compile(r"(?:@[\w.~!*'()-]+/)?[\w.~!*'()-]+", re.ASCII)
"""Also of old packages, whose names had capitals and marks that new ones may not have."""
_VERSION = re.compile(r"[v=]?\d[\w.+-]*", re.ASCII)
