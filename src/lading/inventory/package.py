"""Packages as an image's files give evidence of them, and the distribution they stand in."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class PackageType(StrEnum):
    """The kind of a package, in the words of package URLs (purl-spec, types)."""

    DEB = "deb"
    APK = "apk"
    RPM = "rpm"
    PYPI = "pypi"
    NPM = "npm"
    GOLANG = "golang"
    CARGO = "cargo"
    MAVEN = "maven"
    GEM = "gem"
    NUGET = "nuget"
    COMPOSER = "composer"

    @property
    def of_distribution(self) -> bool:
        """Whether a distribution made it, and says what is wrong with it."""
        return self in {PackageType.DEB, PackageType.APK, PackageType.RPM}


@dataclass(frozen=True, slots=True)
class Package:
    """One installed package. `evidence` is the file that says so, its path in the image without a leading slash; where
    that is inside an archive, the archive's path, `!/` and the path within.

    `namespace` is what stands before the name in its ecosystem: a Maven group, an npm scope. `source_name` and
    `source_version` are the source package it was built from, where that differs: advisories of Debian, Ubuntu and
    Alpine speak of those. `epoch` is part of `version` where the ecosystem writes it there. `by_vendor`: in the form of
    a distribution's packages, and nothing says that it is made by one.
    """

    type: PackageType
    name: str
    version: str
    evidence: str
    namespace: str = ""
    architecture: str = ""
    source_name: str = ""
    source_version: str = ""
    licenses: tuple[str, ...] = ()
    by_vendor: bool = False


@dataclass(frozen=True, slots=True)
class OsRelease:
    """What os-release says (os-release(5)). No `version_id` means a rolling or an unreleased distribution."""

    id: str
    version_id: str = ""
    id_like: tuple[str, ...] = ()
    codename: str = ""
    name: str = ""
    fields: tuple[tuple[str, str], ...] = field(default=(), repr=False)
