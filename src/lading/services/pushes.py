"""The push endpoint's meaning (interfaces §2, Push): what is asked, where it goes, and the job that does it.

Everything that can be known before bytes move is settled when the job is made: the environment, the image and its
names, the registry and its login, the targets, and whether this actor may.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from lading.errors import InputInvalid, LadingError, Refused
from lading.oci.reference import Reference, check_tag, retarget
from lading.services.access import Actor
from lading.services.audit import Deed
from lading.services.configured_registries import ConfiguredRegistries, serves
from lading.services.door_logins import LoginVault
from lading.services.environment_images import Summary
from lading.services.environment_orders import Access, Arrived, PushOrder
from lading.services.environments import Environments
from lading.services.gate_policies import Place
from lading.services.gates import Gates, verdicts_json
from lading.services.guarded_environment import GuardedEnvironment
from lading.services.idempotency import RequestKey
from lading.services.job import Job, JobRequest, JsonObject, Telling
from lading.services.job_fields import JobFields
from lading.services.jobs import Jobs
from lading.services.lookup import ImageUnknown
from lading.services.platforms import Wanted
from lading.services.transfer_failures import IMAGE_UNKNOWN, TransferFailed, push_failed
from lading.wire.docker_auth import GivenLogin
from lading.wire.event_json import totals_json
from lading.wire.message import Cancel

PUSH = "push"


class PushIncomplete(InputInvalid):
    """Without an image or a place to go to there is no push."""

    def __str__(self) -> str:
        return "Image ID and registry ID are required"


class PushContradicts(InputInvalid):
    """Two fields that both say where a push goes."""

    hint = "Give registryId and newTag, or target."

    def __str__(self) -> str:
        return "registryId and target both say where the image goes"


class DigestChosen(InputInvalid):
    """A target with a digest, which nobody can choose."""

    hint = "Leave out the part from @ on; the digest follows from the content, and the answer tells it."

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target

    def __str__(self) -> str:
        return f"the target {self.target} names a digest"


class RegistryMoved(Refused):
    """The configured registry leads elsewhere than it did when the job was made."""

    hint = "Push again: the target is made anew from the registry as it is now."

    def __init__(self, registry: str, target: str) -> None:
        super().__init__(registry, target)
        self.registry, self.target = registry, target

    def __str__(self) -> str:
        return f"The registry {self.registry} was changed, and does not serve {self.target} any more"


@dataclass(frozen=True, slots=True)
class PushForm:
    """What the caller wrote (interfaces §2, Push, body)."""

    image: str | None = None
    registry: int | None = None
    name: str | None = None
    new_tag: str | None = None
    target: str | None = None
    platform: str | None = None
    tags: tuple[str, ...] = ()
    if_absent: bool = False
    dry_run: bool = False


class Pushes:
    """Makes push jobs, and does their work."""

    def __init__(
        self,
        environments: Environments,
        registries: ConfiguredRegistries,
        jobs: Jobs,
        logins: LoginVault,
        gates: Gates,
    ) -> None:
        self._environments, self._registries, self._jobs, self._logins = environments, registries, jobs, logins
        self._gates = gates

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
        TransferFailed where the environment has no such image, Denied, Unreachable."""
        if not form.image or (form.registry is None and not form.target):
            raise PushIncomplete
        if form.registry is not None and form.target:
            raise PushContradicts
        Wanted.of(form.platform)
        opened = self._environments.open(actor, environment)
        opened.admit_push(None)
        made = self._jobs.repeated(actor, key)
        if made is not None:
            return made
        image = _found(opened, form.image, cancel)
        row = self._registries.row(form.registry) if form.registry is not None else None
        place = None if row is None else "/".join(filter(None, (row.host, row.path)))
        targets = _targets(form, place, image)
        opened.admit_push(targets[0].repository)
        access = self._registries.access(row) if row else self._registries.access_for(targets[0].repository)
        likeness = self._logins.likeness(login)
        with self._logins.kept(login, actor.user) as kept:
            return self._jobs.start(
                actor, _request(opened, form, image, targets, access, likeness=likeness, kept=kept), key
            )

    def left(self, job: Job) -> None:
        """Nobody waits for this push any more: the login that came for it is forgotten."""
        self._logins.drop(job.request.fields)

    def admit(self, actor: Actor, fields: JsonObject) -> None:
        """Whether the actor may have such a job done. Raises Denied, RowUnknown."""
        asked = JobFields(fields)
        environment = self._environments.open(actor, asked.whole_number("environment"))
        for target in map(Reference.parse, asked.texts("targets")):
            environment.admit_push(target.repository)

    def work(self, actor: Actor, fields: JsonObject, telling: Telling, cancel: Cancel) -> JsonObject:
        """What a push job does. Raises the errors of interfaces §2."""
        asked = JobFields(fields)
        environment = self._environments.open(actor, asked.whole_number("environment"))
        targets = tuple(map(Reference.parse, asked.texts("targets")))
        registry = asked.whole_number_or_none("registry")
        configured = self._access(registry, targets[0])
        access = self._logins.access(configured, asked, telling, actor.user)
        telling.line({"status": "tagging", "message": "Tagging image..."})
        telling.line({"status": "pushing", "message": "Pushing to registry..."})
        order = PushOrder(
            asked.text("image"),
            targets,
            access,
            Wanted.of(asked.text_or_none("platform")),
            "absent" if asked.truth("ifAbsent") else "any",
            asked.truth("dryRun"),
        )
        place = Place(environment.id, targets[0].repository, configured.registry)
        try:
            given = self._gates.push(
                actor, place, targets[0].familiar, lambda: environment.find(order.image, cancel), order.wanted
            )
            arrived = environment.push(order, telling.event, cancel)
            raise_first(arrived)
        except LadingError as error:
            raise push_failed(error, environment.connection_type) from error
        return {**arrived_result(arrived, "pushed", order.dry_run), **verdicts_json(given)}

    def _access(self, registry: int | None, target: Reference) -> Access:
        """The registry may have been changed since the job was made: then its login is for another place. Raises
        RowUnknown, RegistryMoved."""
        if registry is None:
            return self._registries.access_for(target.repository)
        row = self._registries.row(registry)
        if not serves(row, target.repository):
            raise RegistryMoved(row.name, target.familiar)
        return self._registries.access(row)


def _request(
    environment: GuardedEnvironment,
    form: PushForm,
    image: Summary,
    targets: Sequence[Reference],
    access: Access,
    *,
    likeness: str | None,
    kept: JsonObject,
) -> JobRequest:
    """`likeness` and `kept` are of the login that came along."""
    fields: JsonObject = {
        "environment": environment.id,
        "image": image.id,
        "asked": form.image,
        "name": form.name,
        "registry": access.registry,
        "registryName": access.name,
        "targets": [str(target) for target in targets],
        "platform": form.platform,
        "ifAbsent": form.if_absent,
        "dryRun": form.dry_run,
    }
    shared = {name: value for name, value in fields.items() if name not in {"asked", "name"}}
    target = targets[0].familiar
    details = {"targetTag": target, "registry": access.name}
    deed = Deed(PUSH, "image", form.image or "", form.name or target, environment.id, details)
    sharing = json.dumps([PUSH, shared, likeness], sort_keys=True)
    return JobRequest(PUSH, {**fields, **kept}, environment.id, sharing, deed)


def _found(environment: GuardedEnvironment, image: str, cancel: Cancel) -> Summary:
    try:
        return environment.find(image, cancel)
    except ImageUnknown as error:
        raise TransferFailed(IMAGE_UNKNOWN, error) from error


def _targets(form: PushForm, place: str | None, image: Summary) -> tuple[Reference, ...]:
    """Where each tag goes, the one that people read first; `place` is host[/path] of the configured registry."""
    if place is None:
        first, tagged = Reference.parse(form.target or "").or_latest, ":" in (form.target or "").rpartition("/")[2]
    else:
        first = retarget(_source(form, image), place, form.new_tag)
        tagged = not form.new_tag or ":" in form.new_tag.rpartition("/")[2]
    if first.digest is not None:
        raise DigestChosen(str(first))
    if not form.tags:
        return (first,)
    for tag in form.tags:
        check_tag(tag, tag)
    names = dict.fromkeys([*([first.tag] if tagged else []), *form.tags])
    return tuple(Reference(first.repository, name) for name in names)


def _source(form: PushForm, image: Summary) -> Reference | None:
    """The tag that the target is made from: the one asked for if the image has it, else its first."""
    names = [reference for reference in map(Reference.parse, image.names) if reference.tag is not None]
    if form.name:
        asked = Reference.parse(form.name).or_latest
        if asked in names:
            return asked
    return next(iter(names), None)


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
