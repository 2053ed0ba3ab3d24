"""`lading serve`: the API, its pages and the registry; with --no-auth the registry alone, on loopback, open."""

from __future__ import annotations

import click

from lading.errors import Cancelled
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.options import setting

WAIT_SECONDS = 3600.0


@click.command(cls=Command)
@setting("--host", metavar="ADDRESS", help="The address to listen on (127.0.0.1).")
@setting("--port", metavar="PORT", help="The API's port (3000).")
@setting("--registry-port", metavar="PORT", help="The registry's port (5000, or the next free one at the first start).")
@setting("--public-url", metavar="URL", help="How others reach the API.")
@setting("--registry-public-url", metavar="URL", help="How others reach the registry.")
@setting("--trusted-proxies", metavar="ADDRESSES", help="Proxies whose X-Forwarded-For counts.")
@setting("--tls-cert", metavar="FILE", help="A PEM file: the API's certificate.")
@setting("--tls-key", metavar="FILE", help="A PEM file: its key.")
@setting("--no-auth", is_flag=True, help="The registry alone, for every program on this machine, without a login.")
@click.pass_obj
def serve(invocation: Invocation) -> None:
    """Run the API and the registry: users, environments, registries, jobs and the audit trail.

    The first start prints a link that makes the first user. Ends with Ctrl-C or SIGTERM, after the requests that run;
    jobs that run are saved, and go on at the next start.
    """
    with invocation.application.serve() as serving, invocation.cancellable() as cancel:
        console = invocation.console
        if serving.api is None:
            console.warn("open to every program on this machine: --no-auth")
        found = {"registry": serving.address} | ({"api": serving.api} if serving.api else {})
        text = f"registry  http://{serving.address}" + (f"\napi       {serving.api}" if serving.api else "")
        console.result(invocation.form, found, text)
        console.say(f"data      {serving.folder}")
        if serving.setup is not None:
            console.say(f"set up    {serving.setup}")
        else:
            console.say(f"try       lading push IMAGE {serving.address}/hello:1")
        try:
            while True:
                cancel.wait(WAIT_SECONDS)
        except Cancelled:
            console.say("stopped")
