"""No sequence of operations changes (tag → digest → bytes) of an immutable tag: everything is done that can be done,
and after each step somebody looks who knows the rules as they are written, and nothing of how they are enforced.

Administrators' changes of rules, and their releases, count: what is protected is asked anew before each step.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random

import pytest

from lading.backends.database.postgres import open_postgres
from lading.backends.database.repositories import DatabaseRecords, open_records
from lading.oci.digest import Digest
from lading.oci.reference import cosign_tags, fallback_tag
from lading.services.repositories.records import RepositoryRecords, RepositoryView
from lading.services.repositories.rows import NamedTag
from lading.services.repositories.rules import Protects, Releases, Rule, TagRelease
from tests.fakes.registry_world import ATTACHED, BLOBS, DOCUMENTS, IMAGES, REPOSITORIES, Document, World
from tests.fakes.repository_records import MemoryRecords
from tests.fakes.repository_rows import held_in
from tests.peers.postgres_server import RunningPostgres

STEPS = 100_000
BY_DIGEST = {document.descriptor.digest: document for document in DOCUMENTS}
BLOB_DIGESTS = [Digest.of(raw) for raw in BLOBS]
ABOUT = {
    tag: image.descriptor.digest
    for image in IMAGES
    for tag in (fallback_tag(image.descriptor.digest), *cosign_tags(image.descriptor.digest))
}


@dataclass(frozen=True, slots=True)
class Promise:
    """What must be so after the next step: the tag `stays`, it `keeps` what it names, or it is a list that may grow and
    has at least what is `listed`. `content` is all it needs, `referrers` is what is attached to that."""

    repository: str
    tag: str
    digest: Digest
    stays: bool
    keeps: bool
    content: frozenset[tuple[Digest, str]]
    referrers: frozenset[Digest] = frozenset()
    listed: Counter[str] | None = None


@dataclass
class Watcher:
    """Knows when tags moved because it looked. What it found of a repository holds until that changes."""

    world: World
    records: MemoryRecords
    random: Random
    moved: dict[str, dict[str, tuple[Digest, float]]] = field(default_factory=dict)
    promises: dict[str, tuple[object, list[Promise]]] = field(default_factory=dict)
    granted: set[TagRelease] = field(default_factory=set)
    seen: Counter[str] = field(default_factory=Counter)

    def step(self) -> None:
        promises = {repository: self.promised(repository) for repository in REPOSITORIES}
        before = {repository: self.records.state(repository) for repository in REPOSITORIES}
        name, error = self.world.step()
        self.seen[f"{name} {type(error).__name__ if error else 'done'}"] += 1
        if name == "rename" and error is None:
            self.follow(before)
        for repository in REPOSITORIES:
            if self.records.state(repository) is not before[repository]:
                self.look(repository, may_release=name == "release")
            elif name != "collect":
                continue
            for promise in promises[repository]:
                self.check(promise)
        made = promises[self.random.choice(REPOSITORIES)]
        if made and self.random.random() < 0.05:
            self.push_again(self.random.choice(made))

    def follow(self, before: dict[str, object]) -> None:
        """Its tags did not move when the repository was called something else."""
        after = {repository: self.records.state(repository) for repository in REPOSITORIES}
        gone = [repository for repository in REPOSITORIES if before[repository] and not after[repository]]
        come = [repository for repository in REPOSITORIES if after[repository] and not before[repository]]
        assert len(gone) == len(come) <= 1
        for old, new in zip(gone, come, strict=True):
            self.moved[new] = self.moved.pop(old, {})

    def push_again(self, promise: Promise) -> None:
        """What is there already is no change, whatever protects it: builds are run twice."""
        view = self.records.view(promise.repository)
        manifest = view.manifest(promise.digest)
        if view.tag(promise.tag) == promise.digest and manifest:
            document = Document(BY_DIGEST[promise.digest].raw, manifest.descriptor.media_type)
            self.world.put(promise.repository, document, promise.tag)

    # ── before a step

    def promised(self, repository: str) -> list[Promise]:
        records = self.records
        stamp = (records.state(repository), records.wide_rules(), self.world.now)
        if self.promises.get(repository, (None,))[0] != stamp:
            self.promises[repository] = (stamp, list(self.promised_now(repository)))
        return self.promises[repository][1]

    def promised_now(self, repository: str) -> Iterator[Promise]:
        view = self.records.view(repository)
        tags = view.all_tags()
        wide = [rule for rule in view.wide_rules() if matches(repository, rule.repositories or ())]
        rules = [*view.own_rules(), *wide]
        contents = {tag.name: self.content(view, tag.digest) for tag in tags}
        standing = {tag.name: self.standing(rules, repository, tag) for tag in tags}
        thorough = self.random.random() < 0.05
        for tag in tags:
            stays, keeps = standing[tag.name]
            listed = None
            if tag.name in ATTACHED:
                stays, keeps, listed = self.of_list(tag, contents, standing)
            if stays or keeps:
                referrers = self.referrers(repository, contents[tag.name]) if thorough and stays else frozenset()
                yield Promise(repository, tag.name, tag.digest, stays, keeps, contents[tag.name], referrers, listed)

    def standing(self, rules: Sequence[Rule], repository: str, tag: NamedTag) -> tuple[bool, bool]:
        """Whether it stays, and whether it keeps what it names."""
        _, moved = self.moved[repository][tag.name]
        named = (rule for rule in rules if matches(tag.name, rule.tags) and not matches(tag.name, rule.excepts))
        standing = {rule.protects for rule in named if not self.released(rule, tag, moved)}
        return bool(standing - {Protects.OVERWRITE}), bool(standing - {Protects.DELETE})

    def released(self, rule: Rule, tag: NamedTag, moved: float) -> bool:
        now = self.world.now
        if rule.releases is Releases.NEVER:
            return False
        by_age = rule.after_seconds is not None and now - moved >= rule.after_seconds
        return by_age or (tag.release is not None and (tag.release.until is None or now < tag.release.until))

    def of_list(
        self,
        tag: NamedTag,
        contents: dict[str, frozenset[tuple[Digest, str]]],
        standing: dict[str, tuple[bool, bool]],
    ) -> tuple[bool, bool, Counter[str]]:
        """A list of what is attached to an image stays with the image, and as the rules that name it say."""
        about = ABOUT[tag.name]
        above = [standing[name] for name, content in contents.items() if any(about == digest for digest, _ in content)]
        image_stays, image_keeps = (any(each[place] for each in above) for place in (0, 1))
        stays, keeps = standing[tag.name]
        return stays or image_stays, keeps or image_stays or image_keeps, entries(tag.digest)

    def content(self, view: RepositoryView, digest: Digest) -> frozenset[tuple[Digest, str]]:
        """Everything it needs, with the type of what is a manifest."""
        found, waiting = set(), [digest]
        while waiting:
            one = waiting.pop()
            manifest = view.manifest(one)
            if manifest is not None:
                waiting += manifest.children
            found.add((one, manifest.descriptor.media_type if manifest else ""))
        return frozenset(found)

    def referrers(self, repository: str, content: frozenset[tuple[Digest, str]]) -> frozenset[Digest]:
        """What is attached to it, and what is attached to that."""
        found, waiting = set[Digest](), [digest for digest, media_type in content if media_type]
        while waiting:
            attached = {each.digest for each in self.records.referrers(repository, waiting.pop())} - found
            found |= attached
            waiting += attached
        return frozenset(found)

    # ── after it

    def check(self, promise: Promise) -> None:
        view = self.records.view(promise.repository)
        tag = view.named(promise.tag)
        if tag is None:
            assert not promise.stays, promise
            return
        if tag.digest != promise.digest:
            assert not promise.keeps or promise.listed is not None, promise
            if promise.listed is not None and (promise.keeps or promise.stays):
                assert promise.listed <= entries(tag.digest), promise
            return
        content = self.content(view, tag.digest)
        assert content == promise.content, promise
        digests = [digest for digest, _ in content]
        assert len(held_in(view, digests)) == len(digests), promise
        assert self.world.content.held.keys() >= set(digests), promise
        assert not promise.referrers or held_in(view, promise.referrers) == promise.referrers, promise

    def look(self, repository: str, *, may_release: bool) -> None:
        """Which tags moved just now, and whether nobody but an administrator released one."""
        before, now = self.moved.get(repository, {}), {}
        for tag in self.records.view(repository).all_tags():
            digest, since = before.get(tag.name, (None, 0.0))
            now[tag.name] = (tag.digest, since if digest == tag.digest else self.world.now)
            if tag.release and may_release:
                self.granted.add(tag.release)
            assert tag.release is None or tag.release in self.granted
        self.moved[repository] = now


@cache
def entries(digest: Digest) -> Counter[str]:
    """What a list says: of each thing all that is written."""
    document = json.loads(BY_DIGEST[digest].raw)
    return Counter(json.dumps(entry, sort_keys=True) for entry in document.get("manifests") or document["layers"])


@cache
def matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name) for pattern in patterns)


def watched(seed: int, steps: int) -> Counter[str]:
    random = Random(seed)
    records = MemoryRecords()
    watcher = Watcher(World(records, random), records, random)
    for _ in range(steps):
        watcher.step()
    return watcher.seen


HAPPENS = (
    "push done",
    "push Protected",
    "push_list done",
    "push_list ContentProtected",
    "push_otherwise done",
    "push_otherwise ContentProtected",
    "delete_tag done",
    "delete_tag Protected",
    "delete_tag ContentProtected",
    "delete_manifest done",
    "delete_manifest ContentProtected",
    "delete_manifest StillNeeded",
    "delete_blob StillNeeded",
    "collect done",
    "promote done",
    "promote Protected",
    "retain done",
    "rename done",
    "rename RepositoryProtected",
    "delete_repository done",
    "delete_repository RepositoryProtected",
    "release done",
    "release ReleaseRefused",
)


def test_nothing_that_is_done_changes_what_is_immutable() -> None:
    seen = sum((watched(seed, STEPS // 10) for seed in range(4)), Counter[str]())

    assert not [each for each in HAPPENS if not seen[each]]


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(100, 110))
def test_nothing_of_a_million_things_changes_what_is_immutable(seed: int) -> None:
    watched(seed, STEPS)


@contextmanager
def sqlite(folder: Path) -> Iterator[RepositoryRecords]:
    with closing(open_records(folder / "lading.db")) as records:
        yield records


def told(records: RepositoryRecords) -> object:
    """All that one can be asked of the repositories we know."""
    views = {repository: records.view(repository) for repository in records.repositories("", 100)}
    tags = {repository: (view.all_tags(), view.own_rules(), view.visibility()) for repository, view in views.items()}
    held = {repository: held_in(view, [*BY_DIGEST, *BLOB_DIGESTS]) for repository, view in views.items()}
    manifests = {repository: [view.manifest(digest) for digest in BY_DIGEST] for repository, view in views.items()}
    return tags, held, manifests, records.wide_rules()


def do_alike(records: RepositoryRecords, steps: int, seed: int) -> None:
    """What is proven of rows in memory holds for these: they answer each step alike, and hold the same."""
    memory = World(MemoryRecords(), Random(seed))
    other = World(records, Random(seed))
    for step in range(steps):
        expected, got = memory.step(), other.step()
        assert (got[0], type(got[1]), str(got[1])) == (expected[0], type(expected[1]), str(expected[1]))
        assert step % 100 or told(other.records) == told(memory.records)
    assert told(other.records) == told(memory.records)


def test_rows_in_sqlite_do_what_rows_in_memory_do(tmp_path: Path) -> None:
    with sqlite(tmp_path) as records:
        do_alike(records, 600, seed=1)


@pytest.mark.peer("postgres")
def test_rows_in_postgres_do_what_rows_in_memory_do(postgres: RunningPostgres) -> None:
    with closing(DatabaseRecords(open_postgres(postgres.prepared()))) as records:
        do_alike(records, 250, seed=2)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(10, 20))
def test_rows_in_sqlite_do_so_for_long(tmp_path: Path, seed: int) -> None:
    with sqlite(tmp_path) as records:
        do_alike(records, 10_000, seed)
