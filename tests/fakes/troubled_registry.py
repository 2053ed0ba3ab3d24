"""The played registry over real TCP, told to misbehave at its doors, down to the byte.

    registry = TroubledRegistry()
    registry.trouble("blob", instead(Reply(503)))          # the first GET of a blob answers 503
    registry.trouble("put", hang_up(1000, Ending.RST))     # the first PUT is reset after 1,000 bytes of its body
    with ScriptedServer(registry) as server: ...

Doors: root, start, patch, put, status (of an upload), blob and look (GET and HEAD of one), manifest, find, point and
delete (GET, HEAD, PUT and DELETE of one), list (tags), referrers.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import MANIFEST_TYPES
from lading.wire.message import BytesContent, Request, Response
from lading.wire.registry_urls import BlobAt, ManifestAt, ReferrersOf, TagList, UploadAt, UploadStart, match
from tests.fakes.played_registry import PlayedRegistry
from tests.fakes.scripted_server import Asked, Ending, Reply

Play = Callable[[Asked], Reply]
Trick = Callable[[Asked, Play], Reply]
"""Answers instead of the registry, which it may ask as well."""

_METHODS = {
    UploadStart: {"POST": "start"},
    UploadAt: {"PATCH": "patch", "PUT": "put", "GET": "status", "DELETE": "cancel"},
    BlobAt: {"GET": "blob", "HEAD": "look"},
    ManifestAt: {"GET": "manifest", "HEAD": "find", "PUT": "point", "DELETE": "delete"},
    TagList: {"GET": "list"},
    ReferrersOf: {"GET": "referrers"},
}


def door(asked: Asked) -> str:
    """What is asked for, in one word."""
    return _METHODS.get(type(match(asked.path)), {}).get(asked.method, "root")


def instead(reply: Reply) -> Trick:
    """Answer so and do nothing; the body is read first, unless the reply says how far."""
    return lambda asked, play: reply


def afterwards(reply: Reply) -> Trick:
    """Do as asked, then answer something else."""

    def trick(asked: Asked, play: Play) -> Reply:
        play(asked)
        return reply

    return trick


def cut(at: int, ending: Ending) -> Trick:
    """Break the answer's body off after so many bytes; below zero: before the status."""
    return lambda asked, play: replace(play(asked), silent=at < 0, upto=max(at, 0), ending=ending)


def hang_up(at: int, ending: Ending) -> Trick:
    """Break off while the request's body comes, after so many bytes of it, which the registry keeps."""

    def trick(asked: Asked, play: Play) -> Reply:
        asked.receive(at)
        asked.stop()
        play(asked)
        return Reply(silent=True, read=0, ending=ending)

    return trick


def swallowed(at: int, ending: Ending) -> Trick:
    """The same, and the registry forgets what came."""
    return instead(Reply(silent=True, read=at, ending=ending))


def changed(change: Callable[[Reply], Reply]) -> Trick:
    """Do as asked, and answer a little differently."""
    return lambda asked, play: change(play(asked))


def fields(**changes: str | None) -> Trick:
    """Do as asked, with these header fields put in place of the registry's (None: left out)."""
    given = {name.replace("_", "-"): value for name, value in changes.items()}

    def change(reply: Reply) -> Reply:
        kept = [(name, value) for name, value in reply.fields if name.lower() not in given]
        return replace(reply, fields=[*kept, *((name, value) for name, value in given.items() if value is not None)])

    return changed(change)


@dataclass(slots=True)
class _Trouble:
    door: str
    trick: Trick
    times: int
    skip: int


class TroubledRegistry:
    """`guard` looks at every request first and may refuse it. `served` counts the bytes of blobs that went out."""

    def __init__(self, guard: Callable[[Asked], Reply | None] | None = None) -> None:
        self.registry = PlayedRegistry()
        self._guard = guard
        self._lock = threading.Lock()
        self._troubles: list[_Trouble] = []
        self.visits: Counter[str] = Counter()
        self.served = 0

    def trouble(self, door: str, *tricks: Trick, times: int = 1, skip: int = 0) -> None:
        """The tricks one after the other, each `times` times; the first `skip` visits go well."""
        for trick in tricks:
            self._troubles.append(_Trouble(door, trick, times, skip))
            skip = 0

    def hold(self, name: str, descriptor: Descriptor, content: bytes) -> None:
        """As if pushed before."""
        holding = self.registry.repositories[name]
        if descriptor.media_type in MANIFEST_TYPES:
            holding.manifests[descriptor.digest] = (descriptor.media_type, content)
        else:
            holding.blobs[descriptor.digest] = content

    def name_it(self, name: str, tag: str, digest: Digest) -> None:
        """Point a tag."""
        self.registry.repositories[name].tags[tag] = digest

    def tags(self, name: str) -> dict[str, Digest]:
        """Where they point."""
        return self.registry.repositories[name].tags

    def blobs(self, name: str) -> dict[Digest, bytes]:
        """What is held."""
        return self.registry.repositories[name].blobs

    def __call__(self, asked: Asked) -> Reply:
        if asked.method == "TLS":
            return Reply(400)
        where = door(asked)
        refusal = self._guard(asked) if self._guard else None
        if refusal is not None:
            return refusal
        with self._lock:
            self.visits[where] += 1
            trick = self._trick(where)
        reply = self._play(asked) if trick is None else trick(asked, self._play)
        if where == "blob" and not reply.silent and reply.status < 300:
            with self._lock:
                self.served += len(reply.body if reply.upto is None else reply.body[: reply.upto])
        return reply

    def _trick(self, where: str) -> Trick | None:
        for trouble in self._troubles:
            if trouble.door != where or trouble.times == 0:
                continue
            if trouble.skip:
                trouble.skip -= 1
                return None
            trouble.times -= 1
            return trouble.trick
        return None

    def _play(self, asked: Asked) -> Reply:
        body = asked.receive()
        url = f"http://{asked.headers['host']}{asked.target}"
        announced = BytesContent(b"") if asked.length else None
        request = Request(asked.method, url, asked.headers, announced, length=asked.length)
        with self._lock:
            return _reply(asked, self.registry(request, body, asked.complete))


def _reply(asked: Asked, response: Response) -> Reply:
    length = response.headers.get("content-length")
    kept = [(name, value) for name, value in response.headers.items() if name != "content-length"]
    declared = int(length) if asked.method == "HEAD" and length else None
    return Reply(response.status, kept, response.body, declared=declared)
