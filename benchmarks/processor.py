"""Processor time of running processes, to the nanosecond: the system's own count for each, which no tick rounds."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


class Processor:
    """Of these processes and all below them. What ended between two looks is counted by its parent, in ticks."""

    def __init__(self, processes: Sequence[int]) -> None:
        self._processes = processes

    def seconds(self) -> float:
        """So far."""
        return sum(_spent(process) for process in self._family())

    def _family(self) -> Sequence[int]:
        family = list(self._processes)
        for process in family:
            for tasks in Path(f"/proc/{process}/task").glob("*/children"):
                with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended since
                    family.extend(map(int, tasks.read_text().split()))
        return family


def _spent(process: int) -> float:
    """Its own, and that of its children that have ended; nothing where it has ended itself."""
    with suppress(OSError):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ended = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
        return time.clock_gettime(_clock(process)) + ended
    return 0.0


def _clock(process: int) -> int:
    """The number of the clock that counts a process's time (clock_getcpuclockid(3), in Linux's own coding)."""
    return (~process << 3) | 2
