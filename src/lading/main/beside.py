"""What runs beside the doors: the sealer, jobs, chores, and whoever listens to other processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from lading.main.hosts import Hosts
from lading.main.people import People
from lading.main.rows import Rows
from lading.services.audit.seal import Sealer
from lading.services.running.leases import LOST_SECONDS
from lading.services.running.runner import JobRunner
from lading.services.scans.following import Following
from lading.services.schedules import Chore, Schedules
from lading.wire.message import Cancel

STOP_SECONDS = 20.0
"""How long a stop waits for jobs to save where they are."""


def begin_beside(
    stack: ExitStack, rows: Rows, runner: JobRunner, hosts: Hosts, people: People, *, chores: Sequence[Chore]
) -> None:
    """Until the stack is closed. Raises StorageFailed."""
    database, trail = rows.database, rows.trail
    agents, manners = hosts.agents, hosts.engine.manners
    sealer = Sealer(database.audit, rows.heads)
    stack.callback(trail.subscribe(sealer.woken))
    stack.callback(trail.subscribe(lambda: database.changes.woken(None)))
    sealer.begin()
    stack.callback(sealer.stop)
    schedules = Schedules(database.schedules, time.time, chores)

    def woken(topic: str | None) -> None:
        manners.woken(topic)
        database.changes.woken(topic)
        people.throttle.woken(topic)
        runner.woken(topic)
        trail.woken(topic)
        agents.watch.woken(topic)

    stack.enter_context(database.wakes.listening(woken))
    agents.watch.begin()
    stack.callback(agents.watch.stop)
    runner.begin()
    stack.callback(runner.stop, STOP_SECONDS)
    runner.recover(LOST_SECONDS if database.shared else 0)
    schedules.begin()
    stack.callback(schedules.stop)


def begin_following(stack: ExitStack, what: str, follow: Callable[[Cancel], object]) -> None:
    """What jobs bring to one process, every process brings; until the stack is closed."""
    following = Following(what, follow)
    following.begin()
    stack.callback(following.stop)
