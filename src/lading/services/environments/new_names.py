"""A name that somebody gives to an image: repository and tag, said in two fields."""

from __future__ import annotations

from lading.errors import InputInvalid
from lading.oci.reference import Reference, check_tag


class NameIncomplete(InputInvalid):
    """A tag without the repository that it is in."""

    def __str__(self) -> str:
        return "A repository is required"


class NamePinned(InputInvalid):
    """A digest, which follows from the content and is given to nobody."""

    hint = "Leave out the part from @ on."

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"{self.text} names a digest"


def new_name(repository: str | None, tag: str | None) -> Reference:
    """`tag`, else what `repository` says, else `latest`. Raises NameIncomplete, NamePinned, ReferenceInvalid."""
    if not repository:
        raise NameIncomplete
    reference = Reference.parse(repository)
    if reference.digest is not None:
        raise NamePinned(repository)
    if tag:
        check_tag(tag, tag)
        return Reference(reference.repository, tag)
    return reference.or_latest
