"""The Docker Engine API of `lading serve`: a listener for each address, with the environment that it leads to.

unix socket          0660; whoever comes is the user of the process at the other end
TCP on loopback      in the clear with a token, or TLS with a client certificate of our own authority
TCP anywhere else    TLS with such a certificate, and nothing else
"""

from __future__ import annotations

import logging
import os
import platform
import pwd
import socket
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from lading import __version__
from lading.backends.credentials.authority import CertificateAuthority
from lading.errors import InputInvalid
from lading.fronts.docker_api.application import DockerApi
from lading.fronts.docker_api.doorkeeper import Doorkeeper
from lading.fronts.docker_api.product import DockerProduct, EngineFacts
from lading.fronts.http.byte_server import ByteServer, stop_together
from lading.fronts.http.certificate import KnownClients
from lading.fronts.http.forwarding import Forwarding
from lading.fronts.http.limits import Limits
from lading.fronts.http.listening import NoSocketThere
from lading.fronts.http.ours import OurNames
from lading.fronts.registry_api.serving import OpenToOthers
from lading.main.docker_addresses import Door, closed_folder, doors, group_of, server_names, tcp_url
from lading.main.product import Running
from lading.main.request_ids import new_request
from lading.main.secret_keys import secret_box
from lading.oci.platform import Platform
from lading.services.environments.image_events import ImageEvents
from lading.services.identity.client_certificates import DOOR_SETTING
from lading.services.identity.local_users import LocalUsers
from lading.services.setting_records import SettingRecords
from lading.settings import Settings

log = logging.getLogger("lading.docker")

ENGINE_SETTING = "docker-api-id"
"""The id that `docker info` shows."""

PATIENCE_SECONDS = 15 * 60.0
"""How long a body may pause: what comes through a pipe, as into `docker load`, begins when somebody else is ready."""


class DoorEnvironmentUnknown(InputInvalid):
    """An address of the Docker door that leads to an environment which is not there."""

    command = "lading environment ls lists them."

    def __init__(self, shown: str, environment: int) -> None:
        super().__init__(shown, environment)
        self.shown, self.environment = shown, environment

    def __str__(self) -> str:
        return f"docker-api says {self.shown}?env={self.environment}, and there is no such environment"


@contextmanager
def docker_door(
    settings: Settings, running: Running, native: Platform, limits: Limits, stop_seconds: float
) -> Iterator[Sequence[str]]:
    """What DOCKER_HOST may say while inside, after `check_doors`. Raises ListenFailed, LocalRoleUnknown,
    LocalRoleTooStrong, DoorEnvironmentUnknown, StorageFailed."""
    listening, group = doors(settings), group_of(settings)
    for door in listening:
        _check(door, running)
    with ExitStack() as stack:
        parts = _Parts(settings, running, native)
        opened, servers = [], []
        for door in listening:
            server = ByteServer(
                [door.address],
                DockerApi(parts.product(door)),
                _patient(limits),
                stop_seconds=stop_seconds,
                certificate=parts.protection(door),
                is_proxy=parts.forwarding.trusts,
                group=group,
                watches_work=True,
            )
            try:
                stack.enter_context(server)
            except NoSocketThere as error:
                if not door.usual:
                    raise
                log.warning("%s; --docker-api unix:///PATH chooses another", error)
                continue
            servers.append(server)
            _warn_of_group(door, group)
            opened.append(door.at(server.addresses[0][1]) if server.addresses else door)
        stack.callback(stop_together, servers, stop_seconds)
        parts.tell(opened)
        yield [parts.reached(door) for door in opened]


class _Parts:
    """What the doors have in common."""

    def __init__(self, settings: Settings, running: Running, native: Platform) -> None:
        self._settings, self._running = settings, running
        self._kept: SettingRecords = running.database.settings
        self.forwarding = Forwarding.parse(settings.trusted_proxies)
        self._facts = _facts(native, self._kept)
        self._events = ImageEvents(running.database.audit, running.trail, time.time)

    def product(self, door: Door) -> DockerProduct:
        product = self._running.product
        return DockerProduct(
            environments=product.environments,
            registries=product.registries,
            pulls=product.pulls,
            pushes=product.pushes,
            jobs=product.jobs,
            news=product.news,
            errands=self._running.errands,
            events=self._events,
            doorkeeper=self._doorkeeper,
            facts=self._facts,
            names=OurNames.of_urls([self._settings.public_url] if self._settings.public_url else []),
            cancellation=product.cancellation,
            clock=time.time,
            environment=door.environment,
        )

    def protection(self, door: Door) -> KnownClients | None:
        """None for a unix socket alone: there is no way to another machine but this."""
        if isinstance(door.address, Path):
            return None
        shown = self._authority.server(server_names(door.address[0], self._settings))
        return KnownClients(shown.certificate, shown.key, self._authority.certificate, plain=door.on_loopback)

    def tell(self, opened: Sequence[Door]) -> None:
        """Where others reach us, for the bundles that are made from now on."""
        tcp = sorted((door.on_loopback, self.reached(door)) for door in opened if not isinstance(door.address, Path))
        if tcp:
            self._kept.put_setting(DOOR_SETTING, tcp[0][1])
        else:
            self._kept.remove_setting(DOOR_SETTING)

    def reached(self, door: Door) -> str:
        """What DOCKER_HOST says: of a listener at all addresses, a name that others may know."""
        if isinstance(door.address, Path):
            return door.shown
        host, port = door.address
        return tcp_url(server_names(host, self._settings)[0], port)

    @cached_property
    def _doorkeeper(self) -> Doorkeeper:
        """Where there is a door: without one nobody asks which role its visitors would get."""
        settings, database = self._settings, self._running.database
        local = LocalUsers(database.users, self._running.trail, settings.docker_api_role, _account, time.time)
        authentication = self._running.product.authentication
        return Doorkeeper(authentication, local, self.forwarding, new_request, settings.no_auth)

    @cached_property
    def _authority(self) -> CertificateAuthority:
        box = secret_box(self._settings, self._settings.data, self._kept)
        return CertificateAuthority.kept(self._kept, box, time.time)


def check_doors(settings: Settings) -> None:
    """Whether they can be as they are said, before anything is made. Raises GroupUnknown, OpenToOthers."""
    group_of(settings)
    for door in doors(settings):
        if settings.no_auth and not door.on_loopback:
            assert isinstance(door.address, tuple)
            raise OpenToOthers(door.address[0]).but(command="lading serve --no-auth --docker-api tcp://127.0.0.1:2375")


def _check(door: Door, running: Running) -> None:
    """Raises DoorEnvironmentUnknown."""
    wanted = door.environment
    if wanted is not None and running.database.environments.environment(wanted) is None:
        raise DoorEnvironmentUnknown(door.shown, wanted)


def _patient(limits: Limits) -> Limits:
    """Half of all connections for one user or address: nobody takes them all."""
    each = max(1, limits.connections // 2)
    return replace(limits, per_address=each, stall_seconds=PATIENCE_SECONDS, slowest=1)


def _warn_of_group(door: Door, group: int | None) -> None:
    if group is None or not isinstance(door.address, Path):
        return
    closed = closed_folder(door.address, group)
    if closed is not None:
        log.warning(
            "the group of docker-api-group cannot get to %s: %s is closed to it; --docker-api unix:///PATH chooses "
            "another place, like /run/lading/docker.sock",
            door.address,
            closed,
        )


def _account(uid: int) -> str | None:
    """The machine's name of a user; None for one that it does not know, as containers have them."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def _facts(native: Platform, kept: SettingRecords) -> EngineFacts:
    return EngineFacts(
        version=__version__,
        id=str(kept.add_setting(ENGINE_SETTING, str(uuid.uuid4()))),
        name=socket.gethostname(),
        native=native,
        kernel=platform.release(),
        operating_system=_operating_system(),
        processors=os.cpu_count() or 1,
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        runtime=f"Python {platform.python_version()}",
    )


def _operating_system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"
