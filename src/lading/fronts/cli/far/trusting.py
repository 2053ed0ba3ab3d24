"""Content trust of what a server carries out: the switch goes along with the request; a policy stays where it is read.

The server holds its own policy against what it pulls, and signs with its own key, whatever is asked for here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lading.errors import Refused
from lading.oci.reference import Reference, Repository
from lading.services.trust_modes import Mode

if TYPE_CHECKING:  # for those who ask for it
    from lading.services.trust.content_trust import ContentTrust


class PolicyStaysHere(Refused):
    """This machine's trust policy forbids an image, unless it is signed, and a server would bring it."""

    code = "policy_stays_here"
    hint = "Have the server hold this policy; or leave it out this once."
    command = "Set trust-policy at the server; --disable-content-trust goes on without it"

    def __init__(self, repository: Repository) -> None:
        super().__init__(repository)
        self.repository = repository

    def __str__(self) -> str:
        return (
            f"a rule of this machine's trust policy is about {self.repository.familiar}, and a server does not know it"
        )


def verified_there(trust: ContentTrust | None, source: str) -> bool | None:
    """What the field `verify` says of this image; None: nothing. Raises ReferenceInvalid, PolicyStaysHere."""
    if trust is None:
        return None
    repository = Reference.parse(source).repository
    rule = trust.rule_for(repository)
    if rule is not None and rule.mode is Mode.ENFORCE:
        raise PolicyStaysHere(repository)
    return (rule is None and trust.switched) or None


def signed_there(trust: ContentTrust | None, targets: Iterable[str]) -> bool | None:
    """What the field `sign` says of what goes to these; None: nothing. Raises ReferenceInvalid."""
    if trust is None:
        return None
    return any(trust.signs(Reference.parse(target).repository) for target in targets) or None
