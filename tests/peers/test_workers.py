"""Two servers that hand their jobs over, and the workers that do them: real processes on a real PostgreSQL and a real
object store. Whatever becomes of a worker, each job has one end, and all servers tell it."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from lading.oci.media_types import OCI_MANIFEST
from tests.docs.pages import ROOT, blocks
from tests.fakes.docker_archives import docker_archive
from tests.peers import layouts, programs
from tests.peers.job_follower import JobFollower
from tests.peers.postgres_server import PASSWORD, RunningPostgres, postgres_server
from tests.peers.s3_server import SECRET, RunningS3
from tests.peers.service_process import SECRET_KEY, Json, Service, kill, until
from tests.peers.worker_process import Worker

pytestmark = pytest.mark.peer("postgres", "weed", "docker-registry", "skopeo")

JSON = {"Accept": "application/json"}
SLOW = {"LADING_LIMIT_RATE": "50K"}
"""An image of `Site.image` takes half a minute."""

COUNT = itertools.count(1)


@dataclass
class Site:
    """What all processes of an installation share, and its two servers."""

    folder: Path
    url: str
    shared: Mapping[str, str]
    registry: programs.RunningRegistry
    servers: list[Service] = field(default_factory=list)

    def server(self) -> Service:
        """Another one, which hands over; not yet begun."""
        token = self.servers[0].token if self.servers else ""
        settings = {**self.shared, "LADING_WORKERS": "1", "LADING_DOCKER_API": "off"}
        self.servers.append(Service(self.folder / f"server{next(COUNT)}", settings, token=token))
        return self.servers[-1]

    def worker(self) -> Worker:
        """Another one; not yet begun."""
        return Worker(self.folder / f"worker{next(COUNT)}", self.shared)

    def image(self) -> str:
        """A new one of 1.5 MB, in a registry."""
        name = f"app{next(COUNT)}"
        layout = self.folder / name
        made = [layouts.layer(f"{name} {each}", 500_000) for each in range(3)]
        layouts.write_layout(layout, "1", layouts.write_image(layout, made))
        there = f"docker://{self.registry.host}/{name}:1"
        programs.skopeo("--insecure-policy", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:1", there)
        return f"{self.registry.host}/{name}:1"

    def kept(self, job: str) -> tuple[object, ...]:
        """Of a job: its state, how often it was begun and lost, and how many lines and ends it has."""
        asked = """SELECT state, run, losses,
                          (SELECT count(*) FROM job_line WHERE job = id),
                          (SELECT count(*) FROM job_line WHERE job = id AND data->>'status' IN ('complete', 'error'))
                   FROM job WHERE id = %s"""
        with psycopg.connect(self.url) as database:
            found = database.execute(asked, [job]).fetchone()
        assert found is not None
        return found

    def handed_over(self) -> int:
        """How many rows the queue has."""
        with psycopg.connect(self.url) as database:
            return len(database.execute("SELECT 1 FROM queue.procrastinate_jobs").fetchall())

    def told(self, image: str) -> list[object]:
        """The results of what the trail says of pulling an image, in order."""
        trail = self.servers[0].ask("GET", "/api/audit?limit=200&page=1")[1]["items"]
        assert isinstance(trail, list)
        return [row["result"] for row in reversed(trail) if row["action"] == "pull" and row["entityName"] == image]

    def follow(self, job: str, server: int = 1) -> JobFollower:
        return JobFollower(self.servers[server], job).start()

    def end(self, follower: JobFollower) -> Json:
        """The job as the second server tells it once a follower was told its end."""
        until(follower.ended.is_set, "the follower is told the end")
        follower.stop()
        return self.servers[1].job(follower.job)


def whole(follower: JobFollower) -> bool:
    """Each line once, in order, and the end last."""
    numbered = follower.numbers == list(range(1, len(follower.numbers) + 1))
    ends = [line for line in follower.lines if isinstance(line, dict) and line["status"] in {"complete", "error"}]
    return numbered and len(ends) == 1 and ends == follower.lines[-1:]


@contextmanager
def site(folder: Path, url: str, s3: RunningS3) -> Iterator[Site]:
    """Without anything begun, but a registry elsewhere."""
    shared = {
        **s3.variables,
        "LADING_DATABASE": url,
        "LADING_STORAGE": s3.address(),
        "LADING_SECRET_KEY": SECRET_KEY,
    }
    with programs.docker_registry(folder / "registry") as registry:
        yield Site(folder, url, shared, registry)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, postgres: RunningPostgres, s3: RunningS3) -> Iterator[Site]:
    """Two servers that run, and no worker."""
    with site(tmp_path_factory.mktemp("workers"), postgres.empty(), s3) as made, ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(made.server().running())
        yield made


@pytest.fixture(autouse=True)
def _nothing_secret_in_logs(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "place" in request.fixturenames:
        folder = request.getfixturevalue("place").folder
        said = "".join(path.read_text() for path in folder.glob("*.log"))
        assert "Traceback" not in said, said
        assert PASSWORD not in said
        assert SECRET not in said


def appended(server: Service, archive: object, offset: int, piece: bytes) -> object:
    """Where the archive ends by then."""
    headers = {"Authorization": f"Bearer {server.token}"}
    with closing(server.connection()) as connection:
        connection.request("PATCH", f"/api/images/imports/{archive}?offset={offset}", piece, headers)
        answer = connection.getresponse()
        told = answer.read()
    assert answer.status == 200, told
    return json.loads(told)["offset"]


def begun(place: Site, worker: Worker, stack: ExitStack) -> tuple[subprocess.Popen[bytes], str, JobFollower]:
    """A worker that is in the middle of a slow pull, the image, and who follows the job at the other server."""
    child = stack.enter_context(worker.running(SLOW))
    image = place.image()
    job = place.servers[0].started("/api/images/pull", {"image": image})
    follower = place.follow(job)
    stack.callback(follower.stop)
    until(lambda: "Downloading" in str(follower.lines), "bytes move")
    return child, image, follower


def test_a_push_made_at_one_server_runs_in_a_worker_and_is_told_by_the_other(place: Site) -> None:
    first, second = place.servers
    with place.worker().running():
        first.load(docker_archive(["app:1"], label="handed over"))
    number = first.registry(place.registry.host)
    wanted = {"imageId": "app:1", "registryId": number, "newTag": "pushed:1"}

    job = first.started("/api/images/push", wanted)
    follower = place.follow(job)
    assert second.job(job)["status"] == "queued"
    with place.worker().running(), place.worker().running():
        ended = place.end(follower)
        answered = second.ask("POST", "/api/images/push", {**wanted, "newTag": "pushed:2"}, JSON)
        until(lambda: place.handed_over() == 0, "the queue is empty")

    there = programs.get(place.registry, "/v2/pushed/manifests/1", OCI_MANIFEST)[1]["docker-content-digest"]
    assert ended["status"] == "done"
    assert ended["result"]["digest"] == there  # type: ignore[index]  # a JSON object
    assert whole(follower)
    assert place.kept(job)[:3] == ("done", 1, 0)
    assert answered[0] == 200
    assert answered[1]["digest"] == there


def test_each_piece_of_an_archive_may_come_to_another_server(place: Site) -> None:
    archive = docker_archive(["pieces:1"], label="in pieces")
    first, second = place.servers
    half = len(archive) // 2

    status, begun = first.ask("POST", "/api/images/imports")
    assert status == 201
    assert second.ask("GET", f"/api/images/imports/{begun['id']}")[1]["offset"] == 0
    for server, offset, piece in ((second, 0, archive[:half]), (first, half, archive[half:])):
        assert appended(server, begun["id"], offset, piece) == offset + len(piece)
    job = second.started(f"/api/images/imports/{begun['id']}/commit", None)
    follower = place.follow(job)
    with place.worker().running():
        ended = place.end(follower)

    assert ended["status"] == "done"
    assert whole(follower)
    assert first.ask("GET", f"/api/images/imports/{begun['id']}")[0] == 404
    assert "pieces:1" in first.text("GET", "/api/images")[1]


def test_what_a_killed_worker_did_another_goes_on_with(place: Site) -> None:
    with ExitStack() as stack:
        child, image, follower = begun(place, place.worker(), stack)
        stack.enter_context(place.worker().running())
        kill(child)
        ended = place.end(follower)

    assert ended["status"] == "done"
    assert whole(follower)
    state, run, losses, _, ends = place.kept(follower.job)
    assert (state, run, losses, ends) == ("done", 2, 1, 1)
    assert place.told(image) == ["started", "done"]


def test_a_worker_that_was_frozen_writes_nothing_when_it_wakes(place: Site) -> None:
    """Its job was gone on with elsewhere; after that it does new ones like any other."""
    with ExitStack() as stack:
        child, image, follower = begun(place, place.worker(), stack)
        with place.worker().running():
            child.send_signal(signal.SIGSTOP)
            stack.callback(child.send_signal, signal.SIGCONT)
            ended = place.end(follower)
            before = place.kept(follower.job)
        child.send_signal(signal.SIGCONT)
        again = place.servers[0].ask("POST", "/api/images/pull", {"image": image}, JSON)

    assert ended["status"] == "done"
    assert whole(follower)
    assert place.kept(follower.job) == before
    assert before[:3] == ("done", 2, 1)
    assert place.told(image) == ["started", "done", "started", "done"]
    assert again[0] == 200
    assert child.returncode == 0


def test_a_job_is_cancelled_at_any_server(place: Site) -> None:
    with ExitStack() as stack:
        _, image, follower = begun(place, place.worker(), stack)
        cancelled = place.servers[1].ask("DELETE", f"/api/jobs/{follower.job}")
        ended = place.end(follower)
        until(lambda: place.handed_over() == 0, "it is over for the worker")
        after = place.kept(follower.job)

    assert cancelled[0] == 200
    assert ended["status"] == "cancelled"
    assert whole(follower)
    assert place.kept(follower.job) == after
    assert place.told(image) == ["started", "cancelled"]


def test_a_job_that_waits_is_cancelled_before_anybody_takes_it(place: Site) -> None:
    image = place.image()
    job = place.servers[0].started("/api/images/pull", {"image": image})
    follower = place.follow(job)

    assert place.servers[1].ask("DELETE", f"/api/jobs/{job}")[0] == 200
    ended = place.end(follower)
    with place.worker().running():
        until(lambda: place.handed_over() == 0, "the worker looks at it, and leaves it")

    assert ended["status"] == "cancelled"
    assert place.kept(job)[:3] == ("cancelled", 0, 0)
    assert place.told(image) == ["started", "cancelled"]


def test_a_worker_that_is_asked_to_stop_gives_its_jobs_back(place: Site) -> None:
    with ExitStack() as stack:
        child, image, follower = begun(place, place.worker(), stack)
        child.send_signal(signal.SIGTERM)
        child.wait(60)
        assert place.kept(follower.job)[:3] == ("queued", 1, 0)
        stack.enter_context(place.worker().running())
        ended = place.end(follower)

    assert child.returncode == 0
    assert ended["status"] == "done"
    assert whole(follower)
    assert place.kept(follower.job)[:3] == ("done", 2, 0)  # nothing was lost: it was put down
    assert place.told(image) == ["started", "done"]


def test_a_server_that_ends_takes_none_of_its_jobs_with_it(place: Site) -> None:
    third = place.server()
    image = place.image()
    with place.worker().running({"LADING_LIMIT_RATE": "200K"}):
        with third.running() as child:
            job = third.started("/api/images/pull", {"image": image})
            follower = place.follow(job)
            until(lambda: "Downloading" in str(follower.lines), "bytes move")
            kill(child)
        ended = place.end(follower)

    assert ended["status"] == "done"
    assert place.kept(job)[:3] == ("done", 1, 0)
    assert place.told(image) == ["started", "done"]


def test_a_worker_leaves_the_link_that_makes_the_first_user_as_it_is(
    tmp_path: Path, postgres: RunningPostgres, s3: RunningS3
) -> None:
    """A server showed it, and somebody may be about to use it."""
    with site(tmp_path, postgres.empty(), s3) as made:
        server = Service(tmp_path / "server", {**made.shared, "LADING_WORKERS": "1"}, token="none yet")
        server.settings = {**server.settings, "LADING_ADMIN_PASSWORD": ""}
        with server.running():
            before = setup_link(made)
            with made.worker().running():
                pass

    assert before
    assert setup_link(made) == before


def setup_link(made: Site) -> list[tuple[object, ...]]:
    with psycopg.connect(made.url) as database:
        return database.execute("SELECT value::text FROM setting WHERE key LIKE '%setup%'").fetchall()


def test_all_go_on_when_the_database_comes_back(tmp_path: Path, s3: RunningS3) -> None:
    with postgres_server() as server, site(tmp_path, server.empty(), s3) as made, ExitStack() as stack:
        processes = [stack.enter_context(made.server().running()) for _ in range(2)]
        workers = [made.worker() for _ in range(2)]
        processes += [stack.enter_context(worker.running({"LADING_LIMIT_RATE": "200K"})) for worker in workers]
        image = made.image()
        follower = made.follow(made.servers[0].started("/api/images/pull", {"image": image}))
        until(lambda: "Downloading" in str(follower.lines), "bytes move")
        server.stop()
        refused = made.servers[0].ask("POST", "/api/images/pull", {"image": image})
        server.start()
        until(lambda: {each.ask("GET", "/readyz")[0] for each in made.servers} == {200}, "both are ready again")
        ended = made.end(follower)
        after = [each.ask("POST", "/api/images/pull", {"image": image}, JSON)[0] for each in made.servers]
        assert [child.poll() for child in processes] == [None] * 4
        until(lambda: made.handed_over() == 0, "the queue is empty")
        ends = made.kept(follower.job)[4]

    assert refused[0] == 503
    assert ended["status"] in {"done", "error", "interrupted"}  # it may just have asked for a row
    assert ended["status"] == "done" or ended["result"]["hint"]  # type: ignore[index]  # a JSON object
    assert whole(follower)
    assert ends == 1
    assert after == [200, 200]
    for log in tmp_path.glob("*.log"):
        assert PASSWORD not in log.read_text()
    for worker in workers:
        assert "Traceback" not in worker.said(), worker.said()
        assert worker.said().count("the queue of jobs cannot be read") <= 2


def test_the_page_says_all_that_the_processes_here_share(place: Site) -> None:
    (block,) = [each for each in blocks(ROOT / "docs/how-to/workers.md") if each.language == "sh"]
    said = {name.removesuffix("_FILE") for name in re.findall(r"\b([A-Z_]+)=", block.text)}

    assert said == set(place.shared)
    assert block.text.endswith("lading serve --workers\nlading worker\n")


@pytest.mark.parametrize(
    ("command", "given", "told"),
    [
        ("serve", ("--workers",), "a PostgreSQL database"),
        ("worker", (), "a PostgreSQL database"),
        ("serve", ("--workers", "--database", "postgresql://x@127.0.0.1:1/x"), "an object store"),
        ("worker", ("--database", "postgresql://x@127.0.0.1:1/x"), "an object store"),
    ],
)
def test_without_a_place_to_meet_it_is_refused(tmp_path: Path, command: str, given: tuple[str, ...], told: str) -> None:
    surroundings = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LADING_DATA": str(tmp_path / "data")}
    program = [sys.executable, "-m", "lading", command, *given]

    done = subprocess.run(program, capture_output=True, check=False, env=surroundings, timeout=60, text=True)

    assert done.returncode not in {0, 1}
    assert f"workers need {told} that they share with the servers" in done.stderr
    assert "--storage s3://BUCKET/PREFIX" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 3
