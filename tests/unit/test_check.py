"""What CI makes of tests that failed, and what is measured anew."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.check import MOST_AGAIN, PROOF, ROOT, TESTS_FAILED, to_run_again

PEER, FAULT = "tests/peers/test_relay.py::test_a[b-c]", "tests/faults/test_edge_cuts.py::test_d"


def test_what_failed_among_real_programs_is_run_once_more() -> None:
    assert to_run_again(TESTS_FAILED, [PEER, FAULT]) == [PEER, FAULT]


@pytest.mark.parametrize(
    ("status", "failed"),
    [
        (0, []),
        (TESTS_FAILED, []),
        (TESTS_FAILED, ["tests/unit/test_logs.py::test_e"]),
        (TESTS_FAILED, [PEER, "tests/unit/test_logs.py::test_e"]),
        (TESTS_FAILED, [f"{PEER}{number}" for number in range(MOST_AGAIN + 1)]),
        (TESTS_FAILED, ["tests/peersandmore.py::test_f"]),
        (2, [PEER]),
        (3, [PEER]),
        (-9, [PEER]),
    ],
)
def test_nothing_else_is(status: int, failed: list[str]) -> None:
    assert to_run_again(status, failed) == []


FAILING = """
import pytest

@pytest.fixture
def broken():
    yield
    raise ValueError("at its end")

@pytest.mark.parametrize("case", ["one two", "ä"])
def test_fails(case): assert not case
def test_ends_badly(broken): pass
def test_passes(): pass
"""


def test_those_that_failed_are_told_also_by_a_process_beside(tmp_path: Path) -> None:
    tests, told = tmp_path / "test_failing.py", tmp_path / "told"
    tests.write_text(FAILING)
    command = [sys.executable, "-m", "pytest", "-q", "-n1", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", "-c"]
    plugin = ["/dev/null", "-p", "tests.failed_tests", "--failed-tests", str(told)]
    done = subprocess.run(
        [*command, *plugin, str(tests)], cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, check=False
    )

    assert done.returncode == TESTS_FAILED
    names = {line.partition("::")[2] for line in told.read_text().splitlines()}
    assert names == {"test_ends_badly", "test_fails[one two]", r"test_fails[\xe4]"}


def test_every_table_that_a_benchmark_made_is_made_anew_with_the_others() -> None:
    pages = [page.read_text(encoding="utf-8") for page in (ROOT / "docs/proof").glob("*.md")]
    makers = {name for page in pages for name in re.findall(r"Made by `python -m (benchmarks[\w.]*)", page)}

    assert makers
    assert makers <= {command[2] for _, command in PROOF}
