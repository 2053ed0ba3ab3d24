"""What wants somebody's attention, and what a server was set to."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from lading.fronts.rest_api.shapes.repositories import Storage
from lading.fronts.rest_api.shapes.scans import SeverityCounts
from lading.services.environments.environment import ConnectionType
from lading.services.server.server_settings import Origin


class CredentialEnding(TypedDict):
    """A login that ends soon, or ended lately: a `token` of a user, an `agent` token, or the login that a `registry`'s
    provider minted, and could not mint anew."""

    kind: Literal["token", "agent", "registry"]
    id: int
    name: str
    endsAt: str


class EnvironmentDown(TypedDict):
    """An environment that does not answer, or whose agent is away."""

    id: int
    name: str
    connectionType: ConnectionType
    error: str


class RegistryLimit(TypedDict):
    """What a registry said last of how much it still allows."""

    registryId: int
    name: str
    remaining: int
    limit: int | None
    seconds: Annotated[int | None, "The window that this is about."]


class Overview(TypedDict):
    """What wants somebody's attention, as far as whoever asks may see it; null: not at all."""

    credentials: list[CredentialEnding]
    environmentsDown: list[EnvironmentDown] | None
    findings: Annotated[SeverityCounts | None, "Also null as long as no image was ever scanned."]
    storage: Storage | None
    rateLimits: list[RegistryLimit] | None


class ServerSetting(TypedDict):
    """A setting that the server began with."""

    name: str
    value: Annotated[str | None, "Null where nobody said one; of a secret `set`."]
    default: Annotated[str, "What holds where nobody says one."]
    origin: Origin
    place: Annotated[str | None, "Which flag, variable or file said it."]
    variable: Annotated[str, "The environment variable that sets it."]
    meaning: str
    secret: bool
