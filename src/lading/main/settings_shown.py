"""What the server's owner is shown of its settings."""

from __future__ import annotations

from collections.abc import Sequence

from lading.services.server.server_settings import Origin, ServerSetting
from lading.settings import DEFAULT, Settings
from lading.settings import Origin as Said


def shown_settings(settings: Settings) -> Sequence[ServerSetting]:
    """All of them, in the order of their table."""
    return [_shown(each) for each in settings.origins]


def _shown(said: Said) -> ServerSetting:
    key, kind = said.key, _kind(said)
    value = None if kind is Origin.DEFAULT else "set" if key.secret else said.shown
    place = None if kind is Origin.DEFAULT else said.text
    meant = said.shown if kind is Origin.DEFAULT else said.unsaid
    return ServerSetting(key.name, value, meant, kind, place, key.variable, key.meaning, key.secret)


def _kind(said: Said) -> Origin:
    if said.text == DEFAULT:
        return Origin.DEFAULT
    if said.text.startswith("--"):
        return Origin.FLAG
    return Origin.ENVIRONMENT if said.text in {*said.key.variables, f"{said.key.variable}_FILE"} else Origin.FILE
