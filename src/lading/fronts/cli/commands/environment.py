"""`lading environment`: where images live: Lading's own store, and Docker hosts."""

from __future__ import annotations

from dataclasses import replace

import click

from lading.errors import InputInvalid, Unreachable
from lading.fronts.cli.commands.distribute import distribute
from lading.fronts.cli.commands.environment_agents import agents, token
from lading.fronts.cli.commands.rows import chosen, completed, print_report, row_commands
from lading.fronts.cli.completing import files
from lading.fronts.cli.console import Listing
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Group
from lading.fronts.cli.secrets import read_text
from lading.services.access import LADING
from lading.services.environments.environment import ConnectionType
from lading.services.environments.forms import EnvironmentForm
from lading.services.environments.records import EnvironmentRow
from lading.services.row_view import environment_json
from lading.wire.docker_address import DockerAddress

_HEADINGS = ("ID", "NAME", "TYPE", "ADDRESS", "TLS", "DEFAULT")


class AddressInvalid(InputInvalid):
    """What is no address of a Docker host."""

    hint = "Write unix:///var/run/docker.sock, tcp://HOST:2375 or https://HOST:2376."

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"{self.text!r} is no address of a Docker host"


class EnvironmentTestFailed(Unreachable):
    """A step of an environment's test did not work; its line said what was found."""

    why = "The line that begins with FAIL says what was found."

    def __init__(self, name: str, step: str) -> None:
        super().__init__(name, step)
        self.name, self.step = name, step
        self.hint = (
            f"lading environment token {name}: a new token, and what starts its agent with it"
            if step == "agent"
            else f"lading environment set {name} --help: its address and TLS"
        )

    def __str__(self) -> str:
        return f"{self.name} cannot be worked with: {self.step} failed"


@click.group(cls=Group)
def environment() -> None:
    """Where images live: Lading's own store, and Docker hosts.

    The key of a TLS certificate and an agent's token are sealed with the secret key, and never printed.
    """


_named = click.argument("name", metavar="NAME|ID", shell_complete=completed("environment"))
_ca = click.option("--tls-ca", metavar="FILE", shell_complete=files, help="Authorities to trust for it, as PEM.")
_certificate = click.option("--tls-cert", metavar="FILE", shell_complete=files, help="Our certificate, as PEM.")
_key = click.option("--tls-key", metavar="FILE", shell_complete=files, help="Its key, as PEM; kept sealed.")
_type = click.option(
    "--type",
    "kind",
    type=click.Choice([each.value for each in ConnectionType if each is not ConnectionType.EMBEDDED]),
    help="How it is reached, where its address does not say it.",
)
_agent_token = click.option(
    "--hawser-token", metavar="FILE", shell_complete=files, help="The token its standard agent asks for; kept sealed."
)
_default = click.option("--default", "is_default", is_flag=True, help="The one meant where nobody says.")


@environment.command("ls")
@click.pass_obj
def list_environments(invocation: Invocation) -> None:
    """List the environments, without their keys."""
    rows = invocation.application.administration.environments.list(LADING)
    listing = Listing(rows, environment_json, _HEADINGS, _row, lambda row: row.name)
    invocation.console.results(invocation.form, listing)


@environment.command()
@click.argument("name")
@click.argument("address", metavar="[ADDRESS]", required=False)
@_type
@_ca
@_certificate
@_key
@click.option("--tls-skip-verify", is_flag=True, default=None, help="Take whatever certificate the host shows.")
@_agent_token
@_default
@click.pass_obj
def add(
    invocation: Invocation,
    *,
    name: str,
    address: str | None,
    kind: str | None,
    tls_ca: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    tls_skip_verify: bool | None,
    hawser_token: str | None,
    is_default: bool,
) -> None:
    """Configure a Docker host.

    ADDRESS is unix:///PATH, tcp://HOST[:PORT], or https://HOST[:PORT]. With a --tls option tcp:// means TLS.

    A host behind a standard agent takes --type hawser-standard. One that nobody can dial takes --type hawser-edge and
    no ADDRESS: its agent comes to us, and `lading environment token NAME` prints what starts it.
    """
    if address is None and kind != ConnectionType.HAWSER_EDGE:
        raise click.UsageError("Missing argument 'ADDRESS'; --type hawser-edge has none.")
    told = form_of(address, kind, (tls_ca, tls_cert, tls_key), tls_skip_verify)
    form = replace(told, name=name, hawser_token=token_in(hawser_token), is_default=is_default or None)
    _print(invocation, invocation.application.administration.environments.add(LADING, form), "added")


@environment.command("set")
@_named
@click.argument("address", metavar="[ADDRESS]", required=False)
@click.option("--name", "new_name", metavar="NAME", help="Call it so from now on.")
@_type
@_ca
@_certificate
@_key
@click.option("--tls-skip-verify/--tls-verify", default=None, help="Whether any certificate of the host's will do.")
@_agent_token
@_default
@click.pass_obj
def change(
    invocation: Invocation,
    *,
    name: str,
    address: str | None,
    new_name: str | None,
    kind: str | None,
    tls_ca: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    tls_skip_verify: bool | None,
    hawser_token: str | None,
    is_default: bool,
) -> None:
    """Change an environment; what is not said stays.

    An empty --tls-ca, --tls-cert, --tls-key or --hawser-token takes it away. A standard agent's token is never sent to
    where it was not given for: another address or CA, or less TLS, needs it again.
    """
    environments = invocation.application.administration.environments
    before = chosen(environments.list(LADING), "environment", name)
    if kind is None and before.connection_type is ConnectionType.HAWSER_STANDARD:
        kind = dialled(address, before.connection_type)
    told = form_of(address, kind, (tls_ca, tls_cert, tls_key), tls_skip_verify)
    form = replace(told, name=new_name, hawser_token=token_in(hawser_token), is_default=is_default or None)
    _print(invocation, environments.change(LADING, before.id, form), "changed")


row_commands(
    environment,
    "environment",
    lambda service: service.environments,
    environment_json,
    "Forget an environment; what is there stays there.",
)


@environment.command()
@_named
@click.pass_obj
def default(invocation: Invocation, name: str) -> None:
    """Make an environment the one that is meant where nobody says."""
    environments = invocation.application.administration.environments
    row = chosen(environments.list(LADING), "environment", name)
    _print(invocation, environments.make_default(LADING, row.id), "is the default")


@environment.command()
@_named
@click.pass_obj
def test(invocation: Invocation, name: str) -> None:
    """Try an environment out step by step: name, connection, TLS, and what answers.

    Where its agent comes to us: whether that is connected. What it answers, only the server can ask.
    """
    environments = invocation.application.administration.environments
    row = chosen(environments.list(LADING), "environment", name)
    with invocation.cancellable() as cancel:
        report = environments.test(LADING, row.id, cancel)
    print_report(invocation, report)
    if not report.success:
        raise EnvironmentTestFailed(row.name, report.steps[-1].name)


environment.add_command(token)
environment.add_command(agents)
environment.add_command(distribute)


def form_of(
    address: str | None, kind: str | None, pems: tuple[str | None, str | None, str | None], skip: bool | None
) -> EnvironmentForm:
    """How it is reached; `kind` None: as the address says. Raises AddressInvalid, FileUnreadable."""
    addressed, socket, host, port, protocol = _parsed(address)
    ca, certificate, key = map(read_text, pems)
    if protocol is None and host is not None and (ca or certificate or key or skip):
        protocol = "https"
    return EnvironmentForm(
        connection_type=kind or addressed,
        socket_path=socket,
        host=host,
        port=port,
        protocol=protocol,
        tls_ca=ca,
        tls_cert=certificate,
        tls_key=key,
        tls_skip_verify=skip,
    )


def token_in(path: str | None) -> str | None:
    """What a file holds, without the end of its line."""
    text = read_text(path)
    return None if text is None else text.strip()


def dialled(address: str | None, kind: ConnectionType) -> ConnectionType | None:
    """A new address of a host leaves what stands there; a socket is another way."""
    return None if address is not None and address.startswith("unix://") else kind


def _parsed(address: str | None) -> tuple[str | None, str | None, str | None, int | None, str | None]:
    """Connection type, socket, host, port and protocol, as far as it says them. Raises AddressInvalid."""
    if address is None:
        return None, None, None, None, None
    parsed = DockerAddress.parse(address)
    if parsed is None:
        raise AddressInvalid(address)
    if parsed.socket is not None:
        return ConnectionType.SOCKET, parsed.socket, None, None, None
    return ConnectionType.DIRECT, None, parsed.host, parsed.port, parsed.protocol


def _print(invocation: Invocation, row: EnvironmentRow, done: str) -> None:
    text = f"{row.name}   environment {done}: {_address(row)}"
    invocation.console.result(invocation.form, environment_json(row), text, row.name)


def _row(row: EnvironmentRow) -> tuple[str, ...]:
    protected = "-" if row.protocol != "https" else "skip" if row.tls_skip_verify else "verify"
    return (
        str(row.id),
        row.name,
        row.connection_type.value,
        _address(row),
        protected,
        "*" if row.is_default else "",
    )


def _address(row: EnvironmentRow) -> str:
    match row.connection_type:
        case ConnectionType.SOCKET:
            return f"unix://{row.socket_path}"
        case ConnectionType.HAWSER_EDGE:
            return "its agent comes to us"
        case ConnectionType.DIRECT | ConnectionType.HAWSER_STANDARD:
            return DockerAddress(None, row.host or "", row.port).origin(row.protocol or "http")
        case _:
            return "Lading's own store"
