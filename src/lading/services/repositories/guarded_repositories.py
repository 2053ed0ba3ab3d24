"""The repositories of our own registry for people: lists, who may read them, their rules, what rules let go of.

For every door but /v2/; each method asks for permission and keeps the trail. What becomes of rows, the decisions say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lading.errors import InputInvalid
from lading.oci.reference import check_path
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.audit.trail import admit, admit_somewhere
from lading.services.repositories import decisions
from lading.services.repositories.audit import named
from lading.services.repositories.errors import Protected, ReleaseRefused, RepositoryUnknown
from lading.services.repositories.protection import Forbidden, Protection
from lading.services.repositories.records import Decide, RepositoryRecords
from lading.services.repositories.repositories import Repositories
from lading.services.repositories.rows import Names, RepositoryRow, TagRow, Visibility
from lading.services.repositories.rules import MOST_SECONDS, WHOLE, Rule, TagRelease, is_whole, rule_json
from lading.services.repositories.trust import RepositoryTrust, read_trust, trust_json

LONGEST_REASON = 500
"""Characters."""

ALL = 1 << 31
"""More names than there are."""


class ReasonInvalid(InputInvalid):
    """A release without a reason, or with a novel."""

    def __str__(self) -> str:
        return f"say why, in at most {LONGEST_REASON} characters"


class UntilInvalid(InputInvalid):
    """A release that is over before it begins, or never."""

    def __str__(self) -> str:
        return "a release ends in the future, in at most a hundred years, or when it is used"


@dataclass(frozen=True, slots=True)
class RepositoryForm:
    """What somebody wants a repository to be; None: as it is. `immutable` is one rule among the others; a `trust` that
    is off and says nothing else takes the rule away."""

    visibility: Visibility | None = None
    immutable: bool | None = None
    rules: tuple[Rule, ...] | None = None
    trust: RepositoryTrust | None = None


@dataclass(frozen=True, slots=True)
class ProtectedTag:
    """A tag, and what may not be done to it now."""

    row: TagRow
    forbidden: Sequence[Forbidden]


class GuardedRepositories:
    """For any number of threads. `clock` tells seconds since 1970."""

    def __init__(
        self,
        repositories: Repositories,
        records: RepositoryRecords,
        trail: Trail,
        clock: Callable[[], float],
        removed: Callable[[Actor, str], object] = lambda _actor, _repository: None,
    ) -> None:
        """`removed` is told of each repository that somebody removed."""
        self._repositories, self._records, self._trail, self._clock = repositories, records, trail, clock
        self._removed = removed

    # ── to look at

    def names(self, actor: Actor) -> Sequence[str]:
        """Those that the actor may see, in order. Raises Denied where there can be none."""
        admit_somewhere(self._trail, actor, Permission.REPOSITORIES_VIEW, _LIST)
        names = self._records.repositories("", ALL)
        return [name for name in names if actor.may(Permission.REPOSITORIES_VIEW, None, name)]

    def page(self, actor: Actor, text: str, offset: int, limit: int) -> Names:
        """Of those that the actor may see and whose names hold the text, in capitals or not, in order. Raises Denied
        where there can be none."""
        admit_somewhere(self._trail, actor, Permission.REPOSITORIES_VIEW, _LIST)
        return self._records.names(text, offset, limit, actor.patterns(Permission.REPOSITORIES_VIEW))

    def rows(self, actor: Actor, names: Sequence[str]) -> Sequence[RepositoryRow]:
        """Of those `names`, which the actor may see, what there is to tell."""
        seen = [name for name in names if actor.may(Permission.REPOSITORIES_VIEW, None, name)]
        return self._records.rows(seen)

    def get(self, actor: Actor, repository: str) -> RepositoryRow:
        """Raises RepositoryUnknown."""
        self._admit(actor, Permission.REPOSITORIES_VIEW, "view", repository)
        return self._row(repository)

    def trust(self, actor: Actor, repository: str) -> RepositoryTrust | None:
        """Its rule of signatures. Raises RepositoryUnknown."""
        self._admit(actor, Permission.REPOSITORIES_VIEW, "view", repository)
        self._repositories.check_known(repository)
        return self._records.view(repository).own_trust()

    def tags(self, actor: Actor, repository: str) -> Sequence[str]:
        """In order. Raises RepositoryUnknown."""
        return self.tag_page(actor, repository, "", 0, ALL).names

    def tag_page(self, actor: Actor, repository: str, text: str, offset: int, limit: int) -> Names:
        """Those whose names hold the text, in capitals or not, in order. Raises RepositoryUnknown."""
        self._admit(actor, Permission.REPOSITORIES_VIEW, "view", repository)
        self._repositories.check_known(repository)
        return self._records.tag_names(repository, text, offset, limit)

    def tag_rows(self, actor: Actor, repository: str, tags: Sequence[str]) -> Sequence[ProtectedTag]:
        """Those of them that are there, with what protects them."""
        self._admit(actor, Permission.REPOSITORIES_VIEW, "view", repository)
        protection = Protection(self._records.view(repository), repository, self._clock())
        rows = self._records.tag_rows(repository, tags)
        return [ProtectedTag(row, protection.forbidden(row.tag)) for row in rows]

    # ── to change

    def change(
        self, actor: Actor, repository: str, form: RepositoryForm, reason: str | None = None, *, new: bool = False
    ) -> RepositoryRow:
        """With `new` a repository that is not there is made. The `reason`, where one is given, goes on the trail.
        Raises RepositoryUnknown, ReferenceInvalid, TrustRuleInvalid."""
        self._admit(actor, Permission.REPOSITORIES_EDIT, "update", repository)
        check_path(repository, repository)
        wanted: list[Decide] = [] if new else [decisions.expect_there(repository)]
        if form.visibility is not None:
            wanted.append(decisions.set_visibility(form.visibility))
        if form.immutable is not None or form.rules is not None:
            wanted.append(decisions.change_rules(_changed(form)))
        if form.trust is not None:
            wanted.append(decisions.set_trust(read_trust(trust_json(form.trust))))
        edits = self._repositories.change(repository, decisions.together(wanted))
        row = self._row(repository)
        if edits:
            trust = None if form.trust is None else trust_json(form.trust)
            rules = [rule_json(rule) for rule in row.rules]
            told = {"visibility": row.visibility.value, "rules": rules, "trust": trust}
            self._trail.record(actor, _deed("update", repository, None, **told, reason=reason), Result.DONE)
        return row

    def remove(self, actor: Actor, repository: str) -> None:
        """With all that it holds. Raises RepositoryUnknown, RepositoryProtected."""
        self._admit(actor, Permission.REPOSITORIES_REMOVE, "delete", repository)
        self._decide(actor, "delete", repository, decisions.delete_repository(repository, self._clock()))
        self._removed(actor, repository)

    def rename(self, actor: Actor, repository: str, to: str) -> RepositoryRow:
        """Raises RepositoryUnknown, ReferenceInvalid, NameTaken, RepositoryProtected."""
        self._admit(actor, Permission.REPOSITORIES_EDIT, "rename", repository)
        self._admit(actor, Permission.REPOSITORIES_EDIT, "rename", to)
        check_path(to, to)
        decide = decisions.rename_repository(repository, to, self._clock())
        self._decide(actor, "rename", repository, decide, to=to)
        return self._row(to)

    def remove_tag(self, actor: Actor, repository: str, tag: str) -> None:
        """The manifest stays held. Raises RepositoryUnknown, ManifestUnknown, Protected."""
        self._admit(actor, Permission.REPOSITORIES_REMOVE, "remove", repository)
        self._repositories.check_known(repository)
        self._decide(actor, "remove", repository, decisions.delete_tag(repository, tag, self._clock()), tag)

    def release(self, actor: Actor, repository: str, tag: str, reason: str, until: float | None) -> TagRelease:
        """Let go of a protected tag until then, or with None until it is used once.

        Raises ReasonInvalid, UntilInvalid, RepositoryUnknown, ManifestUnknown, NotProtected, ReleaseRefused.
        """
        self._admit(actor, Permission.REPOSITORIES_EDIT, "release", repository)
        said, now = reason.strip(), self._clock()
        if not said or len(said) > LONGEST_REASON:
            raise ReasonInvalid
        if until is not None and not now < until <= now + MOST_SECONDS:
            raise UntilInvalid
        self._repositories.check_known(repository)
        release = TagRelease(tag, said, actor.name, now, until)
        decide = decisions.release_tag(repository, release, now)
        self._decide(actor, "release", repository, decide, tag, reason=said, until=until)
        return release

    def take_back(self, actor: Actor, repository: str, tag: str) -> None:
        """Its rules alone count again. Raises RepositoryUnknown, ManifestUnknown."""
        self._admit(actor, Permission.REPOSITORIES_EDIT, "protect", repository)
        self._repositories.check_known(repository)
        self._decide(actor, "protect", repository, decisions.take_back_release(repository, tag), tag)

    # ── rules of the whole registry

    def wide_rules(self, actor: Actor) -> Sequence[Rule]:
        """In the order in which they were written."""
        admit(self._trail, actor, Permission.SETTINGS_VIEW, _SETTING)
        return self._records.wide_rules()

    def set_wide_rules(self, actor: Actor, rules: Sequence[Rule]) -> None:
        """In place of those there are."""
        admit(self._trail, actor, Permission.SETTINGS_EDIT, _SETTING)
        self._records.set_wide_rules(rules)
        told = {"rules": [rule_json(rule) for rule in rules]}
        deed = Deed(_SETTING.action, _SETTING.entity_type, _SETTING.entity_id, _SETTING.entity_name, details=told)
        self._trail.record(actor, deed, Result.DONE)

    # ──

    def _decide(
        self, actor: Actor, action: str, repository: str, decide: Decide, tag: str | None = None, **details: object
    ) -> None:
        """What the rules refuse is on the trail as well."""
        try:
            edits = self._repositories.change(repository, decide)
        except (Protected, ReleaseRefused) as error:
            deed = _deed(action, repository, tag, **details, refused=str(error))
            self._trail.record(actor, deed, Result.DENIED)
            raise
        if edits:
            self._trail.record(actor, _deed(action, repository, tag, **details), Result.DONE)

    def _row(self, repository: str) -> RepositoryRow:
        rows = self._records.rows([repository])
        if not rows:
            raise RepositoryUnknown(repository)
        return rows[0]

    def _admit(self, actor: Actor, permission: Permission, action: str, repository: str) -> None:
        admit(self._trail, actor, permission, Deed(action, "repository", repository, repository), repository)


def _deed(action: str, repository: str, tag: str | None = None, **details: object) -> Deed:
    told = {name: value for name, value in details.items() if value is not None}
    if tag is None:
        return Deed(action, "repository", repository, repository, details=told)
    return Deed(action, "image", tag, named(repository, tag), details={**told, "repository": repository})


_LIST = Deed("list", "repository", "", "")
_SETTING = Deed("update", "setting", "repositories", "repositories")


def is_immutable(rules: Sequence[Rule]) -> bool:
    """Whether one of them makes the repository immutable as a whole."""
    return any(map(is_whole, rules))


def _changed(form: RepositoryForm) -> Callable[[Sequence[Rule]], Sequence[Rule]]:
    def changed(before: Sequence[Rule]) -> Sequence[Rule]:
        rules = before if form.rules is None else form.rules
        if form.immutable is None or form.immutable is is_immutable(rules):
            return rules
        return [WHOLE, *rules] if form.immutable else [rule for rule in rules if not is_whole(rule)]

    return changed
