"""`lading login` and `logout`."""

from __future__ import annotations

import click

from lading.errors import InputInvalid
from lading.fronts.cli.console import Listing, Record
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.options import refuse_password, remote_options
from lading.oci.reference import HUB
from lading.services.registries.registries import Login
from lading.wire.authorize import Credential
from lading.wire.guard import sent_in_clear


class PasswordMissing(InputInvalid):
    """A login without a password, where nobody can be asked for it."""

    hint = 'printf %s "$PASSWORD" | lading login HOST -u NAME --password-stdin'

    def __str__(self) -> str:
        return "a login needs a name and a password"


docker_option = click.option(
    "--docker", is_flag=True, help="Docker's own logins instead: by the helper that its configuration names."
)


@click.command(cls=Command)
@click.argument("place", metavar="[HOST[/PATH]|URL]", default=HUB)
@click.argument("words", nargs=-1, metavar="", expose_value=False, callback=refuse_password)
@click.option("--list", "listed", is_flag=True, help="List the logins that are kept, without their secrets.")
@docker_option
@remote_options
@click.pass_obj
def login(invocation: Invocation, place: str, listed: bool, docker: bool) -> None:
    """Keep a registry's login, encrypted, after checking it.

    HOST/PATH keeps a login for that part of the registry alone; the longest path that fits is the one used. Docker's
    and podman's own logins are read as well; only --docker writes there, as `docker login` does.

    URL, like https://lading.corp, is that of a Lading server: an API token is made there and kept, for commands with
    --server; or the one that --token gives is kept.
    """
    if listed:
        _list(invocation, docker)
        return
    if "://" in place:
        _log_in_at_server(invocation, place)
        return
    credential = _asked(invocation)
    with invocation.cancellable():
        kept = invocation.application.registries.login(place, credential, docker=docker)
    record = {"place": kept, "username": credential.username}
    invocation.console.result(invocation.form, record, f"{kept}   logged in as {credential.username}", kept)


@click.command(cls=Command)
@click.argument("place", metavar="[HOST[/PATH]|URL]", default=HUB)
@docker_option
@click.pass_obj
def logout(invocation: Invocation, place: str, docker: bool) -> None:
    """Forget a registry's login that Lading keeps.

    Where there is none nothing is left to do, and that is said. URL is that of a Lading server, where the token is
    taken back.
    """
    if "://" in place:
        with invocation.cancellable() as cancel:
            there = invocation.application.server_logins.logout(place, cancel)
        said = "logged out" if there else "not logged in"
        invocation.console.result(invocation.form, {"server": place, "loggedOut": there}, f"{place}   {said}", place)
        return
    gone = invocation.application.registries.logout(place, docker=docker)
    text = "logged out" if gone.there else "not logged in"
    record = {"place": gone.place, "loggedOut": gone.there}
    invocation.console.result(invocation.form, record, f"{gone.place}   {text}", gone.place)
    if not gone.there:
        whose, other = ("docker", "lading logout") if docker else ("Lading", "docker logout")
        invocation.console.say(
            f"{whose} keeps no login for {gone.place}; for one that others keep: {other} {gone.place}"
        )


def _log_in_at_server(invocation: Invocation, place: str) -> None:
    logins, token = invocation.application.server_logins, invocation.application.token
    server = logins.address(place)
    if sent_in_clear(server):
        invocation.console.warn(f"{server} is not protected: everybody on the way there can read the login")
    if token is not None:
        with invocation.cancellable() as cancel:
            name = logins.keep(server, token, cancel)
    else:
        credential = _asked(invocation)
        with invocation.cancellable() as cancel:
            name = logins.login(server, credential.username, credential.secret, cancel)
    text = f"{server}   logged in as {name}"
    invocation.console.result(invocation.form, {"server": server, "username": name}, text, name)


def _asked(invocation: Invocation) -> Credential:
    """The login from flags and environment; what is missing the person at the terminal types.

    Raises PasswordMissing where there is no terminal to ask at.
    """
    given = invocation.application.one_off or Credential()
    username, secret = given.username, given.secret
    if not (username and secret) and not invocation.console.streams.stdin.isatty():
        raise PasswordMissing
    username = username or click.prompt("User name", err=True)
    secret = secret or click.prompt("Password", hide_input=True, err=True)
    return Credential(username, secret, source="this command")


def _list(invocation: Invocation, docker: bool) -> None:
    def record(kept: Login) -> Record:
        return {"place": kept.place, "username": kept.username}

    logins = invocation.application.registries.logins(docker=docker)
    listing = Listing(logins, record, ("REGISTRY", "USER"), lambda k: (k.place, k.username), lambda k: k.place)
    invocation.console.results(invocation.form, listing)
