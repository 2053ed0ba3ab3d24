"""`lading token` at a server: those there are. A token makes no token: none is made from afar but by `lading login`."""

from __future__ import annotations

from lading.fronts.cli.commands.rows import fields_text
from lading.fronts.cli.far.server import Columns, Row, number, server_of, word, words
from lading.fronts.cli.far.user import USERS
from lading.fronts.cli.invocation import Invocation
from lading.services.named_rows import RowUnknown
from lading.wire.message import Cancel

PATH = "/api/auth/tokens"


def _cells(row: Row) -> tuple[str, ...]:
    return (
        str(row.get("id")),
        word(row, "name"),
        str(row.get("userId")),
        word(row, "prefix"),
        "all" if row.get("scopes") is None else " ".join(words(row, "scopes")) or "none",
        word(row, "expiresAt") or "never",
        word(row, "usedAt") or "never",
    )


_COLUMNS = Columns(
    ("ID", "NAME", "USER ID", "BEGINS", "SCOPES", "EXPIRES", "USED"), _cells, lambda row: str(row.get("id"))
)


def list_tokens(invocation: Invocation, *, user: str | None) -> None:
    """One's own; with --user another's."""
    with invocation.cancellable() as cancel:
        wanted = None if user is None else number(USERS.row(invocation, user, cancel), "id")
        rows = _rows(invocation, cancel, everybody=user is not None)
    _COLUMNS.print(invocation, [row for row in rows if wanted in {None, number(row, "userId")}])


def show(invocation: Invocation, *, id: int) -> None:  # noqa: A002  a row's own word
    """Every field but the secret."""
    with invocation.cancellable() as cancel:
        row = next((each for each in _rows(invocation, cancel, everybody=False) if each.get("id") == id), None)
    if row is None:
        raise RowUnknown("token", id).but(command="lading token ls")
    invocation.console.result(invocation.form, row, fields_text(row), str(id))


def rm(invocation: Invocation, *, id: int) -> None:  # noqa: A002  a row's own word
    """From now on it opens nothing."""
    with invocation.cancellable() as cancel:
        server_of(invocation).ask("DELETE", f"{PATH}/{id}", cancel)
    invocation.console.result(invocation.form, {"id": id, "removed": True}, f"{id}   token removed", str(id))


def _rows(invocation: Invocation, cancel: Cancel, *, everybody: bool) -> list[Row]:
    query = {"everybody": "true"} if everybody else {}
    return list(server_of(invocation).rows(PATH, cancel, query))


COMMANDS = {"ls": list_tokens, "show": show, "rm": rm}
