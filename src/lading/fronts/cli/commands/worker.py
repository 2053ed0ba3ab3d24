"""`lading worker`: does the jobs that servers hand over."""

from __future__ import annotations

from contextlib import suppress

import click

from lading.errors import Cancelled
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.options import scanner_options, setting
from lading.fronts.cli.texts import plural

WAIT_SECONDS = 3600.0


@click.command(cls=Command)
@setting("--database", metavar="URL", help="The servers' PostgreSQL, postgresql://….")
@setting("--storage", metavar="PLACE", help="Their object store, s3://BUCKET/PREFIX.")
@setting("--worker-jobs", metavar="N", help="Jobs done at once (64).")
@setting("--worker-listen", metavar="[HOST:]PORT", help="Where it answers /healthz, /readyz, /metrics (nowhere).")
@setting("--limit-rate", metavar="RATE", help="At most this many bytes a second, of all transfers together, like 10M.")
@setting("--push-lanes", metavar="N", help="Layers that one push moves at a time (5).")
@setting("--pull-lanes", metavar="N", help="Layers that one pull moves at a time (3).")
@setting("--host-lanes", metavar="N", help="Layers at a time to each registry, of all servers and workers (no limit).")
@scanner_options
@click.pass_obj
def worker(invocation: Invocation) -> None:
    """Do the jobs that `lading serve --workers` hands over: pushes, pulls, copies, scans.

    Any number of workers share one database and one object store with any number of servers. What a worker that dies
    was doing, another one goes on with. Ends with Ctrl-C or SIGTERM: what runs is given back.
    """
    with suppress(Cancelled):
        _work(invocation)
    invocation.console.say("stopped")


def _work(invocation: Invocation) -> None:
    """Until it is cancelled. Raises Cancelled where that is before it has begun: it may wait for what it stands on."""
    console, application = invocation.console, invocation.application
    with invocation.cancellable() as cancel, application.work() as working:
        console.result(
            invocation.form,
            {"jobs": working.jobs, "database": working.database, "storage": working.storage},
            f"database  {working.database}\nstorage   {working.storage}",
        )
        console.say(f"takes     {plural(working.jobs, 'job')} at once")
        console.say(f"data      {working.folder}")
        with suppress(Cancelled):
            while True:
                cancel.wait(WAIT_SECONDS)
