"""`lading repository` at a server: the repositories of its own registry."""

from __future__ import annotations

import json
from urllib.parse import quote

from lading.fronts.cli.commands.repository import rules_text
from lading.fronts.cli.commands.repository_trust import name_known
from lading.fronts.cli.commands.rows import fields_text
from lading.fronts.cli.far.repository_trust import accepted_keys, trust
from lading.fronts.cli.far.server import Columns, Row, number, server_of, word
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.secrets import read_input
from lading.fronts.cli.texts import size
from lading.oci.reference import DEFAULT_TAG
from lading.services.repositories.rules import RuleInvalid, own_rules
from lading.wire.message import Cancel

PATH = "/api/repositories"


def list_repositories(invocation: Invocation) -> None:
    """By name."""

    def cells(row: Row) -> tuple[str, ...]:
        rules = row.get("rules")
        return (
            word(row, "name"),
            word(row, "visibility"),
            "yes" if row.get("immutable") else "no",
            str(len(rules) if isinstance(rules, list) else 0),
            str(number(row, "tags")),
            size(number(row, "size")),
            word(row, "pushedAt") or "never",
        )

    with invocation.cancellable() as cancel:
        rows = server_of(invocation).rows(PATH, cancel)
    headings = ("NAME", "VISIBILITY", "IMMUTABLE", "RULES", "TAGS", "SIZE", "PUSHED")
    Columns(headings, cells, lambda row: word(row, "name")).print(invocation, rows)


def show(invocation: Invocation, *, name: str) -> None:
    """With its rules."""
    with invocation.cancellable() as cancel:
        row = server_of(invocation).get(place_of(name), cancel)
    invocation.console.result(invocation.form, row, fields_text(row), name)


def tags(invocation: Invocation, *, name: str) -> None:
    """And against what they are protected."""

    def cells(row: Row) -> tuple[str, ...]:
        held = row.get("protectedBy")
        steps = [word(each, "step") for each in held if isinstance(each, dict)] if isinstance(held, list) else []
        moved = word(row, "pointedAt")
        return (word(row, "name"), word(row, "digest"), size(number(row, "size")), moved, " ".join(steps) or "no")

    with invocation.cancellable() as cancel:
        rows = server_of(invocation).rows(f"{place_of(name)}/tags", cancel)
    headings = ("TAG", "DIGEST", "SIZE", "MOVED", "PROTECTED")
    Columns(headings, cells, lambda row: word(row, "name")).print(invocation, rows)


def visibility(invocation: Invocation, *, name: str, who: str, new: bool) -> None:
    """Who may pull."""
    with invocation.cancellable() as cancel:
        row = name_known(lambda: changed(invocation, name, {"visibility": who}, cancel, new=new))
    invocation.console.result(invocation.form, row, f"{name}   {word(row, 'visibility')}", name)


def rename(invocation: Invocation, *, name: str, to: str) -> None:
    """With its tags and rules."""
    with invocation.cancellable() as cancel:
        told = server_of(invocation).ask("POST", f"{place_of(name)}/rename", cancel, body={"to": to})
    row: Row = told if isinstance(told, dict) else {}
    invocation.console.result(invocation.form, row, f"{name}   is {to} now", to)


def promote(invocation: Invocation, *, source: str, target: str) -> None:
    """No byte moves."""
    (repository, _, tag), (to, _, to_tag) = source.partition(":"), target.partition(":")
    body = {"tag": tag or DEFAULT_TAG, "to": to} | ({"toTag": to_tag} if to_tag else {})
    with invocation.cancellable() as cancel:
        made = server_of(invocation).ask("POST", f"{place_of(repository)}/promote", cancel, body=body)
    row: Row = made if isinstance(made, dict) else {}
    happened = f"is {source} now" if row.get("moved") else "is the same already"
    name = word(row, "target")
    invocation.console.result(invocation.form, row, f"{name}   {happened}", f"{name}@{word(row, 'digest')}")


def rm(invocation: Invocation, *, name: str) -> None:
    """With all that it holds."""
    with invocation.cancellable() as cancel:
        server_of(invocation).ask("DELETE", place_of(name), cancel)
    invocation.console.result(invocation.form, {"name": name, "removed": True}, f"{name}   repository removed", name)


def place_of(name: str) -> str:
    return f"{PATH}/{quote(name, safe='')}"


def rules(invocation: Invocation, *, name: str, file: str | None, new: bool) -> None:
    """Or all of them from now on."""
    server = server_of(invocation)
    with invocation.cancellable() as cancel:
        if file is None:
            row: Row = server.get(place_of(name), cancel)
        else:
            body: Row = {"rules": written_rules(read_input(invocation, file))}
            row = name_known(lambda: changed(invocation, name, body, cancel, new=new))
    told = {"name": name, "rules": row.get("rules")}
    invocation.console.result(invocation.form, told, rules_told(row), name)


def written_rules(text: str) -> list[object]:
    """Raises RuleInvalid."""
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise RuleInvalid("rules", "are a JSON list") from error
    if not isinstance(found, list):
        raise RuleInvalid("rules", "are a JSON list")
    return found


def rules_told(row: Row) -> str:
    """The rules of a repository as a table."""
    held = row.get("rules")
    return rules_text(own_rules(held)) if isinstance(held, list) else ""


def changed(invocation: Invocation, name: str, body: Row, cancel: Cancel, *, new: bool = False) -> Row:
    """The repository as it is now; with `new` it is made where it is not there. Raises NotFound."""
    told = server_of(invocation).ask("PUT" if new else "PATCH", place_of(name), cancel, body=body)
    return told if isinstance(told, dict) else {}


def storage(invocation: Invocation) -> None:
    """In all, and for each repository; bytes as they are counted."""
    server = server_of(invocation)
    with invocation.cancellable() as cancel:
        figures, rows = server.get("/api/storage", cancel), server.rows("/api/storage/repositories", cancel)
    told = {**figures, "each": list(rows)}
    stored = figures.get("stored")
    bytes_ = str(number(stored, "bytes")) if isinstance(stored, dict) else ""
    invocation.console.result(invocation.form, told, fields_text(told), bytes_)


COMMANDS = {
    "storage": storage,
    "rules": rules,
    "ls": list_repositories,
    "show": show,
    "tags": tags,
    "visibility": visibility,
    "rename": rename,
    "promote": promote,
    "trust": trust,
    "keys": accepted_keys,
    "rm": rm,
}
