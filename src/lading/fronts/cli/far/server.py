"""What the commands share that a server carries out: the server itself, its environments, and rows by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lading.errors import InputInvalid
from lading.fronts.cli.console import Listing
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.servers import RemoteServer
from lading.services.named_rows import RowUnknown
from lading.wire.message import Cancel

Row = Mapping[str, object]
ENVIRONMENTS = "/api/environments"


class FlagDecidedThere(InputInvalid):
    """A flag that says how this machine works, and the server does the work."""

    hint = "Leave it out: the server's own settings decide."

    def __init__(self, flag: str) -> None:
        super().__init__(flag)
        self.flag = flag

    def __str__(self) -> str:
        return f"--{self.flag} says how this machine works, and the server does this"


def server_of(invocation: Invocation) -> RemoteServer:
    """The one that the call speaks to."""
    server = invocation.application.remote
    assert server is not None, "only commands of a server come here"
    return server


def refuse_flags(invocation: Invocation, *flags: str, **said: bool) -> None:
    """`flags` are those that settings have, `said` others, by name, and whether they were given. Raises
    FlagDecidedThere."""
    given = [*(name for name in flags if name in invocation.on_the_line), *(name for name, on in said.items() if on)]
    if given:
        raise FlagDecidedThere(given[0].replace("_", "-"))


def environment_of(invocation: Invocation, cancel: Cancel) -> int | None:
    """The id of the environment that --env names; None: the server's default one. Raises RowUnknown."""
    said = invocation.flags.get("env")
    if said is None:
        return None
    return number(chosen(server_of(invocation).rows(ENVIRONMENTS, cancel), "environment", str(said)), "id")


def chosen(rows: Sequence[Row], noun: str, said: str) -> Row:
    """The row called so, in capitals or not; else the one with this id. Raises RowUnknown."""
    named = (row for row in rows if word(row, "name", "username").casefold() == said.strip().casefold())
    found = next(named, None) or next((row for row in rows if str(row.get("id")) == said), None)
    if found is None:
        raise RowUnknown(noun, said).but(why=f"no {noun} of the server is called {said!r}", command=f"lading {noun} ls")
    return found


def word(row: Row, *names: str) -> str:
    """The first of these fields that is a text; empty where none is."""
    return next((value for name in names if isinstance(value := row.get(name), str)), "")


LARGEST_NUMBER = 2**63 - 1
"""Of bytes, and of rows' ids: whatever is more is no figure that anybody could show or reckon with."""


def number(row: Row, name: str) -> int:
    """A field that is a whole number from zero; 0 where it is none."""
    value = row.get(name)
    return value if isinstance(value, int) and 0 <= value <= LARGEST_NUMBER else 0


def words(row: Row, name: str) -> list[str]:
    """A field that is a list of texts."""
    value = row.get(name)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


@dataclass(frozen=True, slots=True)
class Columns:
    """How rows of one noun are printed: headings and cells, and what --quiet prints."""

    headings: Sequence[str]
    cells: Callable[[Row], Sequence[str]]
    quiet: Callable[[Row], str]

    def print(self, invocation: Invocation, rows: Sequence[Row]) -> None:
        """As the format wants it."""
        listing = Listing(rows, lambda row: row, self.headings, self.cells, self.quiet)
        invocation.console.results(invocation.form, listing)
