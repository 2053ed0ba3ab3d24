"""What may become of a repository's rows, one edit each: decisions make them, whoever keeps the rows applies them."""

from __future__ import annotations

from dataclasses import dataclass

from lading.oci.digest import Digest
from lading.services.repositories.retention_rules import RetentionRule
from lading.services.repositories.rows import HeldManifest, Visibility
from lading.services.repositories.rules import Rule, TagRelease
from lading.services.repositories.trust import RepositoryTrust


@dataclass(frozen=True, slots=True)
class HoldBlob:
    """The repository holds this blob of `size` bytes from now on; harmless where it does already."""

    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class HoldManifest:
    """The repository holds this manifest from now on, in place of a row of the same digest."""

    manifest: HeldManifest


@dataclass(frozen=True, slots=True)
class PointTag:
    """The tag names this manifest from now on; the repository holds it."""

    tag: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class DropTag:
    """The tag names nothing any more."""

    tag: str


@dataclass(frozen=True, slots=True)
class DropManifest:
    """The repository no longer holds this manifest; its child and referrer rows go too. No tag names it by now."""

    digest: Digest


@dataclass(frozen=True, slots=True)
class DropBlob:
    """The repository no longer holds this blob."""

    digest: Digest


@dataclass(frozen=True, slots=True)
class ReleaseTag:
    """An administrator lets go of this tag, in place of what was said of it before."""

    release: TagRelease


@dataclass(frozen=True, slots=True)
class DropRelease:
    """A tag's release was used, or taken back."""

    tag: str


@dataclass(frozen=True, slots=True)
class SetVisibility:
    """Who may read the repository from now on."""

    visibility: Visibility


@dataclass(frozen=True, slots=True)
class SetRules:
    """The repository's own rules from now on, all of them."""

    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class SetRetention:
    """The repository's own rules of retention from now on, all of them."""

    rules: tuple[RetentionRule, ...]


@dataclass(frozen=True, slots=True)
class SetTrust:
    """Whose signatures the repository's images need from now on; None: nobody's."""

    trust: RepositoryTrust | None


@dataclass(frozen=True, slots=True)
class RenameRepository:
    """All that the repository is and holds has this name from now on, which no other has."""

    name: str


@dataclass(frozen=True, slots=True)
class DropRepository:
    """The repository and all its rows go; the last edit."""


@dataclass(frozen=True, slots=True)
class EndUpload:
    """An upload session is over: what it brought is held by the same change."""

    session: str


Edit = (
    HoldBlob
    | HoldManifest
    | PointTag
    | DropTag
    | DropManifest
    | DropBlob
    | ReleaseTag
    | DropRelease
    | SetVisibility
    | SetRules
    | SetRetention
    | SetTrust
    | RenameRepository
    | DropRepository
    | EndUpload
)
"""One row's change; applied in the order given."""
