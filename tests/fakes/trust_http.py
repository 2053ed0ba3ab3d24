"""A trust server on loopback: `TrustServer` behind the routes that Notary's client asks for."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import ssl
import threading
from collections.abc import Iterator
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lading.errors import LadingError
from lading.proof.tuf_json import write_canonical
from lading.proof.tuf_keys import SigningKey
from lading.proof.tuf_publish import ServerKeys
from tests.fakes.trust_repository import TrustServer, signer

_FILE = re.compile(r"/v2/(?P<gun>.+)/_trust/tuf/(?P<name>.*?)(?P<kind>\.json|\.key|)")
_NAMED = re.compile(r"(?:(?P<version>\d+)\.)?(?P<role>[a-z0-9/_-]+)(?:\.(?P<sha256>[0-9a-f]{64}))?")


class TrustService:
    """Keeps everything ever published, by hash too, and rotates its own keys when it is asked."""

    def __init__(self, server: TrustServer, now: float) -> None:
        self.server, self.now = server, now
        self.kept: dict[str, bytes] = {}
        self.refusals: list[str] = []

    def file(self, name: str) -> bytes | None:
        found = _NAMED.fullmatch(name)
        if found is None:
            return None
        if found["sha256"]:
            return self.kept.get(found["sha256"])
        if found["version"]:
            return self.server.roots.get(int(found["version"]))
        return self.server.files.get(found["role"])

    def key(self, role: str, *, another: bool = False) -> bytes:
        keys = self.server.keys
        held = {"timestamp": keys.timestamp, "snapshot": keys.snapshot}
        if another:
            held[role] = (*held[role], signer(f"{role} {len(held[role])}"))
            self.server.keys = ServerKeys(**held)
        newest = held[role][-1]
        assert isinstance(newest, SigningKey)
        return write_canonical(newest.key.document)

    def publish(self, update: dict[str, bytes]) -> str | None:
        """Why the update is not taken; None where it is."""
        try:
            self.server.publish(update, self.now)
        except LadingError as error:
            self.refusals.append(str(error))
            return str(error)
        self.kept |= {hashlib.sha256(raw).hexdigest(): raw for raw in self.server.files.values()}
        return None


@contextlib.contextmanager
def listening(service: TrustService, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """The address of the service while the block runs; over TLS for `localhost` where a context is given."""

    class Handler(_Handler):
        trust = service

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            host = "http://127.0.0.1" if context is None else "https://localhost"
            yield f"{host}:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    trust: TrustService

    def do_GET(self) -> None:
        found = _FILE.fullmatch(self.path)
        if found is None:
            self._answer(200 if self.path == "/v2/" else 404, b"{}")
        elif found["kind"] == ".key":
            self._answer(200, self.trust.key(found["name"]))
        else:
            raw = self.trust.file(found["name"])
            self._answer(404 if raw is None else 200, raw or b"{}")

    def do_POST(self) -> None:
        found = _FILE.fullmatch(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if found is not None and found["kind"] == ".key":
            self._answer(200, self.trust.key(found["name"], another=True))
            return
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        update: dict[str, bytes] = {}
        for part in message_from_bytes(head + body).walk():
            name, payload = part.get_filename(), part.get_payload(decode=True)
            if name is not None and isinstance(payload, bytes):
                update[name.removesuffix(".json")] = payload
        refused = self.trust.publish(update)
        error = {"errors": [{"code": "INVALID_UPDATE", "message": refused, "detail": None}]}
        self._answer(400 if refused else 200, json.dumps(error).encode() if refused else b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's word
        """Nothing: what is refused is kept."""

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
