"""What tags of our own registry come to: TagContents, the protocol that the database fulfils, and its rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lading.oci.digest import Digest


@dataclass(frozen=True, slots=True)
class TagsWith:
    """So many tags of a repository name `root`, which is or needs `content`."""

    content: Digest
    repository: str
    root: Digest
    tags: int


@dataclass(frozen=True, slots=True)
class TagNaming:
    """A tag that names one of those manifests that were asked for."""

    repository: str
    tag: str
    digest: Digest


@dataclass(frozen=True, slots=True)
class RootContent:
    """What a manifest needs: `blobs` of its layers, over all its platforms, with their sizes where they are held."""

    root: Digest
    blobs: Mapping[Digest, int | None]


class TagContents(Protocol):
    """Reads rows alone: no content is opened. Every method raises StorageFailed."""

    def tags_with(self, contents: Collection[Digest]) -> Sequence[TagsWith]:
        """Of all repositories, in no order."""

    def tags_naming(self, digests: Collection[Digest], limit: int) -> Sequence[TagNaming]:
        """At most `limit`, in order of repository and tag."""

    def layers_of(self, repository: str, roots: Collection[Digest]) -> Sequence[RootContent]:
        """Of those of these that the repository holds: the layers of images. Configs are none."""
