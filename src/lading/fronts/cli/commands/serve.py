"""`lading serve`, in its first form: the registry alone, on loopback, open."""

from __future__ import annotations

import click

from lading.errors import Cancelled
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.options import setting

WAIT_SECONDS = 3600.0


@click.command(cls=Command)
@setting("--host", metavar="ADDRESS", help="The loopback address to listen on (127.0.0.1).")
@setting("--registry-port", metavar="PORT", help="The registry's port (5000, or the next free one at the first start).")
@setting("--no-auth", is_flag=True, help="Serve every program on this machine, without a login.")
@click.pass_obj
def serve(invocation: Invocation) -> None:
    """Run a registry on this machine, for this machine.

    Users arrive with the service, so --no-auth must be given, and only loopback is listened on. Ends with Ctrl-C or
    SIGTERM, after the requests that run.
    """
    with invocation.application.serve() as serving, invocation.cancellable() as cancel:
        console = invocation.console
        console.warn("open to every program on this machine: --no-auth")
        console.result(invocation.form, {"registry": serving.address}, f"registry  http://{serving.address}")
        console.say(f"data      {serving.folder}")
        console.say(f"try       lading push IMAGE {serving.address}/hello:1")
        try:
            while True:
                cancel.wait(WAIT_SECONDS)
        except Cancelled:
            console.say("stopped")
