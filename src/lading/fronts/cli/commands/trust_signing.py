"""`lading trust sign`, `revoke` and `forget`: what a tag is signed as under Notary v1, and what was seen of it."""

from __future__ import annotations

import click

from lading.fronts.cli.confirming import confirm, yes_option
from lading.fronts.cli.console import Record
from lading.fronts.cli.content_trust import (
    completed_repository,
    opened_keys,
    opened_notary,
    tagged,
    tell_new_keys,
    whole_repository,
)
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.lazy import Command
from lading.fronts.cli.options import image_argument, remote_options
from lading.fronts.cli.texts import plural
from lading.oci.reference import Reference
from lading.services.notary.views import TagRevoked, TagSigned


@click.command(cls=Command)
@image_argument("images", nargs=-1, required=True, metavar="IMAGE[:TAG]…")
@remote_options
@click.pass_obj
def sign(invocation: Invocation, *, images: tuple[str, ...]) -> None:
    """Sign tags as what their registry has under them.

    The digest is computed here, of the bytes that are there. In a repository where nothing was signed before, a root
    key, which is one for all repositories, and a key of the repository are made and kept. Where signers were added,
    those sign whose keys are kept here; else the repository's key does.
    """
    with invocation.cancellable() as cancel:
        for image in images:
            reference = tagged(image)
            _, manifest = invocation.application.signatures.held(image, cancel)
            before = opened_keys(invocation).all()
            signed = opened_notary(invocation).sign(reference, manifest, cancel)
            tell_new_keys(invocation, before, opened_keys(invocation).all())
            pinned = f"{signed.reference.repository}@{signed.digest}"
            text = f"{signed.reference}   {signed.digest} signed by {', '.join(signed.roles)}"
            invocation.console.result(invocation.form, _signed(signed), text, pinned)


@click.command(cls=Command)
@image_argument("image", metavar="IMAGE[:TAG]")
@yes_option
@remote_options
@click.pass_obj
def revoke(invocation: Invocation, *, image: str, yes: bool) -> None:
    """Take back what is signed: of one tag, or without one of all tags of a repository.

    The image stays. What signers signed whose keys are not kept here stays signed, which is said.
    """
    named = Reference.parse(image)
    with invocation.cancellable() as cancel:
        if named.tag is not None:
            revoked = [opened_notary(invocation).revoke(tagged(image), cancel)]
        else:
            repository = whole_repository(image)
            confirm(invocation, f"Take back what is signed of every tag of {repository}?", yes=yes)
            revoked = list(opened_notary(invocation).revoke_all(repository, cancel))
            if not revoked:
                invocation.console.say(f"{repository}   no tag is signed")
    for each in revoked:
        name = f"{each.repository}:{each.tag}"
        invocation.console.result(invocation.form, _revoked(each), f"{name}   signed no longer by {_all(each)}", name)
        if each.left:
            what = plural(len(each.left), "signer")
            invocation.console.warn(f"{name} is still signed by {what} whose keys are not here: {', '.join(each.left)}")


@click.command(cls=Command)
@click.argument("repository", metavar="REPOSITORY", shell_complete=completed_repository)
@yes_option
@click.pass_obj
def forget(invocation: Invocation, *, repository: str, yes: bool) -> None:
    """Forget what was seen of a repository's signatures on this machine, its root too.

    For a repository whose owner set it up anew: its next root is taken as the first one was. Somebody who stands
    between you and the trust server could show a root of their own then, so ask the owner first. Keys stay.
    """
    named = whole_repository(repository)
    confirm(invocation, f"Take whatever root the trust server of {named} shows next?", yes=yes)
    invocation.application.notary().forget(named)
    record = {"repository": str(named), "forgotten": True}
    invocation.console.result(
        invocation.form, record, f"{named}   forgotten: its next root is taken as it is", str(named)
    )


def _all(revoked: TagRevoked) -> str:
    return ", ".join(revoked.roles)


def _signed(signed: TagSigned) -> Record:
    return {
        "reference": str(signed.reference),
        "digest": str(signed.digest),
        "roles": list(signed.roles),
        "initialised": signed.initialised,
    }


def _revoked(revoked: TagRevoked) -> Record:
    return {
        "repository": str(revoked.repository),
        "tag": revoked.tag,
        "revoked": list(revoked.roles),
        "stillSignedBy": list(revoked.left),
    }
