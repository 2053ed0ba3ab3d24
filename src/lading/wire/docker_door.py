"""The routes of the Docker Engine API as a server meets them (docs.docker.com/reference/api/engine).

    /v1.41/images/registry.example.com:5000/a/b/push
    └ version ┘   └────────── name ───────────┘└ verb: a name may hold slashes, so it ends before the last one

A route exists with a version and without one, which means the newest. A path that is none of these, or is asked with
another method, is no route at all: Docker's daemon says 404 to both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from lading.errors import InputInvalid
from lading.wire.docker_urls import ApiVersion

OLDEST = ApiVersion(1, 24)
"""Docker 1.12, and what a client speaks that finds no version in our answer."""

NEWEST = ApiVersion(1, 51)
"""Docker 28.5. From 1.52 on clients expect other events and another `system/df`."""


class VersionTooOld(InputInvalid):
    """A client that asks for less than `OLDEST`."""

    def __init__(self, asked: str) -> None:
        super().__init__(asked)
        self.asked = asked

    def __str__(self) -> str:
        return (
            f"client version {self.asked} is too old. Minimum supported API version is {OLDEST}, "
            "please upgrade your client to a newer version"
        )


class VersionTooNew(InputInvalid):
    """A client that asks for more than `NEWEST`."""

    def __init__(self, asked: str) -> None:
        super().__init__(asked)
        self.asked = asked

    def __str__(self) -> str:
        return f"client version {self.asked} is too new. Maximum supported API version is {NEWEST}"


class Route(StrEnum):
    """Everything that can be asked; the value is for people.

    The second half is of an engine that runs containers: there are none here, but its clients ask.
    """

    PING = "ping"
    VERSION = "version"
    INFO = "info"
    EVENTS = "events"
    USAGE = "system df"
    AUTHORISE = "auth"
    DISTRIBUTION = "distribution"
    LIST = "images"
    SEARCH = "search"
    PULL_OR_IMPORT = "create"
    LOAD = "load"
    PRUNE = "prune"
    SAVE = "save"
    SAVE_ONE = "save one"
    INSPECT = "inspect"
    HISTORY = "history"
    PUSH = "push"
    TAG = "tag"
    REMOVE = "remove"

    CONTAINERS = "containers"
    NETWORKS = "networks"
    VOLUMES = "volumes"
    PLUGINS = "plugins"
    CONTAINERS_PRUNE = "prune containers"
    NETWORKS_PRUNE = "prune networks"
    VOLUMES_PRUNE = "prune volumes"
    BUILD_PRUNE = "prune builds"
    CONTAINER = "container"
    EXEC = "exec"
    NETWORK = "network"
    VOLUME = "volume"
    PLUGIN = "plugin"
    SWARM = "swarm"
    RUN = "run"
    COMMIT = "commit"
    BUILD = "build"
    NETWORK_CREATE = "create a network"
    VOLUME_CREATE = "create a volume"
    PLUGIN_CREATE = "install a plugin"
    SWARM_CREATE = "create a swarm"


_TABLE: Sequence[tuple[str, str, Route]] = (
    ("GET HEAD", "/_ping", Route.PING),
    ("GET", "/version", Route.VERSION),
    ("GET", "/info", Route.INFO),
    ("GET", "/events", Route.EVENTS),
    ("GET", "/system/df", Route.USAGE),
    ("POST", "/auth", Route.AUTHORISE),
    ("GET", "/distribution/NAME/json", Route.DISTRIBUTION),
    ("GET", "/images/json", Route.LIST),
    ("GET", "/images/search", Route.SEARCH),
    ("GET", "/images/get", Route.SAVE),
    ("GET", "/images/NAME/get", Route.SAVE_ONE),
    ("GET", "/images/NAME/history", Route.HISTORY),
    ("GET", "/images/NAME/json", Route.INSPECT),
    ("POST", "/images/create", Route.PULL_OR_IMPORT),
    ("POST", "/images/load", Route.LOAD),
    ("POST", "/images/prune", Route.PRUNE),
    ("POST", "/images/NAME/push", Route.PUSH),
    ("POST", "/images/NAME/tag", Route.TAG),
    ("DELETE", "/images/(.*)", Route.REMOVE),
    ("GET", "/containers/json", Route.CONTAINERS),
    ("GET", "/networks/?", Route.NETWORKS),
    ("GET", "/volumes", Route.VOLUMES),
    ("GET", "/plugins", Route.PLUGINS),
    ("POST", "/containers/prune", Route.CONTAINERS_PRUNE),
    ("POST", "/networks/prune", Route.NETWORKS_PRUNE),
    ("POST", "/volumes/prune", Route.VOLUMES_PRUNE),
    ("POST", "/build/prune", Route.BUILD_PRUNE),
    ("POST", "/containers/create", Route.RUN),
    ("POST", "/commit", Route.COMMIT),
    ("POST", "/(?:build|build/cancel|session|grpc)", Route.BUILD),
    ("POST", "/networks/create", Route.NETWORK_CREATE),
    ("POST", "/volumes/create", Route.VOLUME_CREATE),
    ("GET", "/plugins/privileges", Route.PLUGIN_CREATE),
    ("POST", "/plugins/(?:pull|create)", Route.PLUGIN_CREATE),
    ("POST", "/swarm/(?:init|join)", Route.SWARM_CREATE),
    ("GET", "/containers/NAME/(?:json|export|changes|logs|stats|top|attach/ws)", Route.CONTAINER),
    ("GET HEAD PUT", "/containers/NAME/archive", Route.CONTAINER),
    (
        "POST",
        "/containers/NAME/(?:kill|pause|unpause|restart|start|stop|wait|resize|attach|exec|rename|update)",
        Route.CONTAINER,
    ),
    ("DELETE", "/containers/NAME", Route.CONTAINER),
    ("GET", "/exec/NAME/json", Route.EXEC),
    ("POST", "/exec/NAME/(?:start|resize)", Route.EXEC),
    ("POST", "/networks/NAME/(?:connect|disconnect)", Route.NETWORK),
    ("GET DELETE", "/networks/NAME", Route.NETWORK),
    ("GET PUT DELETE", "/volumes/NAME", Route.VOLUME),
    ("GET", "/plugins/NAME/json", Route.PLUGIN),
    ("POST", "/plugins/NAME/(?:enable|disable|push|upgrade|set)", Route.PLUGIN),
    ("DELETE", "/plugins/NAME", Route.PLUGIN),
    ("GET", "/(?:swarm|swarm/unlockkey|services|nodes|tasks|secrets|configs)", Route.SWARM),
    ("POST", "/(?:swarm/(?:leave|update|unlock)|(?:services|secrets|configs)/create)", Route.SWARM),
    ("GET DELETE", "/(?:services|nodes|tasks|secrets|configs)/.+", Route.SWARM),
)
"""Looked through in this order; NAME is as long as it can be."""


def _by_method() -> Mapping[str, Sequence[tuple[re.Pattern[str], Route]]]:
    table: dict[str, list[tuple[re.Pattern[str], Route]]] = {}
    for methods, path, route in _TABLE:
        pattern = re.compile(path.replace("NAME", "(.+)"))
        for method in methods.split():
            table.setdefault(method, []).append((pattern, route))
    return table


_ROUTES = _by_method()
_VERSIONED = re.compile(r"/v([0-9.]+)(/.*)")


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked: `version` as the client wrote it, None where it left it out; `name` is decoded, and empty where
    the route has none."""

    version: str | None
    route: Route
    name: str = ""


def match(method: str, path: str) -> Call | None:
    """`path` is as it was sent, percent-encoded and without its query; it is decoded once. None: there is nothing."""
    asked = unquote(path)
    versioned = _VERSIONED.fullmatch(asked)
    version, rest = (versioned[1], versioned[2]) if versioned else (None, asked)
    for pattern, route in _ROUTES.get(method, ()):
        found = pattern.fullmatch(rest)
        if found:
            return Call(version, route, found[1] if pattern.groups else "")
    return None


def negotiate(asked: str | None) -> ApiVersion:
    """The version whose shapes the client expects. Raises VersionTooOld, VersionTooNew."""
    if asked is None:
        return NEWEST
    major, minor, *more = [*(int(part[:9] or 0) for part in asked.split(".")), 0]
    if (major, minor) < (OLDEST.major, OLDEST.minor):
        raise VersionTooOld(asked)
    if (major, minor, any(more)) > (NEWEST.major, NEWEST.minor, False):
        raise VersionTooNew(asked)
    return ApiVersion(major, minor)
