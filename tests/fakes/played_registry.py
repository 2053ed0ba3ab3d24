"""A registry in memory that answers requests as values, with the habits that are asked of it.

    registry = PlayedRegistry()
    registry.forgets = True            # as in distribution 2.8, whose URLs hold the offset: a cut body makes them stale
    registry.body_limit = 1000         # larger bodies are answered 413
    registry.mounts_itself = False     # a mount from the repository itself always starts an upload

It speaks the specification otherwise. `received` counts the body bytes that reached it.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from lading.oci.digest import Digest
from lading.oci.manifest import Index, parse_manifest
from lading.wire.message import Request, Response
from lading.wire.registry_errors import STATUS, Code, Fault, render
from lading.wire.registry_urls import (
    BlobAt,
    Catalog,
    ManifestAt,
    ReferrersOf,
    Root,
    TagList,
    UploadAt,
    UploadStart,
    match,
)


def refusal(code: Code) -> Response:
    """As the specification draws it."""
    return Response(STATUS[code], {}, render([Fault(code)]))


@dataclass(slots=True)
class Holding:
    """What one repository holds."""

    blobs: dict[Digest, bytes] = field(default_factory=dict)
    manifests: dict[Digest, tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[str, Digest] = field(default_factory=dict)
    uploads: dict[str, bytearray] = field(default_factory=dict)


class PlayedRegistry:
    """Call it with a request and the body that arrived; `whole` is False where the connection broke in between."""

    def __init__(self) -> None:
        self.repositories: defaultdict[str, Holding] = defaultdict(Holding)
        self.received = 0
        self.forgets = False
        self.mounts = True
        self.mounts_itself = True
        self.patches = True
        self.lists_referrers = True
        self.untags = True
        self.body_limit: int | None = None
        self.page = 2
        self._numbers = itertools.count(1)

    def __call__(self, request: Request, body: bytes = b"", whole: bool = True) -> Response:
        self.received += len(body)
        parts = urlsplit(request.url)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if self.body_limit is not None and request.body_size > self.body_limit:
            return Response(413, {"content-type": "text/html"}, b"<h1>413 Request Entity Too Large</h1>")
        match match(parts.path):
            case Root():
                return Response(200)
            case Catalog():
                return self._listed("repositories", sorted(self.repositories), query, parts.path)
            case UploadStart(path):
                return self._start(path, query)
            case UploadAt(path, session):
                return self._upload(request, self.repositories[path], f"{path} {session}", query, body, whole)
            case BlobAt(path, digest):
                return self._blob(request, self.repositories[path].blobs.get(digest))
            case ManifestAt(path, reference):
                return self._manifest(request, self.repositories[path], reference, body)
            case TagList(path):
                return self._listed("tags", sorted(self.repositories[path].tags), query, parts.path)
            case ReferrersOf(path, digest):
                return self._referrers(self.repositories[path], digest)
            case _:
                return Response(404)

    def _start(self, path: str, query: dict[str, str]) -> Response:
        digest, origin = query.get("mount"), query.get("from")
        if digest and not self.mounts:
            return refusal(Code.UNSUPPORTED)
        if digest and origin and (self.mounts_itself or origin != path):
            wanted = Digest.parse(digest)
            if wanted in self.repositories[origin].blobs:
                self.repositories[path].blobs[wanted] = self.repositories[origin].blobs[wanted]
                return Response(201, {"location": str(BlobAt(path, wanted))})
        session = f"s{next(self._numbers)}"
        self.repositories[path].uploads[f"{path} {session}"] = bytearray()
        return Response(202, {"location": f"{UploadAt(path, session)}?_state=0", "range": "0-0"})

    def _upload(
        self, request: Request, holding: Holding, session: str, query: dict[str, str], body: bytes, whole: bool
    ) -> Response:
        held = holding.uploads.get(session)
        if held is None or (self.forgets and query.get("_state") != str(len(held))):
            return refusal(Code.BLOB_UPLOAD_UNKNOWN)
        if request.method == "PATCH" and not self.patches:
            return refusal(Code.UNSUPPORTED)
        if request.method != "GET":
            start = request.headers.get("content-range", str(len(held))).partition("-")[0]
            if int(start) != len(held):
                return Response(416, self._place(session, held))
            held += body
        if request.method != "PUT" or not whole:
            return Response(204 if request.method == "GET" else 202, self._place(session, held))
        del holding.uploads[session]
        digest = Digest.parse(query["digest"])
        if Digest.of(held, digest.algorithm) != digest:
            return refusal(Code.DIGEST_INVALID)
        holding.blobs[digest] = bytes(held)
        return Response(201, {"docker-content-digest": str(digest)})

    def _place(self, session: str, held: bytearray) -> dict[str, str]:
        path, _, name = session.partition(" ")
        return {"location": f"{UploadAt(path, name)}?_state={len(held)}", "range": f"0-{max(len(held) - 1, 0)}"}

    def _blob(self, request: Request, blob: bytes | None) -> Response:
        if blob is None:
            return refusal(Code.BLOB_UNKNOWN)
        start, _, end = request.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")
        part = blob[int(start) : int(end) + 1 if end else None]
        headers = {"content-length": str(len(part))}
        if "range" in request.headers:
            headers["content-range"] = f"bytes {start}-{int(start) + len(part) - 1}/{len(blob)}"
        return Response(206 if "range" in request.headers else 200, headers, b"" if request.method == "HEAD" else part)

    def _manifest(self, request: Request, holding: Holding, reference: str | Digest, body: bytes) -> Response:
        if request.method == "PUT":
            return self._put(request, holding, reference, body)
        digest = reference if isinstance(reference, Digest) else holding.tags.get(reference)
        if digest is None or digest not in holding.manifests:
            return refusal(Code.MANIFEST_UNKNOWN)
        if request.method == "DELETE":
            return self._delete(holding, reference)
        media_type, raw = holding.manifests[digest]
        headers = {"content-type": media_type, "content-length": str(len(raw)), "docker-content-digest": str(digest)}
        return Response(200, headers, b"" if request.method == "HEAD" else raw)

    def _put(self, request: Request, holding: Holding, reference: str | Digest, body: bytes) -> Response:
        digest = reference if isinstance(reference, Digest) else Digest.of(body)
        holding.manifests[digest] = (request.headers["content-type"], body)
        if not isinstance(reference, Digest):
            holding.tags[reference] = digest
        subject = parse_manifest(body).subject
        headers = {"docker-content-digest": str(digest)}
        if subject is not None and self.lists_referrers:
            headers["oci-subject"] = str(subject.digest)
        return Response(201, headers)

    def _delete(self, holding: Holding, reference: str | Digest) -> Response:
        if isinstance(reference, Digest):
            del holding.manifests[reference]
            holding.tags = {tag: digest for tag, digest in holding.tags.items() if digest != reference}
        elif self.untags:
            del holding.tags[reference]
        else:
            return refusal(Code.UNSUPPORTED)
        return Response(202)

    def _listed(self, member: str, names: list[str], query: dict[str, str], path: str) -> Response:
        later = [name for name in names if name > query.get("last", "")]
        page = later[: self.page]
        headers = {"link": f'<{path}?last={page[-1]}>; rel="next"'} if len(later) > self.page else {}
        return Response(200, headers, json.dumps({member: page}).encode())

    def _referrers(self, holding: Holding, subject: Digest) -> Response:
        if not self.lists_referrers:
            return Response(404)
        parsed = [parse_manifest(raw) for _, raw in holding.manifests.values()]
        listed = [one.descriptor() for one in parsed if one.subject is not None and one.subject.digest == subject]
        return Response(200, {}, Index.build(listed).raw)
