"""Copies between registries (interfaces §2, images): from one read to several targets, with what refers to the image.

Our own engine does it, whatever the default environment is: nothing is kept anywhere but at the targets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Protocol

from lading.errors import InputInvalid, LadingError
from lading.oci.digest import Digest
from lading.oci.reference import Reference, Repository
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Trail
from lading.services.audit.trail import admit
from lading.services.content.stores import FullStore
from lading.services.environments.environment import ConnectionType
from lading.services.environments.orders import Access, Arrived, SignTags
from lading.services.gate_parts import Parts
from lading.services.gates.gates import Gates, verdicts_json
from lading.services.gates.policy import Action, Place
from lading.services.gates.refusals import Given
from lading.services.jobs.fields import JobFields
from lading.services.jobs.idempotency import RequestKey
from lading.services.jobs.job import Job, JobRequest, JsonObject, Telling
from lading.services.platforms import Wanted
from lading.services.registries.configured_registries import ConfiguredRegistries
from lading.services.running.jobs import Jobs
from lading.services.transfers.failures import push_failed
from lading.services.trust.server_trust import Admit, ServerTrust, Verified
from lading.services.work.pushes import arrived_result, raise_first
from lading.wire.message import Cancel
from lading.wire.progress import Report

COPY = "copy"


class CopyIncomplete(InputInvalid):
    """Without a source and a target there is no copy."""

    def __str__(self) -> str:
        return "Source and targets are required"


@dataclass(frozen=True, slots=True)
class CopyForm:
    """What the caller wrote. `own`: the source is in our own registry, whatever its host is called. `verify` and `sign`
    as of a pull and a push."""

    source: str | None = None
    targets: tuple[str, ...] = ()
    platform: str | None = None
    dry_run: bool = False
    own: bool = False
    verify: bool = False
    sign: bool | None = None


@dataclass(frozen=True, slots=True)
class TargetTrust:
    """Who signs where, of a source that is verified already; fulfils TransferTrust."""

    signers: Mapping[Repository, SignTags | None]

    def verified(self, reference: Reference, report: Report, cancel: Cancel) -> Reference:  # noqa: ARG002  it is settled
        return reference

    def signing(self, repository: Repository, report: Report, cancel: Cancel) -> SignTags | None:  # noqa: ARG002
        return self.signers[repository]

    def prepare(self, references: Sequence[Reference], cancel: Cancel) -> None:
        """Whoever made the signers has asked."""


@dataclass(frozen=True, slots=True)
class CopyOrder:
    """From one place to others, each reached in its own way; with `own` from our registry itself. `trust` signs in
    the targets' repositories."""

    source: Reference
    access: Access
    targets: tuple[tuple[Reference, Access], ...]
    wanted: Wanted | None
    dry_run: bool
    own: bool = False
    trust: TargetTrust | None = None

    @property
    def signed(self) -> JsonObject:
        """For the job's result, once it is done."""
        signers = () if self.trust is None or self.dry_run else self.trust.signers.values()
        return {"signed": True} if any(signers) else {}


class Copier(Protocol):
    """Moves images between registries."""

    def own_repository(self, path: str) -> FullStore:
        """A repository of our own registry."""

    def look(self, order: CopyOrder, cancel: Cancel) -> tuple[Digest, Parts]:
        """What the source stands for now: its root, and its platforms. Raises the source's faults."""

    def copy(self, order: CopyOrder, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        """One for each target, in order. Raises the source's faults, and Cancelled."""


Give = Callable[[Actor, str, str | Digest], Digest | None]
"""What an actor gets by this of a repository of our own registry, where that was judged: a tag may be moved the next
moment. Raises SignatureWanted, ManifestUnknown."""


def given_away(actor: Actor, repository: str, reference: str | Digest) -> None:
    """A Give where there are no trust rules."""


class Copies:
    """Makes copy jobs, and does their work."""

    def __init__(
        self,
        registries: ConfiguredRegistries,
        copier: Copier,
        jobs: Jobs,
        trail: Trail,
        gates: Gates,
        *,
        trust: ServerTrust,
        give: Give = given_away,
    ) -> None:
        """`give` is asked where the source is in our own registry."""
        self._registries, self._copier, self._jobs, self._trail = registries, copier, jobs, trail
        self._gates, self._trust, self._give = gates, trust, give

    def start(self, actor: Actor, form: CopyForm, key: RequestKey | None) -> Job:
        """Raises CopyIncomplete, ReferenceInvalid, PlatformInvalid, SigningUnset, Denied."""
        if not form.source or not form.targets:
            raise CopyIncomplete
        source = Reference.parse(form.source).or_latest
        targets = tuple(Reference.parse(target).or_latest for target in form.targets)
        Wanted.of(form.platform)
        deed = Deed(
            COPY, "image", str(source), source.familiar, details={"targets": [each.familiar for each in targets]}
        )
        self._admit(actor, source, targets, deed, own=form.own)
        may_sign = self._signer(actor, deed)
        signed = [
            str(target) for target in targets if self._trust.signs(target.repository, asked=form.sign, admit=may_sign)
        ]
        fields: JsonObject = {
            "source": str(source),
            "targets": [str(target) for target in targets],
            "platform": form.platform,
            "dryRun": form.dry_run,
            "own": form.own,
            "verify": form.verify or self._trust.asks(source),
            "signed": signed,
        }
        return self._jobs.start(actor, JobRequest(COPY, fields, deed=deed), key)

    def admit(self, actor: Actor, fields: JsonObject) -> None:
        """Whether the actor may have such a job done. Raises Denied."""
        asked = JobFields(fields)
        source, targets = _places(asked)
        deed = Deed(COPY, "image", str(source), source.familiar)
        self._admit(actor, source, targets, deed, own=asked.truth("own"))
        for target in _owed(asked):
            self._signer(actor, deed)(target.repository)

    def work(self, actor: Actor, fields: JsonObject, telling: Telling, cancel: Cancel) -> JsonObject:
        """What a copy job does."""
        self.admit(actor, fields)
        asked = JobFields(fields)
        source, targets = _places(asked)
        order = CopyOrder(
            source,
            self._registries.access_for(source.repository),
            tuple((target, self._registries.access_for(target.repository)) for target in targets),
            Wanted.of(asked.text_or_none("platform")),
            asked.truth("dryRun"),
            asked.truth("own"),
        )
        try:
            if order.own:
                judged = self._give(actor, source.repository.path, source.digest or source.or_latest.tag or "")
                order = replace(order, source=replace(source, digest=judged or source.digest))
            verified = self._verified(asked, order, telling, cancel)
            if verified.digest is not None:
                order = replace(order, source=replace(order.source, digest=verified.digest))
            order = replace(order, trust=self._signing(actor, asked, order, telling, cancel))
            order, given = self._judged(actor, order, cancel)
            arrived = self._copier.copy(order, telling.event, cancel)
            raise_first(arrived)
        except LadingError as error:
            raise push_failed(error, ConnectionType.EMBEDDED) from error
        result = arrived_result(arrived, "copied", order.dry_run)
        return {**result, **order.signed, **verdicts_json(given), **verified.json}

    def _verified(self, asked: JobFields, order: CopyOrder, telling: Telling, cancel: Cancel) -> Verified:
        """Raises NotTrusted, and what keeps anybody from answering."""
        own = self._copier.own_repository(order.source.repository.path) if order.own else None
        return self._trust.verified(
            order.source, order.access, None, telling, cancel, switched=asked.truth("verify"), own=own
        )

    def _signing(
        self, actor: Actor, asked: JobFields, order: CopyOrder, telling: Telling, cancel: Cancel
    ) -> TargetTrust:
        """Raises SigningUnset, Denied, and what keeps it from signing."""
        owed = _owed(asked)
        deed = Deed(COPY, "image", str(order.source), order.source.familiar)
        ways = {target.repository: access for target, access in order.targets}
        signers: dict[Repository, SignTags | None] = {}
        for repository, access in ways.items():
            targets = [target for target, _ in order.targets if target.repository == repository]
            signers[repository] = self._trust.signing(
                targets,
                access,
                telling,
                cancel,
                asked=not owed.isdisjoint(targets),
                admit=self._signer(actor, deed),
                dry_run=order.dry_run,
            )
        return TargetTrust(signers)

    def _signer(self, actor: Actor, deed: Deed) -> Admit:
        """Asks whether the actor may have something signed."""
        return lambda repository: admit(self._trail, actor, Permission.TRUST_SIGN, deed, repository)

    def _judged(self, actor: Actor, order: CopyOrder, cancel: Cancel) -> tuple[CopyOrder, Sequence[Given]]:
        """A copy brings to its targets what a push would. What was judged is what moves, wherever its tag goes
        meanwhile. Raises GateRefused, and what looking at the source raises."""
        places = [(target, Place(None, target.repository, access.registry)) for target, access in order.targets]
        gated = [(target, place) for target, place in places if self._gates.asks(Action.PUSH, place)]
        if not gated:
            return order, ()
        root, parts = self._copier.look(order, cancel)
        given: list[Given] = []
        for target, place in gated:
            given += self._gates.move(actor, Action.PUSH, place, target.familiar, lambda: (root, parts))
        return replace(order, source=replace(order.source, digest=root)), given

    def _admit(self, actor: Actor, source: Reference, targets: Sequence[Reference], deed: Deed, *, own: bool) -> None:
        """A copy is a pull and a push, in no environment."""
        if own:
            admit(self._trail, actor, Permission.REPOSITORIES_PULL, deed, source.repository.path)
        else:
            admit(self._trail, actor, Permission.IMAGES_PULL, deed, source.repository)
        for permission, reference in ((Permission.IMAGES_PUSH, target) for target in targets):
            admit(self._trail, actor, permission, deed, reference.repository)


def _owed(fields: JobFields) -> AbstractSet[Reference]:
    """The targets that are to be signed; none in a job that was made before they were."""
    return set(map(Reference.parse, fields.texts("signed"))) if fields.fields.get("signed") else set()


def _places(fields: JobFields) -> tuple[Reference, Sequence[Reference]]:
    return Reference.parse(fields.text("source")), [Reference.parse(text) for text in fields.texts("targets")]
