"""Flags: the general ones, which every command takes anywhere on the line, and those that stand for a setting."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, TypeVar

import click

from lading import __version__
from lading.errors import InputInvalid
from lading.fronts.cli import completing
from lading.fronts.cli.invocation import Invocation

F = TypeVar("F", bound=Callable[..., object])


class PasswordOnTheLine(InputInvalid):
    """A password as an argument: every user of the machine could read it, and the shell would keep it."""

    why = "arguments are shown to everybody on this machine and kept in the shell's history"

    def __init__(self, command: str) -> None:
        super().__init__(command)
        self.hint = f'printf %s "$PASSWORD" | {command} … --password-stdin   (or LADING_PASSWORD_FILE, or a prompt)'

    def __str__(self) -> str:
        return "a password is not taken as an argument"


class PasswordEmpty(InputInvalid):
    """--password-stdin, and nothing came on standard input."""

    why = "standard input ended, or its first line is empty"
    hint = 'Is the variable or file set that should hold it? printf %s "$PASSWORD" | … --password-stdin'

    def __str__(self) -> str:
        return "no password came on standard input"


class PasswordUnreadable(InputInvalid):
    """--password-stdin, and what came is no text, so that each registry would take it for something else."""

    why = "its bytes are not UTF-8"

    def __str__(self) -> str:
        return "the password on standard input cannot be read"


class GeneralOption(click.Option):
    """A flag that is not about one command; help shows it apart."""


def setting(*names: str, **attributes: object) -> Callable[[F], F]:
    """A flag that overrides the setting of the same name; the command itself does not see it."""
    return click.option(*names, callback=_remember, expose_value=False, default=None, **attributes)  # type: ignore[arg-type]  # click's own signature, passed on


def scanner_options(function: F) -> F:
    """Where scanners that are programs are, and their databases."""
    for option in reversed(
        (
            setting("--grype", metavar="FILE", help="The scanner grype, where it is not on PATH."),
            setting("--trivy", metavar="FILE", help="The scanner trivy, where it is not on PATH."),
            setting("--scan-cache", metavar="FOLDER", help="The folder of their databases (in the data folder)."),
            setting("--scan-timeout", metavar="TIME", help="How long a scan by them may take, like 10m (10m)."),
        )
    ):
        function = option(function)
    return function


def transfer_options(function: F) -> F:
    """What every verb takes that moves images."""
    for option in reversed(
        (
            setting("--platform", multiple=True, metavar="all|have|OS/ARCH", help="Which platforms; may be repeated."),
            *connection_settings(),
            setting("--lanes", metavar="N", help="Layers moved at a time (pull 3, push 5)."),
            setting("--limit-rate", metavar="RATE", help="At most this many bytes a second, like 10M."),
            click.option("--if-absent", is_flag=True, help="Refuse where the name exists and is something else."),
            click.option("-n", "--dry-run", is_flag=True, help="Say what would move, and move nothing."),
            click.option("--no-referrers", is_flag=True, help="Leave signatures and SBOMs behind."),
            click.option(
                "--disable-content-trust", is_flag=True, help="Neither verify nor sign, whatever content-trust says."
            ),
            click.option("--keep-going", is_flag=True, help="Go on after a failure; exit 3 if some are done."),
            click.option(
                "--digest-file",
                metavar="FILE",
                shell_complete=completing.files,
                help="Write name@sha256:… of what is done, a line each.",
            ),
            *login_settings(),
        )
    ):
        function = option(function)
    return function


def connection_settings() -> tuple[Callable[[F], F], ...]:
    """How registries are reached, for this call."""
    return (
        setting("--insecure", is_flag=True, help="Plain HTTP or unverified TLS for the registries named."),
        setting(
            "--tls-ca", metavar="FILE", shell_complete=completing.files, help="Authorities to trust as well, as PEM."
        ),
    )


def remote_options(function: F) -> F:
    """What every verb takes that asks a registry and moves nothing."""
    for option in reversed((*connection_settings(), *login_settings())):
        function = option(function)
    return function


def login_settings() -> tuple[Callable[[F], F], ...]:
    """A login for this call alone; the password is read from standard input, never from the line."""
    return (
        setting("-u", "--username", metavar="NAME", help="Log in as NAME, for this call."),
        click.option(
            "--password-stdin",
            is_flag=True,
            callback=_read_password,
            expose_value=False,
            help="Read the password from standard input.",
        ),
        click.option(
            "-p",
            "--password",
            hidden=True,
            expose_value=False,
            callback=refuse_password,
            help="Refused: see --password-stdin.",
        ),
    )


def _read_password(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:  # a shell that completes a line lends us the terminal, not what is typed
        invocation = ctx.ensure_object(Invocation)
        invocation.flags["password"] = read_password(invocation.console.streams.stdin)


def read_password(stdin: BinaryIO) -> str:
    """The first line, and not a byte more: what follows may be an archive. Raises PasswordEmpty, PasswordUnreadable."""
    line: bytes = getattr(stdin, "raw", stdin).readline()  # a stream that buffers would read on
    try:
        password = line.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise PasswordUnreadable from None  # its own text shows a part of the secret
    if not password:
        raise PasswordEmpty
    return password


def refuse_password(ctx: click.Context, _parameter: click.Parameter, value: str | tuple[str, ...] | None) -> None:
    """For the option, and the word behind the others, that people try. Raises PasswordOnTheLine."""
    if value and not ctx.resilient_parsing:
        raise PasswordOnTheLine(ctx.command_path)


def _remember(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
    if value not in {None, ()} and value is not False:
        assert parameter.name is not None
        ctx.ensure_object(Invocation).flags[parameter.name.replace("_", "-")] = value


def _wish(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
    if value:
        setattr(ctx.ensure_object(Invocation).console.wishes, str(parameter.name), value)


def general_options() -> list[click.Parameter]:
    """The general flags, fresh for one command: click's parameters must not be shared."""

    def kept(*names: str, **attributes: object) -> GeneralOption:
        return GeneralOption(names, callback=_remember, expose_value=False, default=None, **attributes)  # type: ignore[arg-type]  # click's own signature, passed on

    def wish(*names: str, help: str, count: bool = False) -> GeneralOption:  # noqa: A002  # click's word
        return GeneralOption(names, callback=_wish, expose_value=False, is_flag=not count, count=count, help=help)

    return [
        kept("--format", metavar="table|json|TEMPLATE", help="How results are printed; '{{.field}}' makes a template."),
        wish("-q", "--quiet", help="Only results, as name@sha256:…"),
        kept("--progress", metavar="auto|tty|plain|json|none", help="How progress is shown, on stderr."),
        wish("--no-color", help="No colours (NO_COLOR does the same)."),
        wish("-v", "--verbose", count=True, help="Also what the other side answered, word for word."),
        wish("--debug", help="Show tracebacks."),
        kept("--timeout", metavar="TIME", help="Give up after this long, like 90s or 5m (exit 124)."),
        kept(
            "--data",
            metavar="DIR",
            shell_complete=completing.folders,
            help="The folder that holds content, names and keys.",
        ),
        kept(
            "--config",
            metavar="FILE",
            shell_complete=completing.files,
            help="A settings file to read before the user's own.",
        ),
        kept("--server", metavar="URL", help="Have a Lading server do it (LADING_SERVER does the same)."),
        kept("--context", metavar="NAME", help="The same, by the name that lading context gave it."),
        kept("--token", metavar="TOKEN", help="The login there, where lading login URL kept none (LADING_TOKEN)."),
        kept("--env", metavar="NAME|ID", help="Whose images, at a server; its default environment's unless said."),
        kept("--detach", is_flag=True, help="Do not wait for a server's job: print its id."),
    ]


def version_option() -> click.Option:
    """`lading --version`, as most programs have it."""

    def tell(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
        if value:
            ctx.ensure_object(Invocation).console.print(f"lading {__version__}")
            ctx.exit()

    names = ["-V", "--version"]
    return click.Option(
        names, is_flag=True, is_eager=True, expose_value=False, callback=tell, help="Print the version and leave."
    )


def archive_options(form: str) -> Callable[[F], F]:
    """How archives are written: `form` where nobody says."""

    def add(function: F) -> F:
        choose_form = click.option(
            "--archive-form",
            type=click.Choice(["docker", "oci"]),
            default=form,
            show_default=True,
            help="What an archive is written for.",
        )
        choose_compression = click.option(
            "--compress",
            type=click.Choice(["none", "gzip", "zstd"]),
            default="none",
            show_default=True,
            help="How its file is compressed.",
        )
        return choose_form(choose_compression(function))

    return add


def image_argument(name: str, **attributes: object) -> Callable[[F], F]:
    """An argument that names images; the shell completes it from the local store."""
    return click.argument(name, shell_complete=completing.images, **attributes)  # type: ignore[arg-type]  # click's own signature, passed on
