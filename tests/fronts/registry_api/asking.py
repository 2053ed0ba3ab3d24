"""Asking the /v2/ door in process: a request in, a reply out; a body may be cut or of unknown length."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from lading.engine.cancel import Cancellation
from lading.fronts.http.exchange import Answer, Application, IncomingRequest, Peer
from lading.oci.media_types import OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST
from lading.wire.message import BytesReader, ConnectionLost


class GivenBody:
    """A request's body: what the client sends, and whether it is cut there."""

    def __init__(self, sent: bytes, *, length: int | None, cut: bool = False) -> None:
        self._reader, self._cut = BytesReader(sent), cut
        self.length = length

    def readinto(self, buffer: memoryview, /) -> int:
        count = self._reader.readinto(buffer)
        if not count and self._cut:
            raise ConnectionLost("a client", "it went away")
        return count

    def invite(self) -> None:
        """Nobody waits for that."""

    def hurry(self, seconds: float) -> None:
        """All of it is here."""

    def close(self) -> None:
        self._reader.close()


@dataclass(frozen=True)
class Reply:
    """An answer whose body was read."""

    status: int
    headers: dict[str, str]
    body: bytes
    repeated: list[tuple[str, str]] = field(default_factory=list)
    reason: str | None = None

    @property
    def document(self) -> dict[str, object]:
        """The JSON object it holds."""
        return cast("dict[str, object]", json.loads(self.body))  # every document of this door is an object

    @property
    def code(self) -> str:
        """The specification's code of an error."""
        return str(json.loads(self.body)["errors"][0]["code"])


class Asker:
    """Stands where the byte server stands."""

    def __init__(self, api: Application) -> None:
        self._api = api

    def __call__(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        streamed: bool = False,
        cut: bool = False,
        fields: Mapping[str, str] = {},
        **headers: str,
    ) -> Reply:
        """Headers by `fields`, or by keyword with `_` for `-`."""
        path, _, query = target.partition("?")
        length = None if streamed else len(body) + (1000 if cut else 0)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {"host": "127.0.0.1:5000", **named, **fields}
        answer = self._api(
            IncomingRequest(
                method,
                path,
                query,
                given,
                GivenBody(body, length=length, cut=cut),
                Peer("127.0.0.1", 40000),
                Cancellation(),
            )
        )
        return _read(method, answer)

    def put_blob(self, repository: str, content: bytes) -> str:
        """In one POST; gives its digest."""
        digest = digest_of(content)
        assert self("POST", f"/v2/{repository}/blobs/uploads/?digest={digest}", content).status == 201
        return digest

    def put_image(self, repository: str, tag: str, layer: bytes = b"layer") -> str:
        """A config, one layer and a manifest under a tag; gives the manifest's digest."""
        self.put_blob(repository, b"{}")
        self.put_blob(repository, layer)
        reply = self.put_manifest(repository, tag, manifest(layer))
        assert reply.status == 201
        return reply.headers["docker-content-digest"]

    def put_manifest(self, repository: str, reference: str, raw: bytes, media_type: str = OCI_MANIFEST) -> Reply:
        return self("PUT", f"/v2/{repository}/manifests/{reference}", raw, content_type=media_type)


def _read(method: str, answer: Answer) -> Reply:
    """As a client sees it. Checks what the byte server would: a length that is true."""
    body = b"".join(answer.content)
    if answer.stream:
        buffer = memoryview(bytearray(1000))
        while count := answer.stream.readinto(buffer):
            body += buffer[:count]
    answer.close()
    headers = {name.lower(): value for name, value in answer.headers}
    if method != "HEAD" and answer.status not in {204, 304}:
        assert int(headers["content-length"]) == len(body)
    return Reply(answer.status, headers, body, list(answer.headers), answer.reason)


def digest_of(content: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"


def descriptor(content: bytes, media_type: str, algorithm: str = "sha256") -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(content, algorithm), "size": len(content)}


def manifest(layer: bytes = b"layer", **more: object) -> bytes:
    """An image of the config `{}` and one layer."""
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(b"{}", OCI_CONFIG),
        "layers": [descriptor(layer, OCI_LAYER_GZIP)],
        **more,
    }
    return json.dumps(document, indent=3).encode()


def artifact(subject: bytes, artifact_type: str, **more: object) -> bytes:
    """A signature or an SBOM of `subject`, whose content is the empty object."""
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": artifact_type,
        "config": descriptor(b"{}", OCI_EMPTY),
        "layers": [descriptor(b"{}", OCI_EMPTY)],
        "subject": descriptor(subject, OCI_MANIFEST),
        **more,
    }
    return json.dumps(document).encode()


def index(*manifests: bytes) -> bytes:
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [descriptor(raw, OCI_MANIFEST) for raw in manifests],
    }
    return json.dumps(document).encode()
