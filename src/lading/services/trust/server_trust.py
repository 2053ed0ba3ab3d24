"""Content trust of a server's transfers: which digest may be pulled, and what is signed as it is pushed.

The server's settings say what is asked of whom (services.trust.content_trust). Whoever asks for a transfer may ask for
more, `verify` and `sign`, and never for less. Jobs keep what was owed when they were made: another process that does
one may
have other settings, and must not fall behind them.

    pull    the tag resolved once ─> judged, and remembered ─> its digest alone is pulled ─> the name is given last
    push    what our engine sends is signed before its tag moves; what a Docker host sends, right after (push_signing)

The server's key signs for whom a role gives `trust:sign` there: who may push alone has nothing signed, and where all is
signed, pushes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from lading.errors import Refused
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.reference import Reference, Repository
from lading.services.content.stores import FullStore
from lading.services.environments.orders import Access, SignTags
from lading.services.jobs.job import JsonObject, Telling
from lading.services.trust.signatures import TagElsewhere
from lading.services.trust.verdicts import TrustVerdicts
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel

if TYPE_CHECKING:  # as in signature_json
    from lading.services.trust.trust import Verdict


class SigningUnset(Refused):
    """What is pushed should be signed, and the server has nothing to sign with."""

    code = "signing_key_missing"
    hint = (
        "Whoever runs this server names a private key in its setting trust-key (LADING_TRUST_KEY), and gives its "
        "passphrase in LADING_TRUST_PASSPHRASE; or gives passphrases for Notary keys."
    )

    def __init__(self, repository: Repository) -> None:
        super().__init__(repository)
        self.repository = repository

    def __str__(self) -> str:
        return f"what is pushed to {self.repository.familiar} must be signed, and this server has no signing key"


class Rule(Protocol):
    """What is asked of registries behind one access; services.trust.content_trust.ContentTrust fulfils it. `switched`
    adds to the server's switch, and never takes from it."""

    def asks(self, reference: Reference, switched: bool = False) -> bool:
        """Whether signatures are looked at before this is pulled; from memory."""

    def verify(self, reference: Reference, cancel: Cancel, switched: bool = False) -> Verdict:
        """The name resolved once, and held against its rule. Raises what keeps anybody from answering."""

    def signs(self, repository: Repository, switched: bool = False) -> bool:
        """Whether what is pushed there is signed; from memory."""

    def prepare(self, references: Sequence[Reference], cancel: Cancel) -> None:
        """Before anything is sent to these tags of one repository: raises what would keep them from being signed, as
        far as that can be known."""

    def sign(
        self, references: Sequence[Reference], root: Descriptor, store: FullStore, cancel: Cancel
    ) -> Sequence[str]:
        """What was done, for people. Raises what keeps it from that."""


Admit = Callable[[Repository], None]
"""Asks whether somebody may have what goes there signed with the server's key. Raises Denied."""

Rules = Callable[[Access, FullStore | None], Rule]
"""The rule over an access; with a store, that one is asked in place of the registry."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What may be pulled: this digest alone; None: whatever the name stands for, as no rule is about it. `told` is the
    verdict."""

    digest: Digest | None = None
    told: JsonObject | None = None

    @property
    def json(self) -> JsonObject:
        """For the job's result."""
        return {} if self.told is None else {"trust": self.told}


class ServerTrust:
    """For any number of threads."""

    def __init__(self, rules: Rules, verdicts: TrustVerdicts, has_key: bool) -> None:
        """`has_key`: there is something that pushes can be signed with."""
        self._rules, self._verdicts, self._has_key = rules, verdicts, has_key

    def asks(self, reference: Reference) -> bool:
        """Whether signatures are looked at before this is pulled; asks nobody."""
        return self._at_hand(reference.repository).asks(reference.or_latest)

    def look(self, named: Reference, access: Access, environment: int | None, cancel: Cancel) -> JsonObject | None:
        """What is found of a digest under its name, which has one. It is remembered, and nobody is refused. Where the
        tag is another image by now, the digest alone is asked about. Where no rule is about it, what was remembered of
        who asked for more, if anything: lists tell the same.

        Raises TagElsewhere where the rule asks for the tag as well, what keeps anybody from answering, StorageFailed.
        """
        rule, bare = self._rules(access, None), replace(named, tag=None)
        if not rule.asks(named):
            return self._verdicts.remembered(named)
        try:
            verdict = rule.verify(named, cancel)
        except TagElsewhere:
            if not rule.asks(bare):
                raise
            verdict = rule.verify(bare, cancel)
            if verdict.rule is not None and verdict.rule.bind_tag:
                raise
        return self._verdicts.remember(verdict, environment)

    def verified(
        self,
        reference: Reference,
        access: Access,
        environment: int | None,
        telling: Telling,
        cancel: Cancel,
        *,
        switched: bool = False,
        own: FullStore | None = None,
    ) -> Verified:
        """Before anything of it is pulled into the `environment`; `own` is the repository where it is one of ours.

        Raises NotTrusted, what keeps a registry or a trust server from answering, StorageFailed.
        """
        named, rule = reference.or_latest, self._rules(access, own)
        if not rule.asks(named, switched):
            return Verified()
        telling.line(_line("verifying", f"Verifying the signatures of {named.familiar}"))
        verdict = rule.verify(named, cancel, switched)
        told = self._verdicts.remember(verdict, environment)
        verdict.enforce()
        telling.line(_outcome(verdict))
        return Verified(verdict.digest, told)

    def signs(self, repository: Repository, *, asked: bool | None, admit: Admit) -> bool:
        """Whether what is pushed there is signed; `asked`: whether somebody wants it. Asks no other machine. Raises
        SigningUnset, Denied."""
        signed = asked is True or self._at_hand(repository).signs(repository)
        if signed:
            admit(repository)
        if signed and not self._has_key:
            raise SigningUnset(repository)
        return signed

    def signing(
        self,
        targets: Sequence[Reference],
        access: Access,
        telling: Telling,
        cancel: Cancel,
        *,
        asked: bool | None,
        admit: Admit,
        dry_run: bool = False,
    ) -> SignTags | None:
        """What signs for these tags of one repository; None: nobody does. Asked before anything moves: raises
        SigningUnset, Denied, and, unless in a dry run, what `Rule.prepare` does."""
        if not self.signs(targets[0].repository, asked=asked, admit=admit):
            return None
        rule = self._rules(access, None)
        if not dry_run:
            rule.prepare(targets, cancel)

        def sign(references: Sequence[Reference], root: Descriptor, store: FullStore) -> None:
            telling.line(_line("signing", f"Signing {', '.join(each.familiar for each in references)}"))
            for done in rule.sign(references, root, store, cancel):
                telling.line(_line("signed", f"{root.digest}: {done}"))

        return sign

    def _at_hand(self, repository: Repository) -> Rule:
        """For what it answers from memory."""
        return self._rules(Access(repository.registry, Endpoint(repository.registry)), None)


def _outcome(verdict: Verdict) -> JsonObject:
    signers = ", ".join(signer.name for signer in verdict.signers)
    if verdict.trusted:
        return _line("verified", f"{verdict.digest} is signed by {signers}")
    missing = f"only {signers} signed" if signers else "nobody who is accepted signed"
    return _line("unverified", f"{verdict.digest} is not trusted, {missing}; the policy only reports it")


def _line(status: str, message: str) -> JsonObject:
    return {"status": status, "message": message}
