"""`lading config`: the settings in force, where each came from, and whether the files are right."""

from __future__ import annotations

import click

from lading.errors import Refused
from lading.fronts.cli.application import Shown
from lading.fronts.cli.console import Listing
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.texts import plural


class ServerRuns(Refused):
    """The key cannot be changed under a server's hands: what it seals meanwhile would open for nobody."""

    code = "served"
    why = "lading serve runs over this data folder, and holds the key that is in use."
    hint = "Stop it, rotate, and start it again."

    def __str__(self) -> str:
        return "the secret key is not changed while a server runs"


@click.command(cls=Command)
@click.argument("act", type=click.Choice(["show", "path", "validate", "rotate-key"]), default="show")
@click.option("--origin", is_flag=True, help="Also where each value came from.")
@click.pass_obj
def config(invocation: Invocation, act: str, origin: bool) -> None:
    """Show or check the settings, or change the secret key.

    show prints each setting and its value, path the settings files that are read, validate whether they are right.

    rotate-key makes a new secret key, and seals with it again what the data folder keeps sealed: passwords of
    registries, keys of environments, logins. No server may run meanwhile. Where LADING_SECRET_KEY holds the key, put
    the new one before the old one, with a space between; afterwards the old one can go.

    A flag wins over LADING_ and its name in the environment, that over the --config file, then the user's file, the
    system's file and the default, which is marked. Secrets only say whether they are set.
    """
    configuration = invocation.application.configuration
    if act == "rotate-key":
        _rotate(invocation)
    elif act == "path":
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


def _rotate(invocation: Invocation) -> None:
    """Raises ServerRuns, KeyInUse, SealBroken, SecretKeyWrong."""
    service = invocation.application.administration
    with service.alone() as alone:
        if not alone:
            raise ServerRuns
        rotated = service.rotate()
    record = {"key": rotated.key, "sealed": rotated.count}
    text = f"{plural(rotated.count, 'secret')} sealed again with the key {rotated.key}"
    invocation.console.result(invocation.form, record, text, rotated.key)
    if rotated.given:
        invocation.console.say("LADING_SECRET_KEY needs only its first key from now on")


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
