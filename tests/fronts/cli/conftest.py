"""The command line over a data folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.service_folder import ServiceFolder


@pytest.fixture
def lading(tmp_path: Path) -> ServiceFolder:
    data = tmp_path / "data"
    data.mkdir()
    return ServiceFolder(data)
