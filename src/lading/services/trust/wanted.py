"""What is said where an image of our registry is not signed as its repository's trust rule asks."""

from __future__ import annotations

from lading.errors import Refused, Side
from lading.services.trust.trust import Verdict


class SignatureWanted(Refused):
    """A repository gives away what is signed alone, and this is not, as far as its rule asks."""

    side = Side.SOURCE
    code = "not_trusted"
    hint = "Have it signed by who is accepted there."
    command = "Sign it: lading sign IMAGE --key FILE"

    def __init__(self, name: str, repository: str, why: str) -> None:
        super().__init__(name, repository, why)
        self.name, self.repository, self.reason = name, repository, why

    def __str__(self) -> str:
        return f"{self.name} is not signed as the repository {self.repository} asks for: {self.reason}"


def why_not(verdict: Verdict) -> str:
    """What is wrong, or what it lacks, as the end of a sentence."""
    if verdict.refusals:
        return "; ".join(verdict.refusals)
    if verdict.signers and verdict.rule is not None:
        return f"it has {len(verdict.signers)} of the {verdict.rule.threshold} signatures it needs"
    return "nobody signed it"
