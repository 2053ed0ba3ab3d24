"""`lading advisories` at a server: what its scans know of vulnerabilities."""

from __future__ import annotations

from lading.errors import InputInvalid
from lading.fronts.cli.far.following import followed, result_of
from lading.fronts.cli.far.rows import said
from lading.fronts.cli.far.server import Columns, Row, number, refuse_flags, server_of, word
from lading.fronts.cli.invocation import Invocation

PATH = "/api/advisories"


class FileHere(InputInvalid):
    """A file of this machine, where a server imports what it fetches itself."""

    hint = "Name a URL that the server can fetch, or import the file on its machine."

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.place = place

    def __str__(self) -> str:
        return f"a server imports no file of this machine: {self.place}"


def status(invocation: Invocation) -> None:
    """Of what time they are."""

    def cells(row: Row) -> tuple[str, ...]:
        moments = (word(row, name) or "unknown" for name in ("built", "newest", "importedAt"))
        return (word(row, "ecosystem") or "(ratings)", str(number(row, "records")), *moments, word(row, "source"))

    with invocation.cancellable() as cancel:
        rows = server_of(invocation).rows(PATH, cancel)
    headings = ("ECOSYSTEM", "ADVISORIES", "DATA OF", "NEWEST", "IMPORTED", "SOURCE")
    Columns(headings, cells, lambda row: word(row, "ecosystem")).print(invocation, rows)


def update(invocation: Invocation, *, ecosystems: tuple[str, ...], scanner: str | None) -> None:
    """From where the server's settings say."""
    refuse_flags(invocation, "advisories-url", scanner=scanner is not None)
    _done(invocation, "update", {"ecosystems": list(ecosystems)})


def import_(invocation: Invocation, *, place: str, branch: str | None, name: str | None) -> None:
    """A zip that the server fetches."""
    refuse_flags(invocation, branch=branch is not None)
    if "://" not in place:
        raise FileHere(place)
    _done(invocation, "import", said({"url": place, "name": name}))


def forget(invocation: Invocation, *, source: str) -> None:
    """And all it brought."""
    with invocation.cancellable() as cancel:
        told = server_of(invocation).ask("DELETE", PATH, cancel, query={"source": source})
    row: Row = told if isinstance(told, dict) else {}
    invocation.console.result(invocation.form, row, f"{source}   forgotten, and {number(row, 'gone')} with it", source)


def _done(invocation: Invocation, what: str, body: Row) -> None:
    with invocation.cancellable() as cancel:
        job = server_of(invocation).started(f"{PATH}/{what}", cancel, body=body)
        if "detach" in invocation.on_the_line:
            invocation.console.result(invocation.form, {"jobId": job}, job, job)
            return
        result = result_of(followed(invocation, job, "advisories", cancel))
    invocation.console.result(invocation.form, result, word(result, "message"), word(result, "message"))


COMMANDS = {"status": status, "update": update, "import": import_, "forget": forget}
