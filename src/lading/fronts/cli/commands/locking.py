"""`lading lock` and `unlock`: tags of our own registry that stay as they are, and letting go of them."""

from __future__ import annotations

import time
from contextlib import suppress

import click

from lading.errors import InputInvalid, NotFound
from lading.fronts.cli.commands.repository import completed_repository, rules_text
from lading.fronts.cli.durations import duration_seconds
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.oci.instants import instant
from lading.services.access import LADING
from lading.services.repositories.errors import ManifestUnknown, RepositoryUnknown
from lading.services.repositories.guarded_repositories import RepositoryForm
from lading.services.repositories.rows import RepositoryRow
from lading.services.repositories.rules import Protects, Releases, Rule, own_rules, rule_json
from lading.services.repositories.view import release_json, repository_json

EVERY_TAG = "**"


class LockTimeInvalid(InputInvalid):
    """A time after which, or for which, a tag is released, and is none."""

    hint = "Write 2h, 30d or 52w."

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"{self.text!r} is no time"


class ForIsOfTags(InputInvalid):
    """Rules go, or stay; tags are released for a time."""

    hint = "Name the tag, as in team/app:1.0."

    def __str__(self) -> str:
        return "--for is for one tag: a rule is taken away until it is made again"


class NotLocked(NotFound):
    """There is no rule with these patterns."""

    def __init__(self, repository: str, pattern: str) -> None:
        super().__init__(repository, pattern)
        self.repository, self.pattern = repository, pattern
        self.command = f"lading repository rules {repository}"

    def __str__(self) -> str:
        return f"{self.repository} has no rule of its own for {self.pattern}"


@click.command(cls=Command)
@click.argument("target", metavar="REPOSITORY[:PATTERN]", shell_complete=completed_repository)
@click.option(
    "--protect",
    type=click.Choice([each.value for each in Protects]),
    default=Protects.BOTH.value,
    help="Against what; both unless said.",
)
@click.option("--release-after", metavar="TIME", help="Let go of a tag so long after it last moved, like 30d.")
@click.pass_obj
def lock(invocation: Invocation, *, target: str, protect: str, release_after: str | None) -> None:
    """Make tags of our own registry immutable.

    In PATTERN * stands for any run of characters; without one the whole repository is immutable. The same image may be
    pushed again. A rule with the same pattern is replaced, and a tag that was released is protected again.
    """
    repository, pattern = _parts(target)
    after = None if release_after is None else _seconds(release_after)
    releases = Releases.ADMINISTRATOR if after is None else Releases.AGE
    (rule,) = own_rules([rule_json(Rule((pattern,), (), Protects(protect), releases, after))])
    repositories = invocation.application.administration.repositories
    before: tuple[Rule, ...] = ()
    told = "locked"
    try:
        before = repositories.get(LADING, repository).rules
    except RepositoryUnknown:  # it is made then, which a misspelt name must not hide
        told = "locked; the repository is new, and nothing was pushed to it yet"
    rules = (*(each for each in before if each.tags != rule.tags), rule)
    row = repositories.change(LADING, repository, RepositoryForm(rules=rules), new=True)
    if "*" not in pattern:
        with suppress(ManifestUnknown):  # there is none yet
            repositories.take_back(LADING, repository, pattern)
    _print(invocation, row, f"{target}   {told}")


@click.command(cls=Command)
@click.argument("target", metavar="REPOSITORY[:TAG]", shell_complete=completed_repository)
@click.option("--reason", required=True, metavar="TEXT", help="Why; it goes on the audit trail.")
@click.option("--for", "lasting", metavar="TIME", help="How long, like 2h; until it is used once unless said.")
@click.pass_obj
def unlock(invocation: Invocation, *, target: str, reason: str, lasting: str | None) -> None:
    """Let go of an immutable tag, once or for a time.

    Without a tag, or with a pattern, the rule that `lading lock` made with it is taken away.
    """
    repository, tag = _parts(target)
    repositories = invocation.application.administration.repositories
    if "*" not in tag:
        until = None if lasting is None else time.time() + _seconds(lasting)
        release = repositories.release(LADING, repository, tag, reason, until)
        when = "until it is used" if release.until is None else f"until {instant(release.until)}"
        invocation.console.result(invocation.form, release_json(release), f"{target}   released {when}", target)
        return
    if lasting is not None:
        raise ForIsOfTags
    before = repositories.get(LADING, repository).rules
    rules = tuple(rule for rule in before if rule.tags != (tag,))
    if rules == before:
        raise NotLocked(repository, tag)
    row = repositories.change(LADING, repository, RepositoryForm(rules=rules), reason)
    _print(invocation, row, f"{target}   unlocked")


def _print(invocation: Invocation, row: RepositoryRow, text: str) -> None:
    told = f"{text}\n{rules_text(row.rules)}" if row.rules else text
    invocation.console.result(invocation.form, repository_json(row), told, row.name)


def _parts(target: str) -> tuple[str, str]:
    repository, _, pattern = target.partition(":")
    return repository, pattern or EVERY_TAG


def _seconds(text: str) -> float:
    seconds = duration_seconds(text)
    if seconds is None:
        raise LockTimeInvalid(text)
    return seconds
