"""After the storm: whether everything that was acknowledged is there, and everything that began ended once."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any  # what the service's JSON holds

import psycopg

from benchmarks.scale.client import Client, Failed, basic
from benchmarks.scale.deployment import Deployment
from benchmarks.scale.ledger import Job, Ledger
from benchmarks.scale.scenarios import MANIFEST, prove
from tests.peers.service_process import ENDED

SETTLES_SECONDS = 300.0
"""How long jobs may take to end once nothing goes wrong any more."""

AT_ONCE = 6


@dataclass(frozen=True, slots=True)
class Verified:
    """How many of each were looked at; what was found wrong is in the ledger."""

    manifests: int
    blobs: int
    tags: int
    jobs: Mapping[str, int]
    lines: int
    followers: int
    reconnects: int
    audit: tuple[int, int]
    seconds: float


class Verifier:
    """Asks through the balancer, as anybody would, and looks at the rows of jobs."""

    def __init__(self, deployment: Deployment, ledger: Ledger) -> None:
        self._at, self._ledger = deployment, ledger
        authorization = basic("admin", deployment.api.token)
        self._registry = Client(deployment.api.registry_port, authorization, ledger, "verify", threading.Event())
        self._api = Client(deployment.api.port, f"Bearer {deployment.api.token}", ledger, "verify", threading.Event())

    def verify(self) -> Verified:
        """All of it."""
        began = time.monotonic()
        self._settle()
        jobs, lines = self._jobs()
        self._all(self._acknowledged_job, self._ledger.jobs.values())
        manifests = {(image.repository, image.digest) for image in self._ledger.images}
        self._all(lambda one: self._prove("manifests", *one), manifests)
        self._all(lambda one: self._prove("blobs", *one), self._ledger.blobs)
        self._all(lambda one: self._tag(*one), self._ledger.tags)
        tags = self._half_tags()
        followers = [each for job in self._ledger.jobs.values() for each in job.followers]
        return Verified(
            len(manifests),
            len(self._ledger.blobs),
            tags,
            jobs,
            lines,
            len(followers),
            sum(max(0, each.times - 1) for each in followers),
            self._audit(),
            time.monotonic() - began,
        )

    def _all(self, look: Callable[[Any], None], things: Iterable[Any]) -> None:
        """At several at once."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(self._guarded(look), list(things)):
                pass

    def _guarded(self, look: Callable[[Any], None]) -> Callable[[Any], None]:
        def guarded(thing: Any) -> None:
            try:
                look(thing)
            except Failed as error:
                self._ledger.lost(f"{thing}: {error.kind}, though nothing goes wrong any more")

        return guarded

    def _settle(self) -> None:
        """Until no job waits or runs, and every follower was told."""
        until = time.monotonic() + SETTLES_SECONDS
        while time.monotonic() < until:
            with suppress(Failed):
                waiting = json.loads(self._api.ask("GET", "/api/jobs?page=1&limit=1&status=queued&status=running").body)
                told = all(each.ended.is_set() for job in self._ledger.jobs.values() for each in job.followers)
                if waiting["total"] == 0 and told:
                    return
            time.sleep(0.5)

    def _jobs(self) -> tuple[Mapping[str, int], int]:
        """Of all jobs there are, those whose making was never acknowledged too: each ended once."""
        with psycopg.connect(self._at.database) as database:
            states = database.execute("SELECT id, kind, state, cursor FROM job").fetchall()
            lines = database.execute("SELECT job, number, data FROM job_line ORDER BY job, number").fetchall()
        by_job: dict[str, list[tuple[int, dict[str, Any]]]] = {}
        for job, number, data in lines:
            by_job.setdefault(job, []).append((number, data))
        for job, kind, state, cursor in states:
            found = by_job.get(job, [])
            ends = sum(_is_end(data) for _, data in found)
            if state not in ENDED:
                self._ledger.lost(f"the {kind} job {job} is still {state}")
            elif ends != 1:
                self._ledger.lost(f"the {kind} job {job} ended {ends} times")
            if [number for number, _ in found] != list(range(1, cursor + 1)):
                self._ledger.lost(f"the lines of the {kind} job {job} are not 1 to {cursor}")
        missing = set(self._ledger.jobs) - {job for job, *_ in states}
        for job in missing:
            self._ledger.lost(f"job {job} is not there")
        return Counter(f"{state}" for _, _, state, _ in states), len(lines)

    def _acknowledged_job(self, job: Job) -> None:
        told = json.loads(self._api.ask("GET", f"/api/jobs/{job.id}").body)
        for follower in job.followers:
            if not follower.ended.is_set():
                self._ledger.lost(f"a follower of {job.id} was not told its end")
            elif follower.numbers != list(range(1, told["cursor"] + 1)):
                self._ledger.lost(f"a follower of {job.id} was told {follower.numbers} of {told['cursor']} lines")
            elif sum(_is_end(line) for line in follower.lines if isinstance(line, dict)) != 1:
                self._ledger.lost(f"a follower of {job.id} was told its end more than once, or never")
            follower.stop()
        result = told["result"] or {}
        if told["status"] == "done":
            self._done(job, str(result.get("digest")))
            self._ledger.acknowledged(f"… {job.kind}: done")
        else:
            kind = f"{told['status']}: {result.get('code') or result.get('error') or 'unclear'}"
            self._ledger.failed(f"… {job.kind}", kind)
            self._ledger.noted("job failed", {"id": job.id, "result": result})
            if not result.get("error"):
                self._ledger.lost(f"job {job.id} ended {told['status']} without a reason: {result}")

    def _done(self, job: Job, digest: str) -> None:
        if job.target is not None:
            answered = self._head(job.target)
            if answered != digest:
                self._ledger.lost(f"the {job.kind} job {job.id} is done, but {job.target} answers {answered}")
        if job.engine is not None:
            images = json.loads(self._api.ask("GET", job.engine).body)
            if not any(job.name in image["tags"] for image in images):
                self._ledger.lost(f"the {job.kind} job {job.id} is done, but {job.name} is not there")

    def _head(self, target: str) -> str:
        """The digest that a registry answers for a reference by tag."""
        host, _, rest = target.partition("/")
        path, _, tag = rest.rpartition(":")
        if host == self._at.registry:
            answer = self._registry.ask("HEAD", f"/v2/{path}/manifests/{tag}", expected={200, 404})
            return answer.headers.get("docker-content-digest", str(answer.status))
        with closing(HTTPConnection(host, timeout=60)) as connection, suppress(HTTPException):
            connection.request("HEAD", f"/v2/{path}/manifests/{tag}", headers={"Accept": MANIFEST})
            answered = connection.getresponse()
            return answered.getheader("Docker-Content-Digest") or str(answered.status)
        return "nothing"

    def _prove(self, what: str, repository: str, digest: str) -> None:
        prove(self._registry, self._ledger, f"/v2/{repository}/{what}/{digest}", digest)

    def _tag(self, repository: str, tag: str) -> None:
        """Where it was left, or where somebody tried to move it after that."""
        promised = self._ledger.tags[repository, tag]
        answer = self._registry.ask("HEAD", f"/v2/{repository}/manifests/{tag}", expected={200, 404})
        found = answer.headers.get("docker-content-digest")
        if found != promised.acknowledged and not (found in promised.since or promised.acknowledged is found):
            self._ledger.lost(f"{repository}:{tag} is {found}, and was acknowledged as {promised.acknowledged}")

    def _half_tags(self) -> int:
        """Every tag that is there is one of a whole image. Returns how many there are."""
        tags = [(name, tag) for name in self._paged("/v2/_catalog", "repositories") for tag in self._tags_of(name)]
        self._all(self._whole, tags)
        return len(tags)

    def _tags_of(self, repository: str) -> Sequence[str]:
        return self._paged(f"/v2/{repository}/tags/list", "tags")

    def _paged(self, path: str, member: str) -> Sequence[str]:
        found: list[str] = []
        while True:
            last = f"&last={found[-1]}" if found else ""
            page = json.loads(self._registry.ask("GET", f"{path}?n=500{last}").body)[member] or []
            found += page
            if len(page) < 500:
                return found

    def _whole(self, named: tuple[str, str]) -> None:
        repository, tag = named
        answer = self._registry.ask(
            "GET", f"/v2/{repository}/manifests/{tag}", None, {"Accept": MANIFEST}, expected={200, 404}
        )
        if answer.status == 404:
            self._ledger.lost(f"{repository}:{tag} is listed, and is not there")
            return
        manifest = json.loads(answer.body)
        for blob in (manifest["config"], *manifest["layers"]):
            path = f"/v2/{repository}/blobs/{blob['digest']}"
            found = self._registry.ask("HEAD", path, expected={200, 307, 404})
            if found.status == 404:
                self._ledger.lost(f"{repository}:{tag} names {blob['digest']}, which is not there")

    def _audit(self) -> tuple[int, int]:
        """How many records the trail has, if it is whole, and how often numbers were left out: a crash of PostgreSQL
        leaves out up to 32 that its sequence had made ready (services.audit.seal)."""
        told = json.loads(self._api.ask("GET", "/api/audit/verify").body)
        if not told["sound"]:
            self._ledger.lost(f"the audit trail is not whole: {told}")
        return int(told["rows"]), len(told["gaps"])


def _is_end(line: Mapping[str, object]) -> bool:
    data = line.get("data") if isinstance(line.get("data"), dict) else line
    assert isinstance(data, dict)
    return data.get("status") in {"complete", "error"}
