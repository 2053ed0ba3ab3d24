"""What the proof tests measured, as a table: `pytest -p tests.proof_table -m proof --proof-table FILE`.

A test tells a figure with pytest's `record_property`; the table has a row for each test, whatever came of it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.run import commit
from benchmarks.table import machine

MIB = 1024 * 1024
LONGEST_CASE = 40

Tell = Callable[[str, object], None]
"""pytest's `record_property`."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The file to write, below the repository's root."""
    parser.addoption("--proof-table", type=Path, default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Only where a table is wanted."""
    path = config.getoption("--proof-table")
    if path is not None:
        config.pluginmanager.register(ProofTable(config.rootpath / path))


class ProofTable:
    """Collects the reports of a run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """The call, or what kept it from being made."""
        if report.when != "call" and not report.failed:
            return
        figures = ", ".join(f"{name} {value}" for name, value in report.user_properties)
        name, _, case = report.nodeid.rpartition("::")[2].removeprefix("test_").partition("[")
        title = name.replace("_", " ") + (f" [{case}" if case and len(case) < LONGEST_CASE else "")
        self._rows.append(f"| {title} | {figures} | {report.outcome} | {report.duration:.0f} |")

    def pytest_sessionfinish(self) -> None:
        """Written whatever came of the run."""
        head = (
            "# Faults and stress\n\n"
            f"Commit {commit()}, {datetime.now(UTC):%Y-%m-%d}; {machine()}. Made by `make proof`: real processes, "
            "killed with SIGKILL at places chosen by bytes, and gone on with.\n\n"
            "| test | figures | outcome | seconds |\n|---|---|---|---:|\n"
        )
        self._path.write_text(head + "".join(f"{row}\n" for row in self._rows))


def mebibytes(count: float) -> str:
    """As figures of these tables are written."""
    return f"{count / MIB:.1f} MiB"
