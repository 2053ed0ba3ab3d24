"""What `lading doctor` looks at of the service over this data folder: rows, keys, certificate, address, agents, backup.

What nobody has set or used is nothing to look at, and has no line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from lading.services.registries.holds import Hold
from lading.services.server.diagnosis import Finding, looked
from lading.wire.plain_json import plain_object

DAY = 24 * 60 * 60.0

SHORT_SECONDS = 14 * DAY
"""A certificate that ends so soon should have been renewed by now."""

OLD_BACKUP_SECONDS = 7 * DAY
"""A service that is backed up at all is backed up more often."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """The one that our listeners show: its file, and when it ends, in seconds since 1970."""

    path: str
    ends: float


@dataclass(frozen=True, slots=True)
class Agents:
    """Environments whose agents come to us: how many there are, and the names of those whose agent is away."""

    count: int
    away: Sequence[str]


@dataclass(frozen=True, slots=True)
class SentOn:
    """Where clients of our registry fetch larger blobs: scheme://host[:port], and whether that is this very machine
    while they are elsewhere."""

    url: str
    unreachable: bool


class ServiceLooks(Protocol):
    """The service as it stands. Every method raises LadingError leaves, whose hint says what to do."""

    def now(self) -> float:
        """Seconds since 1970."""

    def database(self) -> str:
        """Where the rows are, and the version of their tables."""

    def storage(self) -> str | None:
        """The object store that the content is in, which answered; None where it is in the data folder."""

    def sent_on(self) -> SentOn | None:
        """The store's own address, where one that was signed here was taken; None where clients are sent nowhere.
        Raises StorageFailed where it was not, NetworkFailed leaves."""

    def key(self) -> str | None:
        """The id of the key that opens what is sealed; None where nothing was sealed yet. Raises SecretKeyWrong,
        SecretKeyMissing."""

    def certificate(self) -> Certificate | None:
        """None where none is set."""

    def public_registry(self) -> str | None:
        """The address at which our registry answers others; None where none is set. Raises NetworkFailed leaves,
        ProtocolBroken where something else answers there."""

    def agents(self) -> Agents:
        """Of the edge environments that were given a token."""

    def held(self) -> Sequence[Hold]:
        """Registries that no server and no worker asks anything now."""

    def last_backup(self) -> object:
        """What the last backup left in the settings; None where none was made, or nothing was ever served here."""


class ServiceDiagnosis:
    """Looks once at each."""

    def __init__(self, looks: ServiceLooks) -> None:
        self._looks = looks

    def findings(self) -> Iterator[Finding]:
        """Each as soon as it is found; nothing is said of rows that cannot be read, but that."""
        rows = looked("database", lambda: Finding("database", True, self._looks.database()))
        yield rows
        for name, look, of_rows in (
            ("storage", self._storage, True),
            ("redirect", self._redirect, True),
            ("key", self._key, True),
            ("certificate", self._certificate, False),
            ("address", self._address, False),
            ("agents", self._agents, True),
            ("registries", self._registries, True),
            ("backup", self._backup, True),
        ):
            found = looked(name, look) if rows.well or not of_rows else None
            if found is not None:
                yield found

    def _storage(self) -> Finding | None:
        place = self._looks.storage()
        return None if place is None else Finding("storage", True, f"{place} answers")

    def _redirect(self) -> Finding | None:
        found = self._looks.sent_on()
        if found is None:
            return None
        text = f"clients are sent on to {found.url}, which "
        if found.unreachable:
            command = "Set AWS_ENDPOINT_URL to a name that clients reach as well, or leave --storage-redirect out"
            return Finding("redirect", False, f"{text}nobody reaches but this machine", command)
        return Finding("redirect", True, f"{text}takes addresses that are signed here")

    def _key(self) -> Finding | None:
        key = self._looks.key()
        return None if key is None else Finding("key", True, f"{key} opens what is sealed here")

    def _certificate(self) -> Finding | None:
        found = self._looks.certificate()
        if found is None:
            return None
        left = found.ends - self._looks.now()
        text = f"{found.path} {'ended' if left <= 0 else 'ends'} {_day(found.ends)}"
        command = f"openssl x509 -noout -enddate -in {found.path}   (renew it, then send lading serve a SIGHUP)"
        return Finding("certificate", left > SHORT_SECONDS, text, command)

    def _address(self) -> Finding | None:
        url = self._looks.public_registry()
        return None if url is None else Finding("address", True, f"our registry answers at {url}")

    def _agents(self) -> Finding | None:
        found = self._looks.agents()
        if not found.count:
            return None
        if not found.away:
            return Finding("agents", True, f"{found.count} of {found.count} connected")
        text = f"{found.count - len(found.away)} of {found.count} connected; away: {', '.join(found.away)}"
        return Finding("agents", False, text, "lading environment agents")

    def _registries(self) -> Finding | None:
        """Nothing is wrong: it goes on by itself, then."""
        told = [f"{hold.host} at {_time(self._looks.now() + hold.seconds)}" for hold in self._looks.held()]
        text = f"left alone, as they asked for, and asked again: {', '.join(told)}"
        return Finding("registries", True, text) if told else None

    def _backup(self) -> Finding | None:
        held = self._looks.last_backup()
        if not isinstance(held, Mapping):
            return None
        told = plain_object(held)
        made, place = told.get("made"), str(told.get("place"))
        if not isinstance(made, int | float):
            return None
        text = f"the last one was made {_day(made)}: {place}{'' if told.get('content') else ', without content'}"
        fresh = self._looks.now() - made <= OLD_BACKUP_SECONDS
        return Finding("backup", fresh, text, f"lading backup {place}")


def _time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
