"""`lading audit` at a server. To follow the trail as it grows is for who sits at the server."""

from __future__ import annotations

from lading.errors import ContentCorrupt
from lading.fronts.cli.commands.audit import written
from lading.fronts.cli.far.rows import said
from lading.fronts.cli.far.server import ENVIRONMENTS, Columns, Row, chosen, number, refuse_flags, server_of, word
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.texts import plural
from lading.wire.message import Cancel

PATH = "/api/audit"
PIECE = 256 * 1024


class FarTrailBroken(ContentCorrupt):
    """A record of the server's trail is not what was sealed."""

    hint = "See the server's own copy of the trail, and who may write its database."

    def __init__(self, row: object) -> None:
        super().__init__(row)
        self.row = row

    def __str__(self) -> str:
        return f"the audit trail is broken at record {self.row}"


def tail(invocation: Invocation, /, count: int, follow: bool, **asked: str | None) -> None:
    """The newest last."""
    refuse_flags(invocation, follow=follow)
    with invocation.cancellable() as cancel:
        query = _query(invocation, asked, cancel)
        rows: list[Row] = []
        page: object = 1
        while isinstance(page, int) and len(rows) < count:
            found = server_of(invocation).get(PATH, cancel, {**query, "page": page, "limit": 200})
            items = found.get("items")
            rows += [row for row in items if isinstance(row, dict)] if isinstance(items, list) else []
            page = found.get("next")
    headings = ("ID", "WHEN", "WHO", "DID", "WHAT", "NAME", "RESULT", "FROM")
    Columns(headings, _cells, lambda row: str(row.get("id"))).print(invocation, rows[:count][::-1])


def export(invocation: Invocation, /, form: str, output: str | None, **asked: str | None) -> None:
    """The oldest first."""
    with invocation.cancellable() as cancel:
        query = {**_query(invocation, asked, cancel), "format": form}
        with server_of(invocation).stream(f"{PATH}/export", cancel, query=query) as stream:
            assert stream is not None, "an export has a body"
            buffer = memoryview(bytearray(PIECE))
            if output is None:
                rest = b""
                while count := stream.readinto(buffer):
                    *whole, rest = (rest + bytes(buffer[:count])).split(b"\n")
                    for line in whole:
                        invocation.console.pass_on(line.decode() + "\n")
                invocation.console.pass_on(rest.decode())
                return
            with written(output) as file:
                content = bytearray()
                while count := stream.readinto(buffer):
                    content += buffer[:count]
                    end = content.rfind(b"\n") + 1
                    file.write(content[:end].decode())
                    del content[:end]
                file.write(content.decode())
    invocation.console.say(f"{output}   written")


def verify(invocation: Invocation) -> None:
    """By the server."""
    with invocation.cancellable() as cancel:
        found = server_of(invocation).get(f"{PATH}/verify", cancel)
    sound, head, broken = found.get("sound") is True, found.get("head"), found.get("broken")
    text = f"{plural(number(found, 'rows'), 'record')}, " + (
        "every seal as it was" if sound else "NOT as they were sealed"
    )
    shown = f"{head.get('id')} {head.get('seal')}" if isinstance(head, dict) else ""
    invocation.console.result(
        invocation.form, found, "\n".join(filter(None, (text, shown and f"head      {shown}"))), shown
    )
    if isinstance(broken, dict):
        raise FarTrailBroken(broken.get("id"))


def _query(invocation: Invocation, asked: dict[str, str | None], cancel: Cancel) -> dict[str, str | int | None]:
    environment = asked["environment"]
    rows = server_of(invocation).rows(ENVIRONMENTS, cancel) if environment else ()
    told = {
        "username": asked["actor"],
        "action": asked["action"],
        "entityType": asked["entity_type"],
        "env": number(chosen(rows, "environment", environment), "id") if environment else None,
        "result": asked["result"],
        "since": asked["since"],
        "until": asked["until"],
    }
    return {name: value for name, value in said(told).items() if isinstance(value, str | int)}


def _cells(row: Row) -> tuple[str, ...]:
    return (
        str(row.get("id")),
        word(row, "createdAt"),
        word(row, "username"),
        word(row, "action"),
        word(row, "entityType"),
        word(row, "entityName", "entityId") or "-",
        word(row, "result"),
        word(row, "ipAddress") or "-",
    )


COMMANDS = {"tail": tail, "export": export, "verify": verify}
