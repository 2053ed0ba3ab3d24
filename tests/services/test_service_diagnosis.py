"""What the doctor says of the service: a line for what is set or used, and a command where it is not well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from lading.errors import LadingError, NetworkFailed, StorageFailed
from lading.services.registries.holds import Hold
from lading.services.secrets import SecretKeyWrong
from lading.services.server.diagnosis import Finding
from lading.services.server.service_diagnosis import DAY, Agents, Certificate, SentOn, ServiceDiagnosis

NOW = 1_795_219_200.0
"""2026-11-21."""

NO_AGENTS = Agents(0, ())


@dataclass(frozen=True)
class Looks:
    """Played: nothing is set, and nothing was ever used."""

    sealed: str | LadingError | None = None
    shown: Certificate | None = None
    address: str | LadingError | None = None
    edges: Agents = NO_AGENTS
    backup: object = None
    away: bool = False
    bucket: str | LadingError | None = None
    left_alone: Sequence[Hold] = ()
    elsewhere: SentOn | LadingError | None = None

    def now(self) -> float:
        return NOW

    def database(self) -> str:
        if self.away:
            raise StorageFailed("away")
        return "SQLite, tables of version 7"

    def storage(self) -> str | None:
        return _given(self.bucket)

    def sent_on(self) -> SentOn | None:
        if isinstance(self.elsewhere, LadingError):
            raise self.elsewhere
        return self.elsewhere

    def key(self) -> str | None:
        return _given(self.sealed)

    def certificate(self) -> Certificate | None:
        return self.shown

    def public_registry(self) -> str | None:
        return _given(self.address)

    def agents(self) -> Agents:
        return self.edges

    def held(self) -> Sequence[Hold]:
        return self.left_alone

    def last_backup(self) -> object:
        return self.backup


def _given(played: str | LadingError | None) -> str | None:
    if isinstance(played, LadingError):
        raise played
    return played


def found(looks: Looks) -> dict[str, Finding]:
    return {finding.name: finding for finding in ServiceDiagnosis(looks).findings()}


def test_what_nobody_uses_has_no_line() -> None:
    assert found(Looks()) == {"database": Finding("database", True, "SQLite, tables of version 7")}


def test_registries_that_are_left_alone_are_named_with_how_long_still() -> None:
    held = [Hold("ghcr.io", 41.2, "it answered 429"), Hold("quay.io", 4000.0, "it answered 429")]

    told = (
        "left alone, as they asked for, and asked again: "
        "ghcr.io at 2026-11-21 00:00:41 UTC, quay.io at 2026-11-21 01:06:40 UTC"
    )
    assert found(Looks(left_alone=held))["registries"] == Finding("registries", True, told)


def test_rows_that_cannot_be_read_are_said_once() -> None:
    told = found(Looks("the key a1b2", Certificate("/tls.pem", NOW + 90 * DAY), away=True))

    assert {name: finding.well for name, finding in told.items()} == {"database": False, "certificate": True}


def test_what_is_well_says_what_it_is() -> None:
    looks = Looks(
        "the key a1b2",
        Certificate("/tls.pem", NOW + 90 * DAY),
        "https://images.corp",
        Agents(2, ()),
        {"made": NOW - DAY, "place": "/mnt/kept", "content": True},
        bucket="s3://images/content",
        elsewhere=SentOn("https://s3.corp", unreachable=False),
    )

    assert {name: (finding.well, finding.text) for name, finding in found(looks).items()} == {
        "database": (True, "SQLite, tables of version 7"),
        "storage": (True, "s3://images/content answers"),
        "redirect": (True, "clients are sent on to https://s3.corp, which takes addresses that are signed here"),
        "key": (True, "the key a1b2 opens what is sealed here"),
        "certificate": (True, "/tls.pem ends 2027-02-19"),
        "address": (True, "our registry answers at https://images.corp"),
        "agents": (True, "2 of 2 connected"),
        "backup": (True, "the last one was made 2026-11-20: /mnt/kept"),
    }


@pytest.mark.parametrize(
    ("looks", "name", "text", "command"),
    [
        (Looks(SecretKeyWrong("a1", ["b2"])), "key", "the secrets here were sealed with the key a1", "Bring the key"),
        (Looks(bucket=StorageFailed("away")), "storage", "away", ""),
        (Looks(elsewhere=StorageFailed("not taken")), "redirect", "not taken", ""),
        (
            Looks(elsewhere=SentOn("http://localhost:9000", unreachable=True)),
            "redirect",
            "clients are sent on to http://localhost:9000, which nobody reaches but this machine",
            "Set AWS_ENDPOINT_URL",
        ),
        (Looks(shown=Certificate("/tls.pem", NOW + DAY)), "certificate", "/tls.pem ends 2026-11-22", "openssl x509"),
        (Looks(shown=Certificate("/tls.pem", NOW - DAY)), "certificate", "/tls.pem ended 2026-11-20", "openssl x509"),
        (Looks(address=NetworkFailed("lost")), "address", "lost", "lading config show --origin"),
        (
            Looks(edges=Agents(3, ["prod", "test"])),
            "agents",
            "1 of 3 connected; away: prod, test",
            "lading environment agents",
        ),
        (
            Looks(backup={"made": NOW - 8 * DAY, "place": "/mnt/kept", "content": False}),
            "backup",
            "the last one was made 2026-11-13: /mnt/kept, without content",
            "lading backup /mnt/kept",
        ),
    ],
)
def test_what_is_not_well_ends_with_what_to_do(looks: Looks, name: str, text: str, command: str) -> None:
    finding = found(looks)[name]

    assert not finding.well
    assert finding.text.startswith(text)
    assert finding.hint.startswith(command)


@pytest.mark.parametrize("held", ["yesterday", {"made": "yesterday"}, {}, 7])
def test_a_setting_that_says_nothing_of_a_backup_is_none(held: object) -> None:
    assert "backup" not in found(replace(Looks(), backup=held))
