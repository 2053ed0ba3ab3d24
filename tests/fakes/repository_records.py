"""RepositoryRecords in memory, for tests of what stands above them; under tests/contract like the database's."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from threading import RLock

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.repositories.edits import DropRepository, Edit, EndUpload, RenameRepository
from lading.services.repositories.pull_counts import Pulled, Pulls
from lading.services.repositories.records import Decide, RepositoryView
from lading.services.repositories.retention_rules import RetentionRule
from lading.services.repositories.rows import NamedTag, Names, RepositoryRow, TagRow, UploadSession, Visibility
from lading.services.repositories.rules import Rule
from tests.fakes.repository_rows import Rows, Viewed


class MemoryRecords:
    """One lock is the transaction; edits go to a copy that replaces the rows when all are applied."""

    def __init__(self, accepted_keys: Mapping[str, str] | None = None) -> None:
        """Their ids by their names."""
        self._accepted = accepted_keys or {}
        self._lock = RLock()
        self._repositories: dict[str, Rows] = {}
        self._uploads: dict[str, UploadSession] = {}
        self._wide: tuple[Rule, ...] = ()
        self._wide_retention: tuple[RetentionRule, ...] = ()

    def change(self, repository: str, decide: Decide, now: float) -> Sequence[Edit]:
        with self._lock:
            rows = self._rows(repository)
            edits = decide(Viewed(self, repository, rows, self._accepted))
            if edits:
                changed = rows.copy() if repository in self._repositories else Rows(created=now)
                for edit in edits:
                    changed.apply(edit, now)
                    if isinstance(edit, EndUpload):
                        self._uploads.pop(edit.session, None)
                self._keep(repository, changed, edits[-1])
            return edits

    def _keep(self, repository: str, rows: Rows, last: Edit) -> None:
        self._repositories.pop(repository, None)
        match last:
            case DropRepository():
                pass
            case RenameRepository(name):
                assert name not in self._repositories
                self._repositories[name] = rows
            case _:
                self._repositories[repository] = rows

    def _rows(self, repository: str) -> Rows:
        return self._repositories.get(repository) or Rows()

    def state(self, repository: str) -> object:
        """The same one as long as nothing of the repository changes."""
        return self._repositories.get(repository)

    def view(self, repository: str) -> RepositoryView:
        return Viewed(self, repository, self._rows(repository))

    def knows(self, repository: str) -> bool:
        return repository in self._repositories

    def repositories(self, after: str, limit: int) -> Sequence[str]:
        with self._lock:
            return sorted(name for name in self._repositories if name > after)[:limit]

    def public(self, repositories: Collection[str]) -> Collection[str]:
        return {name for name in repositories if self._rows(name).visibility is Visibility.PUBLIC}

    def tags(self, repository: str, after: str, limit: int) -> Sequence[str]:
        return sorted(tag for tag in self._rows(repository).named if tag > after)[:limit]

    def names(self, text: str, offset: int, limit: int, patterns: Collection[str] | None = None) -> Names:
        with self._lock:
            names = [name for name in self._repositories if patterns is None or _matches(name, patterns)]
            return _page(names, text, offset, limit)

    def tag_names(self, repository: str, text: str, offset: int, limit: int) -> Names:
        return _page(self._rows(repository).named, text, offset, limit)

    def wide_rules(self) -> Sequence[Rule]:
        return self._wide

    def set_wide_rules(self, rules: Sequence[Rule]) -> None:
        with self._lock:
            self._wide = tuple(rules)

    def wide_retention(self) -> Sequence[RetentionRule]:
        return self._wide_retention

    def set_wide_retention(self, rules: Sequence[RetentionRule]) -> None:
        with self._lock:
            self._wide_retention = tuple(rules)

    def count_pulls(self, pulls: Mapping[Pulled, Pulls]) -> None:
        with self._lock:
            for pulled, each in pulls.items():
                rows = self._repositories.get(pulled.repository)
                if rows is not None:
                    changed = self._repositories[pulled.repository] = rows.copy()
                    changed.count(pulled, each)

    def rows(self, repositories: Collection[str]) -> Sequence[RepositoryRow]:
        with self._lock:
            there = [name for name in sorted(set(repositories)) if name in self._repositories]
            return [self._row(name, self._repositories[name]) for name in there]

    def _row(self, name: str, rows: Rows) -> RepositoryRow:
        held = {**rows.blobs, **{digest: each.descriptor.size for digest, each in rows.manifests.items()}}
        asked = [life.pulled for life in rows.lives.values() if life.pulled is not None]
        times = (rows.created, rows.pushed, max(asked, default=None))
        pulls = sum(life.pulls for life in rows.lives.values())
        counted = (pulls, len(rows.named), sum(held.values()))
        return RepositoryRow(name, rows.visibility, rows.rules, *times, *counted, rows.trust)

    def tag_rows(self, repository: str, tags: Collection[str]) -> Sequence[TagRow]:
        with self._lock:
            rows, wanted = self._rows(repository), set(tags)
            return [self._tag_row(rows, tag) for tag in Viewed(self, repository, rows).all_tags() if tag.name in wanted]

    def _tag_row(self, rows: Rows, tag: NamedTag) -> TagRow:
        size = sum(map(rows.size, rows.needed(tag.digest)))
        life = rows.lives[tag.digest]
        return TagRow(tag, rows.manifests[tag.digest].descriptor.media_type, size, life.pulls, life.pulled)

    def referrers(
        self, repository: str, subject: Digest, artifact_type: str | None = None, after: str = ""
    ) -> Iterator[Descriptor]:
        rows = self._rows(repository)
        found = [manifest.descriptor for manifest in rows.manifests.values() if manifest.subject == subject]
        for each in sorted(found, key=lambda descriptor: descriptor.digest):
            if str(each.digest) > after and artifact_type in (None, each.artifact_type):
                yield each

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
            for name, rows in self._repositories.items():
                kept = {digest: size for digest, size in rows.blobs.items() if digest not in free}
                if len(kept) < len(rows.blobs):
                    self._repositories[name] = replace(rows, blobs=kept)
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


def _matches(name: str, patterns: Collection[str]) -> bool:
    return any(re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) for pattern in patterns)


def _page(names: Iterable[str], text: str, offset: int, limit: int) -> Names:
    found = sorted(name for name in names if text.lower() in name.lower())
    return Names(found[offset : offset + limit], len(found))
