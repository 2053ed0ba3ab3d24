"""What is looked at whenever somebody reads the figures: jobs, agents, and what registries allow."""

from __future__ import annotations

from lading.backends.database.service_database import ServiceDatabase
from lading.main.counting import Counting
from lading.main.hosts import Hosts

JOB_LABELS = ("kind", "state")


def watch_all(counting: Counting, hosts: Hosts, database: ServiceDatabase) -> None:
    """From now on, until the process ends."""
    queue, hubs, places = hosts.queue, hosts.hubs, hosts.engine.places
    counting.watch(
        {
            "lading_jobs_running": ("Jobs that run in this process.", lambda: queue.running),
            "lading_jobs_waiting": ("Jobs that wait for room in this process.", lambda: queue.waiting),
            "lading_agents_connected": (
                "Agents that are connected to this process.",
                lambda: len(hubs.local.presences()),
            ),
        }
    )
    counting.sorts("lading_jobs", "Jobs that are kept, of all servers together.", database.jobs.counts, JOB_LABELS)
    counting.kinds(
        "lading_ratelimit_remaining",
        "Requests that a registry still allows, as it said last to this process.",
        lambda: {host: quota.remaining for host, quota in places.quotas().items()},
        "registry",
    )
    counting.kinds(
        "lading_registry_held_seconds",
        "How long registries are still left alone, as they asked some process of this installation.",
        lambda: {hold.host: hold.seconds for hold in hosts.engine.manners.holds.all()},
        "registry",
    )
