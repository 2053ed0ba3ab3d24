"""What clients do at the registry and the API: pushing, pulling with proof of every byte, looking around."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Protocol
from urllib.parse import quote

from benchmarks.scale.client import AGAIN, Client, Failed, Unanswered, fetched
from benchmarks.scale.ledger import Image, Ledger

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
SIZES = (1 << 10, 1 << 20)
"""Of layers, in bytes; each power of two is as likely."""

LARGE, LARGE_ONE_IN = 12 << 20, 60
"""More than one part of a multipart upload."""


class Scenario(Protocol):
    """One who does the same thing again and again."""

    name: str

    def step(self, chance: Random) -> None:
        """Once. Raises Failed where it was given up."""


def digest_of(content: bytes) -> str:
    """As registries write it."""
    return f"sha256:{sha256(content).hexdigest()}"


@dataclass
class Pushes:
    """As docker pushes: each blob looked for, mounted or uploaded in pieces, then the manifest by its tag. Every fifth
    moves a tag that there was."""

    client: Client
    ledger: Ledger
    number: int
    sizes: tuple[int, int] = SIZES
    name: str = "push by /v2/"
    _count: int = 0
    _kept: list[tuple[str, str, int]] = field(default_factory=list)

    def step(self, chance: Random) -> None:
        self._count += 1
        repository = f"storm/pusher{self.number}-{chance.randrange(5)}"
        self.ledger.attempted(self.name)
        layers = [self._layer(chance, repository) for _ in range(chance.randint(1, 3))]
        config = json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Labels": {"number": f"{self.number}/{self._count}"}},
                "rootfs": {"type": "layers", "diff_ids": [digest for digest, _ in layers]},
            }
        ).encode()
        self._upload(repository, config, chance)
        described = {"mediaType": CONFIG, "digest": digest_of(config), "size": len(config)}
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": described,
                "layers": [{"mediaType": LAYER, "digest": digest, "size": size} for digest, size in layers],
            }
        ).encode()
        tag = "moving" if chance.randrange(5) == 0 else f"v{self._count}"
        digest = digest_of(manifest)
        self.ledger.tagging(repository, tag, digest)
        path = f"/v2/{repository}/manifests/{tag}"
        answer = self.client.ask("PUT", path, manifest, {"Content-Type": MANIFEST}, expected={201})
        if answer.headers.get("docker-content-digest") != digest:
            self.ledger.lost(f"{repository}:{tag} was accepted as something else: {answer.headers}")
        self.ledger.tagged(repository, tag, digest)
        self.ledger.image(Image(repository, digest, [digest_of(config), *(each for each, _ in layers)]))
        self.ledger.acknowledged(self.name, {"repository": repository, "tag": tag, "digest": digest})

    def _layer(self, chance: Random, repository: str) -> tuple[str, int]:
        if self._kept and chance.random() < 0.3:
            before, digest, size = chance.choice(self._kept)
            path = f"/v2/{repository}/blobs/uploads/?mount={quote(digest)}&from={before}"
            answer = self.client.ask("POST", path, b"", expected={201, 202})
            if answer.status == 201:
                self.ledger.blob(repository, digest)
                return digest, size
            self.ledger.lost(f"{digest} of {before} could not be mounted: it is not there")
        least, most = self.sizes
        size = chance.randint(least, least << chance.randint(0, (most // least).bit_length() - 1))
        content = chance.randbytes(LARGE if chance.randrange(LARGE_ONE_IN) == 0 and most > 1 << 16 else size)
        self._upload(repository, content, chance)
        self._kept = [*self._kept[-50:], (repository, digest_of(content), len(content))]
        return digest_of(content), len(content)

    def _upload(self, repository: str, content: bytes, chance: Random) -> None:
        """One whose upload is broken off asks how far it came, and goes on; where nobody knows it, it begins anew."""
        digest, patience = digest_of(content), self.client.patience()
        pieces = chance.randint(1, 3)
        location: str | None = None
        while True:
            try:
                if location is None:
                    location = self._begun(repository)
                    offset = 0
                else:
                    offset = self._offset(location)
                self._sent(location, content, offset, pieces)
                sign = "&" if "?" in location else "?"
                answer = self.client.once("PUT", f"{location}{sign}digest={quote(digest)}", b"")
                if answer.status == 201:
                    break
                raise _Refused(answer.kind, answer.status)
            except Unanswered as error:
                patience.again(error.kind)
            except _Refused as error:
                if error.status == 404 and self._is_there(repository, digest):
                    break  # the answer to the last request was lost
                if error.status in {404, 416}:
                    location = None
                elif error.status not in AGAIN:
                    raise Failed(error.kind) from None
                patience.again(error.kind)
        self.ledger.blob(repository, digest)

    def _begun(self, repository: str) -> str:
        answer = self.client.once("POST", f"/v2/{repository}/blobs/uploads/", b"")
        if answer.status != 202:
            raise _Refused(answer.kind, answer.status)
        return "/v2/" + answer.headers["location"].partition("/v2/")[2]

    def _offset(self, location: str) -> int:
        answer = self.client.once("GET", location)
        if answer.status != 204:
            raise _Refused(answer.kind, answer.status)
        last = int(answer.headers["range"].partition("-")[2])
        return last + 1 if last else 0

    def _sent(self, location: str, content: bytes, offset: int, pieces: int) -> None:
        step = -(-len(content) // pieces)
        while offset < len(content):
            piece = content[offset : offset + step]
            fields = {
                "Content-Range": f"{offset}-{offset + len(piece) - 1}",
                "Content-Type": "application/octet-stream",
            }
            answer = self.client.once("PATCH", location, piece, fields)
            if answer.status != 202:
                raise _Refused(answer.kind, answer.status)
            offset += len(piece)

    def _is_there(self, repository: str, digest: str) -> bool:
        return self.client.once("HEAD", f"/v2/{repository}/blobs/{digest}").status == 200


class _Refused(Exception):
    def __init__(self, kind: str, status: int) -> None:
        super().__init__(kind)
        self.kind, self.status = kind, status


@dataclass
class EnginePushes:
    """Our own command pushes a layout, as a person would, and again where it fails."""

    client: Client
    ledger: Ledger
    folder: Path
    registry: str
    number: int
    surroundings: Mapping[str, str] = field(repr=False, default_factory=dict)
    name: str = "lading push"
    _count: int = 0

    def step(self, chance: Random) -> None:
        self._count += 1
        layout = self.folder / f"layout{self.number}"
        layers = [chance.randbytes(chance.randint(*SIZES)) for _ in range(2)]
        image = written_layout(layout, layers, f"{self.number}/{self._count}")
        repository, tag = f"storm/engine{self.number}", f"v{self._count}"
        target = f"{self.registry}/{repository}:{tag}"
        self.ledger.attempted(self.name)
        self.ledger.tagging(repository, tag, image.digest)
        patience = self.client.patience()
        command = [sys.executable, "-m", "lading", "copy", f"oci:{layout}:1", target, "-q"]
        while True:
            done = subprocess.run(
                command, capture_output=True, env=dict(self.surroundings), check=False, stdin=subprocess.DEVNULL
            )
            if done.returncode == 0:
                break
            if done.returncode not in {1, 7, 8, 10}:
                raise Failed(f"exit {done.returncode}")
            patience.again(f"exit {done.returncode}")
        self.ledger.tagged(repository, tag, image.digest)
        self.ledger.image(Image(repository, image.digest, image.blobs))
        self.ledger.acknowledged(self.name, {"repository": repository, "tag": tag, "digest": image.digest})


def written_layout(layout: Path, layers: Sequence[bytes], label: str) -> Image:
    """A new one, with `1` in it; what was there is written over."""
    blobs = layout / "blobs/sha256"
    blobs.mkdir(parents=True, exist_ok=True)
    for old in blobs.iterdir():
        old.unlink()

    def put(content: bytes, media: str) -> dict[str, object]:
        digest = digest_of(content)
        (blobs / digest.partition(":")[2]).write_bytes(content)
        return {"mediaType": media, "digest": digest, "size": len(content)}

    put_layers = [put(each, LAYER) for each in layers]
    diffs = {"type": "layers", "diff_ids": [each["digest"] for each in put_layers]}
    config = {"architecture": "amd64", "os": "linux", "config": {"Labels": {"number": label}}, "rootfs": diffs}
    put_config = put(json.dumps(config).encode(), CONFIG)
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": put_config, "layers": put_layers}
    root = put(json.dumps(manifest).encode(), MANIFEST)
    named = {**root, "annotations": {"org.opencontainers.image.ref.name": "1"}}
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))
    return Image("", str(root["digest"]), [str(each["digest"]) for each in (put_config, *put_layers)])


@dataclass
class Pulls:
    """By digest, each byte proven: of something that was acknowledged, so that `not there` is a loss."""

    client: Client
    ledger: Ledger
    name: str = "pull by digest"

    def step(self, chance: Random) -> None:
        images = self.ledger.some_images()
        if not images:
            self.client.over.wait(0.2)
            return
        self.ledger.attempted(self.name)
        prove_image(self.client, self.ledger, chance.choice(images))
        self.ledger.acknowledged(self.name)


def prove_image(client: Client, ledger: Ledger, image: Image) -> None:
    """Its manifest and every blob. Raises Failed."""
    prove(client, ledger, f"/v2/{image.repository}/manifests/{image.digest}", image.digest)
    for blob in image.blobs:
        prove(client, ledger, f"/v2/{image.repository}/blobs/{blob}", blob)


def prove(client: Client, ledger: Ledger, path: str, digest: str) -> None:
    """All of it, going on where it broke off; what is not there, or something else, is a loss. Raises Failed."""
    patience, kept = client.patience(), b""
    while True:
        ranged = {"Range": f"bytes={len(kept)}-"} if kept else {}
        try:
            answer = client.once("GET", path, None, {"Accept": MANIFEST, **ranged})
            if answer.status in {302, 307}:
                answer = fetched(answer.headers["location"], ranged)
        except Unanswered as error:
            kept = kept + error.received if "/blobs/" in path else b""
            patience.again(error.kind)
            continue
        if answer.status in {200, 206}:
            whole = answer.body if answer.status == 200 else kept + answer.body
            if digest_of(whole) != digest:
                ledger.lost(f"{path} has other bytes: {len(whole)} of them, after {len(kept)} before a break")
            return
        if answer.status == 416 and digest_of(kept) == digest:
            return  # it broke off behind the last byte
        if answer.status in {404, 416}:
            ledger.lost(f"{path} answered {answer.kind}")
            return
        if answer.status not in AGAIN:
            raise Failed(answer.kind)
        patience.again(answer.kind)


PAGES: Sequence[str] = (
    "/",
    "/api/jobs?page=1&limit=50",
    "/api/repositories?page=1&limit=50",
    "/api/repositories/{repository}",
    "/api/repositories/{repository}/tags?page=1&limit=50",
    "/api/images?page=1&limit=50",
    "/api/audit?page=1&limit=50",
    "/api/environments",
    "/api/registries",
)
LISTS: Sequence[str] = ("/v2/_catalog?n=50", "/v2/{repository}/tags/list?n=50")


@dataclass
class Browsing:
    """Pages and lists, one after the other."""

    client: Client
    registry: Client
    ledger: Ledger
    pages: Sequence[str] = PAGES
    lists: Sequence[str] = LISTS
    name: str = "browse"

    def step(self, chance: Random) -> None:
        images = self.ledger.some_images()
        repository = chance.choice(images).repository if images else ""
        page = chance.choice((*self.pages, *self.lists))
        if not repository and "{" in page:
            page = "/api/jobs?page=1&limit=50"
        self.ledger.attempted(self.name)
        at_api = page in self.pages or page.startswith("/api")
        client = self.client if at_api else self.registry
        named = quote(repository, safe="") if at_api else repository
        answer = client.ask("GET", page.format(repository=named))
        if page != "/":
            json.loads(answer.body)
        self.ledger.acknowledged(self.name)
