"""What this door opens onto: the services, put together by main."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from lading.fronts.http.exchange import IncomingRequest
from lading.fronts.http.ours import OurNames
from lading.oci.platform import Platform
from lading.services.access import Actor
from lading.services.environments.environments import Environments
from lading.services.environments.guarded_environment import GuardedEnvironment
from lading.services.environments.image_events import ImageEvents
from lading.services.registries.configured_registries import ConfiguredRegistries
from lading.services.registries.errands import RegistryErrands
from lading.services.running.jobs import Jobs
from lading.services.work.pulls import Pulls
from lading.services.work.pushes import Pushes
from lading.wire.message import Cancel


class Doorkeeper(Protocol):
    """Who comes in."""

    def __call__(self, request: IncomingRequest, /) -> Actor:
        """Raises NotLoggedIn, Denied, TooManyAttempts, PasswordsBusy, StorageFailed."""


class News(Protocol):
    """Where threads say that a job has something new."""

    def subscribe(self, wake: Callable[[str], None]) -> Callable[[], None]:
        """`wake` is called from any thread, until the answer is."""


class OpenCancel(Protocol):
    """Makes Cancels that end by themselves."""

    def __call__(self, seconds: float | None = None) -> AbstractContextManager[Cancel]:
        """Over after so many seconds, or when the block is."""


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What `docker info` and `docker version` print of the engine and its machine.

    `memory` is in bytes, `id` stays the same for as long as the data folder does; `runtime` is what Lading runs in,
    `Python 3.13.1`, and stands where Docker's daemon tells its Go.
    """

    version: str
    id: str
    name: str
    native: Platform
    kernel: str
    operating_system: str
    processors: int
    memory: int
    runtime: str


@dataclass(frozen=True, slots=True)
class DockerProduct:
    """Everything that the routes call. `environment` is the one that this door leads to, None for the default one;
    `names` are those under which a browser may ask, `clock` tells seconds since 1970."""

    environments: Environments
    registries: ConfiguredRegistries
    pulls: Pulls
    pushes: Pushes
    jobs: Jobs
    news: News
    errands: RegistryErrands
    events: ImageEvents
    doorkeeper: Doorkeeper
    facts: EngineFacts
    names: OurNames
    cancellation: OpenCancel
    clock: Callable[[], float]
    environment: int | None = None

    def open(self, actor: Actor) -> GuardedEnvironment:
        """The environment behind this door, as the actor sees it. Raises NotLoggedIn, Denied, RowUnknown."""
        return self.environments.open(actor, self.environment)
