"""What an engine that runs containers has, and ours has not: empty lists, nothing to inspect, and no to the rest."""

from __future__ import annotations

from collections.abc import Mapping

from lading.errors import LadingError, NotFound, Side
from lading.fronts.docker_api.answers import json_answer
from lading.fronts.docker_api.asking import DockerRequest, Endpoint
from lading.fronts.docker_api.product import DockerProduct
from lading.fronts.http.exchange import Answer
from lading.wire.docker_door import Route


class NoSuchThing(NotFound):
    """A container, network, volume or plugin: there are none here; `said` is Docker's sentence for it."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said

    def __str__(self) -> str:
        return self.said


class NoSwarm(LadingError):
    """Asked about a swarm that this is no part of."""

    side = Side.CALLER

    def __str__(self) -> str:
        return (
            'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node '
            "to swarm and try again."
        )


class RunsNothing(LadingError):
    """Work for an engine that runs containers; `deed` is what was asked for."""

    side = Side.CALLER
    code = "unsupported"
    hint = "Pull the image from a Docker engine to run it there."

    def __init__(self, deed: str) -> None:
        super().__init__(deed)
        self.deed = deed

    def __str__(self) -> str:
        return f"Lading cannot {self.deed}: it keeps and moves images, and runs no containers"


def _always(document: object) -> Endpoint:
    def endpoint(_product: DockerProduct, _request: DockerRequest) -> Answer:
        return json_answer(document)

    return endpoint


def _no_such(sentence: str) -> Endpoint:
    """`sentence` has the name in place of {}."""

    def endpoint(_product: DockerProduct, request: DockerRequest) -> Answer:
        raise NoSuchThing(sentence.format(request.name[:300]))

    return endpoint


def _cannot(deed: str) -> Endpoint:
    def endpoint(_product: DockerProduct, _request: DockerRequest) -> Answer:
        raise RunsNothing(deed)

    return endpoint


def _no_swarm(_product: DockerProduct, _request: DockerRequest) -> Answer:
    raise NoSwarm


ENDPOINTS: Mapping[Route, Endpoint] = {
    Route.CONTAINERS: _always([]),
    Route.NETWORKS: _always([]),
    Route.VOLUMES: _always({"Volumes": [], "Warnings": None}),
    Route.PLUGINS: _always([]),
    Route.CONTAINERS_PRUNE: _always({"ContainersDeleted": None, "SpaceReclaimed": 0}),
    Route.NETWORKS_PRUNE: _always({"NetworksDeleted": None}),
    Route.VOLUMES_PRUNE: _always({"VolumesDeleted": None, "SpaceReclaimed": 0}),
    Route.BUILD_PRUNE: _always({"CachesDeleted": None, "SpaceReclaimed": 0}),
    Route.CONTAINER: _no_such("No such container: {}"),
    Route.EXEC: _no_such("No such exec instance: {}"),
    Route.NETWORK: _no_such("network {} not found"),
    Route.VOLUME: _no_such("get {}: no such volume"),
    Route.PLUGIN: _no_such('plugin "{}" not found'),
    Route.SWARM: _no_swarm,
    Route.RUN: _cannot("create containers"),
    Route.COMMIT: _cannot("commit containers"),
    Route.BUILD: _cannot("build images"),
    Route.NETWORK_CREATE: _cannot("create networks"),
    Route.VOLUME_CREATE: _cannot("create volumes"),
    Route.PLUGIN_CREATE: _cannot("install plugins"),
    Route.SWARM_CREATE: _cannot("form a swarm"),
}
