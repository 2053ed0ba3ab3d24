"""`lading openapi`: the API's description, from which programs make clients."""

from __future__ import annotations

import click

from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command


@click.command(cls=Command)
@click.pass_obj
def openapi(invocation: Invocation) -> None:
    """Print the API's description, an OpenAPI 3.1 document in JSON.

    It is of this version of Lading; a server tells its own at /api/openapi.json.
    """
    invocation.console.json(invocation.application.api_description())
