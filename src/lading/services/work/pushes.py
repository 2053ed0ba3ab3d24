"""The push endpoint's meaning (interfaces §2, Push): what is asked, where it goes, and the job that does it.

Everything that can be known before bytes move is settled when the job is made: the environment, the image and its
names, the registry and its login, the targets, and whether this actor may. Where the environment's agent is away, the
image and its names cannot be known: then the job keeps what was asked, and settles that itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lading.errors import LadingError, Refused
from lading.oci.reference import Reference
from lading.services.access import Actor
from lading.services.audit.audit import Deed
from lading.services.embedded.environment import Ways
from lading.services.environment_images import Summary
from lading.services.environments.door_logins import LoginVault
from lading.services.environments.environment import ConnectionType
from lading.services.environments.environments import Environments
from lading.services.environments.guarded_environment import GuardedEnvironment
from lading.services.environments.orders import Access, Arrived, PushOrder
from lading.services.gates.gates import Gates, verdicts_json
from lading.services.gates.policy import Place
from lading.services.hub.hub import AgentAway
from lading.services.jobs.fields import JobFields
from lading.services.jobs.idempotency import RequestKey
from lading.services.jobs.job import Job, JobRequest, JsonObject, Telling
from lading.services.lookup import ImageUnknown
from lading.services.platforms import Wanted
from lading.services.registries.configured_registries import ConfiguredRegistries, serves
from lading.services.registries.records import RelayChoice
from lading.services.relays.relays import Pushed, Relays
from lading.services.running.jobs import Jobs
from lading.services.transfers.failures import IMAGE_UNKNOWN, TransferFailed, push_failed
from lading.services.trust.push_signing import sign_pushed
from lading.services.trust.server_trust import ServerTrust
from lading.services.work.push_forms import PushForm, targets_of
from lading.wire.docker_auth import GivenLogin
from lading.wire.event_json import totals_json
from lading.wire.message import Cancel

PUSH = "push"

FORM = "form"
"""The field of a job that keeps what was asked, as it could not be settled when the job was made."""


class RegistryMoved(Refused):
    """The configured registry leads elsewhere than it did when the job was made."""

    hint = "Push again: the target is made anew from the registry as it is now."

    def __init__(self, registry: str, target: str) -> None:
        super().__init__(registry, target)
        self.registry, self.target = registry, target

    def __str__(self) -> str:
        return f"The registry {self.registry} was changed, and does not serve {self.target} any more"


class Pushes:
    """Makes push jobs, and does their work."""

    def __init__(
        self,
        environments: Environments,
        registries: ConfiguredRegistries,
        jobs: Jobs,
        logins: LoginVault,
        gates: Gates,
        *,
        relays: Relays,
        trust: ServerTrust,
        ways: Ways,
    ) -> None:
        """`ways` lead to registries: for signatures of what a Docker host pushed."""
        self._environments, self._registries, self._jobs, self._logins = environments, registries, jobs, logins
        self._gates, self._relays, self._trust, self._ways = gates, relays, trust, ways

    def start(
        self,
        actor: Actor,
        environment: int | None,
        form: PushForm,
        key: RequestKey | None,
        cancel: Cancel,
        *,
        login: GivenLogin | None = None,
    ) -> Job:
        """`login` is what the client brought along; None: the configured registry's is used.

        Raises PushIncomplete, PushContradicts, ReferenceInvalid, PlatformInvalid, ImageHasNoTag, RowUnknown,
        TransferFailed where the environment has no such image, SigningUnset, Denied, Unreachable."""
        image = form.asked
        Wanted.of(form.platform)
        opened = self._environments.open(actor, environment)
        opened.admit_push(None)
        if form.sign:
            opened.admit_sign(None)
        made = self._jobs.repeated(actor, key)
        if made is not None:
            return made
        try:
            request = _settled_request(opened, form, self._settled(opened, form, cancel), self._logins.likeness(login))
        except AgentAway:
            row = self._registries.row(form.registry) if form.registry is not None else None
            request = _unsettled_request(opened, image, form, row.name if row else None)
        with self._logins.kept(login, actor.user) as kept:
            return self._jobs.start(actor, replace(request, fields={**request.fields, **kept}), key)

    def _settled(self, environment: GuardedEnvironment, form: PushForm, cancel: Cancel) -> _Settled:
        """Raises as `start`."""
        image = _found(environment, form.asked, cancel)
        row = self._registries.row(form.registry) if form.registry is not None else None
        place = None if row is None else "/".join(filter(None, (row.host, row.path)))
        targets = targets_of(form, place, image)
        environment.admit_push(targets[0].repository)
        access = self._registries.access(row) if row else self._registries.access_for(targets[0].repository)
        signed = self._trust.signs(targets[0].repository, asked=form.sign, admit=environment.admit_sign)
        return _Settled(image, targets, access, signed)

    def left(self, job: Job) -> None:
        """Nobody waits for this push any more: the login that came for it is forgotten."""
        self._logins.drop(job.request.fields)

    def admit(self, actor: Actor, fields: JsonObject) -> None:
        """Whether the actor may have such a job done. Raises Denied, RowUnknown."""
        asked = JobFields(fields)
        environment = self._environments.open(actor, asked.whole_number("environment"))
        unsettled = asked.part(FORM)
        if unsettled is not None:
            environment.admit_push(None)
            if PushForm.of(unsettled).sign:
                environment.admit_sign(None)
            return
        for target in map(Reference.parse, asked.texts("targets")):
            environment.admit_push(target.repository)
            if asked.truth_or_none("sign"):
                environment.admit_sign(target.repository)

    def work(self, actor: Actor, fields: JsonObject, telling: Telling, cancel: Cancel) -> JsonObject:
        """What a push job does. Raises the errors of interfaces §2."""
        asked = JobFields(fields)
        environment = self._environments.open(actor, asked.whole_number("environment"))
        self._environments.expect(environment, cancel, taken_up=telling.taken_up)
        unsettled = asked.part(FORM)
        if unsettled is not None:
            form = PushForm.of(unsettled)
            asked = JobFields({**fields, **_fields(environment, form, self._settled(environment, form, cancel))})
        targets = tuple(map(Reference.parse, asked.texts("targets")))
        registry = asked.whole_number_or_none("registry")
        configured = self._access(registry, targets[0])
        access = self._logins.access(configured, asked, telling, actor.user)
        telling.line({"status": "tagging", "message": "Tagging image..."})
        telling.line({"status": "pushing", "message": "Pushing to registry..."})
        signing = self._trust.signing(
            targets,
            access,
            telling,
            cancel,
            asked=asked.truth_or_none("sign"),
            admit=environment.admit_sign,
            dry_run=asked.truth("dryRun"),
        )
        order = PushOrder(
            asked.text("image"),
            targets,
            access,
            Wanted.of(asked.text_or_none("platform")),
            "absent" if asked.truth("ifAbsent") else "any",
            asked.truth("dryRun"),
            signing,
        )
        place = Place(environment.id, targets[0].repository, configured.registry)
        try:
            given = self._gates.push(
                actor, place, targets[0].familiar, lambda: environment.find(order.image, cancel), order.wanted
            )
            pushed = self._relays.push(environment, order, self._relay(asked, configured), telling, cancel)
            arrived = self._signed(environment, order, pushed, cancel)
            raise_first(arrived)
        except LadingError as error:
            raise push_failed(error, environment.connection_type) from error
        relayed = {"relayed": True} if pushed.relayed else {}
        signed = {} if order.sign is None or order.dry_run else {"signed": True}
        return {**arrived_result(arrived, "pushed", order.dry_run), **relayed, **signed, **verdicts_json(given)}

    def _signed(
        self, environment: GuardedEnvironment, order: PushOrder, pushed: Pushed, cancel: Cancel
    ) -> Sequence[Arrived]:
        """What our own engine sent was signed before its tag moved; what a Docker host did is signed now."""
        by_host = environment.connection_type is not ConnectionType.EMBEDDED and not pushed.relayed
        if order.sign is None or order.dry_run or not by_host:
            return pushed.arrived
        return sign_pushed(self._ways.stores(order.access), pushed.arrived, order.sign, cancel)

    def _relay(self, asked: JobFields, access: Access) -> RelayChoice:
        """As this push was asked for, else as the registry's row says; one without a row is the host's alone to reach.
        Raises RowUnknown."""
        match asked.truth_or_none("relay"):
            case True:
                return RelayChoice.ALWAYS
            case False:
                return RelayChoice.NEVER
            case None:
                return RelayChoice.NEVER if access.registry is None else self._registries.row(access.registry).relay

    def _access(self, registry: int | None, target: Reference) -> Access:
        """The registry may have been changed since the job was made: then its login is for another place. Raises
        RowUnknown, RegistryMoved."""
        if registry is None:
            return self._registries.access_for(target.repository)
        row = self._registries.row(registry)
        if not serves(row, target.repository):
            raise RegistryMoved(row.name, target.familiar)
        return self._registries.access(row)


@dataclass(frozen=True, slots=True)
class _Settled:
    """What a form comes to: the image, where it goes, how its registry is reached, and whether it is signed."""

    image: Summary
    targets: tuple[Reference, ...]
    access: Access
    signed: bool


def _fields(environment: GuardedEnvironment, form: PushForm, settled: _Settled) -> JsonObject:
    return {
        "environment": environment.id,
        "image": settled.image.id,
        "asked": form.image,
        "name": form.name,
        "registry": settled.access.registry,
        "registryName": settled.access.name,
        "targets": [str(target) for target in settled.targets],
        "platform": form.platform,
        "ifAbsent": form.if_absent,
        "dryRun": form.dry_run,
        "relay": form.relay,
        "sign": settled.signed,
    }


def _settled_request(
    environment: GuardedEnvironment, form: PushForm, settled: _Settled, likeness: str | None
) -> JobRequest:
    """`likeness` is of the login that came along."""
    fields = _fields(environment, form, settled)
    shared = {name: value for name, value in fields.items() if name not in {"asked", "name"}}
    target = settled.targets[0].familiar
    details = {"targetTag": target, "registry": settled.access.name}
    deed = Deed(PUSH, "image", form.image or "", form.name or target, environment.id, details)
    sharing = json.dumps([PUSH, shared, likeness], sort_keys=True)
    return JobRequest(PUSH, fields, environment.id, sharing, deed)


def _unsettled_request(environment: GuardedEnvironment, image: str, form: PushForm, registry: str | None) -> JobRequest:
    """`registry` is the configured one's name. What is not known of the push is not told of it either."""
    fields: JsonObject = {"environment": environment.id, "image": image, FORM: form.json}
    details = {"targetTag": form.target, "registry": registry}
    told = {name: value for name, value in details.items() if value is not None}
    deed = Deed(PUSH, "image", image, form.name or form.target or image, environment.id, told)
    return JobRequest(PUSH, fields, environment.id, deed=deed)


def _found(environment: GuardedEnvironment, image: str, cancel: Cancel) -> Summary:
    try:
        return environment.find(image, cancel)
    except ImageUnknown as error:
        raise TransferFailed(IMAGE_UNKNOWN, error) from error


def raise_first(arrived: Sequence[Arrived]) -> None:
    """Raises the first error; its hint names what arrived in spite of it."""
    failed = next((each for each in arrived if each.error is not None), None)
    if failed is None or failed.error is None:
        return
    done = [each.reference.familiar for each in arrived if each.error is None and each.reference is not None]
    if done:
        raise failed.error.but(hint=" ".join(filter(None, (failed.error.hint, f"These arrived: {', '.join(done)}."))))
    raise failed.error


def arrived_result(arrived: Sequence[Arrived], verb: str, dry_run: bool) -> JsonObject:
    """The result of a job whose images all arrived; `verb` is what was done to them."""
    names = [each.reference.familiar for each in arrived if each.reference is not None]
    first = arrived[0]
    said = f"Image would be {verb} to" if dry_run else f"Image {verb} to"
    result: dict[str, object] = {
        "message": f"{said} {names[0]}",
        "targetTag": names[0],
        "digest": str(first.digest) if first.digest else None,
        "size": first.size,
        "targets": names,
    }
    if first.note:
        result["note"] = first.note
    if first.totals is not None:
        result["totals"] = totals_json(first.totals)
    if dry_run:
        result["dryRun"] = True
    return result
