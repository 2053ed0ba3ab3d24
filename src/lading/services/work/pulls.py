"""The pull endpoint's meaning (interfaces §2, Pull): what is asked, and the job that brings it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from lading.errors import InputInvalid, LadingError
from lading.oci.reference import Reference
from lading.services.access import Actor
from lading.services.audit.audit import Deed
from lading.services.environments.door_logins import LoginVault
from lading.services.environments.environments import Environments
from lading.services.environments.orders import Arrived, PullOrder
from lading.services.jobs.fields import JobFields
from lading.services.jobs.idempotency import RequestKey
from lading.services.jobs.job import Job, JobRequest, JsonObject, Telling
from lading.services.platforms import Wanted
from lading.services.registries.configured_registries import ConfiguredRegistries
from lading.services.running.jobs import Jobs
from lading.services.scans.pull_gates import PullCall, PullGates
from lading.services.transfers.failures import pull_failed
from lading.services.trust.server_trust import ServerTrust
from lading.wire.docker_auth import GivenLogin
from lading.wire.event_json import totals_json
from lading.wire.message import Cancel

PULL = "pull"


class PullIncomplete(InputInvalid):
    """Without a name there is no pull."""

    def __str__(self) -> str:
        return "Image name is required"


@dataclass(frozen=True, slots=True)
class PullForm:
    """What the caller wrote (interfaces §2, Pull, body). `verify`: as if the server's switch for content trust were on;
    who does not say so gets what the server's settings ask for."""

    image: str | None = None
    scan_after: bool = True
    platform: str | None = None
    verify: bool = False


class Pulls:
    """Makes pull jobs, and does their work."""

    def __init__(
        self,
        environments: Environments,
        registries: ConfiguredRegistries,
        jobs: Jobs,
        logins: LoginVault,
        gates: PullGates,
        *,
        trust: ServerTrust,
    ) -> None:
        self._environments, self._registries, self._jobs, self._logins = environments, registries, jobs, logins
        self._gates, self._trust = gates, trust

    def start(
        self,
        actor: Actor,
        environment: int | None,
        form: PullForm,
        key: RequestKey | None,
        *,
        login: GivenLogin | None = None,
    ) -> Job:
        """`login` is what the client brought along; None: the configured registry's is used.

        Raises PullIncomplete, ReferenceInvalid, PlatformInvalid, RowUnknown, Denied.
        """
        if not form.image:
            raise PullIncomplete
        reference = Reference.parse(form.image).or_latest
        Wanted.of(form.platform)
        opened = self._environments.open(actor, environment)
        opened.admit_pull(reference.repository)
        row = self._registries.serving(reference.repository)
        fields: JsonObject = {
            "environment": opened.id,
            "image": str(reference),
            "platform": form.platform,
            "scanAfterPull": form.scan_after,
            "verify": form.verify or self._trust.asks(reference),
            "registry": row.id if row else None,
        }
        deed = Deed(PULL, "image", form.image, form.image, opened.id)
        sharing = json.dumps([PULL, fields, self._logins.likeness(login)], sort_keys=True)
        with self._logins.kept(login, actor.user) as kept:
            return self._jobs.start(actor, JobRequest(PULL, {**fields, **kept}, opened.id, sharing, deed), key)

    def left(self, job: Job) -> None:
        """Nobody waits for this pull any more: the login that came for it is forgotten."""
        self._logins.drop(job.request.fields)

    def admit(self, actor: Actor, fields: JsonObject) -> None:
        """Whether the actor may have such a job done. Raises Denied, RowUnknown."""
        asked = JobFields(fields)
        environment = self._environments.open(actor, asked.whole_number("environment"))
        environment.admit_pull(Reference.parse(asked.text("image")).repository)

    def work(self, actor: Actor, fields: JsonObject, telling: Telling, cancel: Cancel) -> JsonObject:
        """What a pull job does. Raises the errors of interfaces §2."""
        asked = JobFields(fields)
        environment = self._environments.open(actor, asked.whole_number("environment"))
        self._environments.expect(environment, cancel, taken_up=telling.taken_up)
        reference = Reference.parse(asked.text("image"))
        wanted = Wanted.of(asked.text_or_none("platform"))
        try:
            configured = self._registries.access_for(reference.repository)
            access, registry = self._logins.access(configured, asked, telling, actor.user), configured.registry
            verified = self._trust.verified(
                reference, access, environment.id, telling, cancel, switched=asked.truth("verify")
            )
            scan = asked.truth("scanAfterPull")
            call = PullCall(actor, environment, reference, registry, wanted, scan=scan, telling=telling, cancel=cancel)
            gate = self._gates.begin(call)
            order = PullOrder(reference, access, wanted, gate.admit, verified.digest)
            arrived = environment.pull(order, gate.report, cancel)
            if arrived.error is not None:
                raise arrived.error
            learned = gate.result(arrived)
        except LadingError as error:
            raise pull_failed(error, environment.connection_type) from error
        return {**_result(reference, arrived), **learned, **verified.json}


def _result(reference: Reference, arrived: Arrived) -> JsonObject:
    result: dict[str, object] = {
        "message": f"Image {reference.familiar} pulled",
        "image": reference.familiar,
        "imageId": arrived.id,
        "digest": str(arrived.digest) if arrived.digest else None,
    }
    if arrived.note:
        result["note"] = arrived.note
    if arrived.current:
        result["current"] = True
    if arrived.totals is not None:
        result["totals"] = totals_json(arrived.totals)
    return result
