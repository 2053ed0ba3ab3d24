"""What the embedded registry remembers of its repositories: values, each of them a row or what is told of some.

    repository(name)                        with who may read it, its own rules, and whose signatures it asks for
    tag(repository, name → digest)          names a manifest that the repository holds
    tag_release(repository, name)           an administrator let go of a protected tag, which need not be there
    holds(repository, digest)               a blob, or a manifest with its media type; a digest may be both at once
    child(repository, manifest, digest)     what a held manifest names: config and layers, or manifests
    referrer(repository, subject, digest)   a held manifest that names a subject, which need not be there itself
    upload_session(id, repository, begun)   its offset is the size of its file, never a row's

Rows only: bytes are on disk before the row that names them. A row is removed before its bytes are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.repositories.needs import Needs
from lading.services.repositories.rules import Rule, TagRelease
from lading.services.repositories.trust import RepositoryTrust


class Visibility(StrEnum):
    """Who may read a repository: those whose roles say so, or everybody, logged in or not."""

    PRIVATE = "private"
    PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class HeldManifest:
    """A manifest or index that a repository holds.

    `descriptor` has its media type, digest and size; where it names a subject also the artifact type and annotations
    that a list of referrers shows (distribution-spec, Listing Referrers). `children` are the digests its bytes name:
    config and layers, foreign ones too, or an index's manifests. `needs`, which no row keeps, are those of them that
    must be held; None: all of them, as whatever.
    """

    descriptor: Descriptor
    children: tuple[Digest, ...] = ()
    subject: Digest | None = None
    needs: Needs | None = field(default=None, compare=False)

    @property
    def needed(self) -> Needs:
        """What must be held of it, as far as is known."""
        return Needs(either=self.children) if self.needs is None else self.needs


@dataclass(frozen=True, slots=True)
class Carried:
    """An image with all that belongs to it, on its way into another repository: `manifests` with the `root`, `blobs`
    with their sizes in bytes, and `lists` of what is attached, by their tags."""

    root: HeldManifest
    manifests: tuple[HeldManifest, ...]
    blobs: tuple[tuple[Digest, int], ...]
    lists: tuple[tuple[str, HeldManifest], ...]

    @property
    def digests(self) -> Sequence[Digest]:
        """Whose bytes have to be here."""
        return [*(manifest.descriptor.digest for manifest in self.manifests), *(digest for digest, _ in self.blobs)]


@dataclass(frozen=True, slots=True)
class NamedTag:
    """A tag as its row has it: what it names, when it was `created` and last `pointed` elsewhere, and who asked for it
    since. Times are seconds since 1970."""

    name: str
    digest: Digest
    created: float = 0.0
    pointed: float = 0.0
    pulled: float | None = None
    pulls: int = 0
    release: TagRelease | None = None


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """A held manifest, for who decides how long it stays. `children` are the held manifests below it, in order;
    `untagged` is when a tag last stopped naming it, None where none did. Times are seconds since 1970."""

    digest: Digest
    children: tuple[Digest, ...] = ()
    subject: Digest | None = None
    pushed: float = 0.0
    pulled: float | None = None
    untagged: float | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """A page of names of repositories or tags, in order, and how many there are in all. Of very many, `total` may be a
    few minutes old."""

    names: Sequence[str]
    total: int


@dataclass(frozen=True, slots=True)
class RepositoryRow:
    """A repository for lists: `tags` counts, `size` is of all it holds, in bytes, shared with others or not. Of one
    that holds very much, both and `pulls` may be a few minutes old."""

    name: str
    visibility: Visibility
    rules: tuple[Rule, ...]
    created: float
    pushed: float | None
    pulled: float | None
    pulls: int
    tags: int
    size: int
    trust: RepositoryTrust | None = None


@dataclass(frozen=True, slots=True)
class TagRow:
    """A tag for lists, with its manifest's media type; `size` is of what that needs, each content once, in bytes.
    `pulls` are of the manifest, by whatever name."""

    tag: NamedTag
    media_type: str
    size: int
    pulls: int = 0
    pulled: float | None = None


@dataclass(frozen=True, slots=True)
class UploadSession:
    """An upload begun at a repository at `begun`, in seconds since 1970, and not ended."""

    id: str
    repository: str
    begun: float
