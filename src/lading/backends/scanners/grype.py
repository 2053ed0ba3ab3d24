"""grype, as a program: its arguments, its environment, its log (anchore/grype, cmd/grype/cli)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from lading.backends.scanners.dialect import LAYOUT, REPORT, Running
from lading.backends.scanners.grype_report import NAME, read_report
from lading.backends.scanners.program_versions import at_least
from lading.backends.scanners.report_reading import Object, Report, moment, text
from lading.services.findings.scanner import ScanFailed, ScanStage

_OLDEST = "0.88.0"
"""The first whose form of databases is still published."""

_UPDATE_THERE = 100
"""The exit code of `db check` where there is a newer one."""

_PACKAGES = re.compile(r"gathered packages\b.*\bpackages=([0-9]{1,9})\b")
_DOWNLOAD_SECONDS = "540s"


class GrypeListener:
    """Its log has no stable form: a line that is not known is passed over."""

    def __init__(self) -> None:
        self._packages: int | None = None

    def heard(self, line: str) -> ScanStage | None:
        if found := _PACKAGES.search(line):
            self._packages = int(found[1])
            return ScanStage.MATCHING
        return ScanStage.PARSING if "found vulnerability matches" in line else None

    def read(self, document: Object) -> Report:
        return read_report(document, self._packages)


class Grype:
    """Fulfils Dialect."""

    name = NAME
    version_arguments = ("version", "-o", "json")

    def version(self, document: Object) -> str:
        return text(document, "version")

    def refusal(self, version: str) -> str:
        if at_least(version, _OLDEST):
            return ""
        return f"version {version} is too old: databases of its form are published no longer; {_OLDEST} or newer is"

    def scan_arguments(self, database: Path, seconds: float) -> Sequence[str]:  # noqa: ARG002  Dialect has them
        """No platform: of a layout with one image grype takes that one."""
        return (f"oci-dir:{LAYOUT}", "-o", "json", "--file", REPORT, "-v")

    def own(self, database: Path) -> Mapping[str, str]:
        """How old a database may be is for the policy to say, which is told its time. Without REQUIRE_UPDATE_CHECK,
        who cannot ask for a newer one is told that there is none."""
        return {
            "GRYPE_DB_CACHE_DIR": str(database),
            "GRYPE_DB_AUTO_UPDATE": "false",
            "GRYPE_DB_VALIDATE_AGE": "false",
            "GRYPE_DB_REQUIRE_UPDATE_CHECK": "true",
            "GRYPE_DB_UPDATE_DOWNLOAD_TIMEOUT": _DOWNLOAD_SECONDS,
            "GRYPE_CHECK_FOR_APP_UPDATE": "false",
            "GRYPE_EXTERNAL_SOURCES_ENABLE": "false",
        }

    def accepts(self, code: int) -> bool:
        """2 says that a threshold was reached: we set none, and there is a report all the same."""
        return code in {0, 2}

    def listener(self) -> GrypeListener:
        return GrypeListener()

    def update(
        self,
        running: Running,
        fresh: Path,
        current: Path | None,
        now: float,  # noqa: ARG002  Dialect has it
    ) -> float | None:
        if current is not None:
            running.tell("Asking for a newer database")
            checked = running(("db", "check", "-o", "json"), self.own(current))
            if checked.code == 0:
                return None
            if checked.code != _UPDATE_THERE:
                raise self._failed("cannot be asked for", checked.said)
        running.tell("Downloading the database")
        updated = running(("db", "update", "-v"), self.own(fresh))
        if updated.code != 0:
            raise self._failed("cannot be fetched", updated.said)
        status = running(("db", "status", "-o", "json"), self.own(fresh))
        built = moment(running.document(), "built") if status.code == 0 else None
        if built is None:
            raise self._failed("is not sound", status.said)
        return built

    def _failed(self, what: str, said: str) -> ScanFailed:
        return ScanFailed(self.name, f"its database {what}: {said or 'it did not say why'}")
