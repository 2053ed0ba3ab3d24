"""Run the load and the faults, and write the table to docs/proof/scale.md.

    python -m benchmarks.scale --minutes 30 --seed N [--folder EMPTY] [--output FILE]

Needs PostgreSQL, haproxy, docker-registry and weed (SeaweedFS). Ends with 1 where anything was lost.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.run import commit
from benchmarks.scale.faults import Weather
from benchmarks.scale.page import put_section, storm_lines
from benchmarks.scale.storm import Storm, run_storm
from benchmarks.table import machine

ROOT = Path(__file__).resolve().parent.parent.parent


def main() -> int:
    """Returns 0 where nothing was lost."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scale", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gap", type=float, default=12, help="seconds between two faults, in the mean")
    parser.add_argument("--away", type=float, default=60, help="seconds for which the object store answers 503")
    parser.add_argument("--folder", type=Path, help="an empty one, which is kept: logs and the ledger")
    parser.add_argument("--output", type=Path, default=ROOT / "docs/proof/scale.md")
    options = parser.parse_args()
    circumstances = (
        f"Commit {commit()}, {datetime.now(UTC):%Y-%m-%d}; {machine()}; load average of other work when it began:"
        f" {os.getloadavg()[0]:.1f}."
    )
    with _folder(options.folder) as folder:
        lines, sound = _stormed(folder, options, circumstances)
    put_section(options.output, "Faults under load", lines)
    print("\n".join(lines))
    return 0 if sound else 1


def _stormed(folder: Path, options: argparse.Namespace, circumstances: str) -> tuple[Sequence[str], bool]:
    storm = Storm(Weather(options.minutes * 60, options.gap, options.away), options.seed)
    outcome = run_storm(folder, storm, lambda text: print(f"{datetime.now(UTC):%H:%M:%S} {text}", flush=True))
    command = f"python -m benchmarks.scale --minutes {options.minutes:g} --seed {options.seed}"
    return storm_lines(storm, outcome, circumstances, command), outcome.sound


@contextmanager
def _folder(wanted: Path | None) -> Iterator[Path]:
    if wanted is not None:
        wanted.mkdir(parents=True, exist_ok=True)
        yield wanted
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        yield Path(made)


if __name__ == "__main__":
    sys.exit(main())
