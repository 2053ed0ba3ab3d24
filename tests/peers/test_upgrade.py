"""The program of the last commit that had older tables, at work over a data folder; then today's over the same one."""

from __future__ import annotations

import io
import json
import re
import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.backends.database.schema import VERSION
from tests.fakes.docker_archives import docker_archive
from tests.peers import programs
from tests.peers.postgres_server import RunningPostgres
from tests.peers.service_process import PASSWORD, SECRET_KEY, Service

pytestmark = pytest.mark.peer("git")

ROOT = Path(__file__).parents[2]
SCHEMA = "src/lading/backends/database/schema.py"
LISTS = ("users", "roles", "registries", "environments", "images", "jobs", "repositories", "audit")
SOON = {"updatedAt", "cursor", "lastUsed", "used", "lastSeen", "lastUsedAt"}
"""What stands in rows of when they were last looked at."""


@dataclass(frozen=True)
class Older:
    """An older program: its source tree, and the version of its tables."""

    tree: Path
    version: int


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Older:
    found = next(((commit, version) for commit, version in _versions() if version < VERSION), None)
    if found is None:
        pytest.skip("this clone has no commit with older tables")
    commit, version = found
    tree = tmp_path_factory.mktemp("older")
    with tarfile.open(fileobj=io.BytesIO(_git("archive", commit, "src"))) as tar:
        tar.extractall(tree, filter="data")
    return Older(tree, version)


def _versions() -> Iterator[tuple[str, int]]:
    """Of the tables, by commit; the newest first."""
    for commit in _git("log", "--format=%H", "--", SCHEMA).decode().split():
        match = re.search(r"^VERSION = (\d+)$", _git("show", f"{commit}:{SCHEMA}").decode(), re.MULTILINE)
        if match:
            yield commit, int(match[1])


def _git(*arguments: str) -> bytes:
    git = programs.find("git")
    assert git
    done = subprocess.run([git, "-C", str(ROOT), *arguments], capture_output=True, check=False, timeout=60)
    if done.returncode:
        pytest.skip(f"this is no clone: {done.stderr.decode()[:200]}")
    return done.stdout


def told(service: Service) -> Mapping[str, Sequence[Mapping[str, object]]]:
    """All lists of the API, as far as there are any."""
    found = {}
    for noun in LISTS:
        status, text = service.text("GET", f"/api/{noun}?limit=200&page=1")
        assert status == 200, (noun, text)
        found[noun] = json.loads(text)["items"]
    return found


def work(service: Service) -> None:
    """What people do in a day: users, registries, environments, images, tags, a job that failed."""
    service.load(docker_archive(["team/app:1", "team/app:2"]))
    made = {
        "/api/users": {"username": "joe", "password": PASSWORD, "roles": [2]},
        "/api/registries": {"name": "far", "url": "http://127.0.0.1:9", "tls": "http"},
        "/api/environments": {"name": "host", "connectionType": "socket", "socketPath": "/nowhere/docker.sock"},
    }
    for path, body in made.items():
        status, answer = service.ask("POST", path, body)
        assert status == 201, answer
    own = f"127.0.0.1:{service.registry_port}"
    service.registry(own, username="admin", password=PASSWORD)
    jobs = [
        service.started("/api/images/push", {"imageId": "team/app:1", "target": f"{own}/team/app:1"}),
        service.started("/api/images/push", {"imageId": "team/app:1", "target": "127.0.0.1:9/team/app:1"}),
    ]
    ended = service.ended(jobs)
    assert [ended[job]["status"] for job in jobs] == ["done", "error"], ended


def test_everything_is_there_after_an_upgrade(tmp_path: Path, older: Older) -> None:
    upgraded(Service(tmp_path / "data"), older)


@pytest.mark.proof
@pytest.mark.peer("postgres")
def test_everything_is_there_after_an_upgrade_on_postgresql(
    tmp_path: Path, older: Older, postgres: RunningPostgres
) -> None:
    settings = {"LADING_DATABASE": postgres.empty(), "LADING_SECRET_KEY": SECRET_KEY}
    upgraded(Service(tmp_path / "data", settings), older)


def permissions(role: Mapping[str, object]) -> set[str]:
    """All that a role gives, somewhere."""
    grants = role["grants"]
    assert isinstance(grants, list)
    return {permission for grant in grants for permission in grant["permissions"]}


def upgraded(service: Service, older: Older) -> None:
    """The older program works and stops, today's goes on; and the older one says that it cannot any more."""
    settings = service.settings
    before_it = {**settings, "PYTHONPATH": str(older.tree / "src")}
    service.settings = before_it
    with service.running():
        work(service)
        before = told(service)
        layer = service.text("GET", "/api/images/team%2Fapp:1/export")[0]
    service.settings = settings
    with service.running():
        after = told(service)
        assert service.text("GET", "/api/images/team%2Fapp:1/export")[0] == layer == 200
        assert service.ask("GET", "/api/audit/verify")[1]["sound"] is True
        tested = service.ask("POST", "/api/registries/test", {"id": 2})[1]
        assert tested["success"] is True, tested  # its sealed password opens still
    for noun, rows in before.items():
        assert rows, noun
        kept = {str(row["id" if "id" in row else "name"]): row for row in after[noun]}
        for row in rows:
            today = kept[str(row["id" if "id" in row else "name"])]
            looked_at = set(row) - SOON - ({"grants"} if row.get("builtIn") else set())
            assert {name: today.get(name) for name in looked_at} == {name: row[name] for name in looked_at}
            if row.get("builtIn"):
                assert permissions(row) <= permissions(today)  # a role of ours may do more today, and never less
    service.settings = before_it
    with service.running(ready=False) as child:
        assert child.wait(60) != 0
    said = service.log.read_text().splitlines()
    errors = [line for line in said if line.startswith("error: ")]
    assert len(errors) == 1
    assert errors[0].endswith(f"has version {VERSION}; this Lading knows versions up to {older.version}")
