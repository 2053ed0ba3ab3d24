"""What becomes of a repository's rows: every decision of the embedded registry, pure, in one place.

Each function takes what is asked and returns a Decide, which `Repositories.change` runs in one transaction. No other
place answers whether something may be written, moved or removed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lading.oci.digest import Digest
from lading.services.repository_errors import BlobUnknown, ChildrenMissing, ManifestUnknown, StillNeeded
from lading.services.repository_records import (
    Decide,
    DropBlob,
    DropManifest,
    DropTag,
    Edit,
    HeldManifest,
    HoldBlob,
    HoldManifest,
    PointTag,
    RepositoryView,
)


def hold_blob(digest: Digest, size: int) -> Decide:
    """It was uploaded or mounted, and its bytes are on disk; the same again changes nothing."""

    def decide(view: RepositoryView) -> Sequence[Edit]:
        return [] if view.blob(digest) == size else [HoldBlob(digest, size)]

    return decide


def put_manifest(repository: str, manifest: HeldManifest, tags: Collection[str]) -> Decide:
    """Hold it and point the tags at it; the same again changes nothing. Refuses what it cannot serve whole.

    Raises ChildrenMissing. A subject may be missing (distribution-spec, Pushing Manifests with Subject).
    """

    def decide(view: RepositoryView) -> Sequence[Edit]:
        held = view.held(manifest.children)
        missing = [child for child in manifest.children if child not in held]
        if missing:
            raise ChildrenMissing(repository, missing)
        digest = manifest.descriptor.digest
        edits: list[Edit] = [] if view.manifest(digest) == manifest else [HoldManifest(manifest)]
        return edits + [PointTag(tag, digest) for tag in tags if view.tag(tag) != digest]

    return decide


def delete_tag(repository: str, tag: str) -> Decide:
    """The manifest stays held. Raises ManifestUnknown."""

    def decide(view: RepositoryView) -> Sequence[Edit]:
        if view.tag(tag) is None:
            raise ManifestUnknown(repository, tag)
        return [DropTag(tag)]

    return decide


def delete_manifest(repository: str, digest: Digest) -> Decide:
    """With every tag that names it. Raises ManifestUnknown, StillNeeded where a held index names it."""

    def decide(view: RepositoryView) -> Sequence[Edit]:
        if view.manifest(digest) is None:
            raise ManifestUnknown(repository, digest)
        _check_needless(view, repository, digest)
        return [*(DropTag(tag) for tag in view.tags_of(digest)), DropManifest(digest)]

    return decide


def delete_blob(repository: str, digest: Digest) -> Decide:
    """From this repository alone. Raises BlobUnknown, StillNeeded where a held manifest names it."""

    def decide(view: RepositoryView) -> Sequence[Edit]:
        if view.blob(digest) is None:
            raise BlobUnknown(repository, digest)
        _check_needless(view, repository, digest)
        return [DropBlob(digest)]

    return decide


def _check_needless(view: RepositoryView, repository: str, digest: Digest) -> None:
    parents = view.parents_of(digest)
    if parents:
        raise StillNeeded(repository, digest, parents)
