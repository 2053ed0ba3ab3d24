"""`lading repository`: the repositories of our own registry, who may read them, their rules and tags."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import click

from lading.fronts.cli.commands.repository_trust import accepted_keys, name_known, trust
from lading.fronts.cli.commands.rows import fields_text
from lading.fronts.cli.commands.storage import storage
from lading.fronts.cli.completing import files, names
from lading.fronts.cli.console import Listing
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Group
from lading.fronts.cli.secrets import read_input
from lading.fronts.cli.texts import plural, size, table
from lading.oci.instants import instant
from lading.oci.reference import DEFAULT_TAG
from lading.services.access import LADING
from lading.services.promotion.promotion import promoted_json
from lading.services.repositories.guarded_repositories import ProtectedTag, RepositoryForm, is_immutable
from lading.services.repositories.rows import RepositoryRow, Visibility
from lading.services.repositories.rules import Rule, RuleInvalid, own_rules
from lading.services.repositories.view import repository_json, tag_json

_HEADINGS = ("NAME", "VISIBILITY", "IMMUTABLE", "RULES", "TAGS", "SIZE", "PUSHED")
_TAG_HEADINGS = ("TAG", "DIGEST", "SIZE", "MOVED", "PROTECTED")
_RULE_HEADINGS = ("TAGS", "EXCEPT", "PROTECTS", "RELEASES")


@click.group(cls=Group)
def repository() -> None:
    """Our own registry: who may read what, rules and tags.

    `lading lock` and `lading unlock` are the short ways to make tags immutable, and to let go of them.
    """


for _command in (storage, trust, accepted_keys):
    repository.add_command(_command)


def completed_repository(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of repositories that begin so; none where they cannot be read."""

    def here() -> Iterable[str]:
        return ctx.ensure_object(Invocation).application.administration.repositories.names(LADING)

    return names(ctx, "repository", incomplete, here)


_name = click.argument("name", shell_complete=completed_repository)
_new = click.option("--new", is_flag=True, help="Make the repository if it is not there, before any push.")


@repository.command("ls")
@click.pass_obj
def list_repositories(invocation: Invocation) -> None:
    """List the repositories."""
    repositories = invocation.application.administration.repositories
    rows = repositories.rows(LADING, repositories.names(LADING))
    listing = Listing(rows, repository_json, _HEADINGS, _row, lambda row: row.name)
    invocation.console.results(invocation.form, listing)


@repository.command()
@_name
@click.pass_obj
def show(invocation: Invocation, name: str) -> None:
    """Show one, with its rules."""
    row = invocation.application.administration.repositories.get(LADING, name)
    told = repository_json(row)
    fields = {field: value for field, value in told.items() if field not in {"rules", "trust"}}
    text = fields_text(fields) + (f"\n\n{rules_text(row.rules)}" if row.rules else "")
    invocation.console.result(invocation.form, told, text, name)


@repository.command("tags")
@_name
@click.pass_obj
def list_tags(invocation: Invocation, name: str) -> None:
    """List the tags of one, and against what they are protected."""
    repositories = invocation.application.administration.repositories
    rows = repositories.tag_rows(LADING, name, repositories.tags(LADING, name))
    listing = Listing(rows, tag_json, _TAG_HEADINGS, _tag, lambda found: found.row.tag.name)
    invocation.console.results(invocation.form, listing)


@repository.command()
@_name
@click.argument("who", type=click.Choice([each.value for each in Visibility]))
@_new
@click.pass_obj
def visibility(invocation: Invocation, *, name: str, who: str, new: bool) -> None:
    """Let everybody pull from a repository, or only whose role says so."""
    repositories = invocation.application.administration.repositories
    form = RepositoryForm(visibility=Visibility(who))
    row = name_known(lambda: repositories.change(LADING, name, form, new=new))
    invocation.console.result(invocation.form, repository_json(row), f"{name}   {row.visibility.value}", name)


@repository.command()
@_name
@click.option(
    "--set", "file", metavar="FILE", shell_complete=files, help="All its rules from now on, as JSON; - reads."
)
@_new
@click.pass_obj
def rules(invocation: Invocation, *, name: str, file: str | None, new: bool) -> None:
    """Show the rules of a repository, or replace all of them."""
    repositories = invocation.application.administration.repositories
    if file is None:
        row = repositories.get(LADING, name)
    else:
        form = RepositoryForm(rules=_rules(read_input(invocation, file)))
        row = name_known(lambda: repositories.change(LADING, name, form, new=new))
    told = {"name": name, "rules": repository_json(row)["rules"]}
    invocation.console.result(invocation.form, told, rules_text(row.rules), name)


@repository.command()
@_name
@click.argument("to")
@click.pass_obj
def rename(invocation: Invocation, name: str, to: str) -> None:
    """Call a repository something else, with its tags and rules."""
    row = invocation.application.administration.repositories.rename(LADING, name, to)
    invocation.console.result(invocation.form, repository_json(row), f"{name}   is {to} now", to)


@repository.command()
@click.argument("source", metavar="REPOSITORY:TAG", shell_complete=completed_repository)
@click.argument("target", metavar="REPOSITORY[:TAG]", shell_complete=completed_repository)
@click.pass_obj
def promote(invocation: Invocation, *, source: str, target: str) -> None:
    """Make an image a tag of another repository, with its signatures; no byte moves.

    Refused where the target's tag is immutable. Without a tag the target gets the source's.
    """
    (repository, _, tag), (to, _, to_tag) = source.partition(":"), target.partition(":")
    promotions = invocation.application.administration.promotions
    promoted = promotions.promote(LADING, repository, tag or DEFAULT_TAG, to, to_tag or None)
    told = promoted_json(promoted)
    count = plural(len(promoted.carried.manifests), "manifest")
    happened = f"is {source} now, with {count}" if promoted.moved else "is the same already"
    for left in promoted.left:
        invocation.console.warn(f"{left} of {to} stays as it is there: it lists what the source's does not")
    name = f"{promoted.promotion.target_name}@{promoted.carried.root.descriptor.digest}"
    invocation.console.result(invocation.form, told, f"{promoted.promotion.target_name}   {happened}", name)


@repository.command()
@_name
@click.pass_obj
def rm(invocation: Invocation, name: str) -> None:
    """Remove a repository with all that it holds."""
    invocation.application.administration.repositories.remove(LADING, name)
    invocation.console.result(invocation.form, {"name": name, "removed": True}, f"{name}   repository removed", name)


def rules_text(rules: Sequence[Rule]) -> str:
    """A table of them."""
    return table(_RULE_HEADINGS, [_rule(rule) for rule in rules])


def _rules(text: str) -> tuple[Rule, ...]:
    """Raises RuleInvalid."""
    try:
        return own_rules(json.loads(text))
    except json.JSONDecodeError as error:
        raise RuleInvalid("rules", "are a JSON list") from error


def _rule(rule: Rule) -> tuple[str, ...]:
    after = "" if rule.after_seconds is None else f" {rule.after_seconds / 86_400:g} days"
    return (" ".join(rule.tags), " ".join(rule.excepts) or "-", rule.protects.value, f"{rule.releases.value}{after}")


def _row(row: RepositoryRow) -> tuple[str, ...]:
    return (
        row.name,
        row.visibility.value,
        "yes" if is_immutable(row.rules) else "no",
        str(len(row.rules)),
        str(row.tags),
        size(row.size),
        "never" if row.pushed is None else instant(row.pushed),
    )


def _tag(found: ProtectedTag) -> tuple[str, ...]:
    tag = found.row.tag
    against = " ".join(each.step.value for each in found.forbidden)
    return (tag.name, str(tag.digest), size(found.row.size), instant(tag.pointed), against or "no")
