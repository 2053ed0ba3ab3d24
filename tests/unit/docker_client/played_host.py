"""A Docker host whose transfers break off as planned, and the registry that it pushes to and pulls from."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from lading.backends.docker_client.environment import DockerEnvironment
from lading.backends.docker_client.naming import Names
from lading.engine.cancel import Cancellation
from lading.errors import LadingError
from lading.oci.digest import Digest
from lading.oci.media_types import OCI_MANIFEST
from lading.oci.reference import Reference
from lading.services.environments.orders import Access, Arrived, PullOrder, PushOrder
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel, ConnectFailed, ConnectionLost, Reader, Request, Response
from lading.wire.progress import Event

IMAGE, OLDER = "sha256:" + "1" * 64, "sha256:" + "2" * 64
DIGEST = Digest.of(b"manifest")
TARGET = Reference.parse("registry.invalid/team/app:1")
ACCESS = Access("r", Endpoint("registry.invalid"))
CANCEL = Cancellation()
LOST = ConnectionLost("dock", "as planned")


def line(**members: object) -> bytes:
    return json.dumps(members).encode() + b"\r\n"


def layer(identity: str, status: str, total: int | None = None) -> bytes:
    detail = {} if total is None else {"current": 1, "total": total}
    return line(id=identity, status=status, progressDetail=detail)


PUSHED = line(aux={"Tag": "1", "Digest": str(DIGEST), "Size": 8})
PULLED = line(status=f"Digest: {DIGEST}")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a transfer says, and how it ends: `ends` None: properly. `meanwhile` is what it does before it ends."""

    says: bytes = b""
    ends: LadingError | None = None
    meanwhile: Callable[[], object] = field(default=lambda: None)


@dataclass(slots=True)
class PlayedHost:
    """Fulfils Transport. `attempts` are what its transfers do, one after the other; `names` is what it has, `knows` by
    which digest which image is known in the repository of TARGET; `tag` is what the registry has there, which cannot be
    asked the first `unasked` times. `root`: it keeps images as registries do, and this is what it calls them;
    `lacks`: of one that it `lacks` a part of. One that `refuses_all` loses every connection before it is asked."""

    attempts: list[Attempt]
    names: dict[str, str] = field(default_factory=lambda: {"docker.io/library/app:1": IMAGE})
    knows: dict[str, Digest] = field(default_factory=dict)
    tag: Digest | None = None
    asked: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    waited: int = 0
    comes_back: bool = True
    unasked: int = 0
    here: bool = True
    root: Digest | None = None
    lacks: bool = False
    refuses_all: bool = False
    access: Access = ACCESS
    lent: list[str] = field(default_factory=list)
    """The logins that its transfers were begun with, as headers."""

    def send(self, request: Request, cancel: Cancel, passed: object = None) -> Response:
        """As it is played."""
        cancel.check()
        path = unquote(urlsplit(request.url).path).removeprefix("/v1.41")
        self.asked.append(f"{request.method} {path}")
        if path == "/_ping":
            return Response(200, {"api-version": "1.41"}, b"OK")
        if self.refuses_all:
            raise LOST
        if request.streamed:
            if request.reader is not None:
                read(request.reader)
            self.lent.append(request.headers.get("X-Registry-Auth", ""))
            return Response(200, {}, stream=_Stream(self.attempts.pop(0)))
        if not self.here:
            self.here = True
            raise LOST
        if path.endswith("/tag"):
            self.names[str(TARGET)] = self._held(path.removesuffix("/tag"))
            return Response(201)
        if request.method == "DELETE":
            if self.names.pop(path.removeprefix("/images/"), None) is None:
                return Response(404, {}, b'{"message":"No such image"}')
            return Response(200, {}, b"[]")
        return self._described(self._held(path.removesuffix("/json")))

    def _held(self, path: str) -> str:
        name = path.removeprefix("/images/")
        pinned = {f"{TARGET.repository}@{digest}": image for image, digest in self.knows.items()}
        return {**self.names, **pinned}.get(name, name if name in self.names.values() else "")

    def _described(self, image: str) -> Response:
        if not image:
            return Response(404, {}, b'{"message":"No such image"}')
        names = [name for name, held in self.names.items() if held == image]
        known = [f"{TARGET.repository}@{self.knows[image]}"] if image in self.knows else []
        members: dict[str, object] = {
            "Id": image,
            "RepoTags": names,
            "RepoDigests": known,
            "Os": "linux",
            "Architecture": "amd64",
        }
        if self.root is not None:
            members["Descriptor"] = {"mediaType": OCI_MANIFEST, "digest": str(self.root), "size": 9}
            members["Manifests"] = [{"Descriptor": members["Descriptor"], "Available": not self.lacks, "Kind": "image"}]
        return Response(200, {}, json.dumps(members).encode())

    # ── what is done with it

    @property
    def environment(self) -> DockerEnvironment:
        def prove(reference: Reference, access: Access, cancel: Cancel) -> Digest | None:
            if self.unasked:
                self.unasked -= 1
                raise ConnectFailed("registry.invalid", "as planned")
            return self.tag

        def back(cancel: Cancel) -> bool:
            cancel.check()
            self.waited += 1
            return self.comes_back

        return DockerEnvironment(self, "http://docker", "dock", prove, Names(), back=back)

    def push(self, cancel: Cancel = CANCEL) -> Arrived:
        return self.environment.push(PushOrder("app:1", (TARGET,), self.access), self.events.append, cancel)[0]

    def pull(self, reference: Reference = TARGET) -> Arrived:
        return self.environment.pull(PullOrder(reference, self.access), self.events.append, CANCEL)

    @property
    def transfers(self) -> int:
        """How often one was begun."""
        return sum(asked.endswith(("/push", "/images/create")) for asked in self.asked)

    # ── what becomes of it

    def arrive(self, digest: Digest = DIGEST) -> None:
        """A push came to its end."""
        self.knows[self.names[str(TARGET)]], self.tag = digest, digest

    def leave(self) -> None:
        """Its connection breaks with the next question."""
        self.here = False

    def bring(self, image: str = IMAGE, digest: Digest = DIGEST) -> None:
        """A pull came to its end."""
        self.names[str(TARGET)], self.knows = image, {image: digest}


class _Stream:
    def __init__(self, attempt: Attempt) -> None:
        self._attempt, self._rest = attempt, attempt.says

    def readinto(self, buffer: memoryview, /) -> int:
        if not self._rest:
            self._attempt.meanwhile()
            if self._attempt.ends is not None:
                raise self._attempt.ends
            return 0
        count = min(len(buffer), 7, len(self._rest))
        buffer[:count], self._rest = self._rest[:count], self._rest[count:]
        return count

    def close(self) -> None:
        self._rest = b""


def read(reader: Reader) -> bytes:
    """To its end."""
    found, buffer = bytearray(), memoryview(bytearray(1000))
    while count := reader.readinto(buffer):
        found += buffer[:count]
    return bytes(found)
