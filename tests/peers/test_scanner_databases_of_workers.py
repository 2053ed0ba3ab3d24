"""The database of a scanner that a job brought to one worker reaches the others: real processes, on a real PostgreSQL
and a real object store."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.scanner_program import installed
from tests.peers.postgres_server import RunningPostgres
from tests.peers.s3_server import RunningS3
from tests.peers.service_process import SECRET_KEY, Service, until
from tests.peers.worker_process import Worker

pytestmark = pytest.mark.peer("postgres", "weed")


def databases(worker: Worker) -> list[Path]:
    """Those of grype that it has, whole."""
    return list(worker.data.glob("scanners/grype/[0-9]*/lading.json"))


def test_a_worker_brings_what_a_job_brought_to_another_one(
    tmp_path: Path, postgres: RunningPostgres, s3: RunningS3
) -> None:
    shared = {
        **s3.variables,
        "LADING_DATABASE": postgres.empty(),
        "LADING_STORAGE": s3.address(),
        "LADING_SECRET_KEY": SECRET_KEY,
    }
    server = Service(tmp_path / "server", {**shared, "LADING_WORKERS": "1", "LADING_DOCKER_API": "off"})
    scanner = {**shared, "LADING_GRYPE": str(installed(tmp_path / "programs", "grype"))}
    first, second = (Worker(tmp_path / f"worker{number}", scanner) for number in (1, 2))
    with server.running(), first.running():
        job = server.started("/api/scanners/update", {"scanner": "grype"})
        assert server.ended([job])[job]["status"] == "done"
        assert len(databases(first)) == 1
        with second.running():
            until(lambda: len(databases(second)) == 1, "the second worker has it too")

    assert "the database of grype is brought here too" in second.said()
    assert "brought here too" not in first.said()
