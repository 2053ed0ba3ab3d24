"""A daemon that plays one image of several parts, at any version of its API."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from lading.backends.docker_client.environment import DockerEnvironment
from lading.backends.docker_client.naming import Names
from lading.oci.digest import Digest
from lading.oci.media_types import OCI_INDEX, OCI_MANIFEST
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.services.environments.orders import Access
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel, Request, Response
from lading.wire.progress import Event
from tests.fakes.transport import PlayedTransport

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
ROOT, FIRST, SECOND, THIRD = (Digest.of(bytes([number])) for number in range(4))
LAYER = str(Digest.of(b"layer"))
ACCESS = Access("r", Endpoint("registry.invalid"), Credential("me", "secret", source="tests"), 1)


def told(_event: Event) -> None:
    """Nobody listens."""


def written(digest: Digest, media_type: str = OCI_MANIFEST) -> dict[str, object]:
    return {"mediaType": media_type, "digest": str(digest), "size": 500}


MANIFESTS: list[object] = [
    {
        "ID": str(FIRST),
        "Descriptor": written(FIRST) | {"platform": {"architecture": "amd64", "os": "linux"}},
        "Available": True,
        "Size": {"Content": 1000, "Total": 3000},
        "Kind": "image",
        "ImageData": {"Platform": {"architecture": "amd64", "os": "linux"}, "Size": {"Unpacked": 2000}},
    },
    {"ID": str(SECOND), "Descriptor": written(SECOND), "Available": False, "Size": {"Content": 0}, "Kind": "newer"},
    {
        "ID": str(THIRD),
        "Descriptor": written(THIRD),
        "Available": True,
        "Size": {"Content": 10},
        "Kind": "attestation",
        "AttestationData": {"For": str(FIRST)},
    },
    "nonsense",
    {"Descriptor": {"digest": "x"}},
]
IMAGE: dict[str, object] = {
    "Id": str(ROOT),
    "RepoTags": ["app:1"],
    "RepoDigests": [f"app@{ROOT}"],
    "Created": "2026-01-02T03:04:05.123456789Z",
    "Author": "me",
    "Comment": "made by hand",
    "DockerVersion": "20.10",
    "Parent": "sha256:" + "9" * 64,
    "Architecture": "arm64",
    "Variant": "v8",
    "Os": "linux",
    "OsVersion": "1",
    "Size": 1510,
    "Config": {"Cmd": ["x"], "OnBuild": ["RUN y"], "Hostname": "z", "Env": None, "Labels": {"a": "b"}},
    "RootFS": {"Type": "layers", "Layers": [LAYER]},
    "Metadata": {"LastTagTime": "2026-02-03T04:05:06Z"},
}


class PlayedImages:
    """One image, app:1, for amd64 alone where it is asked for a platform."""

    def __init__(self, version: str, image: dict[str, object] = IMAGE) -> None:
        self.version, self.image = version, image

    def __call__(self, request: Request, _body: bytes, _whole: bool) -> Response:
        parts = urlsplit(request.url)
        asked = parse_qs(parts.query)
        path = parts.path.partition("/v" + self.version)[2]
        if parts.path == "/_ping":
            return Response(200, {"api-version": self.version}, b"OK")
        if "arm64" in asked.get("platform", [""])[0] and path != "/images/create":
            return Response(404, {}, b'{"message":"image was found but does not provide the specified platform"}')
        answers: dict[str, object] = {
            "/images/json": [self.image],
            "/images/docker.io/library/app:1/json": self.image,
            f"/images/{ROOT}/json": self.image,
            "/images/docker.io/library/app:1/history": [],
            "/images/prune": {"ImagesDeleted": None, "SpaceReclaimed": 5},
            "/system/df": {"LayersSize": 77, "Images": [{"Size": 1}]},
            "/distribution/registry.invalid/app:1/json": {
                "Descriptor": written(ROOT, OCI_INDEX),
                "Platforms": [
                    {"architecture": "amd64", "os": "linux"},
                    {"architecture": "unknown", "os": "unknown"},
                    {"architecture": "arm", "os": "linux", "variant": "v7"},
                ],
            },
        }
        if request.method == "DELETE":
            return Response(200, {}, b'[{"Untagged":"app:1"},{"Deleted":"sha256:x"}]')
        if path == "/images/create":
            return Response(200, {}, b'{"status":"Downloading"}\r\n{"status":"%s"}\r\n' % str(ROOT).encode())
        if path == "/images/get":
            return Response(200, {}, b"an archive" + bytes(1024))
        if path == "/images/load":
            return Response(200, {}, b'{"stream":"Loaded image: app:1\\n"}\r\n')
        found = answers.get(path)
        return Response(404, {}, b'{"message":"no such image"}') if found is None else Response(200, {}, _json(found))


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def never(reference: Reference, access: Access, cancel: Cancel) -> Digest | None:
    raise AssertionError("nothing is pushed")


def docker(version: str, image: dict[str, object] = IMAGE) -> tuple[PlayedTransport, DockerEnvironment]:
    transport = PlayedTransport(PlayedImages(version, image))
    return transport, DockerEnvironment(transport, "http://docker", "dock", never, Names())
