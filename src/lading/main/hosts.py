"""Where images are, wired: our own engine, Docker hosts however they are reached, and room for the jobs at each."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from dataclasses import dataclass

from lading.backends.http.probing import HttpProbe
from lading.backends.job_queue.threads import ThreadQueue
from lading.engine.throttle import RateLimit
from lading.main.agents import EdgeHubs, edge_hubs
from lading.main.content_place import settle_storage
from lading.main.counted_transport import Count
from lading.main.environments import EnvironmentBuilder
from lading.main.own_engine import USER_AGENT, Keeping, Lanes, OwnEngine, own_engine
from lading.main.rows import Rows
from lading.main.work import job_queue
from lading.oci.platform import Platform
from lading.services.agents.agents import Agents
from lading.services.clocks import Clocks
from lading.services.environments.environments import Environments
from lading.settings import Settings


@dataclass(frozen=True, slots=True)
class Hosts:
    """`probe` tries addresses; `limit` holds for all transfers together, None: there is none."""

    engine: OwnEngine
    hubs: EdgeHubs
    environments: Environments
    agents: Agents
    queue: ThreadQueue
    probe: HttpProbe
    limit: RateLimit | None


def open_hosts(stack: ExitStack, settings: Settings, native: Platform, rows: Rows, count: Count) -> Hosts:
    """Closed with the stack. `count` is told of every request to a registry. Raises StorageFailed."""
    limit = RateLimit(settings.limit_rate, time.monotonic) if settings.limit_rate else None
    settle_storage(settings, rows.database)
    engine = own_engine(
        stack,
        rows.data,
        rows.database,
        native,
        keeping=Keeping.of(settings),
        limit=limit,
        crowd=lambda: queue.running,
        lanes=Lanes.of(settings),
        count=count,
    )
    hubs = edge_hubs(stack, settings, rows.data, rows.database, rows.box)
    builder = EnvironmentBuilder(engine.places, lambda: engine.environment, USER_AGENT, hubs.shared)
    stack.callback(builder.close)
    probe = HttpProbe(os.environ.get("SSL_CERT_FILE"))
    environments = Environments(rows.database.environments, rows.box, rows.trail, builder, probe, hub=hubs.shared)
    queue = job_queue(environments.ensure_embedded().id)
    return Hosts(engine, hubs, environments, _agents(rows, hubs), queue, probe, limit)


def _agents(rows: Rows, hubs: EdgeHubs) -> Agents:
    database = rows.database
    return Agents(
        database.agents,
        database.environments,
        hubs.shared,
        rows.trail,
        clocks=Clocks(time.time, time.monotonic),
        random=os.urandom,
        wakes=database.wakes,
    )
