"""`lading serve` with many at once: followers who miss nothing, readers who do not read, hosts that do not answer. The
full size is in benchmarks/service.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.service_answers import mute_host, waiting_for
from benchmarks.service_load import Load, run_load
from tests.peers.service_process import Service, until

PUSHES = 40


@pytest.mark.peer("docker-registry")
def test_nobody_who_follows_misses_a_line_and_who_does_not_read_holds_nobody_up(tmp_path: Path) -> None:
    load = Load(pulls=12, size=4, followers=150, deaf=30)

    loaded = run_load(tmp_path, tmp_path / "storage", load)

    assert loaded.failed == 0
    assert loaded.missed == 0
    assert loaded.lines > 20
    assert loaded.delays[1] < 1  # the aim, a quarter of it, is for a machine with nothing else to do
    assert loaded.seconds < 4 * load.size
    assert loaded.peak < loaded.idle + 150


def test_pushes_that_wait_for_a_docker_host_delay_nobody_else(tmp_path: Path) -> None:
    service = Service(tmp_path / "data")
    with service.running(), mute_host() as host:
        row = {"name": "mute", "connectionType": "direct", "host": "127.0.0.1", "port": host.port, "protocol": "http"}
        environment = service.ask("POST", "/api/environments", row)[1]["id"]
        registry = service.registry("127.0.0.1:1")
        wanted = [{"imageId": f"app{number}:1", "registryId": registry} for number in range(PUSHES)]
        with waiting_for(service, f"/api/images/push?env={environment}", wanted) as waiting:
            until(lambda: len(host.taken) >= PUSHES, "all of them wait for the host")
            answered = service.ask("GET", "/api/jobs")[0]
            still_waiting = waiting()

    assert answered == 200
    assert still_waiting == PUSHES
