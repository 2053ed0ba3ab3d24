"""RepositoryRecords in memory, for tests of what stands above them; under tests/contract like the database's."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from threading import RLock

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
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
    UploadSession,
)


@dataclass
class Rows:
    """The rows of one repository, and the view of them."""

    blobs: dict[Digest, int] = field(default_factory=dict)
    manifests: dict[Digest, HeldManifest] = field(default_factory=dict)
    named: dict[str, Digest] = field(default_factory=dict)

    def copy(self) -> Rows:
        return Rows(dict(self.blobs), dict(self.manifests), dict(self.named))

    def blob(self, digest: Digest) -> int | None:
        return self.blobs.get(digest)

    def manifest(self, digest: Digest) -> HeldManifest | None:
        return self.manifests.get(digest)

    def held(self, digests: Collection[Digest]) -> Collection[Digest]:
        return {digest for digest in digests if digest in self.blobs or digest in self.manifests}

    def tag(self, tag: str) -> Digest | None:
        return self.named.get(tag)

    def tags_of(self, digest: Digest) -> Sequence[str]:
        return sorted(tag for tag, named in self.named.items() if named == digest)

    def parents_of(self, digest: Digest) -> Sequence[Digest]:
        return sorted(parent for parent, manifest in self.manifests.items() if digest in manifest.children)

    def apply(self, edit: Edit) -> None:
        match edit:
            case HoldBlob(digest, size):
                self.blobs[digest] = size
            case HoldManifest(manifest):
                self.manifests[manifest.descriptor.digest] = manifest
            case PointTag(tag, digest):
                assert digest in self.manifests
                self.named[tag] = digest
            case DropTag(tag):
                self.named.pop(tag, None)
            case DropManifest(digest):
                assert digest not in self.named.values()
                self.manifests.pop(digest, None)
            case DropBlob(digest):
                self.blobs.pop(digest, None)


class MemoryRecords:
    """One lock is the transaction; edits go to a copy that replaces the rows when all are applied."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._repositories: dict[str, Rows] = {}
        self._uploads: dict[str, UploadSession] = {}

    def change(self, repository: str, decide: Decide) -> Sequence[Edit]:
        with self._lock:
            rows = self._repositories.get(repository, Rows()).copy()
            edits = decide(rows)
            for edit in edits:
                rows.apply(edit)
            if edits:
                self._repositories[repository] = rows
            return edits

    def view(self, repository: str) -> RepositoryView:
        return self._repositories.get(repository, Rows())

    def knows(self, repository: str) -> bool:
        return repository in self._repositories

    def repositories(self, after: str, limit: int) -> Sequence[str]:
        with self._lock:
            return sorted(name for name in self._repositories if name > after)[:limit]

    def tags(self, repository: str, after: str, limit: int) -> Sequence[str]:
        rows = self._repositories.get(repository, Rows())
        return sorted(tag for tag in rows.named if tag > after)[:limit]

    def referrers(self, repository: str, subject: Digest) -> Sequence[Descriptor]:
        rows = self._repositories.get(repository, Rows())
        found = (manifest.descriptor for manifest in rows.manifests.values() if manifest.subject == subject)
        return sorted(found, key=lambda descriptor: descriptor.digest)

    def holders(self, digest: Digest, limit: int) -> Sequence[str]:
        with self._lock:
            return sorted(name for name, rows in self._repositories.items() if digest in rows.blobs)[:limit]

    def reached(self) -> Iterable[Digest]:
        with self._lock:
            held = [manifest for rows in self._repositories.values() for manifest in rows.manifests.values()]
        return {digest for manifest in held for digest in (manifest.descriptor.digest, *manifest.children)}

    def release(self, digests: Collection[Digest]) -> Collection[Digest]:
        with self._lock:
            free = set(digests) - set(self.reached())
            for rows in self._repositories.values():
                for digest in free:
                    rows.blobs.pop(digest, None)
            return free

    def begin_upload(self, session: UploadSession) -> None:
        with self._lock:
            self._uploads[session.id] = session

    def upload(self, session: str) -> UploadSession | None:
        return self._uploads.get(session)

    def end_upload(self, session: str) -> None:
        with self._lock:
            self._uploads.pop(session, None)

    def uploads(self, begun_before: float = float("inf")) -> Sequence[UploadSession]:
        with self._lock:
            found = [session for session in self._uploads.values() if session.begun < begun_before]
        return sorted(found, key=lambda session: session.begun)
