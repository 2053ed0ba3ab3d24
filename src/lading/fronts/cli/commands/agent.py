"""`lading agent`: lets a server elsewhere use the Docker host of this machine, over a connection that we open."""

from __future__ import annotations

import click

from lading.errors import Cancelled
from lading.fronts.cli import completing
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.options import setting


@click.command(cls=Command)
@setting("--server", metavar="URL", help="The server, like https://lading.corp (DOCKHAND_SERVER_URL does too).")
@setting("--token", metavar="TOKEN", help="Its environment's token; better LADING_TOKEN_FILE, or TOKEN.")
@setting("--docker", metavar="HOST", help="unix:///PATH or tcp://HOST:PORT (DOCKER_HOST, else as docker).")
@setting("--no-docker", is_flag=True, help="Without Docker: the server uses Lading's own engine in the data folder.")
@setting("--name", metavar="NAME", help="What the server calls this agent (AGENT_NAME, else this machine's name).")
@setting("--tls-ca", metavar="FILE", shell_complete=completing.files, help="Authorities to trust as well, as PEM.")
@setting("--insecure", is_flag=True, help="Take whatever certificate the server shows.")
@click.pass_obj
def agent(invocation: Invocation) -> None:
    """Let a server elsewhere use this machine's Docker host, over a connection from here.

    It may ask for images alone: no container, volume or command of this host is reached through it. Whatever happens to
    the server or the network, it connects again. Ends with Ctrl-C or SIGTERM.
    """
    console = invocation.console
    with invocation.application.agent() as edge, invocation.cancellable() as cancel:
        console.say(f"agent     {edge.name}")
        console.say(f"engine    {edge.engine}")
        console.say(f"server    {edge.server}")
        try:
            edge.run(cancel)
        except Cancelled:
            console.say("stopped")
