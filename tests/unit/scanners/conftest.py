"""Scanners that are tested alike."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.scanners.bench import NAMES, Bench


@pytest.fixture(params=NAMES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return Bench(tmp_path, request.param)


@pytest.fixture
def grype(tmp_path: Path) -> Bench:
    return Bench(tmp_path, "grype")
