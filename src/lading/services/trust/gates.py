"""Whether what is asked of our registry may be given away, by its repository's trust rule.

    no rule, or off               given
    enough signatures             given
    within a signed index         given: the index says its digest. Asked by a tag that must be bound, it is not
    attached to an image          given, where nothing can run it: a signature must be readable before it is believed
                                  (attachments)
    `report`                      given, and told on the trail, once a minute for each digest
    `enforce`                     refused, and on the trail; nor is it told what a name stands for (HEAD): who has the
                                  bytes already would ask for no more, and call them by that name

Held to no rule is whoever a role names `trust:exempt` for there, and who shows a token that opens pushing there too:
whoever signs an image reads it first, and programs that only pull ask for no such token.

Judged is once, until something is committed; verdicts that grow old are judged anew every few minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import is_index
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.changes import Changes, Remembered
from lading.services.identity.throttling import Seldom
from lading.services.repositories.audit import READ_SECONDS, named
from lading.services.repositories.records import RepositoryRecords
from lading.services.repositories.repositories import Repositories
from lading.services.repositories.trust import RepositoryTrust
from lading.services.trust.attachments import is_attachment
from lading.services.trust.own_signatures import OwnSignatures
from lading.services.trust.wanted import SignatureWanted, why_not
from lading.services.trust_modes import Mode

MOST_INDEXES = 100
"""Indexes above a manifest that are looked at: no image of anybody comes near."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Why something is not to be given away, and how strict its rule is."""

    mode: Mode
    why: str


Asked = tuple[str, str | Digest, Descriptor]
"""A repository, what was asked of it, and what that is."""


class TrustGate:
    """For any number of threads."""

    def __init__(
        self,
        signatures: OwnSignatures,
        repositories: Repositories,
        records: RepositoryRecords,
        changes: Changes,
        trail: Trail,
        *,
        clock: Callable[[], float],
    ) -> None:
        """`changes` say when something was committed, and now and then that time has passed; `clock` tells seconds, of
        whatever beginning."""
        self._signatures, self._repositories, self._records, self._trail = signatures, repositories, records, trail
        self._rules = Remembered(changes, signatures.rule)
        self._standing = Remembered(changes, self._judge)
        self._told = Seldom(clock, READ_SECONDS)

    def asks(self, repository: str) -> bool:
        """Whether it has a rule at all; as good as free. Raises StorageFailed."""
        return self._rules.of(repository) is not None

    def check(self, actor: Actor, repository: str, reference: str | Digest, found: Descriptor) -> None:
        """Before a manifest is given away, or what its name stands for. Raises SignatureWanted, StorageFailed."""
        if actor.may(Permission.TRUST_EXEMPT, None, repository):
            return
        standing = self._standing.of((repository, reference, found))
        if standing is None:
            return
        name, enforced = named(repository, reference), standing.mode is Mode.ENFORCE
        who = (actor.user, actor.token) if enforced else None
        if self._told.now((who, repository, found.digest)):
            details = {"repository": repository, "mode": standing.mode.value, "unsigned": standing.why}
            deed = Deed("judge", "image", str(found.digest), name, details=details)
            self._trail.record(actor, deed, Result.DENIED if enforced else Result.DONE)
        if enforced:
            raise SignatureWanted(name, repository, standing.why)

    def give(self, actor: Actor, repository: str, reference: str | Digest) -> Digest | None:
        """Before somebody gets it by another way than the registry's door: what was judged, to be read by that digest;
        None where no rule is about it. Raises SignatureWanted, RepositoryUnknown, ManifestUnknown, StorageFailed."""
        if not self.asks(repository):
            return None
        found = self._repositories.manifest(repository, reference)
        self.check(actor, repository, reference, found)
        return found.digest

    # ── judging

    def _judge(self, asked: Asked) -> Standing | None:
        repository, reference, root = asked
        trust = self._signatures.rule(repository)
        if trust is None:
            return None
        verdict = self._signatures.verdict(trust, repository, reference, root)
        if verdict.trusted or self._within_signed(trust, asked):
            return None
        if is_attachment(self._records.view(repository), self._repositories, root):
            return None
        return Standing(trust.mode, why_not(verdict))

    def _within_signed(self, trust: RepositoryTrust, asked: Asked) -> bool:
        repository, reference, root = asked
        if trust.bind_tag and isinstance(reference, str):
            return False
        return any(
            self._signatures.verdict(trust, repository, index.digest, index).trusted
            for index in self._indexes_above(repository, root.digest)
        )

    def _indexes_above(self, repository: str, digest: Digest) -> Iterator[Descriptor]:
        view, seen, waiting = self._records.view(repository), {digest}, [digest]
        while waiting and len(seen) <= MOST_INDEXES:
            for parent in view.parents_of(waiting.pop()):
                held = None if parent in seen else view.manifest(parent)
                if held is not None and is_index(held.descriptor.media_type):
                    seen.add(parent)
                    waiting.append(parent)
                    yield Descriptor(held.descriptor.media_type, parent, held.descriptor.size)
