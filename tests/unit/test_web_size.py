"""The built web app: small, whole, by itself, and with the licences of what others wrote."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from lading.fronts.rest_api.web_app import BASE, WebApp

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "src/lading/fronts/rest_api/web"

BUDGET = 120_000
"""Bytes, compressed, of everything that a browser may load of it."""

NOT_LOADED = frozenset({"licences.txt"})

pytestmark = pytest.mark.peer("npm")


@pytest.fixture(scope="module")
def files() -> Mapping[str, bytes]:
    """By their paths, without the compressed twins."""
    assert WEB.is_dir(), "the web app is not built: make app"
    found = {str(file.relative_to(WEB)): file.read_bytes() for file in WEB.rglob("*") if file.is_file()}
    return {path: content for path, content in found.items() if not path.endswith(".gz")}


def test_all_of_it_is_within_its_budget(files: Mapping[str, bytes]) -> None:
    sizes = {path: len(gzip.compress(content, 9)) for path, content in files.items() if path not in NOT_LOADED}
    largest = sorted(sizes.items(), key=lambda each: -each[1])[:10]

    assert sum(sizes.values()) <= BUDGET, f"{sum(sizes.values())} bytes: {largest}"


def test_what_is_large_was_compressed_when_it_was_built(files: Mapping[str, bytes]) -> None:
    app = WebApp.of(WEB)

    assert app is not None
    assert set(app.files) == set(files) - {"index.html"}
    large = {path for path, content in files.items() if path.endswith((".js", ".css")) and len(content) > 1024}
    assert large
    assert {path for path in large if app.files[path].compressed is None} == set()


def test_the_page_loads_what_is_there_and_nothing_of_others(files: Mapping[str, bytes]) -> None:
    page = files["index.html"].decode()
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)

    assert BASE in page
    assert {path.removeprefix("./") for path in loaded if path.startswith("./")} <= set(files)
    assert {path for path in loaded if not path.startswith("./")} <= {"/", "status"}
    assert "<style" not in page
    assert not re.search(r"<script(?![^>]*\bsrc=)", page)
    assert " style=" not in page


def test_whose_work_is_in_it_is_told(files: Mapping[str, bytes]) -> None:
    told = files["licences.txt"].decode()
    needed = json.loads((ROOT / "ui/package.json").read_text())["devDependencies"]

    assert f"svelte {needed['svelte']} (MIT)\n" in told
    assert "Copyright" in told
