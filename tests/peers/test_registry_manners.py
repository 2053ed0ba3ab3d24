"""What a registry asks of one worker, all workers keep to: real processes on a real PostgreSQL and a real object store.
The registry is played, so that it says when to come again and knows who came when."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from tests.fakes.images import layers_of, put_image
from tests.fakes.memory import MemoryStore
from tests.fakes.scripted_server import Asked, Reply, ScriptedServer
from tests.fakes.troubled_registry import TroubledRegistry, door
from tests.peers.job_follower import JobFollower
from tests.peers.postgres_server import RunningPostgres
from tests.peers.s3_server import RunningS3
from tests.peers.service_process import BOUND_SECONDS, SECRET_KEY, Service, until
from tests.peers.worker_process import Worker

pytestmark = pytest.mark.peer("postgres", "weed")

LONG, SHORT = 240, 5
"""Seconds that a registry asks for: more than any test lasts, and few enough to see the end."""


class Limiting:
    """A guard of a registry: answers the first look at a tag with 429, and keeps when it was asked anything."""

    def __init__(self) -> None:
        self.seconds = LONG
        self._lock = threading.Lock()
        self.refused: float | None = None
        self.asked: list[float] = []

    def __call__(self, asked: Asked) -> Reply | None:
        with self._lock:
            if self.refused is None and door(asked) == "find":
                self.refused = time.monotonic()
                return Reply(429, [("Retry-After", str(self.seconds))])
            self.asked.append(time.monotonic())
            return None

    def soonest(self) -> float:
        """Seconds from the refusal until anybody came."""
        assert self.refused is not None
        return min(moment - self.refused for moment in self.asked if moment > self.refused)


class Gated:
    """A guard of a registry that answers no question for a blob before it is `open`. `asked` counts those."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.open = threading.Event()
        self.asked = 0

    def __call__(self, asked: Asked) -> Reply | None:
        if door(asked) == "blob":
            with self._lock:
                self.asked += 1
            assert self.open.wait(BOUND_SECONDS)
        return None


@dataclass
class Site:
    """A server that hands its jobs over, and what workers are told besides."""

    folder: Path
    shared: Mapping[str, str]
    server: Service
    followers: ExitStack = field(default_factory=ExitStack)

    def worker(self, number: int, **settings: str) -> Worker:
        """One that does one job at a time."""
        return Worker(self.folder / f"worker{number}", {**self.shared, "LADING_WORKER_JOBS": "1", **settings})

    def pull(self, image: str) -> JobFollower:
        """Who follows the job of pulling it."""
        follower = JobFollower(self.server, self.server.started("/api/images/pull", {"image": image})).start()
        self.followers.callback(follower.stop)
        return follower

    def movers(self) -> int:
        """How many processes say that they move layers at some registry."""
        with psycopg.connect(self.shared["LADING_DATABASE"]) as database:
            return len(database.execute("SELECT DISTINCT process FROM registry_share").fetchall())

    def held_seconds(self) -> float:
        """How long the server says that a registry is left alone; 0 where it says nothing of any."""
        page = self.server.text("GET", "/metrics")[1]
        told = [line for line in page.splitlines() if line.startswith("lading_registry_held_seconds{")]
        return max((float(line.rpartition(" ")[2]) for line in told), default=0.0)


@pytest.fixture
def site(tmp_path: Path, postgres: RunningPostgres, s3: RunningS3) -> Iterator[Site]:
    shared = {
        **s3.variables,
        "LADING_DATABASE": postgres.empty(),
        "LADING_STORAGE": s3.address(),
        "LADING_SECRET_KEY": SECRET_KEY,
    }
    server = Service(tmp_path / "server", {**shared, "LADING_WORKERS": "1", "LADING_DOCKER_API": "off"})
    with server.running():
        made = Site(tmp_path, shared, server)
        with made.followers:
            yield made


@pytest.fixture
def limiting() -> Limiting:
    return Limiting()


@pytest.fixture
def registry(limiting: Limiting) -> Iterator[str]:
    with stocked(limiting) as host:
        yield host


@contextmanager
def stocked(guard: Callable[[Asked], Reply | None]) -> Iterator[str]:
    """Host and port of a registry with `app:1` and `app:2`."""
    registry = TroubledRegistry(guard)
    for number in (1, 2):
        source = MemoryStore()
        root = put_image(source, [f"{number} ".encode() + layer for layer in layers_of(3)])
        for digest, content in source.blobs.items():
            registry.hold("app", source.held[digest], content)
        registry.name_it("app", str(number), root.digest)
    with ScriptedServer(registry) as server:
        yield server.authority


def is_held(follower: JobFollower) -> bool:
    return any(isinstance(line, dict) and line.get("status") == "held" for line in follower.lines)


def test_what_a_registry_told_one_worker_the_other_keeps_to(site: Site, limiting: Limiting, registry: str) -> None:
    assert site.held_seconds() == 0
    with site.worker(1).running(), site.worker(2).running():
        first = site.pull(f"{registry}/app:1")
        until(lambda: is_held(first), "the first job is told to wait")
        before = len(limiting.asked)
        second = site.pull(f"{registry}/app:2")
        until(lambda: is_held(second), "the second job is told to wait, in the other worker")
        until(lambda: site.held_seconds() > 0, "the server knows, which never asked that registry")
        assert len(limiting.asked) == before
        for follower in (first, second):
            site.server.ask("DELETE", f"/api/jobs/{follower.job}")
            until(follower.ended.is_set, "the job ends at once")

    assert [site.server.job(each.job)["status"] for each in (first, second)] == ["cancelled", "cancelled"]
    assert 0 < site.held_seconds() <= LONG + 1


def test_when_the_time_is_over_all_go_on_and_nobody_before(site: Site, limiting: Limiting, registry: str) -> None:
    limiting.seconds = SHORT
    with site.worker(1).running(), site.worker(2).running():
        first = site.pull(f"{registry}/app:1")
        until(lambda: is_held(first), "the first job is told to wait")
        followers = [first, *(site.pull(f"{registry}/app:{number}") for number in (1, 2))]
        for follower in followers:
            until(follower.ended.is_set, "the job ends")

    assert {site.server.job(each.job)["status"] for each in followers} == {"done"}
    assert limiting.soonest() >= SHORT


def test_two_workers_share_what_may_be_moved_at_one_registry(site: Site) -> None:
    gated = Gated()
    settings = {"LADING_HOST_LANES": "2"}
    with stocked(gated) as host, site.worker(1, **settings).running(), site.worker(2, **settings).running():
        first = site.pull(f"{host}/app:1")
        until(lambda: gated.asked == 2, "the first worker, alone, moves as many as all may")
        second = site.pull(f"{host}/app:2")
        until(lambda: site.movers() == 2, "the second one says that it moves layers there, too")
        until(lambda: gated.asked == 3, "the second worker moves its share")
        gated.open.set()
        for follower in (first, second):
            until(follower.ended.is_set, "the job ends")

    assert [site.server.job(each.job)["status"] for each in (first, second)] == ["done", "done"]
    assert site.movers() == 0
