"""What the rules protect in one repository, as the transaction sees it that is about to change something.

    a tag                     as the rules say that name it
    a manifest                as every tag that names it, or an index above it
    what refers to an image   as the image: a signature may be added, and not taken away
    the list of referrers     `sha256-<hex>`, and cosign's `.sig`, `.att` and `.sbom`: as the image they are about, and
                              as the rules that name them; but one that protects against overwriting lets them grow

Steps that a release alone allows use it up, where it was given for one use.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from lading.oci.digest import HEX_LENGTH, Algorithm, Digest
from lading.oci.media_types import is_index
from lading.oci.reference import is_cosign_tag, is_fallback_tag
from lading.services.repositories.attached_lists import Listed, loses_nothing, unread
from lading.services.repositories.edits import DropRelease, Edit
from lading.services.repositories.errors import ContentProtected, Entangled, Protected, RepositoryProtected
from lading.services.repositories.records import RepositoryView
from lading.services.repositories.rows import HeldManifest, NamedTag
from lading.services.repositories.rules import Judgement, Releases, Rule, Step, judge, released_at

MOST_ROUNDS, MOST_ABOVE = 100, 5000
"""How far up from a manifest, and at how many others, a transaction looks for tags that need it, while others wait: a
tenth of a second at most. No image of anybody comes near."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """A step that a rule forbids, and the tag that the rule protects: another one, where the step is about a list of
    what is attached to that."""

    step: Step
    rule: Rule
    protected: NamedTag

    @property
    def until(self) -> float | None:
        """When age lets go of it, in seconds since 1970; None where it never does."""
        return released_at(self.rule, self.protected.pointed) if self.rule.releases is Releases.AGE else None


class Protection:
    """One repository's, while a decision is made. Rules are read once, and only if something asks."""

    def __init__(self, view: RepositoryView, repository: str, now: float, listed: Listed = unread) -> None:
        """`listed` tells what lists of what is attached say: where nobody can, none grows."""
        self._view, self._repository, self._now, self._listed = view, repository, now, listed
        self._rules: Sequence[Rule] | None = None

    def judged(self, tag: NamedTag, step: Step) -> Judgement:
        """What the rules say of the tag itself."""
        return judge(self.rules(), tag.name, step, pointed=tag.pointed, release=tag.release, now=self._now)

    def rules(self) -> Sequence[Rule]:
        """Those that concern a repository of this name, which has the view's own rules; its own first."""
        if self._rules is None:
            wide = (rule for rule in self._view.wide_rules() if rule.concerns(self._repository))
            self._rules = [*self._view.own_rules(), *wide]
        return self._rules

    def overwrite(self, tag: NamedTag, manifest: HeldManifest) -> Sequence[Edit]:
        """What else becomes of the rows when the tag names this manifest instead. Raises Protected."""
        before = self._view.manifest(tag.digest)
        if before is not None and self.grows(tag.name, before, manifest):
            return ()
        return self._taken(tag, Step.OVERWRITE)

    def grows(self, tag: str, before: HeldManifest, after: HeldManifest) -> bool:
        """Whether the tag is a list of what is attached, and `after` says all that `before` does."""
        return may_grow(tag, before, after) and loses_nothing(self._listed(before), self._listed(after))

    def delete(self, tag: NamedTag) -> Sequence[Edit]:
        """What else becomes of the rows when the tag goes. Raises Protected."""
        return self._taken(tag, Step.DELETE)

    def forbidden(self, tag: NamedTag) -> Sequence[Forbidden]:
        """What may not be done to the tag now; a list of what is attached may grow nevertheless."""
        found: list[Forbidden] = []
        for step in Step:
            with suppress(Entangled):  # nobody can say by what; who tries it is refused
                found += islice(self._forbidding(tag, step), 1)
        return found

    def leave(self, tag: NamedTag, name: str) -> Sequence[Edit]:
        """What else becomes of the rows when the tag's repository is called `name`: under its old name the tag is gone,
        and it gets out of what protects the old name and not the new one. Raises RepositoryProtected."""
        lost = [rule for rule in self.rules() if not rule.concerns(name)]
        judgements = (
            self.judged(tag, Step.DELETE),
            judge(lost, tag.name, Step.OVERWRITE, pointed=tag.pointed, release=tag.release, now=self._now),
        )
        edits: list[Edit] = []
        for judgement in judgements:
            if judgement.rule is not None:
                raise RepositoryProtected(self._repository, tag, judgement.rule, Step.DELETE)
            edits += _using(tag, judgement)
        return edits

    def keep(self, digest: Digest, step: Step) -> Sequence[Edit]:
        """What else becomes of the rows when this manifest is changed or goes, which a tag may need. Raises
        ContentProtected, Entangled."""
        edits: list[Edit] = []
        for tag in _bearers(self._view, self._repository, digest) if self.rules() else ():
            judgement = self.judged(tag, step)
            if judgement.rule is not None:
                raise ContentProtected(self._repository, tag, judgement.rule, step, str(digest))
            edits += _using(tag, judgement)
        return edits

    def _taken(self, tag: NamedTag, step: Step) -> list[Edit]:
        edits: list[Edit] = []
        for judged, about, judgement in self._judgements(tag, step):
            if judgement.rule is not None and judged is tag:
                raise Protected(self._repository, tag, judgement.rule, step)
            if judgement.rule is not None:
                raise ContentProtected(self._repository, judged, judgement.rule, about, tag.name)
            edits += _using(judged, judgement)
        return edits

    def _forbidding(self, tag: NamedTag, step: Step) -> Iterator[Forbidden]:
        for judged, _, judgement in self._judgements(tag, step):
            if judgement.rule is not None:
                yield Forbidden(step, judgement.rule, judged)

    def _judgements(self, tag: NamedTag, step: Step) -> Iterator[tuple[NamedTag, Step, Judgement]]:
        """Each tag that has a say, what that is about, and what it is. Where `tag` is about images, theirs have one: as
        far as those are protected, against whatever, it loses nothing."""
        yield tag, step, self.judged(tag, step)
        if not is_attached(tag.name) or not self.rules():
            return
        for about in Step if step is Step.OVERWRITE else (step,):
            for digest in self._view.beginning(_subject_of(tag.name)):
                for bearer in _bearers(self._view, self._repository, digest):
                    yield bearer, about, self.judged(bearer, about)


def is_attached(tag: str) -> bool:
    """Whether a tag is no name that a person gave, but what is known of an image."""
    return is_fallback_tag(tag) or is_cosign_tag(tag)


def may_grow(tag: str, before: HeldManifest, after: HeldManifest) -> bool:
    """Whether the tag is such a list, and `after` names all that `before` does: an index its manifests, cosign's
    manifest its layers, while its config changes. What it says of them is in its bytes."""
    indexes = [is_index(each.descriptor.media_type) for each in (before, after)]
    if is_fallback_tag(tag) and all(indexes):
        return set(before.children) <= set(after.children)
    return is_cosign_tag(tag) and not any(indexes) and set(before.children[1:]) <= set(after.children[1:])


def _using(tag: NamedTag, judgement: Judgement) -> list[Edit]:
    used = judgement.used
    return [DropRelease(tag.name)] if used is not None and used.until is None else []


def _subject_of(attached: str) -> str:
    """What the digests of the images begin with that it is about; for sha256 that is all of one."""
    subject, _, _ = attached.partition(".")
    algorithm, _, encoded = subject.partition("-")
    return f"{algorithm}:{encoded}"


def _bearers(view: RepositoryView, repository: str, digest: Digest) -> Iterator[NamedTag]:
    """Every tag that needs this manifest, or that it is attached to: those of the manifest, of indexes above it, and of
    the images that it, or a list it is in, is about. Raises Entangled."""
    seen, waiting = {digest}, {digest}
    for _ in range(MOST_ROUNDS):
        tags = view.naming_any(waiting)
        yield from tags
        about = {_subject_of(tag.name) for tag in tags if is_attached(tag.name)}
        waiting = {*view.above(waiting), *_images(view, about)} - seen
        seen |= waiting
        if not waiting:
            return
        if len(seen) > MOST_ABOVE:
            break
    raise Entangled(repository, digest)


def _images(view: RepositoryView, beginnings: Collection[str]) -> Iterator[Digest]:
    """Those that lists are about, by what their digests begin with; a whole digest is looked up with the others."""
    for text in beginnings:
        algorithm, _, encoded = text.partition(":")
        if len(encoded) == HEX_LENGTH[Algorithm(algorithm)]:
            yield Digest(Algorithm(algorithm), encoded)
        else:
            yield from view.beginning(text)
