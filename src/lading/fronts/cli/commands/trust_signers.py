"""`lading trust signer`: who else may sign in a repository."""

from __future__ import annotations

import click

from lading.fronts.cli.completing import files
from lading.fronts.cli.confirming import confirm, yes_option
from lading.fronts.cli.content_trust import (
    SHOWN_DIGITS,
    completed_repository,
    opened_keys,
    opened_notary,
    tell_new_keys,
    whole_repository,
)
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Group
from lading.fronts.cli.options import remote_options
from lading.fronts.cli.trust_files import CERTIFICATE, read_pem
from lading.proof.tuf_signer_files import signer_key
from lading.services.notary.refusals import LastSigner

EVERY_TAG = ("",)


@click.group(cls=Group)
def signer() -> None:
    """Who else may sign in a repository: people, each with keys of their own."""


_name = click.argument("name", metavar="NAME")
_repositories = click.argument(
    "repositories", nargs=-1, required=True, metavar="REPOSITORY…", shell_complete=completed_repository
)


@signer.command()
@_name
@_repositories
@click.option(
    "--key",
    "paths",
    multiple=True,
    required=True,
    metavar="FILE",
    shell_complete=files,
    help="Whose key: a public key, the cert.pem of a client bundle, or a bundle; may be repeated.",
)
@click.option(
    "--tags",
    multiple=True,
    metavar="PREFIX",
    help="Of which tags, by how they begin; all unless said; may be repeated.",
)
@remote_options
@click.pass_obj
def add(
    invocation: Invocation, *, name: str, repositories: tuple[str, ...], paths: tuple[str, ...], tags: tuple[str, ...]
) -> None:
    """Let somebody sign in repositories, with the keys given beside those that the name has there.

    The repository's key, which has to be kept here, signs for it; a repository where nothing was signed before is
    initialised. The signer loads the private half with `trust key load` of Lading or Docker, and signs with `trust
    sign`. Who may sign certain tags alone is believed by Lading for those; docker asks for a signer of all tags.
    """
    keys = [signer_key(read_pem(path, CERTIFICATE)) for path in paths]
    ids = [each.bare.id for each in keys]
    with invocation.cancellable() as cancel:
        for repository in map(whole_repository, repositories):
            before = opened_keys(invocation).all()
            initialised = opened_notary(invocation).add_signer(name, repository, keys, cancel, tags or EVERY_TAG)
            tell_new_keys(invocation, before, opened_keys(invocation).all())
            which = f"tags that begin with {', '.join(tags)}" if tags else "every tag"
            text = f"{repository}   {name} may sign {which}, with {', '.join(each[:SHOWN_DIGITS] for each in ids)}"
            record = {
                "repository": str(repository),
                "signer": name,
                "keys": ids,
                "tags": list(tags) or None,
                "initialised": initialised,
            }
            invocation.console.result(invocation.form, record, text, str(repository))


@signer.command()
@_name
@_repositories
@yes_option
@remote_options
@click.pass_obj
def remove(invocation: Invocation, *, name: str, repositories: tuple[str, ...], yes: bool) -> None:
    """Let somebody sign no longer.

    What nobody else signed is signed by nobody then: it asks first where that is so, unless --yes is said.
    """
    with invocation.cancellable() as cancel:
        notary = opened_notary(invocation)
        for repository in map(whole_repository, repositories):
            try:
                notary.remove_signer(name, repository, cancel, force=yes)
            except LastSigner as last:
                if not invocation.console.streams.stdin.isatty():
                    raise
                confirm(invocation, f"{last}. Remove {name} all the same?", yes=False)
                notary.remove_signer(name, repository, cancel, force=True)
            record = {"repository": str(repository), "signer": name, "removed": True}
            invocation.console.result(
                invocation.form, record, f"{repository}   {name} may sign no longer", str(repository)
            )
