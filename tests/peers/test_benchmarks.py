"""The benchmarks run to their end: a few rows of tiny images, so that `make proof` does not find out first."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.peers.programs import run

ROOT = Path(__file__).parent.parent.parent
ALIKE = "the measurement follows anyway; that tables are made and told, two others show"
ROWS = ("no-op push", "second repository", "resumed pull, half left", "copy, registry to registry")


@pytest.mark.peer("docker-registry", "skopeo")
def test_the_benchmarks_write_their_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "benchmarks.md"
    monkeypatch.chdir(ROOT)
    rows = [word for row in ROWS for word in ("--row", row)]

    run(sys.executable, "-m", "benchmarks.run", "--rounds", "1", "--scale", "0.002", "--output", str(table), *rows)

    text = table.read_text()
    assert all(f"| {row} |" in text for row in ROWS)
    assert "Aims met" in text


@pytest.mark.proof(reason=ALIKE)
@pytest.mark.peer("docker-registry", "wrk")
def test_the_registry_is_measured_beside_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "registry.md"
    monkeypatch.chdir(ROOT)

    run(sys.executable, "-m", "benchmarks.registry", "--rounds", "1", "--scale", "0.02", "--output", str(table))

    text = table.read_text()
    for row in ("PUT of 5 ×", "GET of 5 ×", "manifest by tag", "blob of 473 bytes", "200 tags", "beside the crowd"):
        assert f"| {row}" in text


@pytest.mark.proof(reason=ALIKE)
@pytest.mark.peer("wrk")
def test_the_registry_is_measured_with_one_process_and_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "registry-processes.md"
    monkeypatch.chdir(ROOT)

    module = "benchmarks.registry_processes"
    run(sys.executable, "-m", module, "--rounds", "1", "--scale", "0.02", "--output", str(table))

    text = table.read_text()
    for row in ("PUT of 5 ×", "GET of 5 ×", "manifest by tag", "blob of 473 bytes"):
        assert f"| {row}" in text
    assert "to the other one, which reads the file again first" in text


@pytest.mark.proof(reason=ALIKE)
@pytest.mark.peer("dockerd", "docker", "docker-registry", "skopeo")
def test_the_docker_command_is_measured_at_both_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "docker-api.md"
    monkeypatch.chdir(ROOT)

    run(sys.executable, "-m", "benchmarks.docker_door", "--rounds", "1", "--scale", "0.005", "--output", str(table))

    text = table.read_text()
    for row in ("pull, random", "push, random", "pull, programs", "push, programs"):
        assert f"| {row} |" in text


def test_inventories_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "inventory.md"
    monkeypatch.chdir(ROOT)

    run(sys.executable, "-m", "benchmarks.inventory", "--rounds", "1", "--scale", "0.01", "--output", str(table))

    figures = {
        name: row.split(" | ")
        for name, _, row in (line[2:].partition(" | ") for line in table.read_text().splitlines())
    }
    assert [figures[name][1] for name in ("one new layer, zstd", "5 new layers, gzip")] == ["1", "5"]
    assert [figures[name][1] for name in ("a second image, one layer new", "the same image again")] == ["1", "0"]


@pytest.mark.proof(reason=ALIKE)
def test_agents_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "agents.md"
    monkeypatch.chdir(ROOT)
    few = ("--agents", "5", "--pushes", "2", "--scale", "0.02")

    run(sys.executable, "-m", "benchmarks.agents", *few, "--output", str(table))

    text = table.read_text()
    for row in ("alone", "5 agents come", "5 agents are there", "2 of them push"):
        assert f"| {row} |" in text


@pytest.mark.proof(reason=ALIKE)
@pytest.mark.peer("docker-registry", "postgres")
def test_what_operations_cost_as_rows_grow_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, picture = tmp_path / "scale-growth.md", tmp_path / "scale-growth.svg"
    monkeypatch.chdir(ROOT)
    few = ("--rounds", "1", "--levels", "100,200")

    run(sys.executable, "-m", "benchmarks.scale.growth", *few, "--output", str(table), "--picture", str(picture))

    text = table.read_text()
    for row in ("push, a new repository", "list of tags, first page", "job that has ended, followed"):
        assert text.count(f"| {row} |") == 2, row
    assert "</svg>" in picture.read_text()
