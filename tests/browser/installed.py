"""Lading as people install it: a wheel of this tree in an environment of its own, made once for all processes of a run.

What it needs is taken from the environment of the tests, which has the versions of the lock; so nothing is fetched.
"""

from __future__ import annotations

import fcntl
import sys
import sysconfig
import venv
from pathlib import Path

from tests.peers import programs

ROOT = Path(__file__).resolve().parents[2]


def installed(folder: Path) -> Path:
    """The command, in an environment in this folder, which several processes may ask for."""
    folder.mkdir(exist_ok=True)
    command = folder / "environment/bin/lading"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not command.exists():
            install(wheel(ROOT, folder), folder / "environment")
    return command


def wheel(root: Path, folder: Path) -> Path:
    """Built of the tree at `root`, as installers do it; the web app too, where it is older than its sources."""
    building = "import os, sys; os.chdir(sys.argv[1]); from hatchling.build import build_wheel as b; b(sys.argv[2])"
    programs.run(sys.executable, "-c", building, str(root), str(folder))
    return next(folder.glob("*.whl"))


def install(wheel: Path, environment: Path) -> None:
    """Into a new environment."""
    venv.create(environment, symlinks=True)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(environment / "bin/python"))
    programs.run(*pip, "install", "--quiet", "--no-index", "--no-deps", str(wheel))
    place = next(environment.glob("lib/python3*/site-packages"))
    (place / "needed.pth").write_text(f"{sysconfig.get_path('purelib')}\n")  # behind its own; no .pth there is read
