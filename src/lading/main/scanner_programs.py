"""Scanners that are programs of others, wired: where they run, where their databases are, how long they may take."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from lading.backends.scanners.failures import FolderUnusable
from lading.backends.scanners.grype import Grype
from lading.backends.scanners.layout import image_layout
from lading.backends.scanners.program import Program
from lading.backends.scanners.program_scanner import Places, ProgramScanner
from lading.backends.scanners.rooms import sweep
from lading.backends.scanners.trivy import Trivy
from lading.services.clocks import Clocks
from lading.services.image_layouts import Layouts
from lading.settings import Settings

ROOMS, CACHE = "scans", "scanners"
"""Below the data folder: where programs run, beside our content, so that layouts are links; and their databases."""


def layouts(data: Path) -> Layouts:
    """Folders that scanners read."""
    return partial(image_layout, folder=data / ROOMS)


def scanner_programs(
    settings: Settings, data: Path, environment: Mapping[str, str], clocks: Clocks
) -> Mapping[str, ProgramScanner]:
    """By name, whether they are installed or not. What a killed process left of theirs goes."""
    with suppress(FolderUnusable):  # then scans say so
        if (data / ROOMS).is_dir():
            sweep(data / ROOMS)
    cache = data / CACHE if settings.scan_cache is None else Path(settings.scan_cache).expanduser()
    places = Places(data / ROOMS, cache)
    return {
        dialect.name: ProgramScanner(
            dialect,
            Program(dialect.name, path and os.path.expanduser(path), environment),
            places,
            settings.scan_timeout,
            clocks,
        )
        for dialect, path in ((Grype(), settings.grype), (Trivy(), settings.trivy))
    }
