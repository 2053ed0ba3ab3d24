"""`lading jobs` at a server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from lading.fronts.cli.commands.jobs import raise_ended
from lading.fronts.cli.commands.rows import fields_text
from lading.fronts.cli.far.following import result_of
from lading.fronts.cli.far.server import Columns, Row, number, server_of, word
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.texts import progress, visible_json
from lading.wire.message import Cancel

PATH = "/api/jobs"


def list_jobs(invocation: Invocation, *, states: tuple[str, ...], kind: str | None, limit: int) -> None:
    """The newest first."""
    with invocation.cancellable() as cancel:
        found = [row for state in states or (None,) for row in _newest(invocation, state, kind, limit, cancel)]
    rows = sorted(found, key=lambda row: word(row, "createdAt"), reverse=True)[:limit]
    Columns(("ID", "KIND", "STATE", "WHAT", "USER", "UPDATED"), _cells, lambda row: word(row, "id")).print(
        invocation, rows
    )


def show(invocation: Invocation, *, job: str) -> None:
    """Every field."""
    with invocation.cancellable() as cancel:
        found = {name: each for name, each in _job(invocation, job, cancel).items() if name != "lines"}
    invocation.console.result(invocation.form, found, fields_text(found), job)


def logs(invocation: Invocation, *, job: str) -> None:
    """What it has said so far."""
    with invocation.cancellable() as cancel:
        found = _job(invocation, job, cancel)
        lines = list(_lines(invocation, job, cancel))
    if invocation.form in {None, "table"}:
        for line in lines:
            invocation.console.print(line_text(line))
    else:
        invocation.console.result(invocation.form, {**found, "lines": lines}, "")


def watch(invocation: Invocation, *, job: str) -> None:
    """To its end; who stops watching leaves the job alone."""
    ended: Row = {}
    with invocation.cancellable() as cancel:
        for heard in server_of(invocation).follow(job, cancel):
            if heard.kind == "line":
                _print(invocation, heard.told)
            elif heard.kind == "end":
                ended = heard.told
    raise_ended(job, word(ended, "status"), dict(result_of(ended)))


def cancel(invocation: Invocation, *, job: str) -> None:
    """One that is over stays as it is."""
    with invocation.cancellable() as stop:
        over = not _job(invocation, job, stop).get("cancelable")
        found = server_of(invocation).ask("DELETE", _path(job), stop)
    told: Row = found if isinstance(found, dict) else {}
    state = word(told, "status")
    text = f"{job}   was over already: {state}" if over else f"{job}   {state}"
    invocation.console.result(invocation.form, told, text, job)


def retry(invocation: Invocation, *, job: str) -> None:
    """The same again, as a new job."""
    with invocation.cancellable() as stop:
        again = server_of(invocation).started(f"{_path(job)}/retry", stop)
        found = _job(invocation, again, stop)
    invocation.console.result(invocation.form, found, f"{again}   {word(found, 'kind')} again", again)
    invocation.console.say(f"lading jobs watch {again} follows it")


def line_text(line: Row) -> str:
    """As docker prints one: the layer where it is about one, what happens, how far it is."""
    said = word(line, "message") or word(line, "error") or word(line, "status")
    layer = f"{line['id']}: " if "id" in line and "message" not in line else ""
    extra = f"  {line['progress']}" if line.get("progress") else ""
    return f"{layer}{said}{extra}"


def _print(invocation: Invocation, line: Row) -> None:
    console, form = invocation.console, invocation.form
    if form in {None, "table"}:
        console.print(line_text(line))
    elif form == "json":
        console.print(visible_json(json.dumps(line, ensure_ascii=False)))
    else:
        console.result(form, line, "")


def _newest(invocation: Invocation, state: str | None, kind: str | None, limit: int, cancel: Cancel) -> Iterator[Row]:
    server, page, left = server_of(invocation), 1, limit
    while left > 0:
        query = {"status": state, "kind": kind, "page": page, "limit": 200}
        found = server.get(PATH, cancel, query)
        items = found.get("items")
        rows = [row for row in items if isinstance(row, dict)] if isinstance(items, list) else []
        yield from rows[:left]
        left, page = left - len(rows), page + 1
        if "next" not in found:
            return


def _path(job: str) -> str:
    return f"{PATH}/{quote(job, safe='')}"


def _job(invocation: Invocation, job: str, cancel: Cancel) -> Row:
    return server_of(invocation).get(_path(job), cancel, {"limit": 1})


def _lines(invocation: Invocation, job: str, cancel: Cancel) -> Iterator[Row]:
    after, more = 0, True
    while more:
        found = server_of(invocation).get(_path(job), cancel, {"after": after})
        lines = found.get("lines")
        for line in lines if isinstance(lines, list) else ():
            said = line.get("data") if isinstance(line, dict) else None
            yield said if isinstance(said, dict) else {}
        after, more = number(found, "cursor"), found.get("more") is True


def _cells(row: Row) -> tuple[str, ...]:
    result = result_of(row)
    what = word(result, "targetTag", "image") or "-"
    return (
        word(row, "id"),
        word(row, "kind"),
        _state(row),
        what,
        word(row, "username"),
        word(row, "updatedAt"),
    )


def _state(row: Row) -> str:
    told = row.get("progress")
    totals = told.get("totals") if isinstance(told, Mapping) else None
    if word(row, "status") != "running" or not isinstance(totals, Mapping) or "sent" not in totals:
        return word(row, "status")
    total = number(totals, "image") if isinstance(totals.get("image"), int) else None
    return f"running  {progress(number(totals, 'sent'), total)}"


COMMANDS = {"ls": list_jobs, "show": show, "logs": logs, "watch": watch, "cancel": cancel, "retry": retry}
