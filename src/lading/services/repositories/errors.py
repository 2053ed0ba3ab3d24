"""What the embedded registry says no to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from lading.errors import InputInvalid, NotFound, Refused
from lading.oci.digest import Digest
from lading.services.repositories.rows import NamedTag
from lading.services.repositories.rules import Releases, Rule, Step, released_at


class RepositoryUnknown(NotFound):
    """Nothing was ever pushed there."""

    command = "Check the name: lading repository ls"

    def __init__(self, repository: str) -> None:
        super().__init__(repository)
        self.repository = repository

    def __str__(self) -> str:
        return f"there is no repository {self.repository}"


class ManifestUnknown(NotFound):
    """The repository has no such tag, or does not hold the manifest."""

    def __init__(self, repository: str, reference: str | Digest) -> None:
        super().__init__(repository, reference)
        self.repository, self.reference = repository, reference
        self.command = f"Check the tag or digest: lading repository tags {repository}"

    def __str__(self) -> str:
        return f"{self.repository} has no manifest {self.reference}"


class BlobUnknown(NotFound):
    """The repository does not hold the blob, wherever else it may be."""

    def __init__(self, repository: str, digest: Digest) -> None:
        super().__init__(repository, digest)
        self.repository, self.digest = repository, digest

    def __str__(self) -> str:
        return f"{self.repository} does not hold the blob {self.digest}"


class ChildrenMissing(InputInvalid):
    """A manifest names content that its repository does not hold: children come before their parents."""

    def __init__(self, repository: str, missing: Sequence[Digest]) -> None:
        super().__init__(repository, missing)
        self.repository, self.missing = repository, tuple(missing)

    def __str__(self) -> str:
        more = f" and {len(self.missing) - 1} more" if len(self.missing) > 1 else ""
        return f"{self.repository} does not hold {self.missing[0]}{more}, which the manifest names"


class StillNeeded(Refused):
    """Content that a manifest of the same repository names: without it that image would be broken."""

    hint = "Delete what names it first."

    def __init__(self, repository: str, digest: Digest, parents: Sequence[Digest]) -> None:
        super().__init__(repository, digest, parents)
        self.repository, self.digest, self.parents = repository, digest, tuple(parents)

    def __str__(self) -> str:
        return f"{self.digest} is still needed by {self.parents[0]} in {self.repository}"


class Entangled(Refused):
    """So much leads to a manifest that it is not looked through while others wait."""

    hint = "Delete what leads to it first."

    def __init__(self, repository: str, digest: Digest) -> None:
        super().__init__(repository, digest)
        self.repository, self.digest = repository, digest

    def __str__(self) -> str:
        return f"so much leads to {self.digest} in {self.repository} that a protected tag may need it"


class Protected(Refused):
    """A rule protects a tag, and with it what it names, against what was asked.

    `rule` is the repository's own, or one of the whole registry. `until` is when age lets go of the tag, in seconds
    since 1970; None where it never does.
    """

    code = "immutable"

    def __init__(self, repository: str, tag: NamedTag, rule: Rule, step: Step) -> None:
        super().__init__(repository, tag, rule, step)
        self.repository, self.tag, self.rule, self.step = repository, tag.name, rule, step
        self.until = released_at(rule, tag.pointed) if rule.releases is Releases.AGE else None

    @property
    def hint(self) -> str:  # type: ignore[override]
        """What lets go of it."""
        match self.rule.releases:
            case Releases.NEVER:
                return "Push under another tag; nobody can release this one."
            case _:
                return "Push under another tag, or have an administrator release this one."

    def __str__(self) -> str:
        return f"{self._what()} is immutable ({self._whose()}): {self._then()}"

    def _what(self) -> str:
        return f"tag {self.tag} of {self.repository}"

    def _then(self) -> str:
        return f"it cannot be {_PARTICIPLES[self.step]}{self._when()}"

    def _whose(self) -> str:
        owner = "of this repository" if self.rule.repositories is None else "of the whole registry"
        return f"rule {self.rule} {owner}"

    def _when(self) -> str:
        if self.until is None or self.until > _LAST:
            return ""
        return f" before {datetime.fromtimestamp(self.until, UTC):%Y-%m-%d %H:%M} UTC"


class ContentProtected(Protected):
    """What a protected tag needs, or what was attached to it, would go."""

    def __init__(self, repository: str, tag: NamedTag, rule: Rule, step: Step, reference: str) -> None:
        super().__init__(repository, tag, rule, step)
        self.args, self.reference = (*self.args, reference), reference

    def _then(self) -> str:
        return f"{self.reference} belongs to it and cannot be {_PARTICIPLES[self.step]}{self._when()}"


class RepositoryProtected(Protected):
    """The whole repository would go, or be called something else, with a protected tag in it."""

    hint = "If it may be all the same: release the tag, where its rule allows that, or change the rule."

    def _then(self) -> str:
        return f"the repository cannot be deleted or renamed{self._when()}"


class NotProtected(Refused):
    """There is nothing to release a tag from."""

    hint = "The tag can be moved and removed as it is."

    def __init__(self, repository: str, tag: str) -> None:
        super().__init__(repository, tag)
        self.repository, self.tag = repository, tag

    def __str__(self) -> str:
        return f"no rule protects the tag {self.tag} of {self.repository}"


class ReleaseRefused(Refused):
    """The rule that protects a tag lets nobody release it."""

    code = "immutable"
    hint = "Change the rule, if the tag may go."

    def __init__(self, repository: str, tag: str, rule: Rule) -> None:
        super().__init__(repository, tag, rule)
        self.repository, self.tag, self.rule = repository, tag, rule

    def __str__(self) -> str:
        return f"the rule {self.rule} lets nobody release the tag {self.tag} of {self.repository}"


_PARTICIPLES = {Step.OVERWRITE: "overwritten", Step.DELETE: "deleted"}
_LAST = 253_402_300_799.0
"""The end of the year 9999, the last that a calendar here knows."""
