"""Measure a server that five hundred agents are connected to, and write the table to docs/proof/agents.md.

    python -m benchmarks.agents [--agents 500] [--pushes 50] [--scale 1.0] [--output FILE]

The agents are the played stock ones, all in one process; the engines beside them and the registry are played too, so
that what is measured is the server's own work.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.run import commit
from benchmarks.service_memory import Memory, watched_memory
from benchmarks.table import machine
from tests.fakes.pushing_engine import DIGEST, MANIFEST, MANIFEST_TYPE
from tests.fakes.scripted_server import Asked, Reply, ScriptedServer
from tests.peers import programs
from tests.peers.service_process import ENDED, Service, until

ROOT = Path(__file__).resolve().parent.parent
HEARTBEAT = 2.0
"""Seconds between an agent's pings: the field's have 30, but waits are to be seen."""

TICKS, PAUSE = 200, 0.05
"""Lines of progress of each of a push's two layers, and the seconds between two: some twenty seconds a push."""

IDLE_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Phase:
    """What the server took in so many seconds; waits are those of the agents' pings, in seconds."""

    name: str
    seconds: float
    cpu: float
    memory: float
    waits: Sequence[float]


class Crowd:
    """The agents' process."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child

    def tell(self, value: object) -> dict[str, list[float]]:
        """Its answer."""
        assert self._child.stdin
        assert self._child.stdout
        self._child.stdin.write(json.dumps(value) + "\n")
        self._child.stdin.flush()
        answer: dict[str, list[float]] = json.loads(self._child.stdout.readline())
        return answer

    def waits(self) -> Sequence[float]:
        """Since it was asked last; sorted."""
        return self.tell({})["waits"]


@contextmanager
def crowd() -> Iterator[Crowd]:
    """Ends with the block."""
    command = [sys.executable, "-m", "benchmarks.agent_crowd"]
    child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with child:
        yield Crowd(child)
        assert child.stdin
        child.stdin.close()
        assert child.wait() == 0, "the agents complain of what they were sent"


def registry(asked: Asked) -> Reply:
    """It has everything that anybody asks for."""
    if "/manifests/" not in asked.path:
        return Reply(200, [("content-type", "application/json")], b"{}")
    fields = [("content-type", MANIFEST_TYPE), ("docker-content-digest", DIGEST)]
    if asked.method == "HEAD":
        return Reply(200, fields, declared=len(MANIFEST))
    return Reply(200, fields, MANIFEST)


def measure(folder: Path, agents: int, pushes: int, scale: float) -> Sequence[Phase]:
    """In an empty folder; `scale` is of the times."""
    service = Service(folder / "data")
    with service.running() as child, ScriptedServer(registry) as target, crowd() as them:
        environments = [_environment(service, number) for number in range(agents)]
        service.registry(target.authority)
        memory = Memory([child.pid])
        phases = [Phase("alone", 0, 0, memory.now(), ())]
        began, before = time.monotonic(), memory.cpu()
        them.tell(
            {
                "url": f"ws://127.0.0.1:{service.port}",
                "tokens": [token for _, token in environments],
                "heartbeat": HEARTBEAT * scale,
                "ticks": round(TICKS * scale),
                "pause": PAUSE,
            }
        )
        phases.append(_phase(f"{agents} agents come", began, before, memory, ()))
        them.waits()
        began, before = time.monotonic(), memory.cpu()
        programs.select_nothing(IDLE_SECONDS * scale)
        phases.append(_phase(f"{agents} agents are there", began, before, memory, them.waits()))
        began, before = time.monotonic(), memory.cpu()
        with watched_memory([child.pid]) as watched:
            jobs = [
                service.started(
                    f"/api/images/push?env={environment}",
                    {"imageId": "played/app:1", "target": f"{target.authority}/played/sent-{number}:1"},
                )
                for number, (environment, _) in enumerate(environments[:pushes])
            ]
            ended = Counter(_outcome(service, job) for job in jobs)
        assert ended == {"done": pushes}, ended
        phases.append(_phase(f"{pushes} of them push", began, before, watched, them.waits()))
    return phases


def _outcome(service: Service, job: str) -> str:
    """Looked at seldom: looking is work for the server too."""
    until(lambda: service.job(job)["status"] in ENDED, "the push has ended", 180, pause=0.5)
    return str(service.job(job)["status"])


def _phase(name: str, began: float, before: float, memory: Memory, waits: Sequence[float]) -> Phase:
    memory.now()
    return Phase(name, time.monotonic() - began, memory.cpu() - before, memory.peak, waits)


def _environment(service: Service, number: int) -> tuple[int, str]:
    """Its id and a token for it."""
    row = {"name": f"edge-{number}", "connectionType": "hawser-edge"}
    status, made = service.ask("POST", "/api/environments", row)
    assert status == 201, made
    environment = int(str(made["id"]))
    status, made = service.ask("POST", "/api/hawser/tokens", {"name": "t", "environmentId": environment})
    assert status == 201, made
    return environment, str(made["token"])


def main() -> int:
    """Returns 0 when the page was written, whatever it says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=500)
    parser.add_argument("--pushes", type=int, default=50)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--output", type=Path, default=ROOT / "docs/proof/agents.md")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        phases = measure(Path(folder), options.agents, options.pushes, options.scale)
    worst = max(wait for phase in phases for wait in phase.waits)
    lines = [
        "# Agents at the edge, many of them",
        "",
        f"Commit {commit()}, {datetime.now(UTC):%Y-%m-%d}; {machine()}; load average of other work when it began:"
        f" {load:.1f}. `lading serve` is a process of its own over SQLite; {options.agents} played stock agents share"
        " the machine with it, in one process. Each pings every"
        f" {HEARTBEAT * options.scale:g} s (those of the field: every 30 s), and"
        f" the server pings each. A push tells {1 / PAUSE:.0f} lines a second. Made by"
        " `python -m benchmarks.agents`.",
        "",
        "| | seconds | CPU s | CPU of one core | PSS MiB, most | pings | answered in ms: median | 99 % | longest |",
        "|---|" + "---:|" * 8,
        *map(_line, phases),
        "",
        f"An agent gives its connection up after 60 s of silence. Aim: every ping answered within 1 s; {_met(worst)}.",
    ]
    page = "\n".join(lines) + "\n"
    options.output.write_text(page)
    print(page)
    return 0


def _met(worst: float) -> str:
    return f"{'met' if worst < 1 else 'missed'}, the longest took {worst * 1000:.0f} ms"


def _line(phase: Phase) -> str:
    share = f"{phase.cpu / phase.seconds:.0%}" if phase.seconds else "–"
    count = len(phase.waits)
    waits = [phase.waits[count // 2], phase.waits[count * 99 // 100], phase.waits[-1]] if count else []
    told = [f"{wait * 1000:.1f}" for wait in waits] or ["–"] * 3
    figures = [f"{phase.seconds:.1f}", f"{phase.cpu:.1f}", share, f"{phase.memory:.0f}", str(count), *told]
    return f"| {phase.name} | {' | '.join(figures)} |"


if __name__ == "__main__":
    sys.exit(main())
