"""`lading serve`, ended without a word during twenty jobs: each ends truthfully, and whoever follows misses nothing."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.oci.media_types import OCI_MANIFEST
from tests.peers import layouts, programs
from tests.peers.job_follower import JobFollower
from tests.peers.postgres_server import RunningPostgres
from tests.peers.service_process import SECRET_KEY, Json, Service, kill, until

JOBS = 20
LAYER_BYTES = 300_000
CAPPED = "1M"
"""A second's bytes of all jobs together: twenty images of three layers take eighteen seconds, so that a kill finds
all of them on their way."""

pytestmark = pytest.mark.peer("docker-registry", "skopeo")


@dataclass(frozen=True)
class Registries:
    """Where images come from, and an empty one that they are pushed to: nothing can be mounted there."""

    source: programs.RunningRegistry
    target: programs.RunningRegistry

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Neither answers."""
        with self.source.frozen(), self.target.frozen():
            yield


@contextmanager
def images(folder: Path) -> Iterator[Registries]:
    """The source has `app0` … in it, each of layers of its own."""
    with (
        programs.docker_registry(folder / "registry") as registry,
        programs.docker_registry(folder / "target") as target,
    ):
        for number in range(JOBS):
            layout = folder / f"layout{number}"
            layers = [layouts.layer(f"{number}-{each}", LAYER_BYTES) for each in range(3)]
            layouts.write_layout(layout, "1", layouts.write_image(layout, layers))
            there = f"docker://{registry.host}/app{number}:1"
            programs.skopeo("--insecure-policy", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:1", there)
        yield Registries(registry, target)


def pulled(service: Service, registries: Registries, numbers: range) -> list[str]:
    host = registries.source.host
    return [service.started("/api/images/pull", {"image": f"{host}/app{each}:1"}) for each in numbers]


def pushed(service: Service, registries: Registries, numbers: range) -> list[str]:
    return [
        service.started(
            "/api/images/push",
            {
                "imageId": f"{registries.source.host}/app{each}:1",
                "target": f"{registries.target.host}/pushed{each}:1",
            },
        )
        for each in numbers
    ]


def test_twenty_jobs_end_truthfully_after_a_kill(tmp_path: Path) -> None:
    service = Service(tmp_path / "data")
    with images(tmp_path) as registries, ExitStack() as stack:
        with service.running():
            configure(service, registries)
            service.ended(pulled(service, registries, range(JOBS // 2)))
        service.settings = {"LADING_LIMIT_RATE": CAPPED}
        with service.running() as child:
            jobs, followers = begun(service, service, registries, stack)
            kill(child)
        service.settings = {}
        with service.running():
            ended = service.ended(jobs)
            for follower in followers:
                until(follower.ended.is_set, "the follower is told the end")
            told = [service.job(follower.job)["lines"] for follower in followers]
            trail = service.ask("GET", "/api/audit?limit=200&page=1")[1]

        assert_truthful(registries, ended)
    assert_followed(followers, told)
    assert all(follower.times == 2 for follower in followers)
    assert_told_once(trail, jobs)
    assert_nothing_half_done(tmp_path / "data")


@pytest.mark.peer("postgres")
def test_the_living_server_of_two_takes_up_what_the_dead_one_left(tmp_path: Path, postgres: RunningPostgres) -> None:
    shared = {"LADING_DATABASE": postgres.empty(), "LADING_SECRET_KEY": SECRET_KEY}
    living = Service(tmp_path / "living", shared)
    (tmp_path / "living/content").mkdir(parents=True)
    (tmp_path / "dying").mkdir()
    (tmp_path / "dying/content").symlink_to(tmp_path / "living/content")
    with images(tmp_path) as registries, ExitStack() as stack, living.running():
        configure(living, registries)
        living.ended(pulled(living, registries, range(JOBS // 2)))
        dying = Service(tmp_path / "dying", {**shared, "LADING_LIMIT_RATE": CAPPED}, token=living.token)
        with dying.running() as child:
            jobs, followers = begun(dying, living, registries, stack)
            kill(child)
        ended = living.ended(jobs)
        for follower in followers:
            until(follower.ended.is_set, "the follower is told the end")
        told = [living.job(follower.job)["lines"] for follower in followers]
        trail = living.ask("GET", "/api/audit?limit=200&page=1")[1]

        assert_truthful(registries, ended)
    assert_followed(followers, told)
    assert_told_once(trail, jobs)
    assert_nothing_half_done(tmp_path / "living")


def begun(
    asked: Service, followed: Service, registries: Registries, stack: ExitStack
) -> tuple[list[str], list[JobFollower]]:
    """Ten pushes and ten pulls at one server, all on their way; of each kind one is followed, perhaps at another."""
    half = JOBS // 2
    with registries.frozen():
        jobs = pushed(asked, registries, range(half)) + pulled(asked, registries, range(half, JOBS))
    followers = [JobFollower(followed, job).start() for job in (jobs[0], jobs[-1])]
    for follower in followers:
        stack.callback(follower.stop)
    until(lambda: all(on_its_way(asked, job) for job in jobs), "all jobs move bytes")
    for follower in followers:
        until(lambda follower=follower: len(follower.numbers) > 3, "the follower is told lines")  # type: ignore[misc]  # a loop variable's value
    assert all(asked.job(job)["status"] == "running" for job in jobs)
    return jobs, followers


def on_its_way(service: Service, job: str) -> bool:
    told = json.dumps(service.job(job)["lines"])
    return '"status": "Downloading"' in told or '"status": "Pushing"' in told


def configure(service: Service, registries: Registries) -> None:
    for registry in (registries.source, registries.target):
        service.registry(registry.host)


def assert_truthful(registries: Registries, ended: dict[str, Json]) -> None:
    """Complete and proven, or interrupted with what to do."""
    for number, job in enumerate(ended.values()):
        result = job["result"]
        assert isinstance(result, dict)
        if job["status"] == "interrupted":
            assert result["hint"]
            continue
        assert job["status"] == "done", job
        if job["kind"] == "push":
            answered = programs.get(registries.target, f"/v2/pushed{number}/manifests/1", OCI_MANIFEST)[1]
            assert answered["docker-content-digest"] == result["digest"]
    assert Counter(job["status"] for job in ended.values())["done"] > 0


def assert_followed(followers: Sequence[JobFollower], told: Sequence[object]) -> None:
    for follower, lines in zip(followers, told, strict=True):
        assert isinstance(lines, list)
        assert follower.numbers == list(range(1, len(lines) + 1))
        assert follower.lines == [line["data"] for line in lines]


def assert_told_once(trail: Json, jobs: Sequence[str]) -> None:
    """One record of each job's start, and one of its end."""
    rows = trail["items"]
    assert isinstance(rows, list)
    transfers = [row for row in rows if row["action"] in {"push", "pull"}]
    before = JOBS // 2  # pulled to have something to push
    assert Counter(row["result"] for row in transfers)["started"] == len(jobs) + before
    assert len(transfers) == 2 * (len(jobs) + before)


def assert_nothing_half_done(data: Path) -> None:
    """What is kept is what its name says, and nothing waits to be finished."""
    blobs = [path for path in (data / "content/blobs").rglob("*") if path.is_file()]
    assert len(blobs) == JOBS * 5
    assert all(hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name for blob in blobs)
    left = [path for name in ("content/partial", "scratch") for path in (data / name).rglob("*") if path.is_file()]
    assert not left
