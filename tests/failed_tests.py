"""The tests that failed, one a line, to be run again: `pytest -p tests.failed_tests --failed-tests FILE`."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """The file to write."""
    parser.addoption("--failed-tests", type=Path, default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Only where it is wanted; of processes side by side, the one that hears of all reports."""
    path = config.getoption("--failed-tests")
    if path is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(FailedTests(path))


class FailedTests:
    """Collects the reports of a run. What could not be collected is named by its file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._failed: dict[str, None] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Of the test itself, or what it was given, or its end."""
        if report.failed:
            self._failed[report.nodeid] = None

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Of a file, a folder or a class."""
        if report.failed:
            self._failed[report.nodeid] = None

    def pytest_sessionfinish(self) -> None:
        """Written whatever came of the run."""
        self._path.write_text("".join(f"{test}\n" for test in self._failed))
