"""`lading registry`: the registries that the service is configured with, and their logins."""

from __future__ import annotations

from collections.abc import Sequence

import click

from lading.errors import AccessDenied, LadingError, NetworkFailed
from lading.fronts.cli.application import Administration
from lading.fronts.cli.commands.rows import chosen, completed, print_report, row_commands
from lading.fronts.cli.completing import files
from lading.fronts.cli.console import Listing, Record
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Group
from lading.fronts.cli.secrets import asked_password, password_option, read_text
from lading.services.access import LADING
from lading.services.environments.connection_test import ConnectionReport
from lading.services.json_values import iso
from lading.services.registries.forms import RegistryEdit, RegistryForm
from lading.services.registries.provider_view import template_json
from lading.services.registries.providers import TEMPLATES, Provider
from lading.services.registries.records import RegistryRow, RelayChoice
from lading.services.row_view import registry_json
from lading.wire.endpoint import Tls

_HEADINGS = ("ID", "NAME", "URL", "PROVIDER", "USER", "LOGIN", "TLS", "DEFAULT", "HELD")


class RegistryTestFailed(NetworkFailed):
    """A step of a registry's test did not work; its line said what was found."""

    why = "The line that begins with FAIL says what was found."

    def __init__(self, name: str, step: str) -> None:
        super().__init__(name, step)
        self.name, self.step = name, step
        self.hint = f"lading registry set {name} --help: its address, TLS and CA"

    def __str__(self) -> str:
        return f"{self.name} cannot be worked with: {self.step} failed"


class RegistryLoginRefused(AccessDenied):
    """The registry answers, and does not take the login."""

    why = RegistryTestFailed.why

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name
        self.hint = f"lading registry set {name} -u NAME --password-stdin"

    def __str__(self) -> str:
        return f"{self.name} does not take its login"


@click.group(cls=Group)
def registry() -> None:
    """The registries that the service is configured with.

    Their passwords are sealed with the secret key, and never printed. A registry serves the repositories under its
    URL's path; where several do, the longest path wins.
    """


_named = click.argument("name", metavar="NAME|ID", shell_complete=completed("registry"))
_username = click.option("-u", "--username", metavar="NAME", help="Log in as NAME.")
_tls = click.option(
    "--tls", type=click.Choice([each.value for each in Tls]), help="verify, skip (unverified) or http (none)."
)
_ca = click.option("--ca", metavar="FILE", shell_complete=files, help="Authorities to trust for it, as PEM.")
_default = click.option("--default", "is_default", is_flag=True, help="The one meant where nobody says.")
_relay = click.option(
    "--relay",
    type=click.Choice([each.value for each in RelayChoice]),
    help="Whether Docker hosts push to it through this server; auto: where they cannot by themselves.",
)
_provider = click.option(
    "--provider",
    type=click.Choice([each.value for each in Provider]),
    help="Who runs it; 'lading registry providers' says what each asks for.",
)
_fields = click.option(
    "--field",
    "fields",
    metavar="NAME=VALUE",
    multiple=True,
    help="One of the provider's own fields; a secret one as NAME=@FILE. Empty: none.",
)
_key = click.option(
    "--key-file",
    "key",
    metavar="FILE",
    shell_complete=files,
    help="A service account's key, the JSON file of Google Cloud, in place of name and password.",
)


@registry.command()
@click.pass_obj
def providers(invocation: Invocation) -> None:
    """List the providers that a registry may be of, and what each asks for."""
    listing = Listing(
        tuple(TEMPLATES.values()),
        template_json,
        ("PROVIDER", "TITLE", "USER NAME", "PASSWORD", "FIELDS"),
        lambda each: (
            each.provider.value,
            each.title,
            each.username or "-",
            each.password,
            ", ".join(field.name for field in each.fields) or "-",
        ),
        lambda each: each.provider.value,
    )
    invocation.console.results(invocation.form, listing)


@registry.command("ls")
@click.pass_obj
def list_registries(invocation: Invocation) -> None:
    """List the configured registries, without their passwords.

    HELD is until when servers and workers leave a registry alone, as it asked for.
    """
    service = invocation.application.administration
    rows, ends = service.registries.list(LADING), service.registries.validities()
    listing = Listing(
        rows,
        lambda row: {**registry_json(row, ends.get(row.id)), **_held(service, row)},
        _HEADINGS,
        lambda row: (*_row(row, ends.get(row.id)), iso(service.held(row.host)) or "-"),
        lambda row: row.name,
    )
    invocation.console.results(invocation.form, listing)


@registry.command()
@click.argument("name")
@click.argument("url", metavar="URL")
@_username
@password_option
@_tls
@_ca
@_default
@_relay
@_provider
@_fields
@_key
@click.pass_obj
def add(
    invocation: Invocation,
    *,
    name: str,
    url: str,
    username: str | None,
    password: str | None,
    tls: str | None,
    ca: str | None,
    is_default: bool,
    relay: str | None,
    provider: str | None,
    fields: Sequence[str],
    key: str | None,
) -> None:
    """Configure a registry.

    URL is host[:port], perhaps with a path; http:// says that it has no TLS.
    """
    secret = secret_of(invocation, username, password, key)
    choice = RelayChoice(relay) if relay else RelayChoice.AUTO
    form = RegistryForm(
        name,
        url,
        username,
        secret,
        Tls(tls) if tls else None,
        read_text(ca),
        is_default,
        choice,
        Provider(provider) if provider else Provider.GENERIC,
        written_fields(fields),
    )
    _print(invocation, invocation.application.administration.registries.add(LADING, form), "added")


@registry.command("set")
@_named
@click.option("--name", "new_name", metavar="NAME", help="Call it so from now on.")
@click.option("--url", metavar="URL", help="Its address.")
@_username
@password_option
@click.option("--no-login", is_flag=True, help="Forget its login.")
@_tls
@_ca
@_default
@_relay
@_provider
@_fields
@_key
@click.pass_obj
def change(
    invocation: Invocation,
    *,
    name: str,
    new_name: str | None,
    url: str | None,
    username: str | None,
    password: str | None,
    no_login: bool,
    tls: str | None,
    ca: str | None,
    is_default: bool,
    relay: str | None,
    provider: str | None,
    fields: Sequence[str],
    key: str | None,
) -> None:
    """Change a registry; what is not said stays.

    The password is never sent to where it was not given for: another address or CA, or less TLS, needs it again. An
    empty --ca takes the authorities away.
    """
    if no_login and (username or password or key):
        raise click.UsageError("--no-login forgets the login, and --username, --password-stdin or --key-file give one")
    registries = invocation.application.administration.registries
    before = chosen(registries.list(LADING), "registry", name)
    secret = secret_of(invocation, username, password, key)
    login = ("", "") if no_login else (username, secret)
    choice = RelayChoice(relay) if relay else None
    edit = RegistryEdit(
        new_name,
        url,
        *login,
        Tls(tls) if tls else None,
        read_text(ca),
        is_default or None,
        choice,
        Provider(provider) if provider else None,
        written_fields(fields),
    )
    _print(invocation, registries.change(LADING, before.id, edit), "changed")


row_commands(
    registry,
    "registry",
    lambda service: service.registries,
    registry_json,
    "Forget a registry and its login; what it holds stays there.",
    beside=lambda service, row: {
        "validUntil": iso(service.registries.validities().get(row.id)),
        **_held(service, row),
    },
)


@registry.command()
@_named
@click.pass_obj
def default(invocation: Invocation, name: str) -> None:
    """Make a registry the one that is meant where nobody says."""
    registries = invocation.application.administration.registries
    row = chosen(registries.list(LADING), "registry", name)
    _print(invocation, registries.make_default(LADING, row.id), "is the default")


@registry.command()
@_named
@click.pass_obj
def test(invocation: Invocation, name: str) -> None:
    """Try a registry out step by step: name, connection, TLS, /v2/, login, listing."""
    service = invocation.application.administration
    row = chosen(service.registries.list(LADING), "registry", name)
    with invocation.cancellable() as cancel:
        report = service.browsing.test(LADING, row.id, None, cancel).report
    print_report(invocation, report)
    if not report.success:
        raise _failed(row, report)


@registry.command()
@_named
@click.argument("term", metavar="[TERM]", default="")
@click.pass_obj
def catalog(invocation: Invocation, name: str, term: str) -> None:
    """List the repositories of a registry whose names hold TERM.

    Its provider's own list is asked where there is one. Where nobody lists any, those that images here are named after.
    """
    service = invocation.application.administration
    row = chosen(service.registries.list(LADING), "registry", name)
    with invocation.cancellable() as cancel:
        found = service.browsing.catalog(LADING, row.id, cancel)
    names = [each for each in found.names if term.lower() in each]
    if not found.whole:
        invocation.console.say(f"{row.name} lists no repositories: these are the ones that images here are named after")
    _print_names(invocation, names, f"{row.host}/{{}}")


@registry.command()
@_named
@click.argument("repository", metavar="REPOSITORY")
@click.pass_obj
def tags(invocation: Invocation, name: str, repository: str) -> None:
    """List the tags of a repository, with the login of its registry."""
    service = invocation.application.administration
    row = chosen(service.registries.list(LADING), "registry", name)
    with invocation.cancellable() as cancel:
        names = service.browsing.tags(LADING, row.id, repository, cancel)
    _print_names(invocation, names, f"{row.host}/{repository}:{{}}")


def _print_names(invocation: Invocation, names: Sequence[str], whole: str) -> None:
    """One a line, as scripts read them; with --quiet as whole references."""
    listing = Listing(
        names,
        lambda name: {"name": name, "reference": whole.format(name)},
        ("NAME",),
        lambda name: (name,),
        whole.format,
    )
    invocation.console.results(invocation.form, listing)


def _print(invocation: Invocation, row: RegistryRow, done: str) -> None:
    told = registry_json(row, invocation.application.administration.registries.validities().get(row.id))
    invocation.console.result(invocation.form, told, f"{row.name}   registry {done}: {row.url}", row.name)


def _held(service: Administration, row: RegistryRow) -> Record:
    """As the API tells of it."""
    until = service.held(row.host)
    return {} if until is None else {"heldUntil": iso(until)}


def _row(row: RegistryRow, valid_until: float | None) -> tuple[str, ...]:
    login = "kept" if row.sealed is not None else "-"
    if valid_until is not None:
        login = f"until {iso(valid_until)}"
    default = "*" if row.is_default else ""
    provider = row.provider.value
    return (str(row.id), row.name, row.url, provider, row.username or "-", login, row.tls.value, default)


_SECRET_FIELDS = frozenset(field.name for each in TEMPLATES.values() for field in each.fields if field.secret)


def secret_of(invocation: Invocation, username: str | None, password: str | None, key: str | None) -> str | None:
    """The password, or the key that stands for name and password. Raises UsageError, FileUnreadable."""
    if key is not None and (username or password):
        raise click.UsageError("--key-file gives the login, and so do --username and --password-stdin")
    if key is not None:
        return read_text(key)
    return asked_password(invocation, password) if username or password else None


def written_fields(fields: Sequence[str]) -> dict[str, str]:
    """Of NAME=VALUE each. Raises UsageError."""
    written: dict[str, str] = {}
    for each in fields:
        name, equals, value = each.partition("=")
        if not equals:
            raise click.UsageError(f"--field {name} needs a value: {name}=VALUE, or nothing after the = for none")
        if name in _SECRET_FIELDS and value and not value.startswith("@"):
            raise click.UsageError(f"{name} is a secret, which the list of processes shows: --field {name}=@FILE")
        written[name] = (read_text(value[1:]) or "").strip() if value.startswith("@") else value
    return written


def _failed(row: RegistryRow, report: ConnectionReport) -> LadingError:
    step = report.steps[-1].name
    return RegistryLoginRefused(row.name) if step in {"mint", "token"} else RegistryTestFailed(row.name, step)
