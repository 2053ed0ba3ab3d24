"""One host of a distribution: it fetches the image from our registry, and gives it the name that is wanted there.

started on the trail ─> lent a login ─> pulled, judged as any pull is ─> named ─> the name it came under removed
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from lading.errors import Cancelled, LadingError, NotFound, TimedOut
from lading.oci.digest import Digest
from lading.oci.platform import Platform, PlatformInvalid, satisfies
from lading.oci.reference import Reference
from lading.services.access import Actor
from lading.services.audit.audit import Deed, Result, Trail
from lading.services.distribution.forms import Order
from lading.services.distribution.progress import HostTelling
from lading.services.distribution.source import OwnRegistry, Ready
from lading.services.environments.environment import Environment
from lading.services.environments.environments import Environments
from lading.services.environments.guarded_environment import GuardedEnvironment
from lading.services.environments.orders import Arrived, PullOrder
from lading.services.jobs.job import Telling
from lading.services.platforms import PlatformMissing, Wanted
from lading.services.scans.pull_gates import PullCall, PullGates
from lading.services.transfers.distribution_results import HostResult, host_failed
from lading.wire.message import Cancel

log = logging.getLogger("lading.distributions")

Patience = Callable[[], AbstractContextManager[Cancel]]
"""A Cancel for what is cleared away, also after the work was stopped: over after some seconds."""

_ALSO_RUNS = {"amd64": "386", "arm64": "arm"}
"""Processors that run another kind's programs too, as container engines take it."""


class OtherImageArrived(LadingError):
    """What a host calls by the name of this job is not what the registry has under it."""

    code = "unproven"
    hint = "Something between that host and the registry answers in its place, as a mirror may."

    def __init__(self, name: str, expected: Digest, found: Digest) -> None:
        super().__init__(name, expected, found)
        self.name, self.expected, self.found = name, expected, found

    def __str__(self) -> str:
        return f"{self.name} is {self.expected} in the registry, and {self.found} at the host"


class OurMistake(LadingError):
    """An error that nobody foresaw; the log tells which."""

    hint = "The server's log says more."

    def __str__(self) -> str:
        return "Lading made a mistake"


@dataclass(frozen=True, slots=True)
class Errand:
    """What all hosts of one job are to do, for whom."""

    actor: Actor
    order: Order
    ready: Ready
    telling: Telling
    cancel: Cancel

    @property
    def stopped(self) -> bool:
        """Whether somebody asked the whole work to stop, or its time is over."""
        try:
            self.cancel.check()
        except (Cancelled, TimedOut):
            return True
        return False

    @property
    def name(self) -> Reference:
        """What hosts call the image in the end."""
        return self.order.name or self.ready.reference

    @property
    def wanted(self) -> Wanted | None:
        """A platform that was asked for by name; None: each host's own."""
        wanted = Wanted.of(self.order.platform)
        return wanted if wanted is not None and len(wanted.platforms) == 1 else None


class Hosts:
    """For any number of threads."""

    def __init__(
        self, environments: Environments, registry: OwnRegistry, gates: PullGates, trail: Trail, patience: Patience
    ) -> None:
        self._environments, self._registry, self._gates = environments, registry, gates
        self._trail, self._patience = trail, patience

    def deliver(self, errand: Errand, number: int) -> HostResult:
        """To one environment, by its id. Raises Cancelled and TimedOut where the whole work is stopped, and no other
        error: each host is told of by itself."""
        result = HostResult(number, str(number), errand.ready.root.digest)
        telling = HostTelling(result.name, errand.telling)
        try:
            environment = self._environments.open(errand.actor, number)
            result = replace(result, name=environment.name)
            telling = HostTelling(environment.name, errand.telling)
            result = self._recorded(errand, environment, telling, result)
        except LadingError as error:
            errand.cancel.check()
            result = replace(result, error=error)
        except Exception:
            log.exception("the distribution of %s to environment %d", errand.order.asked, number)
            result = replace(result, error=OurMistake())
        telling.end(result, errand.name.familiar)
        return result

    def _recorded(
        self, errand: Errand, environment: GuardedEnvironment, telling: HostTelling, result: HostResult
    ) -> HostResult:
        """A pull on the trail, before and after."""
        environment.admit_pull(errand.name.repository)
        name, digest = errand.name.familiar, str(result.digest)
        deed = Deed("pull", "image", name, name, environment.id, {"digest": digest, "distributed": errand.order.asked})
        self._trail.record(errand.actor, deed, Result.STARTED)
        try:
            result = self._pulled(errand, environment, telling, result)
        except LadingError as error:
            stopped = errand.stopped
            ended = deed if stopped else replace(deed, details={**deed.details, "error": error.code})
            self._trail.record(errand.actor, ended, Result.CANCELLED if stopped else Result.FAILED)
            raise host_failed(error, environment.connection_type, self._registry.host) from error
        except BaseException:
            self._trail.record(errand.actor, deed, Result.FAILED)
            raise
        self._trail.record(errand.actor, deed, Result.DONE)
        return result

    def _pulled(
        self, errand: Errand, environment: GuardedEnvironment, telling: HostTelling, result: HostResult
    ) -> HostResult:
        telling.say("Looking at the host")
        self._environments.expect(environment, errand.cancel, taken_up=telling.taken_up)
        host = self._environments.unguarded(environment.id)
        self._check_platform(errand, host)
        before = _called(host, errand)
        gate = self._gates.begin(_call(errand, environment, telling))
        try:
            with self._registry.lent(errand.order.path) as credential:
                access = self._registry.access(credential)
                order = PullOrder(errand.ready.reference, access, errand.wanted, gate.admit)
                telling.say("Pulling")
                arrived = host.pull(order, gate.report, errand.cancel)
            self._check(errand, arrived)
            if errand.order.name is not None:
                host.tag(arrived.id, errand.order.name, errand.cancel)
        finally:
            self._unname(errand, host, telling)
        return replace(result, current=before == arrived.id, learned=gate.result(arrived))

    def _check_platform(self, errand: Errand, host: Environment) -> None:
        """A single image goes to whatever asks for it: so that nobody finds out when it is run. Raises PlatformMissing;
        who named the platform has decided."""
        built_for = errand.ready.platforms
        if not built_for or errand.order.platform is not None:
            return
        try:
            native = Platform.parse(host.engine(errand.cancel).platform)
        except PlatformInvalid:
            return
        if not any(_runs(native, each) for each in built_for):
            raise PlatformMissing(native, errand.order.shown, built_for)

    def _check(self, errand: Errand, arrived: Arrived) -> None:
        """Raises the pull's own error, OtherImageArrived."""
        if arrived.error is not None:
            raise arrived.error
        expected = errand.ready.root.digest
        if arrived.digest not in {None, expected}:
            assert arrived.digest is not None
            raise OtherImageArrived(str(errand.ready.reference), expected, arrived.digest)

    def _unname(self, errand: Errand, host: Environment, telling: HostTelling) -> None:
        """Never raises: the image is there, or has an error of its own to tell. What came by a passing tag may also be
        known by that repository and its digest."""
        if not errand.ready.passing:
            return
        repository = errand.ready.reference.repository
        names = (errand.ready.reference, Reference(repository, digest=errand.ready.root.digest))
        for name in names:
            try:
                with self._patience() as cancel:
                    host.remove(str(name), False, cancel)
            except NotFound:
                continue
            except LadingError as error:
                telling.say(f"{name} could not be removed again: {error.afar}")
                return


def _call(errand: Errand, environment: GuardedEnvironment, telling: HostTelling) -> PullCall:
    return PullCall(
        errand.actor,
        environment,
        errand.name,
        None,
        errand.wanted,
        scan=errand.order.scan,
        telling=telling,
        cancel=errand.cancel,
    )


def _called(host: Environment, errand: Errand) -> str | None:
    """The id of what the host calls so now."""
    try:
        return host.image(str(errand.name), errand.cancel).summary.id
    except NotFound:
        return None


def _runs(host: Platform, built_for: Platform) -> bool:
    """Whether the host runs what was built for this platform."""
    also = _ALSO_RUNS.get(host.architecture)
    lesser = () if also is None else (Platform(host.os, also),)
    return satisfies(built_for, host) or any(
        (built_for.os, built_for.architecture) == (each.os, each.architecture) for each in lesser
    )
