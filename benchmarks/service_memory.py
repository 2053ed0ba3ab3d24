"""What a server's processes take: proportional memory, looked at again and again, and processor time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

LOOK_SECONDS = 0.25


class Memory:
    """Of these processes and their children, all together; `peak` is the most that was seen, in MiB."""

    def __init__(self, processes: Sequence[int]) -> None:
        self._processes = processes
        self.peak = 0.0

    def now(self) -> float:
        """Proportional set size in MiB: pages shared with others count in part."""
        seen = sum(_proportional(process) for process in self._family())
        self.peak = max(self.peak, seen)
        return seen

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        return sum(_seconds(process) for process in self._family())

    def _family(self) -> list[int]:
        family = list(self._processes)
        for process in family:
            for tasks in Path(f"/proc/{process}/task").glob("*/children"):
                with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended since
                    family.extend(map(int, tasks.read_text().split()))
        return family


@contextmanager
def watched_memory(processes: Sequence[int]) -> Iterator[Memory]:
    """Looked at for as long as the block lasts."""
    memory, over = Memory(processes), threading.Event()

    def look() -> None:
        while not over.wait(LOOK_SECONDS):
            memory.now()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield memory
    finally:
        over.set()
        thread.join()


def _proportional(process: int) -> float:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _seconds(process: int) -> float:
    """Its own, and that of its children that have ended."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
