"""`lading audit`: who did what, when, from where, and how it ended; and whether anybody changed the record since."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO, TypeVar

import click

from lading.errors import ContentCorrupt, InputInvalid, Side, StorageFailed
from lading.fronts.cli.commands.rows import chosen, completed
from lading.fronts.cli.completing import files
from lading.fronts.cli.console import Listing
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Group
from lading.fronts.cli.texts import plural, visible, visible_json
from lading.oci.instants import instant
from lading.services.access import LADING
from lading.services.audit.audit import Result
from lading.services.audit.export import Format, row_json
from lading.services.audit.records import AuditFilter, AuditRow
from lading.services.audit.seal import Verification
from lading.services.row_view import verification_json

F = TypeVar("F", bound=Callable[..., object])

ROWS_AT_ONCE = 500
_HEADINGS = ("ID", "WHEN", "WHO", "ACTION", "WHAT", "NAME", "RESULT", "FROM")


class TrailBroken(ContentCorrupt):
    """The audit trail is not as it was sealed."""

    side = Side.LADING
    hint = (
        "Compare with an earlier export, and with the head that was noted elsewhere; from that row on believe neither."
    )

    def __init__(self, row: int, reason: str) -> None:
        super().__init__(row, reason)
        self.row = row
        self.why = reason

    def __str__(self) -> str:
        return f"the audit trail was changed at row {self.row}"


class MomentInvalid(InputInvalid):
    """What is no moment."""

    hint = "Write 2026-11-21 or 2026-11-21T10:00:00Z; without a zone it is UTC."

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"{self.text!r} is no moment"


class ExportUnwritable(StorageFailed):
    """The file that an export goes to cannot be written; nothing stands there now."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"cannot write {self.path}: {self.reason}"


@click.group(cls=Group)
def audit() -> None:
    """The audit trail: read, export and verify it."""


def _filters(function: F) -> F:
    for option in reversed(
        (
            click.option("--user", "actor", metavar="NAME", shell_complete=completed("user"), help="Whose deeds."),
            click.option("--action", metavar="ACTION", help="Only these, like push, login or delete."),
            click.option(
                "--what", "entity_type", metavar="TYPE", help="Only about these, like image, user or registry."
            ),
            click.option(
                "--env", "environment", metavar="NAME|ID", shell_complete=completed("environment"), help="Only there."
            ),
            click.option("--result", type=click.Choice([each.value for each in Result]), help="Only what ended so."),
            click.option("--since", metavar="TIME", help="From then on, like 2026-11-21 or 2026-11-21T10:00:00Z."),
            click.option("--until", metavar="TIME", help="Before then."),
        )
    ):
        function = option(function)
    return function


@audit.command()
@click.option("-n", "--lines", "count", type=click.IntRange(0, 10_000), default=20, show_default=True, help="How many.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what is recorded from now on.")
@_filters
@click.pass_obj
def tail(invocation: Invocation, /, count: int, follow: bool, **asked: str | None) -> None:
    """Print the last records, the newest last.

    With --follow and --format json each is one JSON object.
    """
    wanted = _wanted(invocation, asked)
    service = invocation.application.administration
    if not follow:
        rows = service.audit.page(LADING, wanted, 0, count).rows[::-1] if count else ()
        listing = Listing(rows, row_json, _HEADINGS, _cells, lambda row: str(row.id))
        invocation.console.results(invocation.form, listing)
        return
    with service.news() as news, invocation.cancellable() as cancel:
        newest = service.audit.page(LADING, AuditFilter(), 0, 1).rows
        last = newest[0].id if newest else 0
        before = [row for row in service.audit.page(LADING, wanted, 0, count).rows[::-1] if row.id <= last]
        for row in before if count else ():
            _print(invocation, row)
        while True:
            while rows := tuple(service.audit.after(LADING, last, ROWS_AT_ONCE, wanted)):
                for row in rows:
                    _print(invocation, row)
                last = rows[-1].id
            news.wait(cancel)


@audit.command()
@click.option(
    "--form", type=click.Choice([each.value for each in Format]), default="jsonl", show_default=True, help="As what."
)
@click.option("-o", "--output", metavar="FILE", shell_complete=files, help="Where to write it; else standard output.")
@_filters
@click.pass_obj
def export(invocation: Invocation, /, form: str, output: str | None, **asked: str | None) -> None:
    """Write the records out, the oldest first: as one JSON array, as CSV, or as a line of JSON each."""
    wanted = _wanted(invocation, asked)
    pieces = invocation.application.administration.audit.export(LADING, wanted, Format(form))
    if output is None:
        for piece in pieces:
            invocation.console.pass_on(piece)
        return
    with written(output) as file:
        for piece in pieces:
            file.write(piece)
    invocation.console.say(f"{output}   written")


@audit.command()
@click.pass_obj
def verify(invocation: Invocation) -> None:
    """Walk along the whole trail, and say whether every sealed record is as it was, and none is missing at its end.

    Note the head down elsewhere: whoever has the secret key, or puts a whole older database back, leaves no other sign.
    """
    found = invocation.application.administration.audit.verify(LADING)
    head = f"{found.head[0]} {found.head[1]}" if found.head else ""
    invocation.console.result(invocation.form, verification_json(found), "\n".join(_verified(found)), head)
    if found.broken is not None:
        raise TrailBroken(found.broken.row, found.broken.reason)


def _verified(found: Verification) -> Iterator[str]:
    yield f"{plural(found.rows, 'record')}, " + ("every seal as it was" if found.sound else "NOT as they were sealed")
    if found.head is not None:
        yield f"head      {found.head[0]}  {found.head[1]}"
    if found.since is not None:
        yield f"end known since {found.since}"
    if found.tail_ids is not None:
        first, last = found.tail_ids
        yield f"unsealed  {plural(found.tail, 'record')}, {first} to {last}"
    for before, after in found.gaps:
        yield f"gap       nothing between {before} and {after}"


def _wanted(invocation: Invocation, asked: dict[str, str | None]) -> AuditFilter:
    """Raises RowUnknown, MomentInvalid."""
    environment, result = asked["environment"], asked["result"]
    rows = invocation.application.administration.environments.list(LADING) if environment else ()
    return AuditFilter(
        actor=asked["actor"],
        action=asked["action"],
        entity_type=asked["entity_type"],
        environment=chosen(rows, "environment", environment).id if environment else None,
        result=Result(result) if result else None,
        since=_moment(asked["since"]),
        until=_moment(asked["until"]),
    )


def _moment(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise MomentInvalid(text) from None


@contextmanager
def written(path: str) -> Iterator[TextIO]:
    """Under another name until it is whole. Raises ExportUnwritable."""
    part = Path(f"{path}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise ExportUnwritable(path, (error.strerror or str(error)).lower()) from error
    finally:
        part.unlink(missing_ok=True)


def _print(invocation: Invocation, row: AuditRow) -> None:
    """One record as it comes: columns cannot be as wide as what nobody has seen yet."""
    if invocation.form in {None, "table"}:
        invocation.console.print("  ".join(map(visible, _cells(row))))
    elif invocation.form == "json":
        invocation.console.print(visible_json(json.dumps(row_json(row), ensure_ascii=False)))
    else:
        invocation.console.result(invocation.form, row_json(row), "")


def _cells(row: AuditRow) -> tuple[str, ...]:
    entry, deed = row.entry, row.entry.deed
    name = deed.entity_name or deed.entity_id or "-"
    when = instant(entry.created)
    return (str(row.id), when, entry.actor, deed.action, deed.entity_type, name, row.result, entry.address or "-")
