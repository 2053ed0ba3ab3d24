"""The web app in wheel and sdist: built where it is missing or older than its sources, and never left out.

wheel, sdist        built when need be; fails where it cannot be
editable install    built when need be and Node is there; else Lading has its pages without script alone
from an sdist       it is there already: no Node is needed
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any  # hatchling types neither its settings nor what a build hands on

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PAGE = Path("src/lading/fronts/rest_api/web/index.html")
BASE = '<base href="/"'
"""Where the server says below which path the app lives (lading.fronts.rest_api.web_app)."""

SOURCES = ("index.html", "package-lock.json", "package.json", "src", "svelte.config.js", "vite.config.ts")


class AppMissing(RuntimeError):
    """The web app could not be built."""


class BuildHook(BuildHookInterface[Any]):
    """What hatchling calls before it packs anything."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  hatchling's signature
        """`version` is "editable" for an editable install. Raises AppMissing."""
        build_app(Path(self.root), needed=version != "editable")


def build_app(root: Path, *, needed: bool) -> None:
    """Where that is `needed` it is there afterwards. Raises AppMissing."""
    if is_stale(root):
        command = ["sh", str(root / "ui/build.sh"), *([] if needed else ["--if-possible"])]
        done = subprocess.run(command, cwd=root, check=False)
        if done.returncode and needed:
            raise AppMissing(f"the web app could not be built: ui/build.sh ended with {done.returncode}")
    if needed and BASE not in _text(root / PAGE):
        raise AppMissing(f"{PAGE} is missing, or has no {BASE}: a Lading without its web app is not packed")


def is_stale(root: Path) -> bool:
    """Whether it is missing, or a source is newer. The times in an sdist are all the same."""
    page = root / PAGE
    return not page.is_file() or any(file.stat().st_mtime > page.stat().st_mtime for file in _sources(root / "ui"))


def _sources(folder: Path) -> Iterable[Path]:
    for place in (folder / name for name in SOURCES):
        yield from (each for each in (place, *place.rglob("*")) if each.is_file())


def _text(page: Path) -> str:
    return page.read_text("utf-8") if page.is_file() else ""
