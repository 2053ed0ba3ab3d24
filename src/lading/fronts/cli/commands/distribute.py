"""`lading environment distribute`: one image to many hosts, which fetch it from our own registry."""

from __future__ import annotations

from collections.abc import Sequence

import click

from lading.errors import InputInvalid
from lading.fronts.cli.commands.jobs import follow
from lading.fronts.cli.commands.rows import chosen, completed
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.services.access import LADING
from lading.services.distribution.forms import DistributionForm, DistributionUnset
from lading.services.environments.environment import ConnectionType
from lading.services.environments.records import EnvironmentRow
from lading.services.jobs.job import Job
from lading.services.watching.view import job_json


class HostsUnsaid(InputInvalid):
    """Neither --to nor --all, or both."""

    hint = "lading environment distribute IMAGE --to NAME,NAME, or --all"

    def __str__(self) -> str:
        return "say to which environments: --to or --all"


@click.command(cls=Command)
@click.argument("image", metavar="IMAGE")
@click.option("--to", "to", multiple=True, metavar="NAME[,NAME…]", help="Which environments; may be repeated.")
@click.option("--all", "everywhere", is_flag=True, help="Every environment but Lading's own.")
@click.option(
    "--from", "source", metavar="NAME|ID", shell_complete=completed("environment"), help="The one that has the image."
)
@click.option("--as", "name", metavar="NAME[:TAG]", help="What the hosts call it; as it is called here unless said.")
@click.option(
    "--platform", metavar="OS/ARCH", help="For all hosts; each its own unless said. have: those that are here."
)
@click.option("--no-scan", is_flag=True, help="Do not scan it at the hosts, whatever their scanner is.")
@click.option("--detach", is_flag=True, help="Do not wait for the end: print the job's id.")
@click.pass_obj
def distribute(
    invocation: Invocation,
    *,
    image: str,
    to: tuple[str, ...],
    everywhere: bool,
    source: str | None,
    name: str | None,
    platform: str | None,
    no_scan: bool,
    detach: bool,
) -> None:
    """Have many environments fetch one image, each moving only what it lacks.

    IMAGE is one of Lading's own registry, where it is there, else one of Lading's own store, or of the environment that
    --from names. The server's --registry-public-url says from where the hosts fetch. One host that fails stops no
    other; `lading jobs retry` goes to those alone that have not got it.
    """
    service = invocation.application.administration
    rows = service.environments.list(LADING)
    hosts = _hosts(rows, to, everywhere=everywhere)
    origin = None if source is None else chosen(rows, "environment", source).id
    form = DistributionForm(image, hosts, origin, name, platform, not no_scan)
    with invocation.cancellable() as cancel:
        try:
            job = service.distributions.start(LADING, form, None, cancel)
        except DistributionUnset as error:
            raise error.but(command="lading serve --registry-public-url https://HOST[:PORT]") from error
    service.hand_over()
    with service.alone() as alone:
        if alone:
            invocation.console.say("it waits for lading serve to start")
    if alone or detach:
        _print(invocation, job)
    else:
        invocation.console.say(f"job {job.id}; Ctrl-C leaves it alone, lading jobs cancel {job.id} ends it")
        follow(invocation, job.id)


def _hosts(rows: Sequence[EnvironmentRow], to: Sequence[str], *, everywhere: bool) -> tuple[int, ...]:
    """Raises HostsUnsaid, RowUnknown."""
    words = [word for each in to for word in each.split(",") if word.strip()]
    if everywhere is bool(words):
        raise HostsUnsaid
    if everywhere:
        return tuple(row.id for row in rows if row.connection_type is not ConnectionType.EMBEDDED)
    return tuple(chosen(rows, "environment", word).id for word in words)


def _print(invocation: Invocation, job: Job) -> None:
    invocation.console.result(invocation.form, job_json(job), f"{job.id}   {job.request.kind}", job.id)
