"""A small registry to which everything is done that can be done, by chance: few names and few contents, so that they
meet often. Whoever watches it decides what must not have happened."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from random import Random

from lading.engine.cancel import Cancellation
from lading.engine.stores import Outcome, Track
from lading.errors import LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST
from lading.oci.reference import cosign_tags, fallback_tag
from lading.services.access import LADING
from lading.services.promotion.promotion import Promotions
from lading.services.repositories import decisions
from lading.services.repositories.content import UploadFiles
from lading.services.repositories.records import RepositoryRecords
from lading.services.repositories.repositories import Repositories
from lading.services.repositories.retention_rules import RetentionRule
from lading.services.repositories.rows import Visibility
from lading.services.repositories.rules import Protects, Releases, Rule, TagRelease
from lading.services.retention.retention import drop_tags, drop_untagged
from lading.wire.message import BytesContent, Cancel, Content, Reader
from tests.fakes.environment_records import KeptTrail

DAY = 86_400.0
REPOSITORIES = ("app", "prod/app", "test/app", "test/old")
TAGS = ("dev", "latest", "v1", "v2")


class MemoryContent:
    """Fulfils RepositoryContent, but for uploads: bytes by digest, gone when they are collected."""

    def __init__(self) -> None:
        self.held: dict[Digest, bytes] = {}

    @property
    def uploads(self) -> UploadFiles:
        raise NotImplementedError

    def keep(self, digests: Collection[Digest]) -> Collection[Digest]:
        return [digest for digest in digests if digest not in self.held]

    def holding(self, digests: Collection[Digest]) -> AbstractContextManager[Collection[Digest]]:
        return nullcontext(self.keep(digests))

    def open(self, descriptor: Descriptor, offset: int = 0, length: int | None = None) -> Reader:
        return BytesContent(self.held[descriptor.digest]).open(offset, length)

    def push(self, descriptor: Descriptor, content: Content, track: Track, cancel: Cancel) -> Outcome:
        assert isinstance(content, BytesContent)
        self.held[descriptor.digest] = content.held
        return Outcome.SENT


def _described(raw: bytes, media_type: str) -> Descriptor:
    return Descriptor(media_type, Digest.of(raw), len(raw))


BLOBS = tuple(b"blob %d" % number for number in range(6))
_CONFIGS = [_described(raw, OCI_CONFIG) for raw in BLOBS[:2]]
_LAYERS = [_described(raw, OCI_LAYER) for raw in BLOBS[2:]]


@dataclass(frozen=True, slots=True)
class Document:
    """A manifest as it is pushed."""

    raw: bytes
    media_type: str

    @property
    def descriptor(self) -> Descriptor:
        return _described(self.raw, self.media_type)


def _image(config: int, *layers: int, subject: Document | None = None) -> Document:
    about = subject.descriptor if subject else None
    made = Manifest.build(_CONFIGS[config], [_LAYERS[layer] for layer in layers], subject=about)
    return Document(made.raw, OCI_MANIFEST)


def _signed(*by: str) -> Document:
    """As cosign does: one payload, and each signature of it is an annotation."""
    made = Manifest.build(_CONFIGS[1], [replace(_LAYERS[0], annotations={"signature": each}) for each in by])
    return Document(made.raw, OCI_MANIFEST)


def _index(*documents: Document, subject: Document | None = None) -> Document:
    about = subject.descriptor if subject else None
    made = Index.build([document.descriptor for document in documents], subject=about)
    return Document(made.raw, OCI_INDEX)


IMAGES = (_image(0, 0), _image(0, 0, 1), _image(1, 2), _image(1, 2, 3))
SIGNATURES = tuple(_image(0, layer, subject=image) for image in IMAGES[:3] for layer in (1, 3))
OF_SIGNATURES = (_image(1, 0, subject=SIGNATURES[0]),)
INDEXES = (_index(*IMAGES[:2]), _index(*IMAGES[2:]), _index(IMAGES[0], IMAGES[2]))
NESTED = (_index(INDEXES[0], IMAGES[3]), _index(INDEXES[1], subject=IMAGES[0]))
LISTS = tuple(_index(*SIGNATURES[start:end]) for start, end in ((0, 1), (0, 2), (1, 2), (0, 3)))
COSIGN = (
    *(_image(1, *layers) for layers in ((0,), (0, 1), (0, 1, 2), (3,))),
    *(_signed(*by) for by in (("ada",), ("bob",), ("ada", "bob"), ("bob", "ada", "ada"))),
)
UNTYPED = Document(IMAGES[0].raw.replace(b'"mediaType":"%s",' % OCI_MANIFEST.encode(), b"", 1), OCI_MANIFEST)
DOCUMENTS = (*IMAGES, *SIGNATURES, *OF_SIGNATURES, *INDEXES, *NESTED, *LISTS, *COSIGN, UNTYPED)
ATTACHED = tuple(
    tag
    for image in IMAGES[:2]
    for tag in (fallback_tag(image.descriptor.digest), cosign_tags(image.descriptor.digest)[0])
)
RULES = (
    Rule(("**",)),
    Rule(("v*",)),
    Rule(("*",), excepts=("latest", "dev")),
    Rule(("latest",), protects=Protects.OVERWRITE),
    Rule(("v1", "dev"), protects=Protects.DELETE, releases=Releases.NEVER),
    Rule(("**",), protects=Protects.OVERWRITE, releases=Releases.AGE, after_seconds=5 * DAY),
    Rule(("v*",), releases=Releases.AGE, after_seconds=20 * DAY),
    Rule(("sha256-*",)),
)
WIDE = tuple(
    Rule(rule.tags, rule.excepts, rule.protects, rule.releases, rule.after_seconds, repositories)
    for rule in RULES[1:6]
    for repositories in (("prod/*",), ("*",), ("app", "test/app"))
)


RETENTION = (
    RetentionRule(("*",), keep_newest=1),
    RetentionRule(("*",), keep_newest=0, untagged_after_days=4.0),
    RetentionRule(("v*",), ("v1",), keep_newest=0),
    RetentionRule(("*",), keep_pushed_days=3.0, untagged_after_days=0.5),
    RetentionRule(("dev", "latest"), keep_pulled_days=2.0),
    RetentionRule((), untagged_after_days=6.0),
)


class World:
    """The registry and what can be done to it. `now` is its clock; `step` does one thing and says which."""

    def __init__(self, records: RepositoryRecords, random: Random) -> None:
        self.records, self.content, self.now = records, MemoryContent(), 1_700_000_000.0
        self.repositories = Repositories(records, self.content, clock=lambda: self.now)
        self._random, self._cancel = random, Cancellation()
        self._promotions = Promotions(self.repositories, records, KeptTrail())
        chances: dict[Callable[[], None], int] = {
            self.push_blob: 16,
            self.push: 40,
            self.push_list: 10,
            self.push_otherwise: 3,
            self.mount: 4,
            self.delete_tag: 8,
            self.delete_manifest: 8,
            self.delete_blob: 4,
            self.collect: 2,
            self.promote: 4,
            self.set_retention: 1,
            self.retain: 3,
            self.rename: 2,
            self.delete_repository: 2,
            self.set_rules: 3,
            self.set_wide_rules: 1,
            self.release: 4,
            self.take_back: 1,
            self.set_visibility: 1,
            self.wait: 4,
        }
        self._steps, self._weights = list(chances), list(chances.values())

    def step(self) -> tuple[str, LadingError | None]:
        """What was done, and what was said to it."""
        (chosen,) = self._random.choices(self._steps, self._weights)
        try:
            chosen()
        except LadingError as error:
            return chosen.__name__, error
        return chosen.__name__, None

    # ── everybody

    def push_blob(self) -> None:
        self._hold(self._repository(), self._random.choice(BLOBS))

    def _hold(self, repository: str, raw: bytes) -> None:
        self.content.held[Digest.of(raw)] = raw
        self.repositories.hold_blob(repository, Digest.of(raw), len(raw))

    def push(self) -> None:
        """By tag, or by digest with tags."""
        document, repository = self._random.choice(DOCUMENTS), self._repository()
        if self._random.random() < 0.5:
            for raw in BLOBS:
                self._hold(repository, raw)
        tags = self._random.choices(
            (*TAGS, *ATTACHED) if self._random.random() < 0.1 else TAGS, k=self._random.choice((1, 1, 2))
        )
        if self._random.random() < 0.5:
            self.put(repository, document, tags[0])
        else:
            self.put(repository, document, document.descriptor.digest, tags)

    def push_list(self) -> None:
        """Signatures as clients attach them, where there is no referrers API, and as cosign does."""
        place = self._random.randrange(len(ATTACHED))
        self.put(self._repository(), self._random.choice(COSIGN if place % 2 else LISTS), ATTACHED[place])

    def push_otherwise(self) -> None:
        """The same bytes, called something else."""
        types = (OCI_MANIFEST, DOCKER_MANIFEST, OCI_INDEX)
        document = Document(
            self._random.choice((UNTYPED, self._random.choice(DOCUMENTS))).raw, self._random.choice(types)
        )
        self.put(self._repository(), document, document.descriptor.digest)

    def mount(self) -> None:
        digest = Digest.of(self._random.choice(BLOBS))
        self.repositories.mount(self._repository(), digest, self._random.choice((None, *REPOSITORIES)), lambda _: True)

    def delete_tag(self) -> None:
        self.repositories.delete_tag(self._repository(), self._tag())

    def delete_manifest(self) -> None:
        self.repositories.delete_manifest(self._repository(), self._random.choice(DOCUMENTS).descriptor.digest)

    def delete_blob(self) -> None:
        self.repositories.delete_blob(self._repository(), Digest.of(self._random.choice(BLOBS)))

    def collect(self) -> None:
        """As engine.collect does where nothing is leased: what is marked goes unless it is needed by now."""
        reached = set(self.records.reached())
        for digest in self.records.release([digest for digest in self.content.held if digest not in reached]):
            del self.content.held[digest]

    def promote(self) -> None:
        tag = self._random.choice(TAGS)
        self._promotions.promote(LADING, self._repository(), self._random.choice(TAGS), self._repository(), tag)

    def retain(self) -> None:
        """One batch of each kind, large or small."""
        repository, most = self._repository(), self._random.choice((1, 1000))
        for decide in (drop_tags, drop_untagged):
            self.repositories.change(repository, decide(repository, self.now, most))

    # ── administrators

    def set_retention(self) -> None:
        self.repositories.change(self._repository(), decisions.set_retention([self._random.choice(RETENTION)]))

    def rename(self) -> None:
        repository = self._repository()
        self.repositories.change(repository, decisions.rename_repository(repository, self._repository(), self.now))

    def delete_repository(self) -> None:
        repository = self._repository()
        self.repositories.change(repository, decisions.delete_repository(repository, self.now))

    def set_rules(self) -> None:
        self.repositories.change(self._repository(), decisions.set_rules(self._some(RULES)))

    def set_wide_rules(self) -> None:
        self.records.set_wide_rules(self._some(WIDE))

    def release(self) -> None:
        repository = self._repository()
        until = self._random.choice((None, self.now + DAY, self.now + 10 * DAY))
        released = TagRelease(self._tag(), "because", "ada", self.now, until)
        self.repositories.change(repository, decisions.release_tag(repository, released, self.now))

    def take_back(self) -> None:
        repository = self._repository()
        self.repositories.change(repository, decisions.take_back_release(repository, self._tag()))

    def set_visibility(self) -> None:
        visibility = self._random.choice(list(Visibility))
        self.repositories.change(self._repository(), decisions.set_visibility(visibility))

    def wait(self) -> None:
        self.now += self._random.random() * 3 * DAY

    # ──

    def put(self, repository: str, document: Document, reference: str | Digest, tags: Sequence[str] = ()) -> None:
        self.repositories.put_manifest(
            repository, reference, document.raw, document.media_type, cancel=self._cancel, tags=tags
        )

    def _repository(self) -> str:
        return self._random.choice(REPOSITORIES)

    def _tag(self) -> str:
        return self._random.choice(TAGS if self._random.random() < 0.7 else ATTACHED)

    def _some(self, rules: Sequence[Rule]) -> tuple[Rule, ...]:
        return tuple(self._random.sample(rules, self._random.choice((0, 0, 1, 1, 2))))
