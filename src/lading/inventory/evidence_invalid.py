"""What makes evidence unreadable, and how it becomes a note."""

from __future__ import annotations

from collections.abc import Callable

from lading.errors import ContentCorrupt
from lading.inventory.evidence import EvidenceRead


class EvidenceInvalid(ContentCorrupt):
    """A file is not what its name says; `rule` is a clause without the path: `it is no JSON object`."""

    code = "evidence_invalid"

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule

    def __str__(self) -> str:
        return f"a file of the image cannot be read: {self.rule}"


def noted(read: Callable[[str, bytes], EvidenceRead]) -> Callable[[str, bytes], EvidenceRead]:
    """The same reader, answering what cannot be read with a note instead of raising EvidenceInvalid."""

    def reading(path: str, content: bytes) -> EvidenceRead:
        try:
            return read(path, content)
        except EvidenceInvalid as invalid:
            return EvidenceRead(notes=(invalid.rule,))

    return reading
