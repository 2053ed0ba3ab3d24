"""How the command line tells of a failure: one table from an error's class to an exit code, one form of three lines."""

from __future__ import annotations

import click

from lading import errors

DONE = 0
FAILED = 1
USAGE = 2
PARTLY = 3
INTERRUPTED = 130

EXIT_CODES: dict[type[BaseException], int] = {
    errors.LadingError: FAILED,
    errors.InputInvalid: USAGE,
    errors.PartlyDone: PARTLY,
    errors.AccessDenied: 4,
    errors.NotFound: 5,
    errors.Refused: 6,
    errors.NetworkFailed: 7,
    errors.RateLimited: 8,
    errors.NotAccepted: 9,
    errors.Unreachable: 10,
    errors.Unavailable: 10,
    errors.TimedOut: 124,
    errors.Cancelled: INTERRUPTED,
    click.UsageError: USAGE,
    click.Abort: INTERRUPTED,
    KeyboardInterrupt: INTERRUPTED,
}
"""By the nearest class an error derives from (interfaces §3); anything else is FAILED."""

MEANINGS = (
    (0, "done"),
    (1, "failed, other"),
    (2, "wrong usage"),
    (3, "partly done (--keep-going)"),
    (4, "login missing or denied"),
    (5, "not found"),
    (6, "refused by rule: exists, locked, policy"),
    (7, "network or TLS"),
    (8, "rate limited, retries used up"),
    (9, "findings at or above --fail-on"),
    (10, "server, agent or Docker host not reachable"),
    (124, "timed out"),
    (130, "interrupted"),
)


AGAIN = "the same command again: it goes on from what is kept"

WHOSE: dict[errors.Side, str] = {
    errors.Side.CALLER: "The fault is in what was asked for.",
    errors.Side.LADING: "The fault is on Lading's side.",
    errors.Side.SOURCE: "The fault is on the source's side.",
    errors.Side.TARGET: "The fault is on the registry's side.",
    errors.Side.HOST: "The fault is on the Docker host's side.",
    errors.Side.NETWORK: "The fault is on the way to the other side.",
}
"""Whose side failed is what a person asks first; said behind the cause, and alone where an error has none to give."""

ADVICE: dict[type[errors.LadingError], str] = {
    errors.InputInvalid: "lading {command} --help",
    errors.NotFound: "Check the name: lading ls HOST/REPOSITORY lists what a registry has, lading images what is here",
    errors.AccessDenied: "lading login HOST",
    errors.Refused: "Change what was asked for: a rule decided this, and would again",
    errors.NetworkFailed: "lading doctor {host}, then " + AGAIN,
    errors.RateLimited: "Wait, then " + AGAIN,
    errors.ProtocolBroken: "Run the same command with -v, which shows what the other side answered",
    errors.ContentCorrupt: "Run the same command again; where it stays so, have the source's content put there anew",
    errors.StorageFailed: "lading doctor",
    errors.Unreachable: "lading doctor",
    errors.PartlyDone: "Run the same command again: what is done stays done",
    errors.Cancelled: "Run " + AGAIN,
    errors.TimedOut: "Run " + AGAIN,
    errors.LadingError: "Run the same command with -v.",
}
"""What to do, where an error has no better hint of its own; by the nearest class it derives from.

`{command}` and `{host}` stand for the command that was called and the other side, where they are known.
"""


class JobEnded(errors.LadingError):
    """A job that was followed did not end well: told as if it had been done here. `root` is what its error derives
    from. `why` and `hint` are what its last line says; the hint is for the server that ran it."""

    def __init__(self, job: str, sentence: str, root: type[errors.LadingError]) -> None:
        super().__init__(job, sentence, root)
        self.job, self.sentence, self.root = job, sentence, root
        self.hint = f"lading jobs retry {job}"

    def __str__(self) -> str:
        return self.sentence


def exit_code(error: BaseException) -> int:
    """What the process answers when `error` ends it."""
    kinds = (error.root if isinstance(error, JobEnded) else type(error)).__mro__
    return next((EXIT_CODES[kind] for kind in kinds if kind in EXIT_CODES), FAILED)


def lines(error: BaseException, verbose: bool = False, command: str | None = None) -> list[tuple[str, str]]:
    """Label and text of each line that tells of `error`: what failed, why, what to do about it.

    `verbose` adds what the other side said, word for word. `command` is the one that was called, as far as it was read.
    """
    told = [("error", _sentence(error))]
    if isinstance(error, errors.LadingError):
        told += [("why", _why(error)), ("try", error.command or error.hint or _advice(error, command))]
        told += [("raw", error.raw)] if error.raw and verbose else []
    elif isinstance(error, click.UsageError):
        told += [("try", _usage_advice(error, error.ctx))] if error.ctx else []
    elif not isinstance(error, click.ClickException | KeyboardInterrupt | click.Abort):
        told += [
            ("why", "this is a defect of Lading"),
            ("try", "the same command with --debug, and report what it prints"),
        ]
    return told


def _why(error: errors.LadingError) -> str:
    if error.why is None:
        return WHOSE[error.side]
    return f"{error.why}{'' if error.why.endswith('.') else '.'} {WHOSE[error.side]}"


def _advice(error: errors.LadingError, command: str | None) -> str:
    host = error.host if isinstance(error, errors.NetworkFailed) else ""
    advice = next(ADVICE[kind] for kind in type(error).__mro__ if kind in ADVICE)
    return advice.format(command=command or "COMMAND", host=host or "HOST")


def _usage_advice(error: click.UsageError, ctx: click.Context) -> str:
    if isinstance(error, click.NoSuchOption) and isinstance(ctx.command, click.Group):
        return f"put it after the command, if it is one of that command's; {ctx.command_path} --help lists the others"
    return f"{ctx.command_path} --help"


def _sentence(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt | click.Abort):
        return "interrupted"
    if isinstance(error, click.ClickException):
        return error.format_message()
    if isinstance(error, errors.LadingError):
        return str(error)
    return f"{type(error).__name__}: {error}"
