"""A Docker engine beside a played stock agent: it has one image, and pushes it anywhere without moving a byte.

What it is told to push is done when its last line but two is read: from then on `pushed` holds the target, as a
registry would.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote

from tests.fakes.stock_engine import Answer

IMAGE = "sha256:" + hashlib.sha256(b"the played image").hexdigest()
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 9, "digest": IMAGE},
        "layers": [],
    }
).encode()
DIGEST = "sha256:" + hashlib.sha256(MANIFEST).hexdigest()
LAYERS = ("a1b2c3d4e5f6", "0123456789ab")
_DETAILS = {
    "Id": IMAGE,
    "RepoTags": ["played/app:1"],
    "RepoDigests": [],
    "Created": "2026-01-02T03:04:05Z",
    "Os": "linux",
    "Architecture": "amd64",
    "Size": 1000,
    "Config": {"Labels": {"owner": "Zoë"}},
    "RootFS": {"Type": "layers", "Layers": [IMAGE]},
}


@dataclass
class PushingEngine:
    """`ticks` are the lines of each layer's progress, `pause` the seconds between two. `slices` cuts bodies into reads
    of so many bytes."""

    ticks: int = 2
    pause: float = 0.0
    slices: int = 4096
    pushed: set[str] = field(default_factory=set)
    pushes: int = 0

    @asynccontextmanager
    async def ask(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None
    ) -> AsyncIterator[Answer]:
        path, _, query = target.partition("?")
        if method == "POST" and path.endswith("/push"):
            name = unquote(path).partition("/images/")[2].removesuffix("/push")
            yield Answer(200, {"content-type": "application/json"}, self._push(f"{name}:{parse_qs(query)['tag'][0]}"))
            return
        status, said = self._plain(method, path)
        kind = "application/json" if said[:1] in "[{" else "text/plain; charset=utf-8"
        yield Answer(status, {"content-type": kind, "api-version": "1.41"}, self._sliced(said.encode()))

    def _plain(self, method: str, path: str) -> tuple[int, str]:
        if path.endswith("/_ping"):
            return 200, "OK"
        if path.endswith("/version"):
            return 200, json.dumps({"Version": "20.10.24", "ApiVersion": "1.41", "Os": "linux", "Arch": "amd64"})
        if path.endswith("/images/json"):
            row = {**_DETAILS, "Created": 1767323045, "Labels": {"owner": "Zoë"}}
            return 200, json.dumps([row], ensure_ascii=False)
        if method == "GET" and path.endswith("/json"):
            if any(name in unquote(path) for name in ("played/app:1", IMAGE)):
                return 200, json.dumps(_DETAILS, ensure_ascii=False)
            return 404, json.dumps({"message": "No such image"})
        if path.endswith("/tag"):
            return 201, ""
        if method == "DELETE":
            return 200, json.dumps([{"Untagged": "it"}])
        return 404, json.dumps({"message": "page not found"})

    async def _push(self, target: str) -> AsyncIterator[bytes]:
        self.pushes += 1
        for line in self._progress(target):
            await asyncio.sleep(self.pause)
            async for piece in self._sliced(_line(line)):
                yield piece
        self.pushed.add(target)
        tag = target.rpartition(":")[2]
        told = {"progressDetail": {}, "aux": {"Tag": tag, "Digest": DIGEST, "Size": len(MANIFEST)}}
        end = _line({"status": f"{tag}: digest: {DIGEST} size: {len(MANIFEST)}"}) + _line(told)
        async for piece in self._sliced(end):
            yield piece

    def _progress(self, target: str) -> list[dict[str, object]]:
        lines: list[dict[str, object]] = [{"status": f"The push refers to repository [{target}] — ünïcode"}]
        for layer in LAYERS:
            lines.append({"status": "Preparing", "progressDetail": {}, "id": layer})
            for tick in range(self.ticks):
                progress = {"current": tick, "total": self.ticks}
                lines.append({"status": "Pushing", "progressDetail": progress, "progress": "[=> ]", "id": layer})
            lines.append({"status": "Pushed", "progressDetail": {}, "id": layer})
        return lines

    async def _sliced(self, content: bytes) -> AsyncIterator[bytes]:
        for at in range(0, len(content), self.slices):
            yield content[at : at + self.slices]


def _line(value: Mapping[str, object]) -> bytes:
    """As a daemon writes it; characters beyond ASCII may be cut anywhere on the way."""
    return json.dumps(value, ensure_ascii=False).encode() + b"\r\n"
