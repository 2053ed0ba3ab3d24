"""A backup that is made while clients push and delete at `lading serve`, and garbage is collected: restored on an empty
machine, every image in it verifies, and every job and audit row of that moment is there."""

from __future__ import annotations

import json
import random
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.fakes.docker_archives import docker_archive
from tests.faults.kept_registry import assert_whole, reopened
from tests.faults.registry_pushes import Client
from tests.faults.test_collect_under_pushes import Pusher
from tests.peers.command import Lading
from tests.peers.postgres_server import RunningPostgres
from tests.peers.service_process import SECRET_KEY, Service, until


@dataclass
class LoggedInPusher(Pusher):
    """With the admin's API token."""

    token: str = ""
    begun: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        chance = random.Random(self.name)
        try:
            with closing(Client(self.port, login=f"Bearer {self.token}")) as client:
                while not self.over.is_set():
                    self._round(client, chance)
                    self.begun.set()
        except Exception as error:  # noqa: BLE001  the test raises it again
            self.error = error


@contextmanager
def pushing(service: Service) -> Iterator[None]:
    """Clients that push, overwrite and delete; something was pushed when this begins."""
    over = threading.Event()
    pushers = [LoggedInPusher(number, service.registry_port, over, token=service.token) for number in range(3)]
    threads = [threading.Thread(target=pusher.run) for pusher in pushers]
    for thread in threads:
        thread.start()
    try:
        for pusher in pushers:
            until(lambda pusher=pusher: pusher.begun.is_set() or pusher.error is not None, "it has pushed")  # type: ignore[misc]  # bound now
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()
    for pusher in pushers:
        if pusher.error is not None:
            raise pusher.error


def trail(service: Service) -> list[str]:
    """Every record, the oldest first."""
    status, text = service.text("GET", "/api/audit/export?format=jsonl")
    assert status == 200, text
    return text.splitlines()


def jobs_of(service: Service) -> set[str]:
    """The ids of those that are listed."""
    status, text = service.text("GET", "/api/jobs?pageSize=100")
    assert status == 200, text
    told = json.loads(text)
    return {str(job["id"]) for job in (told["jobs"] if isinstance(told, dict) else told)}


def images_of(data: Path) -> Sequence[tuple[str, str]]:
    """The repository and digest of every manifest that rows name."""
    with closing(sqlite3.connect(data / "lading.db")) as connection:
        asked = "SELECT name, digest FROM held_manifest JOIN repository ON repository.id = held_manifest.repository"
        return connection.execute(asked).fetchall()


def assert_verified(data: Path) -> None:
    with reopened(data) as ask:
        for repository, digest in images_of(data):
            assert_whole(ask, repository, digest)


def backed_up(service: Service, lading: Lading, place: Path, rounds: int) -> tuple[set[str], list[str]]:
    """Under load, so often into the same place; the jobs and the records of the trail that were there when the last
    backup began."""
    service.load(docker_archive(["team/loaded:1"]))
    jobs: set[str] = set()
    before: list[str] = []
    with pushing(service):
        for _ in range(rounds):
            jobs = jobs_of(service)
            before = trail(service)
            with lading.start("gc") as collecting:
                lading("backup", str(place))
                _, told = collecting.communicate()
            assert collecting.returncode == 0, told
    return jobs, before


@pytest.mark.parametrize("rounds", [1, pytest.param(4, marks=pytest.mark.proof(reason="more of the same"))])
def test_what_is_backed_up_under_load_comes_back_whole(tmp_path: Path, rounds: int) -> None:
    service, place = Service(tmp_path / "data"), tmp_path / "kept"
    lading = Lading(tmp_path / "data")
    with service.running():
        jobs, before = backed_up(service, lading, place, rounds)
    back = Lading(tmp_path / "other")
    back("restore", str(place))
    (back.data / "secret.key").write_bytes((tmp_path / "data/secret.key").read_bytes())

    assert_verified(back.data)
    assert images_of(back.data)
    assert "all well" in back("doctor", "--content")
    again = Service(back.data, token=service.token)
    with again.running():
        assert jobs
        assert jobs <= jobs_of(again)
        assert before == trail(again)[: len(before)]
        assert "every seal as it was" in back("audit", "verify")
        again.load(docker_archive(["team/after:1"]))
    assert "after" in back("images")


@pytest.mark.proof
@pytest.mark.peer("postgres")
def test_a_service_on_postgresql_comes_back_whole_there_and_on_sqlite(
    tmp_path: Path, postgres: RunningPostgres
) -> None:
    key = ("LADING_SECRET_KEY", SECRET_KEY)
    there = (("LADING_DATABASE", postgres.empty()), key)
    service, place = Service(tmp_path / "data", dict(there)), tmp_path / "kept.tar.zst"
    lading = Lading(tmp_path / "data", there)
    with service.running():
        jobs, before = backed_up(service, lading, place, 2)
    filled = Lading(tmp_path / "filled", there).run("restore", str(place))
    beside = Lading(tmp_path / "beside", (key,))
    beside("restore", str(place))
    moved = (("LADING_DATABASE", postgres.empty()), key)
    back = Lading(tmp_path / "other", moved)
    back("restore", str(place))

    assert filled.returncode == 6
    assert list((tmp_path / "filled").iterdir()) in ([], [tmp_path / "filled/serve.lock"])
    assert_verified(beside.data)
    assert "every seal as it was" in beside("audit", "verify")
    again = Service(back.data, dict(moved), token=service.token)
    with again.running():
        assert jobs <= jobs_of(again)
        assert before == trail(again)[: len(before)]
        assert "every seal as it was" in back("audit", "verify")
        again.load(docker_archive(["team/after:1"]))
    assert {image.split()[0] for image in beside("images").splitlines()[1:]} >= {"team/loaded"}
