"""`lading policy`: how long tags of our own registry stay."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import click

from lading.errors import InputInvalid, NotFound
from lading.fronts.cli.commands.repository import completed_repository
from lading.fronts.cli.console import Listing, Record
from lading.fronts.cli.durations import duration_seconds
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Group
from lading.fronts.cli.texts import plural
from lading.services.access import LADING
from lading.services.repositories.errors import RepositoryUnknown
from lading.services.repositories.retention_rules import (
    DAY,
    RetentionRule,
    own_retention,
    retention_json,
    wide_retention,
)
from lading.services.retention.guarded_retention import GuardedRetention
from lading.services.retention.retention import Verdict
from lading.services.retention.view import verdict_json

HEADINGS = ("FOR", "TAGS", "KEEP", "UNTAGGED")
_PREVIEW_HEADINGS = ("TAG", "BECOMES", "WHY")


class PolicyTimeInvalid(InputInvalid):
    """How long something stays, and is no time."""

    hint = "Write 12h, 30d or 52w."

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"{self.text!r} is no time"


class NoPolicy(NotFound):
    """There is no such rule."""

    hint = "lading policy ls shows those there are."

    def __init__(self, place: str, tags: Sequence[str]) -> None:
        super().__init__(place, tags)
        self.place, self.tags = place, tuple(tags)

    def __str__(self) -> str:
        about = f" for the tags {', '.join(self.tags)}" if self.tags else ""
        return f"{self.place} has no rule of retention{about}"


@dataclass(frozen=True, slots=True)
class Placed:
    """A rule and whose it is: a repository's, or for all that a pattern names."""

    place: str
    rule: RetentionRule


@click.group(cls=Group)
def policy() -> None:
    """How long tags of our own registry stay, and letting go of them.

    These are rules of retention: a tag goes where a rule is about it and none keeps it. What `lading lock` protects
    stays, whatever a rule says here. A service carries them out by itself, once a day; bytes go by its collection of
    garbage.
    """


_place = click.argument("place", metavar="REPOSITORY|PATTERN", shell_complete=completed_repository)
_name = click.argument("name", metavar="REPOSITORY", shell_complete=completed_repository)


@policy.command("ls")
@click.pass_obj
def list_rules(invocation: Invocation) -> None:
    """List the rules of all repositories, and those for patterns of them."""
    service = invocation.application.administration
    rows = [Placed(" ".join(rule.repositories or ()), rule) for rule in service.retention.wide_rules(LADING)]
    for name in service.repositories.names(LADING):
        rows += [Placed(name, rule) for rule in service.retention.rules(LADING, name)]
    invocation.console.results(
        invocation.form, Listing(rows, placed_json, HEADINGS, placed_cells, lambda row: row.place)
    )


@policy.command("set")
@_place
@click.option("--tags", multiple=True, metavar="PATTERN", help="The tags that the rule is about; all unless said.")
@click.option("--keep-newest", type=click.IntRange(0), metavar="N", help="So many that moved last stay.")
@click.option("--keep-pushed", metavar="TIME", help="What moved within this time stays, like 30d.")
@click.option("--keep-pulled", metavar="TIME", help="What was pulled, or moved, within this time stays.")
@click.option("--keep-tags", multiple=True, metavar="PATTERN", help="These stay.")
@click.option("--untagged-after", metavar="TIME", help="What lost its last tag goes after this time; else it stays.")
@click.pass_obj
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
    """Write a rule: for a repository, or for all that a pattern with * names.

    A rule of the same place for the same tags is replaced. With --untagged-after alone it is about what has no tag.
    """
    rule = written_rule(place, tags, keep_newest, (keep_pushed, keep_pulled, untagged_after), keep_tags)
    retention = invocation.application.administration.retention
    before = _rules(retention, place)
    _write(retention, place, [*(each for each in before if not same_rule(each, rule)), rule])
    invocation.console.result(
        invocation.form, placed_json(Placed(place, rule)), f"{place}   rule set for {rule}", place
    )


@policy.command("rm")
@_place
@click.option("--tags", multiple=True, metavar="PATTERN", help="Only the rule for these tags.")
@click.pass_obj
def remove(invocation: Invocation, *, place: str, tags: tuple[str, ...]) -> None:
    """Take rules away: nothing of them is let go of any more."""
    retention = invocation.application.administration.retention
    before = _rules(retention, place)
    gone = [
        rule for rule in before if rule.repositories == wide_of(place) and (not tags or set(rule.tags) == set(tags))
    ]
    if not gone:
        raise NoPolicy(place, tags)
    _write(retention, place, [rule for rule in before if rule not in gone])
    invocation.console.result(invocation.form, {"for": place, "removed": len(gone)}, f"{place}   rules removed", place)


@policy.command()
@_name
@click.pass_obj
def preview(invocation: Invocation, name: str) -> None:
    """Show what a run would do now: which tags stay and which go, by which rule and why."""
    found = invocation.application.administration.retention.preview(LADING, name, None)
    listing = Listing(
        found.verdicts, verdict_json, _PREVIEW_HEADINGS, _verdict, lambda verdict: f"{name}:{verdict.tag.name}"
    )
    invocation.console.results(invocation.form, listing)
    manifests = plural(found.manifests, "manifest")
    invocation.console.say(f"{found.gone} of {plural(len(found.verdicts), 'tag')} to go, and {manifests}")


@policy.command()
@click.argument("name", metavar="[REPOSITORY]", required=False, shell_complete=completed_repository)
@click.pass_obj
def run(invocation: Invocation, name: str | None) -> None:
    """Let go of what the rules say, in one repository or in all."""
    service = invocation.application.administration
    names = service.repositories.names(LADING) if name is None else [service.repositories.get(LADING, name).name]
    told: list[Record] = []
    with invocation.cancellable() as cancel:
        for each in names:
            gone = service.retention_runs.run(LADING, each, cancel)
            if gone:
                told.append({"name": each, "tags": list(gone.tags), "manifests": gone.manifests})
                invocation.console.say(f"{each}   let go of {gone}")
    listing = Listing(told, lambda row: row, ("REPOSITORY", "TAGS", "MANIFESTS"), _gone, lambda row: str(row["name"]))
    invocation.console.results(invocation.form, listing)


def written_rule(
    place: str,
    tags: tuple[str, ...],
    keep_newest: int | None,
    times: tuple[str | None, str | None, str | None],
    keep_tags: tuple[str, ...],
) -> RetentionRule:
    """`times`: pushed, pulled, and untagged, as they were written. Raises PolicyTimeInvalid, RuleInvalid."""
    keeps = (keep_newest, *times[:2], *keep_tags)
    about = tags or (("*",) if any(each is not None for each in keeps) else ())
    pushed, pulled, untagged = map(_days, times)
    rule = RetentionRule(about, keep_tags, keep_newest, pushed, pulled, untagged, wide_of(place))
    read = own_retention if wide_of(place) is None else wide_retention
    return read([retention_json(rule)])[0]


def wide_of(place: str) -> tuple[str, ...] | None:
    """The pattern of a rule for the whole registry; None: `place` is one repository."""
    return (place,) if "*" in place else None


def _rules(retention: GuardedRetention, place: str) -> Sequence[RetentionRule]:
    if wide_of(place):
        return retention.wide_rules(LADING)
    with suppress(RepositoryUnknown):  # it is made then
        return retention.rules(LADING, place)
    return ()


def _write(retention: GuardedRetention, place: str, rules: Sequence[RetentionRule]) -> None:
    if wide_of(place):
        retention.set_wide_rules(LADING, rules)
    else:
        retention.set_rules(LADING, place, rules)


def same_rule(one: RetentionRule, other: RetentionRule) -> bool:
    """Whether they are of the same place for the same tags."""
    return (set(one.tags), one.repositories) == (set(other.tags), other.repositories)


def _days(text: str | None) -> float | None:
    if text is None:
        return None
    seconds = duration_seconds(text)
    if seconds is None:
        raise PolicyTimeInvalid(text)
    return seconds / DAY


def placed_json(row: Placed) -> Record:
    """With where it holds."""
    return {"for": row.place, **retention_json(row.rule)}


def placed_cells(row: Placed) -> tuple[str, ...]:
    """Of the table."""
    rule = row.rule
    kept = [
        *([] if rule.keep_newest is None else [f"newest {rule.keep_newest}"]),
        *([] if rule.keep_pushed_days is None else [f"pushed within {rule.keep_pushed_days:g} days"]),
        *([] if rule.keep_pulled_days is None else [f"pulled within {rule.keep_pulled_days:g} days"]),
        *rule.keep_tags,
    ]
    untagged = "stays" if rule.untagged_after_days is None else f"goes after {rule.untagged_after_days:g} days"
    return (row.place, " ".join(rule.tags) or "-", ", ".join(kept) or "-", untagged)


def _verdict(verdict: Verdict) -> tuple[str, ...]:
    return (verdict.tag.name, "stays" if verdict.kept else "goes", verdict.why)


def _gone(row: Record) -> tuple[str, ...]:
    tags = row["tags"]
    return (str(row["name"]), str(len(tags) if isinstance(tags, list) else 0), str(row["manifests"]))
