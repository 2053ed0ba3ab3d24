"""`lading lock` and `unlock` at a server: tags of its registry that stay as they are, and letting go of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import quote

from lading.errors import NotFound
from lading.fronts.cli.commands.locking import EVERY_TAG, ForIsOfTags, LockTimeInvalid, NotLocked
from lading.fronts.cli.durations import duration_seconds
from lading.fronts.cli.far.repository import changed, place_of, rules_told
from lading.fronts.cli.far.rows import said
from lading.fronts.cli.far.server import Row, server_of, word, words
from lading.fronts.cli.invocation import Invocation
from lading.oci.instants import instant
from lading.services.repositories.rules import Protects, Releases, Rule, own_rules, rule_json
from lading.wire.message import Cancel


def lock(invocation: Invocation, *, target: str, protect: str, release_after: str | None) -> None:
    """A rule with the same pattern is replaced, and a tag that was released is protected again."""
    name, pattern = _parts(target)
    after = None if release_after is None else _seconds(release_after)
    releases = Releases.ADMINISTRATOR if after is None else Releases.AGE
    (rule,) = own_rules([rule_json(Rule((pattern,), (), Protects(protect), releases, after))])
    told = "locked"
    with invocation.cancellable() as cancel:
        before: Sequence[Row] = []
        try:
            before = _rules(invocation, name, cancel)
        except NotFound:  # it is made then, which a misspelt name must not hide
            told = "locked; the repository is new, and nothing was pushed to it yet"
        kept = [each for each in before if words(each, "tags") != [pattern]]
        row = changed(invocation, name, {"rules": [*kept, rule_json(rule)]}, cancel, new=True)
        if "*" not in pattern:
            with suppress(NotFound):  # there is none yet
                server_of(invocation).ask("DELETE", _release(name, pattern), cancel)
    _print(invocation, row, f"{target}   {told}")


def unlock(invocation: Invocation, *, target: str, reason: str, lasting: str | None) -> None:
    """A tag once or for a time; with a pattern the rule goes."""
    name, tag = _parts(target)
    if "*" not in tag:
        _let_go(invocation, target, reason, lasting)
        return
    if lasting is not None:
        raise ForIsOfTags
    with invocation.cancellable() as cancel:
        before = _rules(invocation, name, cancel)
        kept = [each for each in before if words(each, "tags") != [tag]]
        if len(kept) == len(before):
            raise NotLocked(name, tag)
        row = changed(invocation, name, {"rules": kept, "reason": reason}, cancel)
    _print(invocation, row, f"{target}   unlocked")


def _let_go(invocation: Invocation, target: str, reason: str, lasting: str | None) -> None:
    name, tag = _parts(target)
    until = None if lasting is None else instant(time.time() + _seconds(lasting))
    with invocation.cancellable() as cancel:
        body = said({"reason": reason, "until": until})
        told = server_of(invocation).ask("POST", _release(name, tag), cancel, body=body)
    row: Row = told if isinstance(told, dict) else {}
    when = f"until {word(row, 'until')}" if row.get("until") else "until it is used"
    invocation.console.result(invocation.form, row, f"{target}   released {when}", target)


def _rules(invocation: Invocation, name: str, cancel: Cancel) -> Sequence[Row]:
    held = server_of(invocation).get(place_of(name), cancel).get("rules")
    return [each for each in held if isinstance(each, dict)] if isinstance(held, list) else []


def _release(name: str, tag: str) -> str:
    return f"{place_of(name)}/tags/{quote(tag, safe='')}/release"


def _print(invocation: Invocation, row: Row, text: str) -> None:
    rules = rules_told(row) if row.get("rules") else ""
    invocation.console.result(invocation.form, row, "\n".join(filter(None, (text, rules))), word(row, "name"))


def _parts(target: str) -> tuple[str, str]:
    repository, _, pattern = target.partition(":")
    return repository, pattern or EVERY_TAG


def _seconds(text: str) -> float:
    seconds = duration_seconds(text)
    if seconds is None:
        raise LockTimeInvalid(text)
    return seconds
