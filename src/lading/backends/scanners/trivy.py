"""trivy, as a program: its arguments, its environment, its databases (aquasecurity/trivy, pkg/flag, pkg/db)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from lading.backends.scanners.dialect import LAYOUT, REPORT, Running
from lading.backends.scanners.failures import storing
from lading.backends.scanners.program_versions import numbers_of
from lading.backends.scanners.report_reading import Object, Report, ReportUnreadable, moment, read_document, text
from lading.backends.scanners.trivy_report import NAME, read_report
from lading.services.findings.scanner import ScanFailed, ScanStage

_MALICIOUS = frozenset({(0, 69, 4), (0, 69, 5), (0, 69, 6)})
"""Releases that somebody else had made (CVE-2026-33634): they look for logins and send them away."""

_VULNERABILITIES, _JAVA = "db", "java-db"
_METADATA = "metadata.json"
_EARLIER = 10.0
"""Seconds before we would stop it, so that it says itself where it was."""


class TrivyListener:
    """Its log has no stable form: a line that is not known is passed over."""

    def heard(self, line: str) -> ScanStage | None:
        return ScanStage.MATCHING if "Detecting" in line and "vulnerabilities" in line else None

    def read(self, document: Object) -> Report:
        return read_report(document)


class Trivy:
    """Fulfils Dialect."""

    name = NAME
    version_arguments = ("version", "--format", "json")

    def version(self, document: Object) -> str:
        return text(document, "Version")

    def refusal(self, version: str) -> str:
        if numbers_of(version) in _MALICIOUS:
            return f"version {version} is malicious (CVE-2026-33634): remove it, and change what it could read"
        return ""

    def scan_arguments(self, database: Path, seconds: float) -> Sequence[str]:
        return (
            "image",
            *("--input", LAYOUT),
            *("--scanners", "vuln"),
            *("--format", "json"),
            *("--output", REPORT),
            *("--cache-dir", str(database)),
            *("--timeout", f"{max(seconds - _EARLIER, 1):.0f}s"),
            "--list-all-pkgs",
            "--no-progress",
            "--skip-db-update",
            "--skip-java-db-update",
            "--offline-scan",
        )

    def own(self, database: Path) -> Mapping[str, str]:
        """What older trivies do not know as a flag, they pass over here. Their cache of layers is locked by whoever
        scans, and never shrinks: it stays in memory."""
        return {
            "TRIVY_CACHE_DIR": str(database),
            "TRIVY_CACHE_BACKEND": "memory",
            "TRIVY_DISABLE_TELEMETRY": "true",
            "TRIVY_SKIP_VERSION_CHECK": "true",
        }

    def accepts(self, code: int) -> bool:
        return code == 0

    def listener(self) -> TrivyListener:
        return TrivyListener()

    def update(self, running: Running, fresh: Path, current: Path | None, now: float) -> float | None:
        """A part that is not to be replaced yet is taken over by links: nothing writes to it any more."""
        kept = [part for part in (_VULNERABILITIES, _JAVA) if current is not None and _stands(current / part, now)]
        if len(kept) == len((_VULNERABILITIES, _JAVA)):
            return None
        if _VULNERABILITIES in kept and current is not None:
            _take_over(current / _VULNERABILITIES, fresh / _VULNERABILITIES)
        else:
            self._fetch(running, fresh, "--download-db-only", "Downloading the database")
        if _JAVA in kept and current is not None:
            _take_over(current / _JAVA, fresh / _JAVA)
        else:
            self._fetch(running, fresh, "--download-java-db-only", "Downloading the index of Java archives")
        built = _metadata(fresh / _VULNERABILITIES, "UpdatedAt")
        if built is None:
            raise ScanFailed(self.name, "its database is not sound: it does not say of what time it is")
        return built

    def _fetch(self, running: Running, fresh: Path, flag: str, message: str) -> None:
        running.tell(message)
        fetched = running(("image", flag, "--no-progress", "--cache-dir", str(fresh)), self.own(fresh))
        if fetched.code != 0:
            raise ScanFailed(self.name, f"its database cannot be fetched: {fetched.said or 'it did not say why'}")


def _stands(part: Path, now: float) -> bool:
    """Whether its makers do not have a newer one yet."""
    due = _metadata(part, "NextUpdate")
    return due is not None and now < due


def _metadata(part: Path, name: str) -> float | None:
    try:
        return moment(read_document(part / _METADATA), name)
    except ReportUnreadable:
        return None


def _take_over(part: Path, fresh: Path) -> None:
    with storing(fresh):
        shutil.copytree(part, fresh, copy_function=os.link)
