"""Pulls and pushes by Docker's API alike: their logins, who may, and clients that go or wait."""

from __future__ import annotations

import json
import os
import time
from contextlib import closing
from pathlib import Path

from lading.fronts.docker_api.application import DockerApi
from lading.fronts.http.byte_server import ByteServer
from lading.services.access import Actor, Grant
from lading.services.identity.authentication import OPEN
from lading.services.jobs.job import JobState
from lading.services.registries.forms import RegistryForm
from tests.fakes.docker_archives import docker_archive
from tests.fakes.places import NEVER
from tests.fakes.raw_client import RawClient
from tests.fronts.docker_api.door import Door, denied, docker_product
from tests.fronts.docker_api.transfers import auth, error, last_job, pull, pulled, push, statuses
from tests.fronts.docker_api.upstream import Upstream, until


def test_the_login_that_comes_along_is_used_and_written_nowhere(door: Door, app: str, registry: Upstream) -> None:
    registry.login = "ann:pa55word-nobody-else-has"
    login = auth(username="ann", password="pa55word-nobody-else-has")

    assert push(door, app, login, tag="1")[-1]["aux"]["Tag"] == "1"

    assert "pa55word" not in str(last_job(door))
    assert "pa55word" not in str(list(door.product.database.jobs.lines(last_job(door).id, 0, 1000)))


def test_without_one_nobody_is_logged_in_whatever_is_configured(door: Door, app: str, registry: Upstream) -> None:
    registry.login = "ann:secret"
    box = door.product.product.registries
    row = box.add(OPEN, RegistryForm("up", f"http://{registry.host}", "ann", "secret"))
    try:
        assert error(push(door, app, tag="1")).startswith("unauthorized: ")
        assert pull(door, app, tag="1").told[0] == 403
    finally:
        box.remove(OPEN, row.id)


def test_a_login_that_cannot_be_read_is_said_so_and_nobodys(door: Door, app: str) -> None:
    told = push(door, app, {"X-Registry-Auth": "!!"}, tag="1")

    warning = "X-Registry-Auth cannot be read (it is not base64): nobody is logged in"
    assert statuses(told)[1] == warning
    notes = [line.data for line in door.product.database.jobs.lines(last_job(door).id, 0, 100)]
    assert {"status": "note", "message": warning} in notes


def test_a_job_is_not_done_again_without_its_login(door: Door, app: str) -> None:
    push(door, app, auth(username="ann", password="x"), tag="1")
    jobs = door.product.product.jobs

    again = jobs.retry(OPEN, last_job(door).id)
    with closing(jobs.follow(OPEN, again.id)) as follower:
        until(lambda: jobs.get(OPEN, again.id).state.ended)
        assert follower.job == again.id

    ended = jobs.get(OPEN, again.id)
    assert ended.state is JobState.INTERRUPTED
    assert ended.result is not None
    assert str(ended.result["error"]).startswith("The login that came with the request is gone")


def test_who_may_not_is_told_by_a_status(door: Door, app: str) -> None:
    door.who[:] = [Actor("looker", (Grant(frozenset({"images:view"})),), 7)]

    assert door.post(f"/images/{app}/push", tag="1").told == denied("images:push")
    assert pull(door, app, tag="1").told == denied("images:pull")
    assert pull(door, app).told == denied("images:pull")


def test_who_hangs_up_gives_the_push_up_and_the_next_one_goes_on(door: Door, registry: Upstream) -> None:
    name, size = f"{registry.host}/team/big", 8 * 1024 * 1024
    door.load_archive(docker_archive([f"{name}:1"], [os.urandom(size)]))
    registry.hold_at = size // 2
    with closing(door.connection()) as connection:
        connection.request("POST", f"/images/{name}/push?tag=1")
        answer = connection.getresponse()
        answer.readline()
        registry.wait_until(size // 2)
        answer.close()

    until(lambda: last_job(door).state is JobState.CANCELLED)
    registry.let_go()
    before = registry.received

    assert push(door, name, tag="1")[-1]["aux"]["Tag"] == "1"
    assert registry.received - before < size


def test_something_is_written_while_nothing_happens(door: Door, registry: Upstream) -> None:
    name, size = f"{registry.host}/team/slow", 2 * 1024 * 1024
    door.load_archive(docker_archive([f"{name}:1"], [os.urandom(size)]))
    registry.hold_at = 1
    with closing(door.connection()) as connection:
        connection.request("POST", f"/images/{name}/push?tag=1")
        answer = connection.getresponse()
        told = [answer.readline() for _ in range(8)]
        registry.let_go()
        told += answer.read().splitlines()

    assert [json.loads(line) for line in told if line.strip()][-1]["aux"]["Tag"] == "1"


def test_every_transfer_is_a_job_on_the_trail(door: Door, app: str) -> None:
    push(door, app, tag="1")

    job = last_job(door)
    assert (job.request.kind, job.state) == ("push", JobState.DONE)
    assert door.environment.find(f"{app}:1", NEVER).id == job.request.fields["image"]


def test_who_hangs_up_before_anything_is_told_gives_the_pull_up(
    door: Door, app: str, registry: Upstream, tmp_path: Path
) -> None:
    pulled(door, app)
    registry.asked.clear()
    registry.closed = True
    place = tmp_path / "docker.sock"
    application = DockerApi(docker_product(door.product, lambda _: OPEN))
    with ByteServer([place], application, watches_work=True):
        with RawClient(place) as client:
            client.send(f"POST /images/create?fromImage={app}&tag=1 HTTP/1.1\r\nHost: docker\r\n\r\n".encode())
            registry.wait_for("/manifests/")

        until(lambda: last_job(door).state is JobState.CANCELLED)


def test_the_event_of_a_transfer_has_the_labels_of_its_image(door: Door, app: str) -> None:
    since = time.time()
    push(door, app, tag="1")
    door.delete(f"/images/{app}:1")
    assert pull(door, app, tag="1").status == 200

    seen = door.get("/events", since=f"{since:f}", until=f"{time.time():f}", filters='{"event":["push","pull"]}')

    actors = [json.loads(line)["Actor"] for line in seen.body.splitlines()]
    assert actors == [{"ID": f"{app}:1", "Attributes": {"label": "x", "name": f"{app}:1"}}] * 2
