"""What is packed always has the web app; and where it is built, and where not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hatch_build
from hatch_build import BASE, PAGE, AppMissing, build_app, is_stale

ROOT = Path(__file__).resolve().parents[2]
HOUR = 3600.0


def checkout(folder: Path, script: str = "exit 1") -> Path:
    """A tree whose ui/build.sh does this."""
    (folder / "ui/src").mkdir(parents=True)
    for name in ("index.html", "package.json", "src/main.ts"):
        (folder / "ui" / name).write_text("source")
    (folder / "ui/build.sh").write_text(script)
    return folder


def built(folder: Path, text: str = BASE, after: float = 0) -> Path:
    """With a page in it that is so much younger than its sources."""
    page = folder / PAGE
    page.parent.mkdir(parents=True)
    page.write_text(text)
    os.utime(page, (page.stat().st_mtime + after,) * 2)
    return folder


def test_it_is_built_where_it_is_missing(tmp_path: Path) -> None:
    root = checkout(tmp_path, f"mkdir -p {PAGE.parent} && echo '{BASE} />' > {PAGE}")

    build_app(root, needed=True)

    assert BASE in (root / PAGE).read_text()


def test_it_is_built_again_where_a_source_is_younger(tmp_path: Path) -> None:
    assert not is_stale(built(checkout(tmp_path / "fresh"), after=HOUR))
    assert is_stale(built(checkout(tmp_path / "stale"), after=-HOUR))


def test_sources_of_one_time_are_not_younger(tmp_path: Path) -> None:
    """As an sdist unpacks them; without Node."""
    root = built(checkout(tmp_path))
    for file in root.rglob("*"):
        os.utime(file, (HOUR, HOUR))

    build_app(root, needed=True)


def test_without_sources_it_is_as_it_is(tmp_path: Path) -> None:
    build_app(built(tmp_path), needed=True)


def test_a_wheel_without_it_is_not_built(tmp_path: Path) -> None:
    for root in (checkout(tmp_path / "failing"), checkout(tmp_path / "lazy", "exit 0"), built(tmp_path / "odd", "<p>")):
        with pytest.raises(AppMissing):
            build_app(root, needed=True)


def test_an_editable_install_goes_on_without_it(tmp_path: Path) -> None:
    root = checkout(tmp_path, 'test "$1" = --if-possible && echo said > told')

    build_app(root, needed=False)

    assert (root / "told").exists()


def test_the_server_and_the_build_know_the_same_mark() -> None:
    from lading.fronts.rest_api import web_app  # noqa: PLC0415  the build knows nothing of the package

    assert web_app.BASE == BASE
    assert hatch_build.PAGE.name == web_app.PAGE


@pytest.fixture
def without_node(tmp_path: Path) -> dict[str, str]:
    """What a machine has that has no Node."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "dirname", "cmp", "cp", "sort", "head", "printf", "env"):
        (tools / name).symlink_to(shutil.which(name) or f"/usr/bin/{name}")
    return {"PATH": str(tools)}


def test_without_node_it_says_what_it_needs(without_node: dict[str, str]) -> None:
    def run(*given: str) -> subprocess.CompletedProcess[str]:
        command = ["/bin/sh", str(ROOT / "ui/build.sh"), *given]
        return subprocess.run(command, env=without_node, capture_output=True, text=True, check=False)

    plain, possible = run(), run("--if-possible")

    assert (plain.returncode, possible.returncode) == (1, 0)
    assert plain.stderr == "The web app is built with Node 20.19 or newer and its npm; there is no node here.\n"
    assert "Going on without it" in possible.stderr


def test_a_node_that_is_too_old_is_named(without_node: dict[str, str]) -> None:
    tools = Path(without_node["PATH"])
    for name, said in (("node", "v18.20.4"), ("npm", "10.0.0")):
        (tools / name).write_text(f"#!/bin/sh\necho {said}\n")
        (tools / name).chmod(0o755)

    told = subprocess.run(
        ["/bin/sh", str(ROOT / "ui/build.sh")], env=without_node, capture_output=True, text=True, check=False
    )

    assert (told.returncode, "here is v18.20.4" in told.stderr) == (1, True)


def test_a_wheel_of_a_tree_that_cannot_build_it_fails(tmp_path: Path) -> None:
    """As `pip install .` finds it."""
    root = checkout(tmp_path / "tree")
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, root)
    (root / "src/lading").mkdir(parents=True)
    shutil.copy(ROOT / "src/lading/__init__.py", root / "src/lading")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]

    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert "the web app could not be built: ui/build.sh ended with 1" in done.stderr
    assert not list(tmp_path.glob("*.whl"))
