"""A client of the specification, and nothing more: asks over a real socket, logs in where it is told to, and holds
every answer to what all answers owe."""

from __future__ import annotations

import base64
import contextlib
import http.client
import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, cast
from urllib.parse import urlencode, urlsplit

from lading.oci.media_types import OCI_MANIFEST
from lading.wire.challenge import choose, parse_challenges
from tests.fronts.registry_api.asking import digest_of, manifest

WAIT_SECONDS = 60.0

CODES = frozenset(
    {
        "BLOB_UNKNOWN",
        "BLOB_UPLOAD_INVALID",
        "BLOB_UPLOAD_UNKNOWN",
        "DIGEST_INVALID",
        "MANIFEST_BLOB_UNKNOWN",
        "MANIFEST_INVALID",
        "MANIFEST_UNKNOWN",
        "NAME_INVALID",
        "NAME_UNKNOWN",
        "SIZE_INVALID",
        "UNAUTHORIZED",
        "DENIED",
        "UNSUPPORTED",
        "TOOMANYREQUESTS",
    }
)
"""All that an error may say (distribution-spec, Error Codes)."""

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Reply:
    """One answer; header names are small. `several` are the values of each field, in order."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    several: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, object]:
        """The JSON object it holds."""
        return cast("dict[str, object]", json.loads(self.body))  # every document of a registry is an object

    @property
    def codes(self) -> list[str]:
        """Of an error."""
        return [str(error["code"]) for error in json.loads(self.body)["errors"]]

    @property
    def location(self) -> str:
        """Where it leads, as path and query."""
        there = urlsplit(self.headers["location"])
        return f"{there.path}?{there.query}" if there.query else there.path

    @property
    def digest(self) -> str:
        """What it says it is."""
        return self.headers["docker-content-digest"]


@dataclass(frozen=True)
class Login:
    """A name and a password, for the token service that a challenge names."""

    name: str
    password: str


class Registry:
    """One connection to the registry at `address`; `repository` is a name that nobody else uses.

    `through` are the fields of a proxy that the client speaks to: it takes its own prefix off what is asked.
    """

    def __init__(
        self, address: tuple[str, int], login: Login | None = None, through: Mapping[str, str] | None = None
    ) -> None:
        self.host = f"{address[0]}:{address[1]}"
        self.connection = http.client.HTTPConnection(*address, timeout=WAIT_SECONDS)
        self.repository = f"conformance/r{next(_numbers)}"
        self._login, self._through = login, through or {}
        self._tokens: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.connection.close()

    def another(self) -> str:
        """A further repository's name."""
        return f"conformance/r{next(_numbers)}"

    def ask(
        self,
        method: str,
        target: str,
        body: bytes | Sequence[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """`target` is a path, or what stands after `/v2/<repository>/`. A sequence is sent in chunks."""
        path = self._inside(target) if target.startswith("/") else f"/v2/{self.repository}/{target}"
        reply = self._once(method, path, body, headers or {})
        challenge = reply.headers.get("www-authenticate")
        if reply.status == 401 and challenge and self._login:
            self._tokens[_key(path)] = self._token(challenge)
            reply = self._once(method, path, body, headers or {})
        return reply

    def _once(self, method: str, path: str, body: bytes | Sequence[bytes] | None, headers: Mapping[str, str]) -> Reply:
        token = self._tokens.get(_key(path))
        sent = {**self._through, **({"Authorization": f"Bearer {token}"} if token else {}), **headers}
        given: bytes | Iterable[bytes] | None = body if isinstance(body, bytes | None) else iter(body)
        chunked = not isinstance(body, bytes | None)
        if chunked:
            sent["Transfer-Encoding"] = "chunked"
        self.connection.request(method, path, given, sent, encode_chunked=chunked)
        with contextlib.closing(self.connection.getresponse()) as response:
            content = response.read()
            several: dict[str, list[str]] = {}
            for name, value in response.getheaders():
                several.setdefault(name.lower(), []).append(value)
        reply = Reply(response.status, {name: each[-1] for name, each in several.items()}, content, several)
        check(method, reply)
        return reply

    def _token(self, header: str) -> str:
        challenge = choose(parse_challenges(header))
        assert challenge is not None
        assert challenge.scheme == "bearer"
        assert self._login is not None
        told = challenge.parameters
        query = urlencode({"service": told["service"], "scope": told.get("scope", ""), "account": self._login.name})
        login = base64.b64encode(f"{self._login.name}:{self._login.password}".encode()).decode()
        path = f"{self._inside(urlsplit(told['realm']).path)}?{query}"
        self.connection.request("GET", path, None, {**self._through, "Authorization": f"Basic {login}"})
        with contextlib.closing(self.connection.getresponse()) as response:
            assert response.status == 200
            return str(json.loads(response.read())["token"])

    def _inside(self, path: str) -> str:
        """As the proxy asks for it."""
        return path.removeprefix(self._through.get("X-Forwarded-Prefix", ""))

    # ── the verbs of a push

    def begin(self, query: str = "", repository: str | None = None) -> Reply:
        """A POST that starts an upload, or mounts."""
        return self.ask("POST", f"/v2/{repository or self.repository}/blobs/uploads/{query}", b"")

    def put_blob(self, content: bytes, digest: str, repository: str | None = None) -> Reply:
        """By POST and PUT."""
        session = self.begin(repository=repository).location
        return self.ask("PUT", with_query(session, digest=digest), content)

    def put_manifest(self, reference: str, raw: bytes, media_type: str, repository: str | None = None) -> Reply:
        """As it is."""
        target = f"/v2/{repository or self.repository}/manifests/{reference}"
        return self.ask("PUT", target, raw, {"Content-Type": media_type})

    def put_image(self, tag: str, layer: bytes = b"layer", repository: str | None = None) -> str:
        """A config, a layer and a manifest; gives the manifest's digest."""
        for blob in (b"{}", layer):
            assert self.put_blob(blob, digest_of(blob), repository).status == 201
        reply = self.put_manifest(tag, manifest(layer), OCI_MANIFEST, repository)
        assert reply.status == 201
        return reply.digest


def check(method: str, reply: Reply) -> None:
    """What every answer owes: a length that is true, a body only where there may be one, errors in the one form."""
    if method == "HEAD" or reply.status == 204:
        assert reply.body == b""
    else:
        assert int(reply.headers["content-length"]) == len(reply.body)
    if 400 <= reply.status < 500 and method != "HEAD":
        assert reply.headers["content-type"] == "application/json"
        errors = json.loads(reply.body)["errors"]
        assert errors
        for error in errors:
            assert error["code"] in CODES
            assert isinstance(error.get("message", ""), str)
    assert reply.status < 500, reply.body
    if digest := reply.headers.get("docker-content-digest"):
        assert re.fullmatch(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}", digest)
    for value in reply.several.get("warning", ()):
        assert re.fullmatch(r'299 - "[^"]*"', value)


def with_query(location: str, **query: str) -> str:
    """A Location with what the client adds to it."""
    return f"{location}{'&' if '?' in location else '?'}{urlencode(query, safe=':')}"


def _key(path: str) -> str:
    """What one token is good for: all that is asked of a repository."""
    return path.partition("?")[0].rpartition("/blobs/")[0] or path.partition("?")[0].rpartition("/")[0]
