"""`lading version`: the cheapest command, which imports nothing it does not print."""

from __future__ import annotations

import platform

import click

import lading
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command


@click.command(cls=Command, help="Print the version.")
@click.pass_obj
def version(invocation: Invocation) -> None:
    python = platform.python_version()
    record = {"version": lading.__version__, "python": python, "platform": f"{platform.system()}/{platform.machine()}"}
    form = invocation.flags.get("format")
    text = f"lading {lading.__version__} (Python {python}, {record['platform']})"
    invocation.console.result(form if isinstance(form, str) else None, record, text, lading.__version__)
