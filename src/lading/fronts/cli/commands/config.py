"""`lading config`: the settings in force, where each came from, and whether the files are right."""

from __future__ import annotations

import click

from lading.fronts.cli.application import Shown
from lading.fronts.cli.console import Listing
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command


@click.command(cls=Command)
@click.argument("act", type=click.Choice(["show", "path", "validate"]), default="show")
@click.option("--origin", is_flag=True, help="Also where each value came from.")
@click.pass_obj
def config(invocation: Invocation, act: str, origin: bool) -> None:
    """Show or check the settings.

    show prints each setting and its value, path the settings files that are read, validate whether they are right.

    A flag wins over LADING_ and its name in the environment, that over the --config file, then the user's file, the
    system's file and the default, which is marked. Secrets only say whether they are set.
    """
    configuration = invocation.application.configuration
    if act == "path":
        for path in configuration.files:
            invocation.console.print(path)
        if not configuration.files:
            invocation.console.say(f"no settings file is there; looked for {', '.join(configuration.places)}")
    elif act == "validate":
        checked = {"files": list(configuration.files), "valid": True}
        text = (
            "\n".join(f"{path}   right" for path in configuration.files)
            or "no settings file is there, and none is needed"
        )
        invocation.console.result(invocation.form, checked, text)
    else:
        _show(invocation, origin)


def _show(invocation: Invocation, origin: bool) -> None:
    headings = ("SETTING", "VALUE", "FROM") if origin else ("SETTING", "VALUE")

    def row(shown: Shown) -> tuple[str, ...]:
        return (shown.name, shown.value, shown.origin) if origin else (shown.name, shown.marked)

    listing = Listing(
        invocation.application.configuration.settings,
        lambda shown: {
            "name": shown.name,
            "value": shown.value,
            "origin": shown.origin,
            "meaning": shown.meaning,
        },
        headings,
        row,
        lambda shown: f"{shown.name}={shown.value}",
    )
    invocation.console.results(invocation.form, listing)
