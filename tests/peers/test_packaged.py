"""From a fresh clone to a wheel and an sdist, as a release is made, and from the sdist on a machine without Node."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from pathlib import Path

import pytest

from tests.browser.installed import ROOT, install
from tests.peers import programs
from tests.peers.service_process import Service

pytestmark = [pytest.mark.proof, pytest.mark.peer("git", "npm")]

WEB = "lading/fronts/rest_api/web/"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that git has or would have, and nothing that was built."""
    folder = tmp_path_factory.mktemp("clone")
    named = programs.run("git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, named.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    assert not (folder / "src" / WEB).exists()
    return folder


def packed(tree: Path, kind: str, into: Path, path: str | None = None) -> Path:
    """A wheel or an sdist of the tree; `path` is where programs are looked for."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(into)]
    surroundings = {**os.environ, "PATH": path or os.environ["PATH"]}
    subprocess.run(command, cwd=tree, env=surroundings, check=True, timeout=900)
    return next(into.glob("*.whl" if kind == "wheel" else "*.tar.gz"))


def test_a_release_holds_the_web_app(clone: Path, tmp_path: Path) -> None:
    """The clone has no node_modules and no built app; the unpacked sdist needs no Node, and its wheel is the same."""
    wheel = packed(clone, "wheel", tmp_path / "first")
    sdist = packed(clone, "sdist", tmp_path / "first")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "sdist", filter="data")
    unpacked = next((tmp_path / "sdist").iterdir())
    (tmp_path / "tools").mkdir()
    again = packed(unpacked, "wheel", tmp_path / "second", path=str(tmp_path / "tools"))

    assert not (unpacked / "ui/node_modules").exists()
    assert (unpacked / "ui/src/main.ts").exists()
    assert {f"{WEB}index.html", f"{WEB}licences.txt"} <= content(wheel).keys()
    assert content(wheel) == content(again)


def content(wheel: Path) -> dict[str, bytes]:
    """Its files."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_what_was_installed_from_it_serves_the_app(clone: Path, tmp_path: Path) -> None:
    install(packed(clone, "wheel", tmp_path), tmp_path / "environment")
    service = Service(tmp_path / "data", program=(str(tmp_path / "environment/bin/lading"),))
    with service.running(), urllib.request.urlopen(f"http://127.0.0.1:{service.port}/", timeout=60) as answer:
        page = answer.read().decode()

    assert '<base href="/"' in page
    assert "./assets/" in page


def test_an_editable_install_without_node_goes_on(clone: Path, tmp_path: Path) -> None:
    shutil.rmtree(clone / "src" / WEB, ignore_errors=True)
    (tmp_path / "tools").mkdir()
    for name in ("sh", "dirname"):
        (tmp_path / "tools" / name).symlink_to(f"/usr/bin/{name}")
    building = "import sys; from hatchling.build import build_editable as b; b(sys.argv[1])"
    command = [sys.executable, "-c", building, str(tmp_path)]
    surroundings = {**os.environ, "PATH": str(tmp_path / "tools")}

    done = subprocess.run(command, cwd=clone, env=surroundings, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "Going on without it" in done.stderr
    assert list(tmp_path.glob("*.whl"))
