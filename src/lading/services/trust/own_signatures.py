"""What our own repositories hold, judged by their trust rules: signatures are read from our own rows and bytes, and no
network is asked.

Asked for by tag, an image is judged as that tag. Asked for by digest it names itself, so no tag need be bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from lading.engine.cancel import Cancellation
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.reference import Reference, Repository
from lading.proof.signing_keys import PublicKey
from lading.proof.tuf_walk import Pin
from lading.services.repositories.own_repository import OwnRepository
from lading.services.repositories.records import RepositoryRecords
from lading.services.repositories.repositories import Repositories
from lading.services.repositories.trust import RepositoryTrust
from lading.services.trust.key_records import TrustKeyRecords
from lading.services.trust.policy import DAY, KeySigner, NotarySigner, Signer, TrustRule
from lading.services.trust.signature_finding import Finding, NotaryTags
from lading.services.trust.trust import Found, Question, Verdict, judge
from lading.services.trust_modes import Mode
from lading.wire.message import Cancel

_NOTHING = RepositoryTrust(Mode.OFF)


@dataclass(frozen=True, slots=True)
class OwnRule(TrustRule):
    """A repository's rule as signatures are held against it: it says itself which names they may be made for."""

    own: RepositoryTrust = _NOTHING

    def accepts_name(self, signed: Repository, asked: Repository) -> bool:
        return self.own.accepts_name(signed, asked.path)


class OwnSignatures:
    """For any number of threads. `now` tells seconds since 1970."""

    def __init__(
        self,
        repositories: Repositories,
        records: RepositoryRecords,
        keys: TrustKeyRecords,
        notary: NotaryTags | None,
        now: Callable[[], float],
        *,
        registry: str = "localhost",
    ) -> None:
        """`registry` is what verdicts call us. Without `notary` no trust collection counts."""
        self._repositories, self._records, self._keys, self._notary = repositories, records, keys, notary
        self._now, self._registry = now, registry

    def rule(self, repository: str) -> RepositoryTrust | None:
        """The one that asks for something; None: nothing is looked at. Raises StorageFailed."""
        trust = self._records.view(repository).own_trust()
        return trust if trust is not None and trust.checks else None

    def verdict(
        self,
        trust: RepositoryTrust | None,
        repository: str,
        reference: str | Digest,
        root: Descriptor,
        beside: Sequence[str] = (),
    ) -> Verdict:
        """What `reference`, a tag or digest of the repository, is by this rule; `root` is what it stands for.

        Signatures are looked for in the repositories `beside` too: those that the image comes from. Raises
        StorageFailed.
        """
        place = Repository(self._registry, repository)
        asked = Reference(place, reference, None) if isinstance(reference, str) else Reference(place, None, reference)
        question = Question(asked, root.digest, self._now(), {})
        if trust is None:
            return judge(question, None, ())
        rule = self._held_against(trust, by_tag=asked.tag is not None)
        with Cancellation() as cancel:
            return judge(question, rule, self._found(question, root, rule, (repository, *beside), cancel))

    def lying_beside(self, repository: str, tag: str, root: Descriptor) -> Verdict:
        """All signatures of an image that no rule is about: those by accepted keys with whose they are. Raises
        StorageFailed."""
        known = RepositoryTrust(Mode.REPORT, tuple(row.name for row in self._keys.all_keys()))
        verdict = self.verdict(known, repository, tag, root)
        return replace(verdict, rule=None if verdict.rule is None else replace(verdict.rule, mode=Mode.OFF))

    def _found(
        self, question: Question, root: Descriptor, rule: OwnRule, places: Sequence[str], cancel: Cancel
    ) -> Iterator[Found]:
        """What trust collections say of the name is asked once, with the first of the places."""
        for place in places:
            store = OwnRepository(self._repositories, place)
            yield from Finding(store, question.reference, root, question.now, self._notary, None, cancel).signatures(
                rule
            )
            rule = replace(rule, signers=tuple(each for each in rule.signers if isinstance(each, KeySigner)))

    def _held_against(self, trust: RepositoryTrust, *, by_tag: bool) -> OwnRule:
        known = {row.name: row for row in self._keys.all_keys()}
        signers: list[Signer] = [
            KeySigner(name, PublicKey.parse(known[name].public.encode())) for name in trust.keys if name in known
        ]
        if trust.notary:
            signers.append(NotarySigner(Pin(frozenset(trust.root_keys)) if trust.root_keys else Pin(first_use=True)))
        days = trust.max_age_days
        return OwnRule(
            images=("*",),
            mode=trust.mode,
            signers=tuple(signers),
            threshold=trust.threshold,
            bind_tag=trust.bind_tag and by_tag,
            max_age=None if days is None else days * DAY,
            own=trust,
        )
