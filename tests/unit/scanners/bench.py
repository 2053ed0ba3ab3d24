"""A scanner over a folder, which plays as it is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lading.backends.scanners.dialect import Dialect
from lading.backends.scanners.grype import Grype
from lading.backends.scanners.program import Program
from lading.backends.scanners.program_scanner import Places, ProgramScanner
from lading.backends.scanners.trivy import Trivy
from lading.engine.cancel import Cancellation
from lading.services.clocks import Clocks
from lading.services.findings.scanner import ScanProgress, ScanResult
from tests.fakes import scanner_program
from tests.fakes.scanned_image import ScannedImage

NAMES = ("grype", "trivy")


DIALECTS: dict[str, Callable[[], Dialect]] = {"grype": Grype, "trivy": Trivy}


LONG = 600.0


NOW = 1795500000.0


@dataclass
class Bench:
    """One scanner over a folder, with a database and an image."""

    folder: Path
    name: str
    seconds: float = LONG
    free: Callable[[Path], int] = lambda _: 10**12
    secret: str = "lad_hidden"

    @property
    def programs(self) -> Path:
        return self.folder / "bin"

    @property
    def rooms(self) -> Path:
        return self.folder / "rooms"

    def plays(self, play: str, version: str | None = None) -> None:
        scanner_program.installed(self.programs, self.name, play, version)

    def scanner(self) -> ProgramScanner:
        environment = {
            "PATH": str(self.programs),
            "LADING_SECRET_KEY": self.secret,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "GRYPE_REGISTRY_AUTH_PASSWORD": self.secret,
            "HTTPS_PROXY": "http://user:word@proxy.test:3128",
            "no_proxy": "corp.test",
            "HOME": "/root",
        }
        program = Program(self.name, None, environment, grace=0.1, free=self.free)
        places = Places(self.rooms, self.folder / "cache")
        return ProgramScanner(DIALECTS[self.name](), program, places, self.seconds, Clocks(lambda: NOW, time.monotonic))

    def ready(self, play: str = "sound") -> ProgramScanner:
        """With a database, and from then on it plays as it is told."""
        self.plays("sound")
        scanner = self.scanner()
        assert scanner.update(nobody, Cancellation())
        self.plays(play)
        return scanner

    def scan(self, play: str = "sound", report: Callable[[ScanProgress], None] | None = None) -> ScanResult:
        image = ScannedImage.of(self.folder)
        return self.ready(play).scan(image, report or nobody, Cancellation())

    def left(self) -> list[str]:
        return [path.name for path in self.rooms.iterdir()]


def nobody(progress: ScanProgress) -> None:
    """Nobody follows."""
