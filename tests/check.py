"""Everything CI runs, in one order, on one screen: `make check`, `make quick`, `make proof`.

format → lint → types → rooms → tests          (--quick leaves out the tests against real programs and faults)
--proof adds nothing to these: it runs the long faults, stress and benchmarks, which write tables to docs/proof/
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
TOOLS = Path(PYTHON).parent

STATIC: tuple[tuple[str, list[str]], ...] = (
    ("format", [str(TOOLS / "ruff"), "format", "--check", "--quiet", "."]),
    ("lint", [str(TOOLS / "ruff"), "check", "--quiet", "."]),
    ("types", [PYTHON, "-m", "mypy", "--no-error-summary"]),
    ("rooms", [str(TOOLS / "lint-imports"), "--no-cache"]),
)
TESTS = [PYTHON, "-m", "pytest", "-q"]
SIDE_BY_SIDE = ["-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder"]
"""A file's tests stay together, as what they share takes seconds to make. Folders go by name: long tests come early."""

QUICK_TESTS = [*TESTS, "--ignore=tests/peers", "--ignore=tests/faults"]
FAULTS = "docs/proof/faults.md"
PROOF = (
    ("long tests", [PYTHON, "-m", "pytest", "-q", "-m", "proof", "-p", "tests.proof_table", "--proof-table", FAULTS]),
    ("benchmarks", [PYTHON, "-m", "benchmarks.run"]),
    ("service", [PYTHON, "-m", "benchmarks.service"]),
    ("registry", [PYTHON, "-m", "benchmarks.registry"]),
    ("docker API", [PYTHON, "-m", "benchmarks.docker_door"]),
    ("inventories", [PYTHON, "-m", "benchmarks.inventory"]),
    ("agents", [PYTHON, "-m", "benchmarks.agents"]),
)


def run(name: str, command: list[str]) -> bool:
    """Run one step and say how it went; its own output is shown as it comes."""
    print(f"── {name}", flush=True)
    began = time.monotonic()
    good = subprocess.run(command, cwd=ROOT, check=False, env=os.environ | {"PYTHONPATH": str(ROOT)}).returncode == 0
    print(f"── {name}: {'ok' if good else 'FAILED'} after {time.monotonic() - began:.0f} s", flush=True)
    return good


def main() -> int:
    """Run the static steps all, then the tests; the exit code is 1 where anything failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only what takes seconds")
    parser.add_argument("--proof", action="store_true", help="only the long faults, stress and benchmarks")
    options = parser.parse_args()
    if options.proof:
        return 0 if all([run(name, command) for name, command in PROOF]) else 1
    good = all([run(name, command) for name, command in STATIC])
    return 0 if run("tests", (QUICK_TESTS if options.quick else TESTS) + SIDE_BY_SIDE) and good else 1


if __name__ == "__main__":
    sys.exit(main())
