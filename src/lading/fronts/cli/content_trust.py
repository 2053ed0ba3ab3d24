"""What trust commands open: Notary's keys and trust servers, with passphrases that a person is asked for; and the
repositories that they are about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from lading.errors import InputInvalid, LadingError
from lading.fronts.cli.completing import offered
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.key_files import asked_passphrase
from lading.oci.reference import Reference, Repository
from lading.proof.tuf_roles import ROOT

if TYPE_CHECKING:
    from lading.services.notary.keys import KeptKey, Passphrase, TrustKeys
    from lading.services.notary.notary import NotaryTrust

SHOWN_DIGITS = 12
"""Of a key's id in sentences and tables."""


class WholeRepository(InputInvalid):
    """A tag or digest, where a repository is asked for."""

    def __init__(self, reference: Reference) -> None:
        super().__init__(reference)
        self.reference = reference
        self.hint = f"Write {reference.repository.familiar}."

    def __str__(self) -> str:
        return f"this is about a whole repository, and {self.reference.familiar} is one image of it"


class TagNeeded(InputInvalid):
    """A digest alone: what Notary signs is a tag."""

    hint = "Write NAME:TAG."

    def __init__(self, reference: Reference) -> None:
        super().__init__(reference)
        self.reference = reference

    def __str__(self) -> str:
        return f"{self.reference.familiar} has no tag, and tags are what is signed"


def asking(invocation: Invocation) -> Passphrase:
    """The person at the terminal of this call, told which key it is. Raises PassphraseMissing."""
    return _Asking(invocation)


@dataclass(frozen=True)
class _Asking:
    """Equal for one call, so that keys which were opened with it stay open."""

    invocation: Invocation

    def __call__(self, key: KeptKey, new: bool) -> str:
        prompt = f"New passphrase for {key}" if new else f"Passphrase of {key}"
        return asked_passphrase(self.invocation, prompt, twice=new)


def opened_keys(invocation: Invocation) -> TrustKeys:
    """The keys that are kept here."""
    return invocation.application.trust_keys(asking(invocation))


def opened_notary(invocation: Invocation) -> NotaryTrust:
    """Asks the registries' trust servers from this machine, and says so where a server was chosen: keys stay here."""
    if (server := invocation.application.remote) is not None:
        invocation.console.say(f"Keys are on this machine: the registry is asked from here, not by {server.url}.")
    return invocation.application.notary(asking(invocation))


def whole_repository(text: str) -> Repository:
    """Raises ReferenceInvalid, WholeRepository."""
    reference = Reference.parse(text)
    if reference.tag or reference.digest:
        raise WholeRepository(reference)
    return reference.repository


def tagged(text: str) -> Reference:
    """With the tag `latest` where nothing is said. Raises ReferenceInvalid, TagNeeded."""
    reference = Reference.parse(text).or_latest
    if reference.tag is None:
        raise TagNeeded(reference)
    return reference


def tell_new_keys(invocation: Invocation, before: Iterable[KeptKey], after: Iterable[KeptKey]) -> None:
    """Says which keys were made meanwhile, and what to do with one that nothing brings back."""
    known = {each.id for each in before}
    made = sorted((key for key in after if key.id not in known), key=lambda key: (key.gun, key.role))
    for key in made:
        invocation.console.say(f"made {key}")
    if any(key.role == ROOT for key in made):
        invocation.console.say("Nothing brings a lost root key back: lading trust key export root --out FILE")


def completed_repository(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Repositories of images in the local store; none where they cannot be read."""
    try:
        known = ctx.ensure_object(Invocation).application.images.names()
    except LadingError:
        return []
    return offered(sorted({Reference.parse(name).repository.familiar for name in known}), incomplete)


def completed_key(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Ids of keys, and what those sign for that are of no repository; none where they cannot be read."""
    try:
        kept = ctx.ensure_object(Invocation).application.trust_keys().all()
    except LadingError:
        return []
    words = {word for key in kept for word in (key.id, None if key.gun else key.role) if word}
    return offered(sorted(words), incomplete)
