"""Data folders to be backed up, and what is in a backup."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tests.fakes.docker_archives import docker_archive
from tests.fakes.service_folder import ServiceFolder


def load(folder: ServiceFolder, name: str) -> None:
    path = folder.data.parent / "image.tar"
    path.write_bytes(docker_archive([name]))
    folder("load", "-i", str(path))


def other(lading: ServiceFolder) -> ServiceFolder:
    """A machine with nothing on it."""
    return ServiceFolder(lading.data.parent / "other")


def pieces(backup: Path) -> Sequence[Path]:
    return sorted(path for path in (backup / "blobs").rglob("*") if path.is_file())


def index(backup: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((backup / "backup.json").read_text())
    return found
