"""What becomes of a repository's rows: every decision of the embedded registry, pure, in one place.

Each function takes what is asked and returns a Decide, which `Repositories.change` runs in one transaction. No other
place answers whether something may be written, moved or removed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from lading.oci.digest import Digest
from lading.services.named_rows import NameTaken
from lading.services.repositories.attached_lists import Listed, unread
from lading.services.repositories.edits import (
    DropBlob,
    DropManifest,
    DropRelease,
    DropRepository,
    DropTag,
    Edit,
    EndUpload,
    HoldBlob,
    HoldManifest,
    PointTag,
    ReleaseTag,
    RenameRepository,
    SetRetention,
    SetRules,
    SetTrust,
    SetVisibility,
)
from lading.services.repositories.errors import (
    BlobUnknown,
    ChildrenMissing,
    Entangled,
    ManifestUnknown,
    NotProtected,
    ReleaseRefused,
    RepositoryProtected,
    RepositoryUnknown,
    StillNeeded,
)
from lading.services.repositories.needs import Needs
from lading.services.repositories.protection import Protection
from lading.services.repositories.records import Decide, RepositoryView
from lading.services.repositories.retention_rules import RetentionRule
from lading.services.repositories.rows import HeldManifest, Visibility
from lading.services.repositories.rules import Rule, Step, TagRelease, judge
from lading.services.repositories.trust import RepositoryTrust, TrustRuleInvalid

PUSHED_ANEW_SECONDS = 3600.0
"""Builds push the same all the time: when it was last pushed is known to within this, much less than retention asks."""


def hold_blob(digest: Digest, size: int, session: str | None = None) -> Decide:
    """It was mounted, or uploaded by this session, which is over then; its bytes are on disk. The same again changes
    nothing."""
    over = [] if session is None else [EndUpload(session)]

    def decide(view: RepositoryView) -> Sequence[Edit]:
        return [*over] if view.blob(digest) == size else [HoldBlob(digest, size), *over]

    return decide


def put_manifest(
    repository: str, manifest: HeldManifest, tags: Collection[str], now: float, listed: Listed = unread
) -> Decide:
    """Hold it and point the tags at it, all or nothing; the same again changes at most when it came. Refuses what it
    cannot serve whole.

    Raises ChildrenMissing, Protected. A subject may be missing (distribution-spec, Pushing Manifests with Subject).
    """

    def decide(view: RepositoryView) -> Sequence[Edit]:
        check_whole(view, repository, [manifest])
        protection = Protection(view, repository, now, listed)
        edits = hold(view, manifest, protection, now)
        for tag in tags:
            edits += point(view, tag, manifest, protection)
        return edits

    return decide


def check_whole(
    view: RepositoryView, repository: str, manifests: Iterable[HeldManifest], coming: Collection[Digest] = ()
) -> None:
    """Everything they need is held, or `coming` with them. Raises ChildrenMissing."""
    missing = lacking(view, Needs.together(manifest.needed for manifest in manifests), coming)
    if missing:
        raise ChildrenMissing(repository, missing)


def lacking(view: RepositoryView, needs: Needs, coming: Collection[Digest] = ()) -> Sequence[Digest]:
    """What of these is not held as what it has to be, and is not `coming` either."""
    blobs, manifests, either = (
        [digest for digest in digests if digest not in coming]
        for digests in (needs.blobs, needs.manifests, needs.either)
    )
    known_blobs, known_manifests = {*view.held_blobs([*blobs, *either])}, {*view.held_manifests([*manifests, *either])}
    return [
        *(digest for digest in blobs if digest not in known_blobs),
        *(digest for digest in manifests if digest not in known_manifests),
        *(digest for digest in either if digest not in known_blobs | known_manifests),
    ]


def hold(view: RepositoryView, manifest: HeldManifest, protection: Protection, now: float) -> list[Edit]:
    """What becomes of the rows when this manifest is held. Raises ContentProtected.

    Bytes are what their digest says, but not what they are called: the same ones, said to be of another type, may
    name other children, and what the first ones named would be garbage (CVE-2021-41190). The same again is written anew
    once in a while, so that it counts as pushed now: who was told that it is there relies on it."""
    digest = manifest.descriptor.digest
    before = view.manifest(digest)
    if before == manifest and now - (view.pushed(digest) or 0.0) < PUSHED_ANEW_SECONDS:
        return []
    if before is None or before.descriptor.media_type == manifest.descriptor.media_type:
        return [HoldManifest(manifest)]
    used = [edit for step in Step for edit in protection.keep(digest, step)]
    return [HoldManifest(manifest), *used]


def point(view: RepositoryView, tag: str, manifest: HeldManifest, protection: Protection) -> list[Edit]:
    """What becomes of the rows when this tag names this manifest, which is held then. Raises Protected."""
    digest = manifest.descriptor.digest
    before = view.named(tag)
    if before is None:
        return [PointTag(tag, digest)]
    if before.digest == digest:
        return []
    return [*protection.overwrite(before, manifest), PointTag(tag, digest)]


def delete_tag(repository: str, tag: str, now: float) -> Decide:
    """The manifest stays held. Raises ManifestUnknown, Protected."""

    def decide(view: RepositoryView) -> Sequence[Edit]:
        before = view.named(tag)
        if before is None:
            raise ManifestUnknown(repository, tag)
        return [*Protection(view, repository, now).delete(before), DropTag(tag)]

    return decide


def delete_manifest(repository: str, digest: Digest, now: float) -> Decide:
    """With every tag that names it. Raises ManifestUnknown, Protected where a protected tag needs it, also through
    indexes, StillNeeded where a held index names it, Entangled where nobody can tell."""

    def decide(view: RepositoryView) -> Sequence[Edit]:
        if view.manifest(digest) is None:
            raise ManifestUnknown(repository, digest)
        protection = Protection(view, repository, now)
        try:
            edits = [*protection.keep(digest, Step.DELETE)]
        except Entangled:
            _check_needless(view, repository, digest)
            raise
        _check_needless(view, repository, digest)
        for tag in view.naming(digest):
            edits += [*protection.delete(tag), DropTag(tag.name)]
        return [*dict.fromkeys(edits), DropManifest(digest)]

    return decide


def delete_blob(repository: str, digest: Digest) -> Decide:
    """From this repository alone. Raises BlobUnknown, StillNeeded where a held manifest names it."""

    def decide(view: RepositoryView) -> Sequence[Edit]:
        if view.blob(digest) is None:
            raise BlobUnknown(repository, digest)
        _check_needless(view, repository, digest)
        return [DropBlob(digest)]

    return decide


def together(decisions: Iterable[Decide]) -> Decide:
    """All of them or none; each is made of the rows as they were."""
    every = tuple(decisions)
    return lambda view: [edit for decide in every for edit in decide(view)]


def expect_there(repository: str) -> Decide:
    """Changes nothing. Raises RepositoryUnknown."""

    def decide(view: RepositoryView) -> Sequence[Edit]:
        if not view.is_there():
            raise RepositoryUnknown(repository)
        return []

    return decide


def set_visibility(visibility: Visibility) -> Decide:
    """Who may read it; makes a repository that is not there."""

    def decide(view: RepositoryView) -> Sequence[Edit]:
        return [] if view.is_there() and view.visibility() is visibility else [SetVisibility(visibility)]

    return decide


def set_rules(rules: Sequence[Rule]) -> Decide:
    """All of its own rules; makes a repository that is not there."""
    return change_rules(lambda _before: rules)


def change_rules(change: Callable[[Sequence[Rule]], Sequence[Rule]]) -> Decide:
    """Its own rules become what `change` makes of them; makes a repository that is not there. Whoever may do this is
    trusted with what is let go of."""

    def decide(view: RepositoryView) -> Sequence[Edit]:
        before = tuple(view.own_rules())
        after = tuple(change(before))
        return [] if view.is_there() and after == before else [SetRules(after)]

    return decide


def set_retention(rules: Sequence[RetentionRule]) -> Decide:
    """All of its own rules of retention; makes a repository that is not there."""

    def decide(view: RepositoryView) -> Sequence[Edit]:
        same = view.is_there() and tuple(view.own_retention()) == tuple(rules)
        return [] if same else [SetRetention(tuple(rules))]

    return decide


def set_trust(trust: RepositoryTrust | None) -> Decide:
    """Whose signatures its images need; makes a repository that is not there. Raises TrustRuleInvalid where it names a
    key that is not accepted, or so few that nothing could meet it."""

    def decide(view: RepositoryView) -> Sequence[Edit]:
        if trust is not None and trust.keys:
            _check_keys(trust, view.accepted_keys())
        return [] if trust == view.own_trust() and view.is_there() else [SetTrust(trust)]

    return decide


def _check_keys(trust: RepositoryTrust, accepted: Mapping[str, str]) -> None:
    """A key that is accepted under two names is one signer: whoever has it signs once."""
    named: dict[str, str] = {}
    twice = ""
    for name in trust.keys:
        if name not in accepted:
            raise TrustRuleInvalid("keys", f"name {name!r}, and no accepted key is called so")
        other = named.setdefault(accepted[name], name)
        twice = twice if other == name else f"{other!r} and {name!r} are the same key"
    if trust.checks and len(named) + trust.notary < trust.threshold:
        raise TrustRuleInvalid("keys", f"must be {trust.threshold} or more, and {twice}")


def release_tag(repository: str, release: TagRelease, now: float) -> Decide:
    """An administrator lets go of it. Raises ManifestUnknown, NotProtected, ReleaseRefused."""

    def decide(view: RepositoryView) -> Sequence[Edit]:
        tag = view.named(release.tag)
        if tag is None:
            raise ManifestUnknown(repository, release.tag)
        rules = Protection(view, repository, now).rules()

        def standing(released: TagRelease | None) -> list[Rule]:
            found = [judge(rules, tag.name, step, pointed=tag.pointed, release=released, now=now) for step in Step]
            return [judgement.rule for judgement in found if judgement.rule is not None]

        before, after = standing(None), standing(release)
        if not before:
            raise NotProtected(repository, release.tag)
        if after == before:
            raise ReleaseRefused(repository, release.tag, after[0])
        return [ReleaseTag(release)]

    return decide


def take_back_release(repository: str, tag: str) -> Decide:
    """The rules alone count again. Raises ManifestUnknown where there is no such tag."""

    def decide(view: RepositoryView) -> Sequence[Edit]:
        named = view.named(tag)
        if named is None:
            raise ManifestUnknown(repository, tag)
        return [DropRelease(tag)] if named.release else []

    return decide


def delete_repository(repository: str, now: float) -> Decide:
    """With all it holds. Raises RepositoryUnknown, RepositoryProtected."""

    def decide(view: RepositoryView) -> Sequence[Edit]:
        if not view.is_there():
            raise RepositoryUnknown(repository)
        protection = Protection(view, repository, now)
        for tag in view.all_tags():
            rule = protection.judged(tag, Step.DELETE).rule
            if rule is not None:
                raise RepositoryProtected(repository, tag, rule, Step.DELETE)
        return [DropRepository()]

    return decide


def rename_repository(repository: str, name: str, now: float) -> Decide:
    """All of it, with its own rules. Raises RepositoryUnknown, NameTaken, RepositoryProtected.

    For who pulls a tag by its name, a rename deletes it, so one that is protected against that stays where it is; and
    no tag gets away from a rule of the whole registry that protects it under the old name and is not about the new one,
    whatever else is: that may be weaker.
    """

    def decide(view: RepositoryView) -> Sequence[Edit]:
        if not view.is_there():
            raise RepositoryUnknown(repository)
        if name == repository:
            return []
        if view.is_taken(name):
            raise NameTaken("repository", name)
        protection = Protection(view, repository, now)
        used = [edit for tag in view.all_tags() for edit in protection.leave(tag, name)]
        return [*dict.fromkeys(used), RenameRepository(name)]

    return decide


def _check_needless(view: RepositoryView, repository: str, digest: Digest) -> None:
    parents = view.parents_of(digest)
    if parents:
        raise StillNeeded(repository, digest, parents)
