"""Everything CI runs, in one order, on one screen: `make check`, `make quick`, `make proof`.

types, and beside it format → lint → rooms → web app
  → tests          (--quick leaves out the tests against real programs and faults)
  → once more      what failed among real programs and faults, alone
--proof adds nothing to these: it runs the long faults and stress, properties with many more examples than the forty of
        every run, and benchmarks; tables go to docs/proof/
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
TOOLS = Path(PYTHON).parent

Step = tuple[str, list[str]]
"""Its name, and what is run."""

TYPES: Step = ("types", [PYTHON, "-m", "mypy", "--no-error-summary"])
"""Takes one processor for as long as all of BESIDE_TYPES together takes another."""

BESIDE_TYPES: tuple[Step, ...] = (
    ("format", [str(TOOLS / "ruff"), "format", "--check", "--quiet", "."]),
    ("lint", [str(TOOLS / "ruff"), "check", "--quiet", "."]),
    ("rooms", [str(TOOLS / "lint-imports"), "--no-cache"]),
    ("web app", ["npm", "--prefix", "ui", "run", "--silent", "check"]),
    ("web app's tests", ["npm", "--prefix", "ui", "run", "--silent", "test"]),
)
TESTS = [PYTHON, "-m", "pytest", "-q"]

PROCESSES = (os.cpu_count() or 1) + 2
"""Of tests side by side: who meets real programs waits for them half of the time; another has the processor then."""

SIDE_BY_SIDE = ["-n", str(PROCESSES), "--dist", "loadfile", "--no-loadscope-reorder"]
"""A file's tests stay together, as what they share takes seconds to make. Folders go by name: long tests come early."""

QUICK_TESTS = [*TESTS, "--ignore=tests/peers", "--ignore=tests/faults", "--ignore=tests/browser"]

TESTS_FAILED = 1
"""pytest's exit status where it ran to its end and tests failed; any other but 0 is worse."""

NO_PROGRAM = 127
"""What a shell says of a program that is not there."""

NOISY = ("tests/peers/", "tests/faults/", "tests/browser/")
"""Tests of many real programs at once: what fails there may have failed for want of processor or disk."""

MOST_AGAIN = 8
"""So many tests and no more are run once more: noise is rare, and what fails widely is broken."""

FAULTS = "docs/proof/faults.md"
PROOF = (
    ("long tests", [PYTHON, "-m", "pytest", "-q", "-m", "proof", "-p", "tests.proof_table", "--proof-table", FAULTS]),
    ("properties", [*TESTS, "-m", "hypothesis and not proof", "--hypothesis-profile=proof", *SIDE_BY_SIDE]),
    ("benchmarks", [PYTHON, "-m", "benchmarks.run"]),
    ("service", [PYTHON, "-m", "benchmarks.service"]),
    ("registry", [PYTHON, "-m", "benchmarks.registry"]),
    ("registry by several processes", [PYTHON, "-m", "benchmarks.registry_processes"]),
    ("object storage", [PYTHON, "-m", "benchmarks.object_storage"]),
    ("docker API", [PYTHON, "-m", "benchmarks.docker_door"]),
    ("inventories", [PYTHON, "-m", "benchmarks.inventory"]),
    ("agents", [PYTHON, "-m", "benchmarks.agents"]),
    ("one replica and three", [PYTHON, "-m", "benchmarks.scale.cost"]),
    ("growing rows", [PYTHON, "-m", "benchmarks.scale.growth"]),
    ("capacity", [PYTHON, "-m", "benchmarks.capacity"]),
    ("storm", [PYTHON, "-m", "benchmarks.scale"]),
)


def run(name: str, command: list[str]) -> bool:
    """Run one step and say how it went; its own output is shown as it comes."""
    return status_of(name, command) == 0


def run_in_turn(steps: Sequence[Step]) -> bool:
    """Run them all, one after the other; whether all went well."""
    return all([run(name, command) for name, command in steps])


def status_of(name: str, command: list[str]) -> int:
    """As `run`, with the exit status."""
    print(f"── {name}", flush=True)
    if shutil.which(command[0]) is None:
        print(f"── {name}: FAILED, there is no {command[0]} here; it comes with Node, 20.19 or newer", flush=True)
        return NO_PROGRAM
    began = time.monotonic()
    status = subprocess.run(command, cwd=ROOT, check=False, env=surroundings()).returncode
    print(f"── {name}: {'FAILED' if status else 'ok'} after {time.monotonic() - began:.0f} s", flush=True)
    return status


def surroundings() -> dict[str, str]:
    """Our variables. Compiled modules are kept whatever the caller thinks of that: the processes of a run share them,
    and else each of its hundreds of programs compiles all it imports."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPATH": str(ROOT)}


def to_run_again(status: int, failed: Sequence[str]) -> Sequence[str]:
    """Which tests decide, run alone: all that failed, where they are few and all meet real programs, and pytest's
    status says that it ran to its end. None where the run has failed for good."""
    if status != TESTS_FAILED or len(failed) > MOST_AGAIN or not all(test.startswith(NOISY) for test in failed):
        return []
    return failed


def tests(command: list[str]) -> bool:
    """Run them, and once more alone what noise may have made fail; whoever reads the end reads which."""
    with tempfile.TemporaryDirectory(prefix="lading-check-") as folder:
        told = Path(folder, "failed")
        status = status_of("tests", [*command, "-p", "tests.failed_tests", "--failed-tests", str(told)])
        again = to_run_again(status, told.read_text().splitlines() if told.exists() else ())
    if not again:
        return status == 0
    good = run("tests once more, alone", [*TESTS, *again])
    print("FAILED beside others, and " + ("passed alone:" if good else "not all passed alone:"))
    print("".join(f"  {test}\n" for test in again), end="", flush=True)
    return good


def main() -> int:
    """Run the static steps all, then the tests; the exit code is 1 where anything failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only what takes seconds")
    parser.add_argument("--proof", action="store_true", help="only the long faults, stress and benchmarks")
    options = parser.parse_args()
    if options.proof:
        return 0 if run_in_turn(PROOF) else 1
    with ThreadPoolExecutor(1) as beside:
        types = beside.submit(run, *TYPES)
        good = run_in_turn(BESIDE_TYPES)
        good = types.result() and good
    return 0 if tests((QUICK_TESTS if options.quick else TESTS) + SIDE_BY_SIDE) and good else 1


if __name__ == "__main__":
    sys.exit(main())
