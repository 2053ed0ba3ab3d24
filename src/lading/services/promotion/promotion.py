"""Promotion: an image of one repository of our own registry becomes a tag of another, and no byte moves.

What goes along: all that the image needs, what refers to it (signatures, SBOMs, and what refers to those), and the
lists that clients without a referrers API keep of that, `sha256-<hex>` and cosign's tags. What the target has beside it
stays: such a list moves there only where it loses nothing.

Before the tag moves, it is asked: may the actor pull there and push here, is the image signed as both repositories ask,
and does a rule of the target protect the tag. The last is asked before anything is written, and again in the
transaction that moves the tag.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lading.errors import InputInvalid, Refused
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.reference import check_path, check_tag, cosign_tags, fallback_tag
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.audit.trail import admit
from lading.services.gates.refusals import GateRefused
from lading.services.repositories.audit import named
from lading.services.repositories.edits import PointTag
from lading.services.repositories.errors import ManifestUnknown, Protected
from lading.services.repositories.needs import Needs
from lading.services.repositories.records import RepositoryRecords
from lading.services.repositories.repositories import Repositories
from lading.services.repositories.rows import Carried, HeldManifest, Visibility
from lading.services.trust.wanted import SignatureWanted

MOST_CARRIED = 10_000
"""Manifests, blobs and lists of one image: who asks waits for all of them, some seconds."""


class PromotionIncomplete(InputInvalid):
    """Without a tag and a place there is no promotion."""

    def __str__(self) -> str:
        return "tag and to are required"


class PromotionTooLarge(Refused):
    """More belongs to the image than one request carries."""

    hint = "Copy it instead: a copy goes on where it stopped."

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"more than {MOST_CARRIED} manifests and layers belong to {self.name}"


@dataclass(frozen=True, slots=True)
class Promotion:
    """What is asked: this tag of `source` is to be a tag of `target`."""

    source: str
    tag: str
    target: str
    target_tag: str

    @classmethod
    def parse(cls, source: str, tag: str | None, target: str | None, target_tag: str | None) -> Promotion:
        """Without a tag of its own the target gets the source's. Raises PromotionIncomplete, ReferenceInvalid."""
        if not tag or not target:
            raise PromotionIncomplete
        check_path(source, source)
        check_path(target, target)
        for each in filter(None, (tag, target_tag)):
            check_tag(each, each)
        return cls(source, tag, target, target_tag or tag)

    @property
    def source_name(self) -> str:
        """As people write it."""
        return named(self.source, self.tag)

    @property
    def target_name(self) -> str:
        """As people write it."""
        return named(self.target, self.target_tag)


@dataclass(frozen=True, slots=True)
class Promoted:
    """What came of it. `moved`: the tag did not name this before. `left` are lists of the target that have what the
    source's have not, and stayed as they were. `verdicts` are what policies say of it."""

    promotion: Promotion
    carried: Carried
    moved: bool
    left: tuple[str, ...]
    verdicts: tuple[Mapping[str, object], ...] = ()


PromotionGate = Callable[[Actor, str, str, Descriptor], Sequence[Mapping[str, object]]]
"""What policies say of an image that an actor promotes to a repository, where people will call it so; as JSON. Raises
GateRefused."""


def ungated(
    actor: Actor,  # noqa: ARG001  PromotionGate's
    target: str,  # noqa: ARG001
    name: str,  # noqa: ARG001
    root: Descriptor,  # noqa: ARG001
) -> Sequence[Mapping[str, object]]:
    """A PromotionGate where there are no policies."""
    return ()


SignatureGate = Callable[[Actor, Promotion, Descriptor], None]
"""Whether what is promoted is signed as the trust rules of its repositories ask. Raises SignatureWanted."""


def unasked(actor: Actor, promotion: Promotion, root: Descriptor) -> None:
    """A SignatureGate where there are no trust rules."""


class Promotions:
    """For any number of threads."""

    def __init__(
        self,
        repositories: Repositories,
        records: RepositoryRecords,
        trail: Trail,
        gate: PromotionGate = ungated,
        signed: SignatureGate = unasked,
    ) -> None:
        """The gates are asked once it is known what would be promoted, and before anything is written."""
        self._repositories, self._records, self._trail = repositories, records, trail
        self._gate, self._signed = gate, signed

    def promote(
        self, actor: Actor, source: str, tag: str | None, target: str | None, target_tag: str | None
    ) -> Promoted:
        """Raises Denied, NotLoggedIn, PromotionIncomplete, ReferenceInvalid, RepositoryUnknown, ManifestUnknown,
        SignatureWanted, GateRefused, Protected, ChildrenMissing, PromotionTooLarge."""
        self._admit(actor, source, target or source, Deed("promote", "image", tag or "", named(source, tag or "")))
        promotion = Promotion.parse(source, tag, target, target_tag)
        carried = self._carried(promotion)
        try:
            self._signed(actor, promotion, carried.root.descriptor)
            verdicts = self._gate(actor, promotion.target, promotion.target_name, carried.root.descriptor)
        except (SignatureWanted, GateRefused) as error:
            self._trail.record(actor, _deed(promotion, carried, refused=str(error)), Result.DENIED)
            raise
        try:
            edits = self._repositories.carry(promotion.target, promotion.target_tag, carried)
        except Protected as error:
            self._trail.record(actor, _deed(promotion, carried, refused=str(error)), Result.DENIED)
            raise
        self._trail.record(actor, _deed(promotion, carried), Result.DONE)
        moved = any(isinstance(edit, PointTag) and edit.tag == promotion.target_tag for edit in edits)
        return Promoted(promotion, carried, moved, tuple(self._left(promotion.target, carried)), tuple(verdicts))

    def _admit(self, actor: Actor, source: str, target: str, deed: Deed) -> None:
        if self._records.view(source).visibility() is not Visibility.PUBLIC:
            admit(self._trail, actor, Permission.REPOSITORIES_PULL, deed, source)
        admit(self._trail, actor, Permission.REPOSITORIES_PUSH, deed, target)

    def _carried(self, promotion: Promotion) -> Carried:
        view = self._records.view(promotion.source)
        digest = view.tag(promotion.tag)
        root = view.manifest(digest) if digest else None
        if root is None:
            self._repositories.check_known(promotion.source)
            raise ManifestUnknown(promotion.source, promotion.tag)
        return _Gathering(self._records, promotion, self._repositories.needs).of(root)

    def _left(self, target: str, carried: Carried) -> Iterator[str]:
        view = self._records.view(target)
        for tag, manifest in carried.lists:
            if view.tag(tag) != manifest.descriptor.digest:
                yield tag


class _Gathering:
    """All that belongs to an image in its repository."""

    def __init__(
        self, records: RepositoryRecords, promotion: Promotion, needs: Callable[[Descriptor], Needs | None]
    ) -> None:
        """`needs` says what a held manifest needs."""
        self._records, self._promotion, self._needs = records, promotion, needs
        self._view = records.view(promotion.source)
        self._manifests: dict[Digest, HeldManifest] = {}
        self._blobs: dict[Digest, int] = {}
        self._lists: list[tuple[str, HeldManifest]] = []

    def of(self, root: HeldManifest) -> Carried:
        """Raises PromotionTooLarge."""
        waiting = [root]
        while waiting:
            manifest = waiting.pop()
            digest = manifest.descriptor.digest
            if digest not in self._manifests:
                below = self._below(manifest)
                self._manifests[digest] = self._needing(manifest, below)
                waiting += [*below.values(), *self._about(digest)]
                self._check_size()
        return Carried(root, tuple(self._manifests.values()), tuple(self._blobs.items()), tuple(self._lists))

    def _below(self, manifest: HeldManifest) -> Mapping[Digest, HeldManifest]:
        found: dict[Digest, HeldManifest] = {}
        for child in manifest.children:
            size = self._view.blob(child)
            if size is not None:
                self._blobs[child] = size
            below = self._view.manifest(child)
            if below is not None:
                found[child] = below
        return found

    def _needing(self, manifest: HeldManifest, below: Mapping[Digest, HeldManifest]) -> HeldManifest:
        """What is not here may be a foreign layer, which need not be: only the manifest's bytes say so."""
        if all(child in self._blobs or child in below for child in manifest.children):
            return manifest
        return replace(manifest, needs=self._needs(manifest.descriptor))

    def _about(self, digest: Digest) -> Iterator[HeldManifest]:
        """Referrers, and lists of them."""
        for descriptor in self._records.referrers(self._promotion.source, digest):
            about = self._view.manifest(descriptor.digest)
            if about is not None:
                yield about
        for tag in (fallback_tag(digest), *cosign_tags(digest)):
            listed = self._view.tag(tag)
            manifest = self._view.manifest(listed) if listed else None
            if manifest is not None:
                self._lists.append((tag, manifest))
                yield manifest

    def _check_size(self) -> None:
        if len(self._manifests) + len(self._blobs) + len(self._lists) > MOST_CARRIED:
            raise PromotionTooLarge(self._promotion.source_name)


def promoted_json(promoted: Promoted) -> dict[str, object]:
    """For every door. `manifests` and `blobs` count what belongs to the image; none of their bytes moved."""
    promotion, carried = promoted.promotion, promoted.carried
    return {
        "source": promotion.source_name,
        "target": promotion.target_name,
        "digest": str(carried.root.descriptor.digest),
        "moved": promoted.moved,
        "manifests": len(carried.manifests),
        "blobs": len(carried.blobs),
        "left": list(promoted.left),
        **({"verdicts": list(promoted.verdicts)} if promoted.verdicts else {}),
    }


def _deed(promotion: Promotion, carried: Carried, **details: object) -> Deed:
    digest = str(carried.root.descriptor.digest)
    told = {"target": promotion.target_name, "digest": digest, "manifests": len(carried.manifests), **details}
    return Deed("promote", "image", digest, promotion.source_name, details=told)
