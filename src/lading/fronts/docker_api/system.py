"""What is asked of the engine itself: `docker version`, `docker info`, `docker system df`, and whether it is there."""

from __future__ import annotations

from collections.abc import Mapping

from lading.errors import InputInvalid
from lading.fronts.docker_api.answers import answer, json_answer
from lading.fronts.docker_api.asking import DockerRequest
from lading.fronts.docker_api.product import DockerProduct
from lading.fronts.docker_api.shapes_inspect import DRIVER, moment_json
from lading.fronts.docker_api.shapes_list import Json, shared_sizes, summary_json
from lading.fronts.http.exchange import Answer
from lading.wire.docker_auth import HUB_ADDRESS
from lading.wire.docker_door import NEWEST, OLDEST
from lading.wire.docker_urls import ApiVersion

BUILDER_SIZE_BEFORE = ApiVersion(1, 42)
_KINDS = {"container": "Containers", "image": "Images", "volume": "Volumes", "build-cache": "BuildCache"}


class KindUnknown(InputInvalid):
    """A kind of thing that takes no room anywhere."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind

    def __str__(self) -> str:
        return f"unknown object type: {self.kind[:100]}"


def ping(method: str) -> Answer:
    """For everybody, logged in or not: here a client learns which version to speak."""
    fields = (
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Cache-Control", "no-cache, no-store, must-revalidate"),
        ("Pragma", "no-cache"),
        ("Builder-Version", "1"),  # there is none; told "2", docker 20.10 dials BuildKit, and prints how that failed
        ("Swarm", "inactive"),
    )
    return answer(200, b"" if method == "HEAD" else b"OK", fields)


def version(product: DockerProduct, _request: DockerRequest) -> Answer:
    """Once for clients that look for components, and once flat for older ones."""
    facts = product.facts
    common = {
        "ApiVersion": str(NEWEST),
        "MinAPIVersion": str(OLDEST),
        "GitCommit": "",
        "GoVersion": facts.runtime,
        "Os": facts.native.os,
        "Arch": facts.native.architecture,
        "KernelVersion": facts.kernel,
        "BuildTime": "",
    }
    engine = {"Name": "Engine", "Version": facts.version, "Details": {**common, "Experimental": "false"}}
    return json_answer({"Platform": {"Name": "Lading"}, "Components": [engine], "Version": facts.version, **common})


def information(product: DockerProduct, request: DockerRequest) -> Answer:
    """Of containers, and what they need of a machine, there is none. Whoever may see no image still learns what the
    engine is."""
    facts = product.facts
    return json_answer(
        {
            "ID": facts.id,
            "Containers": 0,
            "ContainersRunning": 0,
            "ContainersPaused": 0,
            "ContainersStopped": 0,
            "Images": request.open(product).count(request.cancel),
            "Driver": DRIVER,
            "DriverStatus": [],
            "Plugins": {"Volume": [], "Network": [], "Authorization": None, "Log": []},
            **dict.fromkeys(_CAPABILITIES, False),
            "Debug": False,
            "NFd": 0,
            "NGoroutines": 0,
            "SystemTime": moment_json(product.clock()),
            "LoggingDriver": "",
            "CgroupDriver": "",
            "NEventsListener": 0,
            "KernelVersion": facts.kernel,
            "OperatingSystem": facts.operating_system,
            "OSVersion": "",
            "OSType": facts.native.os,
            "Architecture": _MACHINES.get(facts.native.architecture, facts.native.architecture),
            "IndexServerAddress": HUB_ADDRESS,
            "RegistryConfig": _REGISTRIES,
            "NCPU": facts.processors,
            "MemTotal": facts.memory,
            "GenericResources": None,
            "DockerRootDir": "",
            "HttpProxy": "",
            "HttpsProxy": "",
            "NoProxy": "",
            "Name": facts.name,
            "Labels": [],
            "ExperimentalBuild": False,
            "ServerVersion": facts.version,
            "Runtimes": {},
            "DefaultRuntime": "",
            "Swarm": _NO_SWARM,
            "LiveRestoreEnabled": False,
            "Isolation": "",
            "InitBinary": "",
            "ContainerdCommit": _NO_COMMIT,
            "RuncCommit": _NO_COMMIT,
            "InitCommit": _NO_COMMIT,
            "SecurityOptions": [],
            "Warnings": [],
        }
    )


_CAPABILITIES = (
    "MemoryLimit",
    "SwapLimit",
    "KernelMemory",
    "CpuCfsPeriod",
    "CpuCfsQuota",
    "CPUShares",
    "CPUSet",
    "PidsLimit",
    "IPv4Forwarding",
    "BridgeNfIptables",
    "BridgeNfIp6tables",
    "OomKillDisable",
)
_MACHINES: Mapping[str, str] = {"amd64": "x86_64", "arm64": "aarch64"}
"""Here Docker tells the machine in `uname`'s word."""

_REGISTRIES: Mapping[str, object] = {
    "AllowNondistributableArtifactsCIDRs": [],
    "AllowNondistributableArtifactsHostnames": [],
    "InsecureRegistryCIDRs": ["127.0.0.0/8", "::1/128"],
    "IndexConfigs": {"docker.io": {"Name": "docker.io", "Mirrors": [], "Secure": True, "Official": True}},
    "Mirrors": [],
}
_NO_SWARM: Mapping[str, object] = {
    "NodeID": "",
    "NodeAddr": "",
    "LocalNodeState": "inactive",
    "ControlAvailable": False,
    "Error": "",
    "RemoteManagers": None,
}
_NO_COMMIT: Mapping[str, object] = {"ID": "", "Expected": ""}


def usage(product: DockerProduct, request: DockerRequest) -> Answer:
    """What takes room. `type` narrows it: what is not asked for is null. Raises KindUnknown."""
    asked = request.query.all("type")
    for kind in asked:
        if kind not in _KINDS:
            raise KindUnknown(kind)
    told: Json = {
        "LayersSize": 0,
        **{name: [] if not asked or kind in asked else None for kind, name in _KINDS.items()},
    }
    if told["Images"] is not None:
        environment = request.open(product)
        images = environment.images(request.cancel)
        shared = shared_sizes(images)
        told["LayersSize"] = environment.size(request.cancel)
        told["Images"] = [
            {**summary_json(each, request.version, shared=shared.get(each.id, 0)), "Containers": 0} for each in images
        ]
    if request.version < BUILDER_SIZE_BEFORE:
        told["BuilderSize"] = 0
    return json_answer(told)
