"""What a command costs: wall time, processor time, peak memory, and the transfer's own seconds where it tells them."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run, or the medians of several.

    `command` and `cpu` are seconds of whole processes, `transfer` seconds from the first request to the last proof,
    `memory` the peak in MiB, of several runs the highest, `requests` what the registries answered.
    """

    command: float
    cpu: float
    memory: float
    transfer: float | None = None
    requests: int = 0

    def asking(self, requests: int) -> Cost:
        """The same, with what the registries answered."""
        return replace(self, requests=requests)


def run(commands: Sequence[Sequence[str]]) -> Cost:
    """Run these one after another; their times add up. Raises RuntimeError with the output where one fails."""
    wall = cpu = memory = 0.0
    transfer: float | None = None
    for command in commands:
        with tempfile.TemporaryFile() as output:
            began = time.perf_counter()
            child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            wall += time.perf_counter() - began
            child.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            text = output.read().decode(errors="replace")
        if child.returncode:
            raise RuntimeError(f"{' '.join(command)} exited {child.returncode}:\n{text[-4000:]}")
        cpu += usage.ru_utime + usage.ru_stime
        memory = max(memory, usage.ru_maxrss / 1024)
        told = _told(text)
        transfer = transfer if told is None else (transfer or 0) + told
    return Cost(wall, cpu, memory, transfer)


def middle(costs: Sequence[Cost]) -> Cost:
    """The median of each figure; of memory the most that any run took."""
    transfers = [cost.transfer for cost in costs if cost.transfer is not None]
    return Cost(
        median(cost.command for cost in costs),
        median(cost.cpu for cost in costs),
        max(cost.memory for cost in costs),
        median(transfers) if transfers else None,
        round(median(cost.requests for cost in costs)),
    )


def _told(text: str) -> float | None:
    """The seconds in the last line of JSON that has some."""
    for line in reversed(text.splitlines()):
        if line.startswith('{"transfer"'):
            return float(json.loads(line)["transfer"])
    return None
