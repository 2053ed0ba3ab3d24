"""`lading serve` with its rows in a real PostgreSQL: the main path, a stop and a start, a newer schema, and PostgreSQL
that goes away for a while."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from lading.backends.database.postgres import open_postgres
from lading.oci.media_types import OCI_MANIFEST
from tests.fakes.board_follower import following
from tests.fakes.service_folder import ServiceFolder
from tests.peers import layouts, programs
from tests.peers.job_follower import JobFollower
from tests.peers.postgres_server import PASSWORD, RunningPostgres, postgres_server
from tests.peers.service_process import SECRET_KEY, Json, Service, stop, until

pytestmark = pytest.mark.peer("postgres", "docker-registry", "skopeo")

PULL = "/api/images/pull"
JSON = {"Accept": "application/json"}
OTHER_KEY = base64.b64encode(bytes(range(32, 64))).decode()
CAPPED, SLOW = "400K", "50K"
"""The image below takes four seconds, or half a minute."""


@contextmanager
def image(folder: Path) -> Iterator[programs.RunningRegistry]:
    """A registry with `app:1` in it."""
    with programs.docker_registry(folder / "registry") as registry:
        layout = folder / "layout"
        layers = [layouts.layer(str(each), 500_000) for each in range(3)]
        layouts.write_layout(layout, "1", layouts.write_image(layout, layers))
        there = f"docker://{registry.host}/app:1"
        programs.skopeo("--insecure-policy", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:1", there)
        yield registry


def on_postgres(folder: Path, url: str, **settings: str) -> Service:
    return Service(folder / "data", {"LADING_DATABASE": url, "LADING_SECRET_KEY": SECRET_KEY, **settings})


def test_the_main_path(tmp_path: Path, postgres: RunningPostgres) -> None:
    url = postgres.empty()
    service = on_postgres(tmp_path, url)
    with image(tmp_path) as registry, service.running():
        number = service.registry(registry.host, username="me", password="s3cret-of-the-registry")
        pulled = service.ask("POST", "/api/images/pull", {"image": f"{registry.host}/app:1"}, JSON)
        wanted = {"imageId": f"{registry.host}/app:1", "registryId": number, "newTag": "pushed:1"}
        pushed = service.ask("POST", "/api/images/push", wanted, JSON)
        again = service.started("/api/images/push", wanted)
        follower = JobFollower(service, again).start()
        until(follower.ended.is_set, "the follower is told the end")
        follower.stop()
        answered = programs.get(registry, "/v2/pushed/manifests/1", OCI_MANIFEST)[1]["docker-content-digest"]
        verified = service.ask("GET", "/api/audit/verify")[1]
        ready = service.ask("GET", "/readyz")

    assert (pulled[0], pushed[0]) == (200, 200)
    assert pushed[1]["digest"] == answered
    assert follower.numbers == list(range(1, len(follower.numbers) + 1))
    assert follower.times == 1
    assert verified["sound"] is True
    assert ready == (200, {"status": "ok"})
    assert not list((tmp_path / "data").glob("lading.db*"))
    assert PASSWORD not in service.log.read_text()


def test_a_stop_saves_jobs_and_a_start_goes_on_with_them(tmp_path: Path, postgres: RunningPostgres) -> None:
    url = postgres.empty()
    service = on_postgres(tmp_path, url, LADING_LIMIT_RATE=SLOW)
    with image(tmp_path) as registry:
        with service.running() as child:
            here, waited = f"{registry.host}/app:1", list[tuple[int, Json]]()
            job = service.started(PULL, {"image": here})
            follower = JobFollower(service, job).start()
            waiting = threading.Thread(target=lambda: waited.append(service.ask("POST", PULL, {"image": here}, JSON)))
            waiting.start()
            until(lambda: "Downloading" in str(follower.lines), "bytes move")
            stop(child)
            waiting.join()
        service.settings = {name: each for name, each in service.settings.items() if name != "LADING_LIMIT_RATE"}
        with service.running():
            ended = service.ended([job])[job]
            until(follower.ended.is_set, "the follower is told the end")
            follower.stop()

    assert child.returncode == 0
    assert "Traceback" not in service.log.read_text()
    assert [(status, body["code"]) for status, body in waited] == [(503, "interrupted")]
    assert ended["status"] == "done"
    with psycopg.connect(url) as connection:
        losses = connection.execute("SELECT losses FROM job WHERE id = %s", [job]).fetchall()
    assert losses == [(0,)]  # it was put down, and not left as by a server that was killed
    assert follower.times >= 2  # sent away by the stop, and perhaps again while the door closed
    assert follower.numbers == list(range(1, len(follower.numbers) + 1))
    assert follower.numbers[-1] == ended["cursor"]


def test_a_newer_schema_is_refused(tmp_path: Path, postgres: RunningPostgres) -> None:
    url = postgres.empty()
    service = on_postgres(tmp_path, url)
    open_postgres(url).close()
    postgres.run("UPDATE alembic_version SET version_num = '9999', oldest_program = 9999", url.rpartition("/")[2])

    with service.running(ready=False) as child:
        until(lambda: child.poll() is not None, "it ends")

    assert child.returncode not in {0, None}
    told = service.log.read_text()
    assert "has version 9999; this Lading knows versions up to" in told
    assert "Use the newer Lading" in told
    assert "Traceback" not in told
    assert PASSWORD not in told


def test_a_server_goes_on_beside_a_newer_one_for_as_long_as_the_tables_bear_it(
    tmp_path: Path, postgres: RunningPostgres
) -> None:
    url = postgres.empty()
    service = on_postgres(tmp_path, url)
    with service.running():
        postgres.run("UPDATE alembic_version SET version_num = '9999'", url.rpartition("/")[2])
        borne = service.ask("POST", "/api/roles", {"name": "borne", "grants": []})[0], service.ask("GET", "/readyz")[0]
        postgres.run("UPDATE alembic_version SET oldest_program = 9999", url.rpartition("/")[2])
        status, told = service.ask("POST", "/api/roles", {"name": "refused", "grants": []})
        refused = status, told["code"]
        ready = service.ask("GET", "/readyz")

    assert borne == (201, 200)
    assert refused == (503, "unavailable")
    assert "nothing is written here any more" in service.log.read_text()
    assert ready == (503, {"status": "not ready", "code": "storage"})


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ({}, "with PostgreSQL, LADING_SECRET_KEY must be set"),
        ({"LADING_SECRET_KEY": OTHER_KEY}, "the secrets here were sealed with the key"),
    ],
)
def test_every_server_needs_the_same_key(
    tmp_path: Path, postgres: RunningPostgres, key: dict[str, str], told: str
) -> None:
    url = postgres.empty()
    first = ServiceFolder(tmp_path / "data", {"LADING_DATABASE": url, "LADING_SECRET_KEY": SECRET_KEY})
    first("registry", "add", "r", "r.example:5000", "-u", "me", "--password-stdin", stdin=PASSWORD)
    command = [sys.executable, "-m", "lading", "--data", str(tmp_path / "other"), "serve", "--database", url]
    surroundings = {"HOME": str(tmp_path), **key}
    done = subprocess.run(command, capture_output=True, check=False, env=surroundings, timeout=120)

    assert done.returncode not in {0, -9}
    assert told in done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert PASSWORD.encode() not in done.stderr


def test_one_server_tells_of_the_jobs_of_the_other(tmp_path: Path, postgres: RunningPostgres) -> None:
    """Who follows all jobs at one server hears of a pull by the other from its beginning to its end, with its lines;
    and is sent away when the other takes the token back."""
    url = postgres.empty()
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    first = on_postgres(tmp_path / "first", url, LADING_LIMIT_RATE=CAPPED)
    second = on_postgres(tmp_path / "second", url)
    with image(tmp_path) as registry, first.running(), second.running():
        api, headers = f"http://127.0.0.1:{second.port}", {"Authorization": f"Bearer {first.token}"}
        with following(api, headers) as told:
            opening = told.event()
            job = first.started(PULL, {"image": f"{registry.host}/app:1"})
            with following(api, headers, job) as lines:
                told.state(job, "running")
                moved = told.until(lambda name, data: name == "tick" and data["id"] == job)[1]
                done = told.state(job, "done")
                last = lines.until(lambda name, data: name == "lines" and "event" in data["lines"][-1])[1]
            whole = first.job(job)
            tokens = first.ask("GET", "/api/auth/tokens")[1]
            assert first.ask("DELETE", f"/api/auth/tokens/{tokens[0]['id']}")[0] in {200, 204}  # type: ignore[index]
            assert told.event() is None

    assert opening == ("snapshot", {"jobs": [], "more": 0})
    assert moved["progress"]["totals"]["image"] > 0
    assert done["progress"]["totals"] == whole["progress"]["totals"]  # type: ignore[index]
    assert last["cursor"] == whole["cursor"]


def test_who_is_locked_out_at_one_server_is_at_the_other(tmp_path: Path, postgres: RunningPostgres) -> None:
    """A registry token of one server opens the other, which remembers whose it is, and hears when that ends."""
    url, login = postgres.empty(), base64.b64encode(f"bob:{PASSWORD}".encode()).decode()
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    first, second = (on_postgres(tmp_path / name, url) for name in ("first", "second"))
    with first.running(), second.running():
        made = first.ask("POST", "/api/users", {"username": "bob", "password": PASSWORD, "roles": [1]})[1]
        token = json.loads(at_registry(first, "/v2/token", f"Basic {login}")[1])["token"]
        opened = [at_registry(server, "/v2/", f"Bearer {token}")[0] for server in (first, second)]

        first.ask("PATCH", f"/api/users/{made['id']}", {"active": False})
        at_once = at_registry(first, "/v2/", f"Bearer {token}")[0]
        until(lambda: at_registry(second, "/v2/", f"Bearer {token}")[0] == 401, "the other server knows")

    assert (opened, at_once) == ([200, 200], 401)


def at_registry(service: Service, path: str, authorization: str) -> tuple[int, bytes]:
    """As through a balancer, which gives both servers one name."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", service.registry_port, timeout=60)) as connection:
        connection.request("GET", path, headers={"Host": "localhost", "Authorization": authorization})
        answer = connection.getresponse()
        return answer.status, answer.read()


def test_it_comes_back_by_itself_when_the_database_does(tmp_path: Path) -> None:
    with postgres_server() as server, image(tmp_path) as registry:
        service = on_postgres(tmp_path, server.empty(), LADING_LIMIT_RATE=CAPPED)
        with service.running() as child:
            service.registry(registry.host)
            job = service.started("/api/images/pull", {"image": f"{registry.host}/app:1"})
            follower = JobFollower(service, job).start()
            until(lambda: "Downloading" in str(follower.lines), "bytes move")
            server.stop()
            refused = [service.ask(*asked) for asked in REQUESTS]
            unready = service.ask("GET", "/readyz")[0]
            alive = service.ask("GET", "/healthz")
            server.start()
            until(lambda: service.ask("GET", "/readyz")[0] == 200, "it is ready again")
            ended = service.ended([job])[job]
            until(follower.ended.is_set, "the follower is told the end")
            follower.stop()
            after = service.ask("POST", "/api/images/pull", {"image": f"{registry.host}/app:1"}, JSON)
            until(lambda: service.ask("GET", "/api/audit/verify")[1]["unsealed"]["rows"] == 0, "all is sealed")  # type: ignore[index]  # a JSON object
            verified = service.ask("GET", "/api/audit/verify")[1]
            trail = service.ask("GET", "/api/audit?limit=200&page=1")[1]["items"]
            assert child.poll() is None

    assert [status for status, _ in refused] == [503] * len(REQUESTS)
    assert all("cannot reach the database" in str(body["error"]) for _, body in refused)
    assert all(body["code"] == "unavailable" for _, body in refused)
    log = service.log.read_text()
    assert PASSWORD not in str(refused) + log
    assert "Traceback" not in log
    assert [log.count(said) for said in ("put off until it answers", "answers again: it was away for")] == [1, 1]
    assert unready == 503
    assert alive == (200, {"status": "ok"})
    assert ended["status"] in {"done", "error", "interrupted"}
    assert isinstance(ended["result"], dict)
    assert ended["status"] == "done" or ended["result"]["hint"]
    assert follower.numbers == list(range(1, len(follower.numbers) + 1))
    assert after[0] == 200
    assert verified["sound"] is True
    assert isinstance(trail, list)
    pulls = [row["result"] for row in trail if row["action"] == "pull"]
    assert len(pulls) == 4
    assert pulls.count("started") == 2


REQUESTS = (
    ("GET", "/api/jobs"),
    ("GET", "/api/registries"),
    ("POST", "/api/images/pull", {"image": "127.0.0.1:1/app:1"}),
)
