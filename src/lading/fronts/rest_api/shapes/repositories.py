"""Repositories of our own registry: what they hold, what protects it, how long it stays, and what it takes."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from lading.fronts.rest_api.shapes.gates import Verdict
from lading.fronts.rest_api.shapes.trust import TrustRule
from lading.services.repositories.rows import Visibility
from lading.services.repositories.rules import Protects, Releases, Step


class ProtectionRule(TypedDict):
    """Which tags stay as they are, against what, and what lets go of them."""

    repositories: NotRequired[Annotated[list[str], "Of a rule of the whole registry."]]
    tags: list[str]
    excepts: NotRequired[list[str]]
    protects: Protects
    releases: Releases
    afterSeconds: NotRequired[float]


class RetentionRule(TypedDict):
    """Which tags it is about, and which of those stay; what is not set is left out."""

    repositories: NotRequired[list[str]]
    tags: NotRequired[list[str]]
    keepTags: NotRequired[list[str]]
    keepNewest: NotRequired[int]
    keepPushedDays: NotRequired[float]
    keepPulledDays: NotRequired[float]
    untaggedAfterDays: NotRequired[float]


class Repository(TypedDict):
    """A repository with its own rules."""

    name: str
    visibility: Visibility
    immutable: bool
    rules: list[ProtectionRule]
    trust: Annotated[TrustRule | None, "Null: its images need nobody's signature."]
    tags: Annotated[int, "How many."]
    size: Annotated[int, "Bytes, shared with others or not."]
    createdAt: str | None
    pushedAt: str | None
    pulledAt: str | None
    pulls: int


class Release(TypedDict):
    """Who let go of a protected tag, why, and until when."""

    reason: str
    username: str
    createdAt: str
    until: Annotated[str | None, "Null: until it is used."]


class Protection(TypedDict):
    """What a tag is protected by now."""

    against: Step
    scope: Literal["repository", "registry"]
    rule: ProtectionRule
    until: str | None


class RepositoryTag(TypedDict):
    """A tag, and what protects it."""

    name: str
    digest: str
    mediaType: str
    size: Annotated[int, "Bytes."]
    createdAt: str | None
    pointedAt: Annotated[str | None, "When it last moved."]
    pulledAt: str | None
    pulls: int
    manifestPulledAt: str | None
    manifestPulls: Annotated[int, "Pulls of what it names, by digest or by whatever tag."]
    signed: Annotated[bool | None, "Whether it is signed as the repository's trust rule asks. Null: there is none."]
    protectedBy: list[Protection]
    release: Release | None


class RegistryRules(TypedDict):
    """The rules of the whole registry; of a change, what was sent."""

    rules: NotRequired[list[ProtectionRule]]
    retention: NotRequired[list[RetentionRule]]


class RetentionRules(TypedDict):
    """A repository's own rules of retention."""

    rules: list[RetentionRule]


class KeepingRetention(TypedDict):
    """A rule of retention that decided."""

    kind: Literal["retention"]
    scope: Literal["repository", "registry"]
    rule: RetentionRule


class KeepingProtection(TypedDict):
    """A rule of protection that decided."""

    kind: Literal["protection"]
    scope: Literal["repository", "registry"]
    rule: ProtectionRule


class RetentionVerdict(TypedDict):
    """Whether a tag stays, by which rule and why."""

    tag: str
    digest: str
    kept: bool
    rule: KeepingRetention | KeepingProtection | None
    why: str


class RetentionPreview(TypedDict):
    """What a run would do now."""

    items: list[RetentionVerdict]
    total: int
    gone: Annotated[int, "Tags that go."]
    manifests: Annotated[int, "What goes because no tag needs it."]
    next: NotRequired[int]


class Promoted(TypedDict):
    """A tag that became one of another repository."""

    source: str
    target: str
    digest: str
    moved: bool
    manifests: int
    blobs: int
    left: list[str]
    verdicts: NotRequired[list[Verdict]]


class Amount(TypedDict):
    """So many pieces of content, and their bytes."""

    pieces: int
    bytes: int


class Storage(TypedDict):
    """What our own content takes in all, in bytes."""

    countedAt: str
    repositories: int
    images: int
    logical: Annotated[int, "As if nothing were shared."]
    stored: Amount
    shared: int
    reclaimable: Amount
    unfinished: Amount
    damaged: Amount
    free: int | None
    capacity: int | None


class RepositoryStorage(TypedDict):
    """What one repository takes, in bytes."""

    name: str
    tags: int
    manifests: int
    blobs: int
    logical: Annotated[int, "All that it holds."]
    unique: Annotated[int, "What only it holds."]
    shared: int
