"""What is backed up."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.fakes.service_folder import ServiceFolder, a_job
from tests.fronts.cli.backups.kept import load


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with an image, a user, a registry with a password, and a job; to be copied."""
    folder = ServiceFolder(tmp_path_factory.mktemp("filled") / "data")
    folder.data.mkdir()
    load(folder, "team/app:1")
    folder.user("joe", "admin")
    registry = ("registry", "add", "Hub", "registry.corp", "-u", "me", "--password-stdin")
    folder(*registry, stdin="s3cret-of-the-registry")
    a_job(folder)
    return folder.data


@pytest.fixture
def lading(filled: Path, tmp_path: Path) -> ServiceFolder:
    """One of one's own, as `filled`."""
    shutil.copytree(filled, tmp_path / "data")
    return ServiceFolder(tmp_path / "data")
