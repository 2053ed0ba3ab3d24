"""Jobs made through the API and followed to their end, by those who come again where they are cut off; and agents."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.scale.client import Client, Failed
from benchmarks.scale.ledger import Job, Ledger
from tests.peers.job_follower import JobFollower
from tests.peers.service_process import Service

KINDS = ("pull", "push", "copy in", "copy out", "agent pull", "agent push")

ENDS_SECONDS = 240.0
"""How long one who makes jobs waits for one before the next; who follows it goes on."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where images come from and go to: a registry that is none of ours, with `images` in it, and our own."""

    outside: str
    ours: str
    images: Sequence[str]
    environments: Sequence[int]


@dataclass
class Jobs:
    """One after the other, of these kinds; with `repeats` every fifth is asked for twice with the same key."""

    client: Client
    service: Service
    ledger: Ledger
    places: Places
    number: int
    followers: int = 2
    kinds: Sequence[str] = KINDS
    repeats: bool = True
    name: str = "job"
    _count: int = 0

    def step(self, chance: Random) -> None:
        self._count += 1
        path, body, job_of = self._wanted(chance)
        self.ledger.attempted(self.name)
        headers = {"Idempotency-Key": str(uuid.UUID(int=chance.getrandbits(128), version=4))}
        made = self._made(path, body, headers)
        if self.repeats and chance.randrange(5) == 0 and self._made(path, body, headers) != made:
            self.ledger.lost(f"one key made a second job beside {made}")
        followers = [JobFollower(self.service, made).start() for _ in range(self.followers)]
        job = Job(made, *job_of, followers)
        self.ledger.job(job)
        self.ledger.acknowledged(self.name)
        for follower in followers:
            await_end(follower, self.client.over)

    def _made(self, path: str, body: Mapping[str, object], headers: Mapping[str, str]) -> str:
        return str(json.loads(self.client.ask("POST", path, body, headers).body)["jobId"])

    def _wanted(self, chance: Random) -> tuple[str, Mapping[str, object], tuple[str, str | None, str | None, str]]:
        """Path, body, and the kind, target, engine and name of the job."""
        outside, ours = self.places.outside, self.places.ours
        image = chance.choice(self.places.images)
        source, unique = f"{outside}/{image}:1", f"maker{self.number}:j{self._count}"
        pushed = self.ledger.some_images()
        pull: dict[str, object] = {"image": source, "scanAfterPull": False}
        kind = chance.choice(self.kinds)
        if kind.startswith("agent") and self.places.environments:
            environment = chance.choice(self.places.environments)
            if kind == "agent pull":
                engine = f"/api/images?env={environment}"
                return f"/api/images/pull?env={environment}", pull, (kind, None, engine, source)
            target = f"{outside}/agents/{unique}"
            body = {"imageId": f"{outside}/{self.places.images[0]}:1", "target": target}
            return f"/api/images/push?env={environment}", body, (kind, target, None, target)
        if kind == "push":
            target = f"{outside}/pushed/{unique}"
            body = {"imageId": f"{outside}/{self.places.images[0]}:1", "target": target}
            return "/api/images/push", body, (kind, target, None, target)
        if kind == "copy in":
            target = f"{ours}/copied/{unique}"
            return "/api/images/copy", {"source": source, "targets": [target]}, (kind, target, None, target)
        if kind == "copy out" and pushed:
            target = f"{outside}/copied/{unique}"
            found = chance.choice(pushed)
            source = f"{ours}/{found.repository}@{found.digest}"
            copy: dict[str, object] = {"source": source, "targets": [target], "own": bool(chance.randrange(2))}
            return "/api/images/copy", copy, (kind, target, None, target)
        return "/api/images/pull", pull, ("pull", None, "/api/images", source)


def await_end(follower: JobFollower, over: threading.Event) -> None:
    """Of a job; not longer than ENDS_SECONDS, nor after `over`."""
    for _ in range(int(ENDS_SECONDS * 2)):
        if follower.ended.wait(0.5) or over.is_set():
            return


@dataclass
class Agents:
    """Asks for the images of machines that come to the server, whichever replica they are at."""

    client: Client
    ledger: Ledger
    environments: Sequence[int]
    name: str = "images of an agent"

    def step(self, chance: Random) -> None:
        self.ledger.attempted(self.name)
        answer = self.client.ask("GET", f"/api/images?env={chance.choice(self.environments)}")
        if not isinstance(json.loads(answer.body), list):
            raise Failed("no list")
        self.ledger.acknowledged(self.name)
