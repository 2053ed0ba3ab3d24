"""`lading repository trust` and `keys`: whose signatures our own repositories ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import click

from lading.errors import InputInvalid, NotFound
from lading.fronts.cli.completing import files
from lading.fronts.cli.console import Listing
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.secrets import read_text
from lading.fronts.cli.texts import lines
from lading.services.access import LADING
from lading.services.repositories.trust import read_trust, trust_json
from lading.services.trust_modes import Mode

T = TypeVar("T")

Rule = Mapping[str, object]
"""A trust rule as JSON."""


FIELDS = {
    "mode": "mode",
    "keys": "keys",
    "notary": "notary",
    "root_keys": "rootKeys",
    "threshold": "threshold",
    "bind_tag": "bindTag",
    "max_age_days": "maxAgeDays",
    "signed_as": "signedAs",
}
"""What each option says of a trust rule."""


class ModeMissing(InputInvalid):
    """Parts of a trust rule, and not how strict it is: the rule is written whole."""

    hint = "Say --mode enforce, or report, or off."

    def __str__(self) -> str:
        return "a trust rule is written whole, and this one has no --mode"


@click.command("trust", cls=Command)
@click.argument("name")
@click.option("--mode", type=click.Choice([each.value for each in Mode]), help="Refuse what is unsigned, tell, or off.")
@click.option("--key", "keys", multiple=True, metavar="NAME", help="An accepted key; may be repeated.")
@click.option("--notary", is_flag=True, help="Signed by the repository's trust collection counts as well.")
@click.option(
    "--root-key", "root_keys", multiple=True, metavar="ID", help="The collection's root must have this key; repeatable."
)
@click.option("--threshold", type=click.IntRange(1), metavar="N", help="How many of these must have signed.")
@click.option("--bind-tag", is_flag=True, help="The tag must be signed as well, where it is asked for.")
@click.option("--max-age-days", type=click.IntRange(1), metavar="N", help="Signatures that are older do not count.")
@click.option(
    "--signed-as", multiple=True, metavar="REPOSITORY", help="It may be signed for this one too; * is anything."
)
@click.option("--tag", metavar="TAG", help="What the rule says of this tag.")
@click.option("--new", is_flag=True, help="Make the repository if it is not there: a rule may come before any push.")
@click.pass_obj
def trust(
    invocation: Invocation,
    *,
    name: str,
    mode: str | None,
    keys: tuple[str, ...],
    notary: bool,
    root_keys: tuple[str, ...],
    threshold: int | None,
    bind_tag: bool,
    max_age_days: int | None,
    signed_as: tuple[str, ...],
    tag: str | None,
    new: bool,
) -> None:
    """Show whose signatures a repository asks for, or say it.

    The options that are given are the whole rule, in place of the one before; `--mode off` alone takes it away. With
    --mode enforce nobody pulls what is not signed so, but who may push there, and roles with trust:exempt.
    """
    trusts = invocation.application.administration.repository_trust
    written = rule_of(
        mode=mode,
        keys=keys,
        notary=notary,
        root_keys=root_keys,
        threshold=threshold,
        bind_tag=bind_tag,
        max_age_days=max_age_days,
        signed_as=signed_as,
    )
    if written is not None and not new:
        name_known(lambda: trusts.rule(LADING, name))
    rule = trusts.rule(LADING, name) if written is None else trusts.set_rule(LADING, name, read_trust(written))
    told: Rule | None = None if rule is None else trust_json(rule)
    verdict: Mapping[str, object] | None = None
    if tag is not None:
        from lading.services.trust.signature_json import verdict_json  # noqa: PLC0415  it brings the formats of signatures

        verdict = verdict_json(trusts.verdict(LADING, name, tag), trusts.now())
    result = {"name": name, "rule": told, "verdict": verdict}
    invocation.console.result(invocation.form, result, trust_text(told, verdict, f"{name}:{tag}"), name)


def name_known(ask: Callable[[], T]) -> T:
    """What `ask` gives. A name that somebody mistyped makes no repository: raises what `ask` raises where there is
    none, with what to do."""
    try:
        return ask()
    except NotFound as error:
        raise error.but(command="Check the name: lading repository ls; --new makes a repository") from error


@click.command("keys", cls=Command)
@click.option("--add", nargs=2, metavar="NAME FILE", shell_complete=files, help="Accept a public key, in PEM.")
@click.option("--rm", metavar="NAME", help="Accept it no longer.")
@click.pass_obj
def accepted_keys(invocation: Invocation, *, add: tuple[str, str] | None, rm: str | None) -> None:
    """List the public keys that trust rules may name; accept one, or no longer.

    A key that a rule names stays until the rule does not.
    """
    from lading.services.trust.keys import TrustKeyForm, trust_key_json  # noqa: PLC0415  it brings cryptography

    keys = invocation.application.administration.accepted_keys
    if rm is not None:
        keys.remove(LADING, keys.named(LADING, rm).id)
    if add is not None:
        keys.add(LADING, TrustKeyForm(add[0], read_text(add[1]) or ""))
    rows = [trust_key_json(row) for row in keys.list(LADING)]
    invocation.console.results(invocation.form, Listing(rows, lambda row: row, KEY_HEADINGS, key_cells, key_name))


KEY_HEADINGS = ("NAME", "KEY", "TYPE", "SINCE", "BY")


def key_cells(row: Mapping[str, object]) -> tuple[str, ...]:
    """Of an accepted key as JSON."""
    return tuple(str(row.get(field)) for field in ("name", "keyId", "type", "createdAt", "createdBy"))


def key_name(row: Mapping[str, object]) -> str:
    """What scripts ask for."""
    return str(row.get("name"))


def rule_of(**parts: object) -> Rule | None:
    """The rule that options say, by their names in FIELDS; None where they say none. Raises ModeMissing."""
    said = {FIELDS[option]: value for option, value in parts.items() if value not in (None, False, ())}
    rule = {field: list(value) if isinstance(value, tuple) else value for field, value in said.items()}
    if rule and "mode" not in rule:
        raise ModeMissing
    return rule or None


def trust_text(rule: Rule | None, verdict: Mapping[str, object] | None, image: str) -> str:
    """A rule, and what it says of a tag, as which the image is told: its registry is ours, whatever host it was asked
    by."""
    if rule is None:
        told = ["no rule: its images need nobody's signature"]
    else:
        shown = {field: value for field, value in rule.items() if value not in (None, False, [])}
        told = [f"{field}: {_words(value)}" for field, value in shown.items()]
    return lines([*told, *_verdict_lines(verdict, image)])


def _verdict_lines(verdict: Mapping[str, object] | None, image: str) -> Sequence[str]:
    if verdict is None:
        return ()
    trusted = verdict.get("trusted")
    first = "nothing was looked at" if trusted is None else "signed as asked" if trusted else "not signed as asked"
    signatures = verdict.get("signatures")
    each = [row for row in signatures if isinstance(row, Mapping)] if isinstance(signatures, Sequence) else []
    return ["", f"{image}: {first}", *([f"  {_signature(row)}" for row in each] or ["  no signature lies beside it"])]


def _signature(row: Mapping[str, object]) -> str:
    return f"{row.get('form')} by {row.get('signer') or 'nobody that is accepted'}: {row.get('reason') or 'accepted'}"


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
