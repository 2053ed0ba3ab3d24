"""`lading policy` at a server: its rules of retention, what they would let go of, and having them do it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import quote

from lading.errors import NotFound
from lading.fronts.cli.commands.policy import (
    HEADINGS,
    NoPolicy,
    Placed,
    placed_cells,
    placed_json,
    same_rule,
    wide_of,
    written_rule,
)
from lading.fronts.cli.console import Listing
from lading.fronts.cli.far.following import followed, result_of
from lading.fronts.cli.far.server import Columns, Row, number, server_of, word
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.texts import plural
from lading.services.repositories.retention_rules import RetentionRule, own_retention, retention_json, wide_retention
from lading.wire.message import Cancel

WIDE = "/api/settings/repositories"


def list_rules(invocation: Invocation) -> None:
    """Those for patterns, and those of each repository."""
    server = server_of(invocation)
    with invocation.cancellable() as cancel:
        rows = [Placed(" ".join(rule.repositories or ()), rule) for rule in _rules(invocation, "*", cancel)]
        for repository in server.rows("/api/repositories", cancel):
            name = word(repository, "name")
            rows += [Placed(name, rule) for rule in _rules(invocation, name, cancel)]
    listing = Listing(rows, placed_json, HEADINGS, placed_cells, lambda row: row.place)
    invocation.console.results(invocation.form, listing)


def change(
    invocation: Invocation,
    *,
    place: str,
    tags: tuple[str, ...],
    keep_newest: int | None,
    keep_pushed: str | None,
    keep_pulled: str | None,
    keep_tags: tuple[str, ...],
    untagged_after: str | None,
) -> None:
    """A rule of the same place for the same tags is replaced."""
    rule = written_rule(place, tags, keep_newest, (keep_pushed, keep_pulled, untagged_after), keep_tags)
    with invocation.cancellable() as cancel:
        before: Sequence[RetentionRule] = ()
        with suppress(NotFound):  # it is made then
            before = _rules(invocation, place, cancel)
        _write(invocation, place, [*(each for each in before if not same_rule(each, rule)), rule], cancel)
    invocation.console.result(
        invocation.form, placed_json(Placed(place, rule)), f"{place}   rule set for {rule}", place
    )


def remove(invocation: Invocation, *, place: str, tags: tuple[str, ...]) -> None:
    """Nothing of them is let go of any more."""
    with invocation.cancellable() as cancel:
        before = _rules(invocation, place, cancel)
        gone = [
            rule for rule in before if rule.repositories == wide_of(place) and (not tags or set(rule.tags) == set(tags))
        ]
        if not gone:
            raise NoPolicy(place, tags)
        _write(invocation, place, [rule for rule in before if rule not in gone], cancel)
    invocation.console.result(invocation.form, {"for": place, "removed": len(gone)}, f"{place}   rules removed", place)


def _rules(invocation: Invocation, place: str, cancel: Cancel) -> Sequence[RetentionRule]:
    if wide_of(place):
        found = server_of(invocation).get(WIDE, cancel).get("retention")
        return wide_retention(found if isinstance(found, list) else [])
    found = server_of(invocation).get(_place(place), cancel).get("rules")
    return own_retention(found if isinstance(found, list) else [])


def _write(invocation: Invocation, place: str, rules: Sequence[RetentionRule], cancel: Cancel) -> None:
    path, field = (WIDE, "retention") if wide_of(place) else (_place(place), "rules")
    server_of(invocation).ask("PUT", path, cancel, body={field: [retention_json(rule) for rule in rules]})


def preview(invocation: Invocation, *, name: str) -> None:
    """Each tag: whether it stays, and why."""
    rows: list[Row] = []
    found: Row = {}
    page: object = 1
    with invocation.cancellable() as cancel:
        while isinstance(page, int):
            told = server_of(invocation).ask(
                "POST", f"{_place(name)}/preview", cancel, query={"page": page, "limit": 200}
            )
            found = told if isinstance(told, dict) else {}
            items = found.get("items")
            rows += [row for row in items if isinstance(row, dict)] if isinstance(items, list) else []
            page = found.get("next")

    def cells(row: Row) -> tuple[str, ...]:
        return (word(row, "tag", "name"), "stays" if row.get("kept") else "goes", word(row, "why"))

    Columns(("TAG", "WHAT", "WHY"), cells, lambda row: f"{name}:{word(row, 'tag', 'name')}").print(invocation, rows)
    manifests = plural(number(found, "manifests"), "manifest")
    invocation.console.say(f"{number(found, 'gone')} of {plural(len(rows), 'tag')} to go, and {manifests}")


def run(invocation: Invocation, *, name: str | None) -> None:
    """A job there."""
    path = "/api/prune/repositories" if name is None else f"{_place(name)}/run"
    with invocation.cancellable() as cancel:
        job = server_of(invocation).started(path, cancel)
        if "detach" in invocation.on_the_line:
            invocation.console.result(invocation.form, {"jobId": job}, job, job)
            return
        result = result_of(followed(invocation, job, name or "repositories", cancel))
    invocation.console.result(invocation.form, result, word(result, "message"), name or "")


def _place(name: str) -> str:
    return f"/api/repositories/{quote(name, safe='')}/retention"


COMMANDS = {"ls": list_rules, "set": change, "rm": remove, "preview": preview, "run": run}
