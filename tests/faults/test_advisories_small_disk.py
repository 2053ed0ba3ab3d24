"""Advisories on a file system that has no room for them: it is said, and those from before stay."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers import programs

SIZE = 3 * 1024 * 1024

pytestmark = [
    pytest.mark.peer("unshare"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts file systems"),
]


def test_what_finds_no_room_leaves_what_was_there(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    script = 'mount -t tmpfs -o size="$2" tmpfs "$1" || exit 77; exec "$3" -m tests.faults.advisories_child "$1" "$4"'
    program = programs.find("unshare")
    assert program
    done = subprocess.run(
        [program, "-m", "sh", "-c", script, "sh", str(small), str(SIZE), sys.executable, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode == 77:
        pytest.skip("this machine lets nobody mount")
    assert done.returncode == 0, done.stderr

    told = json.loads(done.stdout)
    assert told == {"before": ["PYSEC-1", "PYSEC-2"], "said": "disk_full", "after": ["PYSEC-1", "PYSEC-2"], "again": 2}
