"""The settings that a server began with, and who said each: for its owner. No secret is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Trail
from lading.services.audit.trail import admit


class Origin(StrEnum):
    """Who said it."""

    DEFAULT = "default"
    FLAG = "flag"
    ENVIRONMENT = "environment"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class ServerSetting:
    """One setting. `value` is as it would stand in the environment, None where nobody said one, and of a secret `set`;
    then `meant` tells what holds instead. `place` is which flag, variable or file said it."""

    name: str
    value: str | None
    meant: str
    origin: Origin
    place: str | None
    variable: str
    meaning: str
    secret: bool = False

    @property
    def json(self) -> dict[str, object]:
        """For the REST door."""
        return {
            "name": self.name,
            "value": self.value,
            "default": self.meant,
            "origin": self.origin.value,
            "place": self.place,
            "variable": self.variable,
            "meaning": self.meaning,
            "secret": self.secret,
        }


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """For any number of threads."""

    settings: Sequence[ServerSetting]
    trail: Trail

    def list(self, actor: Actor) -> Sequence[ServerSetting]:
        """For who may change what they are about: they tell of paths and addresses. Raises Denied, NotLoggedIn."""
        admit(self.trail, actor, Permission.SETTINGS_EDIT, Deed("view", "settings", "", ""))
        return self.settings
