"""Registries that are configured, environments, and their agents."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

from lading.services.environments.environment import ConnectionType
from lading.services.registries.providers import ListingWay, Provider
from lading.services.registries.records import RelayChoice
from lading.wire.endpoint import Tls


class RateLimit(TypedDict):
    """What a registry still allows."""

    remaining: int
    limit: NotRequired[int]
    seconds: NotRequired[Annotated[int, "The window that this is about."]]


class Registry(TypedDict):
    """A configured registry, without its secrets."""

    id: int
    name: str
    url: str
    username: str | None
    isDefault: bool
    hasCredentials: bool
    tls: Tls
    ca: str | None
    relay: RelayChoice
    provider: Provider
    fields: Annotated[dict[str, str], "What its provider asks for, without secrets."]
    hasSecretFields: bool
    validUntil: Annotated[str | None, "When the login ends that its provider minted last."]


class RegistryStanding(Registry):
    """A configured registry, and how it stood when it was asked last."""

    rateLimit: RateLimit | None
    lastUsedAt: Annotated[str | None, "Since this server began."]
    heldUntil: NotRequired[Annotated[str, "As it asked for: until then no server and no worker asks it anything."]]


class TestStep(TypedDict):
    """One step of a trial."""

    name: str
    ok: bool
    detail: NotRequired[str]
    error: NotRequired[str]
    hint: NotRequired[str]


class TestReport(TypedDict):
    """What came of a trial, step by step."""

    success: bool
    steps: list[TestStep]
    error: NotRequired[str]


class RegistryTestReport(TestReport):
    """The same of a registry."""

    rateLimit: RateLimit | None


class ProviderField(TypedDict):
    """Something that a provider asks of whoever configures one of its registries."""

    name: str
    label: str
    hint: str
    secret: bool


class ProviderTemplate(TypedDict):
    """A provider that a registry may be of, and what a form for it asks."""

    provider: Provider
    title: str
    host: str
    username: str | None
    password: str | None
    scopes: list[str]
    fields: list[ProviderField]
    hint: str
    link: str
    listing: ListingWay
    minted: Annotated[bool, "Whether the login is changed for one that ends."]


class RegistryAddress(TypedDict):
    """Where our own registry is."""

    url: Annotated[str | None, "Null: at the host that was asked, on `port`."]
    port: int
    tls: bool


class Name(TypedDict):
    """A repository or a tag of a registry."""

    name: str


class RepositoryFound(TypedDict):
    """A repository that a search found."""

    name: str
    description: NotRequired[str]
    stars: NotRequired[int]
    official: NotRequired[bool]


class Agent(TypedDict):
    """A connected agent: what it says of itself, and since when it is here."""

    environmentId: int
    agentId: str
    agentName: str
    agentVersion: str
    dockerVersion: str
    hostname: str
    capabilities: list[str]
    address: str
    connectedAt: str
    lastHeartbeat: str


class Environment(TypedDict):
    """An environment, without its secrets."""

    id: int
    name: str
    connectionType: ConnectionType
    socketPath: str | None
    host: str | None
    port: int | None
    protocol: str | None
    tlsCa: str | None
    tlsCert: str | None
    hasTlsKey: bool
    tlsSkipVerify: bool
    hasHawserToken: bool
    isDefault: bool
    agent: NotRequired[Annotated[Agent | None, "Of one of type hawser-edge; null: it is away."]]


class AgentConnections(TypedDict):
    """The agents that are connected."""

    status: str
    message: str
    protocol: str
    activeConnections: int
    connections: list[Agent]


class AgentToken(TypedDict):
    """A token that lets an agent in, without its secret."""

    id: int
    name: str
    environmentId: int
    tokenPrefix: str
    isActive: bool
    lastUsed: str | None
    createdAt: str
    expiresAt: str | None


class AgentTokenMade(TypedDict):
    """A token that was just made, and the commands that start an agent with it."""

    token: Annotated[str, "The secret; it is not shown again."]
    tokenId: int
    message: str
    command: str
    stockCommand: str
