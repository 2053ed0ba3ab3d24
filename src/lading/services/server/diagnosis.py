"""What `lading doctor` looks at: this machine, our data folder, and registries, each a line that says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from lading.errors import AccessDenied, Cancelled, InputInvalid, LadingError, RateLimited, TimedOut, TlsRefused
from lading.oci.digest import Digest
from lading.oci.reference import Reference, Repository, canonical_registry, is_registry
from lading.services.content.check import Checked
from lading.services.registries.registries import Registries
from lading.services.server.serving import SERVER
from lading.wire.message import Cancel, ConnectFailed, PlainHttpAnswered

LOW_SPACE = 2 * 1000**3
"""Bytes free below which a pull of an ordinary image may fail."""

EARLIEST = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
"""A clock before this program was written is wrong, and every TLS certificate with it."""

OLD_SECONDS = 30 * 24 * 60 * 60.0
"""Advisories older than that know nothing of a month's vulnerabilities."""

F = TypeVar("F", bound="Finding | None")

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, whether it is well, what was seen, and one command where it is not."""

    name: str
    well: bool
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Helper:
    """A credential helper that a configuration file names; `missing` where no such program is found."""

    program: str
    named_by: str
    missing: bool


class Machine(Protocol):
    """What can be seen of the machine without changing anything."""

    def now(self) -> float:
        """Seconds since 1970."""

    def free(self, folder: str) -> int:
        """Bytes free where `folder` is or will be. Raises StorageFailed where it cannot be written."""

    def port_free(self, port: int) -> bool:
        """Whether nobody listens on this port of the loopback address."""

    def server_name(self, port: int) -> str:
        """What a web server on this port of the loopback address calls itself; empty where it does not say."""

    def authorities(self) -> tuple[str, int]:
        """Where trusted certificates come from, and how many there are. Raises StorageFailed, TlsRefused."""

    def docker_sockets(self) -> Sequence[tuple[str, bool]]:
        """Sockets of Docker's interface that are there, and whether we may use each."""

    def helpers(self) -> Sequence[Helper]:
        """Those that docker's configuration names. Raises LadingError where it cannot be read."""


class LocalContent(Protocol):
    """Our own content, as far as it can be unsound."""

    def damaged(self) -> Sequence[Digest]:
        """What was found to be something else than its name says, and has not come again. Changes nothing."""

    def check(self, cancel: Cancel) -> Checked:
        """Reads all of it again, and sets aside what is damaged. Raises StorageFailed, Cancelled."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What this call works with: the data folder, the environment, and the ports that the registry would try, which
    are read when they are looked at. `ports` raises StorageFailed. `advisories` says of what time the data of each
    ecosystem is, in seconds since 1970, None where nobody knows; it raises StorageFailed too. `running` is the port of
    the registry that is served over the folder now, None where none is; raises StorageFailed."""

    folder: str
    ports: Callable[[], Sequence[int]]
    environment: Mapping[str, str]
    advisories: Callable[[], Mapping[str, float | None]]
    running: Callable[[], int | None]


class Diagnosis:
    """Looks, and changes nothing, but for damaged content that it is asked to look for; `images` counts those of our
    own store."""

    def __init__(
        self,
        machine: Machine,
        registries: Registries,
        surroundings: Surroundings,
        images: Callable[[], int],
        content: LocalContent,
        *,
        service: Callable[[], Iterable[Finding]],
    ) -> None:
        """`service` looks at what `lading serve` stands on."""
        self._machine, self._registries, self._images, self._content = machine, registries, images, content
        self._service = service
        self._folder, self._ports = surroundings.folder, surroundings.ports
        self._environment, self._advisories = surroundings.environment, surroundings.advisories
        self._running = surroundings.running

    def findings(self, registries: Sequence[str], reading: Cancel | None = None) -> Iterator[Finding]:
        """Each as soon as it is found; `registries` are hosts or repositories to knock at. With `reading` all content
        is read again, until that is pulled."""
        yield looked("data", self._data)
        yield looked("disk", self._disk)
        yield looked("content", lambda: self._sound(reading))
        yield looked("clock", self._clock)
        yield looked("port", self._port)
        yield looked("proxy", self._proxies)
        yield looked("trust", self._trust)
        yield looked("docker", self._docker)
        yield looked("helpers", self._helpers)
        yield looked("scans", self._scans)
        yield from self._service()
        for place in registries:
            yield self._registry(place)

    def _data(self) -> Finding:
        return Finding("data", True, f"{self._folder}, {self._images()} images")

    def _disk(self) -> Finding:
        free = self._machine.free(self._folder)
        text = f"{free / 1000**3:.1f} GB free for {self._folder}"
        return Finding("disk", free >= LOW_SPACE, text, "lading gc")

    def _sound(self, reading: Cancel | None) -> Finding:
        checked = None if reading is None else self._content.check(reading)
        text = "" if checked is None else f"{checked.pieces} pieces read again, {checked.size / 1000**3:.1f} GB; "
        damaged = self._content.damaged()
        if damaged:
            text += f"{len(damaged)} damaged and set aside, such as {damaged[0]}"
            return Finding("content", False, text, "lading push or pull again the images that need it")
        if checked is not None and checked.missing:
            text += f"{len(checked.missing)} missing, such as {checked.missing[0]}"
            return Finding("content", False, text, "lading push or pull again the images that need it")
        return Finding(
            "content", True, f"{text}nothing is known to be damaged" if checked is None else f"{text}all well"
        )

    def _clock(self) -> Finding:
        now = self._machine.now()
        text = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return Finding("clock", now >= EARLIEST, text, "sudo timedatectl set-ntp true")

    def _port(self) -> Finding:
        """That of the server that runs here, else the first that `serve` would try; one that was chosen belongs to the
        names of images, so no other will do."""
        if (running := self._running()) is not None:
            return Finding("port", True, f"{running} is the registry's: lading serve runs over this data folder")
        port, *others = self._ports()
        if self._machine.port_free(port):
            return Finding("port", True, f"{port} is free for lading serve" if port else "any free one, as was asked")
        if self._machine.server_name(port) == SERVER:
            return Finding("port", True, f"{port} is served by Lading: lading serve runs")
        text = f"{port} is in use by another program"
        if others:
            return Finding("port", True, f"{text}; serve takes the next one")
        return Finding("port", False, text, f"ss -ltnp 'sport = :{port}'")

    def _proxies(self) -> Finding:
        found = {name: self._environment.get(name) or self._environment.get(name.lower()) for name in PROXY_VARIABLES}
        told = [f"{name}={_without_login(value)}" for name, value in found.items() if value]
        return Finding("proxy", True, ", ".join(told) or "none set")

    def _trust(self) -> Finding:
        source, count = self._machine.authorities()
        return Finding("trust", count > 0, f"{count} authorities from {source}", "sudo apt-get install ca-certificates")

    def _docker(self) -> Finding:
        sockets = self._machine.docker_sockets()
        if not sockets:
            return Finding("docker", True, "no Docker host here, and none is needed")
        path, usable = sockets[0]
        text = (
            f"{path} is there: docker:NAME means its images"
            if usable
            else f"{path} is there, and this user may not use it"
        )
        return Finding("docker", usable, text, 'sudo usermod -aG docker "$USER"')

    def _helpers(self) -> Finding:
        helpers = self._machine.helpers()
        missing = [helper for helper in helpers if helper.missing]
        if not missing:
            named = ", ".join(helper.program for helper in helpers)
            return Finding("helpers", True, f"{named}, all found" if named else "none are configured")
        first = missing[0]
        return Finding(
            "helpers",
            False,
            f"{first.named_by} names {first.program}, which is not there",
            f"sudo $EDITOR {first.named_by}",
        )

    def _scans(self) -> Finding:
        """Without any advisories nothing is wrong: who does not scan needs none."""
        data = self._advisories()
        if not data:
            return Finding("scans", True, "no advisories are here; lading advisories update brings them")
        known = {ecosystem: built for ecosystem, built in data.items() if built is not None}
        oldest = min(known, key=lambda ecosystem: known[ecosystem], default=None)
        text = f"advisories of {len(data)} ecosystems"
        if oldest is None:
            return Finding("scans", True, f"{text}, of unknown age")
        day = datetime.fromtimestamp(known[oldest], UTC).strftime("%Y-%m-%d")
        fresh = self._machine.now() - known[oldest] <= OLD_SECONDS
        command = f"lading advisories update {oldest.partition(':')[0]}"
        return Finding("scans", fresh, f"{text}, the oldest of {day} ({oldest})", command)

    def _registry(self, place: str) -> Finding:
        try:
            found = self._registries.knock(_repository(place))
        except (Cancelled, TimedOut):
            raise
        except LadingError as error:
            return Finding(place, False, str(error), _command(error, place))
        return Finding(place, True, f"answers; {found}")


def _repository(place: str) -> Repository:
    """A host alone stands for everything in it. Raises ReferenceInvalid."""
    if is_registry(place) and "/" not in place:
        return Repository(canonical_registry(place), "")
    return Reference.parse(place).repository


def looked(name: str, look: Callable[[], F]) -> F | Finding:
    """What came of looking, also where that failed."""
    try:
        return look()
    except LadingError as error:
        return Finding(name, False, str(error), error.command or error.hint or "lading config show --origin")


def _command(error: LadingError, place: str) -> str:
    host = place.partition("/")[0]
    if isinstance(error, AccessDenied):
        return f"lading login {host}"
    if isinstance(error, RateLimited):
        return f"lading login {host}   (or wait: many registries allow more to those they know)"
    if isinstance(error, PlainHttpAnswered):
        return f"lading doctor --insecure {place}"
    if isinstance(error, ConnectFailed):
        return error.hint or f"curl -v https://{host}/v2/"
    if isinstance(error, TlsRefused | InputInvalid) and error.hint:
        return error.command or error.hint
    return f"lading -v ls {place} --debug"


def _without_login(url: str) -> str:
    """A proxy's URL as it may be shown: its user and password left out."""
    scheme, separator, rest = url.rpartition("://")
    return scheme + separator + rest.rpartition("@")[2]
