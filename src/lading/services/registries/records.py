"""What is remembered of configured registries: RegistryRecords, the protocol that the database fulfils, and its row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from lading.services.registries.providers import Provider
from lading.wire.endpoint import Tls


class RelayChoice(StrEnum):
    """Whether what Docker hosts push to a registry goes through us (services.relays.relays). AUTO: where a host itself
    cannot reach the registry, or finds no protected connection to it."""

    NEVER = "never"
    ALWAYS = "always"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class RegistryRow:
    """One configured registry. `url` is what a person wrote; `host` and `path` are what it means: host[:port] in its
    one spelling, and the prefix of the repositories it is for, empty for all.

    `sealed` is the password, sealed for `registry/<id>/password`. `ca` is PEM text. `provider_fields` are those of the
    provider's own that anybody may see; `provider_sealed` is a JSON object of the others, sealed for
    `registry/<id>/provider`.
    """

    id: int
    name: str
    url: str
    host: str
    path: str = ""
    username: str | None = None
    sealed: str | None = field(default=None, repr=False)
    is_default: bool = False
    tls: Tls = Tls.VERIFY
    ca: str | None = None
    relay: RelayChoice = RelayChoice.AUTO
    provider: Provider = Provider.GENERIC
    provider_fields: Mapping[str, str] = field(default_factory=dict)
    provider_sealed: str | None = field(default=None, repr=False)


class RegistryRecords(Protocol):
    """Rows by id. Every method raises StorageFailed."""

    def registries(self) -> Sequence[RegistryRow]:
        """All, in order of id."""

    def registry(self, id: int) -> RegistryRow | None:  # noqa: A002  a row's own word
        """None where there is none."""

    def add_registry(self, make: Callable[[int], RegistryRow]) -> RegistryRow:
        """A new row; `make` gets its id, which binds the seal of its password. Raises NameTaken."""

    def change_registry(self, before: RegistryRow, after: RegistryRow) -> bool:
        """Replaces a row, and a default one all other defaults; False where the row is not as it was `before` any
        more. Raises NameTaken."""

    def remove_registry(self, id: int) -> bool:  # noqa: A002  a row's own word
        """Whether there was one."""

    def make_default(self, id: int) -> bool:  # noqa: A002  a row's own word
        """This one and no other, in one transaction; False where there is none."""
