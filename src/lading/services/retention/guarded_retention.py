"""Rules of retention for people: to read, to write, and to look at what they would let go of.

Who may see a repository may see what becomes of its tags; who may edit it writes the rules, and has them carried out
(runs).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lading.oci.reference import check_path
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.audit.trail import admit
from lading.services.repositories.decisions import set_retention
from lading.services.repositories.records import RepositoryRecords
from lading.services.repositories.repositories import Repositories
from lading.services.repositories.retention_rules import RetentionRule, retention_json
from lading.services.retention.retention import Leased, Retention, Verdict


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do now: of every tag in order, and how many manifests go because nothing needs them."""

    verdicts: Sequence[Verdict]
    manifests: int

    @property
    def gone(self) -> int:
        """How many tags go."""
        return sum(not verdict.kept for verdict in self.verdicts)


class GuardedRetention:
    """For any number of threads. `clock` tells seconds since 1970."""

    def __init__(
        self,
        repositories: Repositories,
        records: RepositoryRecords,
        trail: Trail,
        *,
        leased: Leased,
        clock: Callable[[], float],
    ) -> None:
        """`leased` says what somebody was told of lately."""
        self._repositories, self._records, self._trail = repositories, records, trail
        self._leased, self._clock = leased, clock

    def rules(self, actor: Actor, repository: str) -> Sequence[RetentionRule]:
        """The repository's own. Raises Denied, RepositoryUnknown."""
        self._admit(actor, Permission.REPOSITORIES_VIEW, "view", repository)
        self._repositories.check_known(repository)
        return self._records.view(repository).own_retention()

    def set_rules(self, actor: Actor, repository: str, rules: Sequence[RetentionRule]) -> None:
        """All of its own; a repository that is not there is made. Raises Denied, ReferenceInvalid."""
        self._admit(actor, Permission.REPOSITORIES_EDIT, "update", repository)
        check_path(repository, repository)
        if self._repositories.change(repository, set_retention(rules)):
            told = {"retention": [retention_json(rule) for rule in rules]}
            deed = Deed("update", "repository", repository, repository, details=told)
            self._trail.record(actor, deed, Result.DONE)

    def preview(self, actor: Actor, repository: str, rules: Sequence[RetentionRule] | None) -> Preview:
        """As it is now; `rules` in place of the repository's own, None: those. Raises Denied, RepositoryUnknown."""
        self._admit(actor, Permission.REPOSITORIES_VIEW, "view", repository)
        self._repositories.check_known(repository)
        view, now = self._records.view(repository), self._clock()
        spared = self._leased([row.digest for row in Retention(view, repository, now, rules).untagged()])
        retention = Retention(view, repository, now, rules, spared)
        return Preview(retention.verdicts(), len(retention.untagged()))

    # ── of the whole registry

    def wide_rules(self, actor: Actor) -> Sequence[RetentionRule]:
        """In the order in which they were written. Raises Denied."""
        admit(self._trail, actor, Permission.SETTINGS_VIEW, _setting())
        return self._records.wide_retention()

    def set_wide_rules(self, actor: Actor, rules: Sequence[RetentionRule]) -> None:
        """In place of those there are. Raises Denied."""
        deed = _setting(retention=[retention_json(rule) for rule in rules])
        admit(self._trail, actor, Permission.SETTINGS_EDIT, deed)
        self._records.set_wide_retention(rules)
        self._trail.record(actor, deed, Result.DONE)

    def _admit(self, actor: Actor, permission: Permission, action: str, repository: str) -> None:
        admit(self._trail, actor, permission, Deed(action, "repository", repository, repository), repository)


def _setting(**details: object) -> Deed:
    return Deed("update", "setting", "repositories", "repositories", details=details)
