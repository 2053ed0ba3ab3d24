"""Trust rules of our own repositories for people: to read, to write, and to see what they say of a tag.

Who may see a repository sees its rule and what that says; who may edit it writes the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from lading.services.access import Actor
from lading.services.repositories.errors import ManifestUnknown
from lading.services.repositories.guarded_repositories import GuardedRepositories, ProtectedTag, RepositoryForm
from lading.services.repositories.repositories import Repositories
from lading.services.repositories.trust import RepositoryTrust
from lading.services.trust.own_signatures import OwnSignatures
from lading.services.trust.trust import Verdict
from lading.services.trust_modes import Mode

Signed = Mapping[str, bool | None]
"""Whether tags are signed as their rule asks, by name; None: there is no rule."""


class GuardedTrust:
    """For any number of threads."""

    def __init__(
        self,
        guarded: GuardedRepositories,
        repositories: Repositories,
        signatures: OwnSignatures,
        now: Callable[[], float],
    ) -> None:
        """`guarded` asks for permission and keeps the trail; `now` tells seconds since 1970."""
        self._guarded, self._repositories, self._signatures = guarded, repositories, signatures
        self.now = now

    def rule(self, actor: Actor, repository: str) -> RepositoryTrust | None:
        """None where its images need nobody's signature. Raises Denied, RepositoryUnknown."""
        return self._guarded.trust(actor, repository)

    def set_rule(self, actor: Actor, repository: str, trust: RepositoryTrust | None) -> RepositoryTrust | None:
        """A repository that is not there is made; None takes the rule away. Raises Denied, ReferenceInvalid,
        TrustRuleInvalid where it names a key that is not accepted."""
        given = trust or RepositoryTrust(Mode.OFF)
        return self._guarded.change(actor, repository, RepositoryForm(trust=given), new=True).trust

    def verdict(self, actor: Actor, repository: str, tag: str) -> Verdict:
        """What the rule says of what the tag names now; without one, what lies beside that. Raises Denied,
        RepositoryUnknown, ManifestUnknown."""
        trust = self.rule(actor, repository)
        root = self._repositories.manifest(repository, tag)
        if trust is None or not trust.checks:
            return self._signatures.lying_beside(repository, tag, root)
        return self._signatures.verdict(trust, repository, tag, root)

    def signed(self, actor: Actor, repository: str, rows: Sequence[ProtectedTag]) -> Signed:
        """Of tags that were just read. Raises Denied, RepositoryUnknown."""
        trust = self.rule(actor, repository)
        if trust is None or not trust.checks:
            return {}
        return {row.row.tag.name: self._is_signed(trust, repository, row) for row in rows}

    def _is_signed(self, trust: RepositoryTrust, repository: str, row: ProtectedTag) -> bool:
        tag = row.row.tag
        try:
            root = self._repositories.manifest(repository, tag.digest)
        except ManifestUnknown:  # its bytes are lost, or it went meanwhile
            return False
        return self._signatures.verdict(trust, repository, tag.name, root).trusted
