"""`lading worker` as a person starts it: a process of its own, which does the jobs of servers beside it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.peers.service_process import stop, until


@dataclass
class Worker:
    """One data folder; `running()` starts the program over it, as often as one likes."""

    data: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        """What it prints, of all its starts."""
        return self.data.parent / f"{self.data.name}.log"

    def said(self) -> str:
        """All of that."""
        return self.log.read_text() if self.log.exists() else ""

    @contextlib.contextmanager
    def running(self, settings: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """Asked to stop at the end of the block, where it has not ended before. `settings` are for this time."""
        began = len(self.said())
        mine = {"LADING_DATA": str(self.data), **self.settings, **(settings or {})}
        with self.log.open("ab") as output:
            child = subprocess.Popen(
                [sys.executable, "-m", "lading", "worker"],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={"PATH": os.environ["PATH"], "HOME": str(self.data.parent / "home"), "TERM": "dumb", **mine},
            )
        try:
            until(lambda: self._ready(child, began), "the worker is ready")
            yield child
        finally:
            stop(child)

    def _ready(self, child: subprocess.Popen[bytes], began: int) -> bool:
        assert child.poll() is None, self.said()[began:]
        return " at once" in self.said()[began:]
