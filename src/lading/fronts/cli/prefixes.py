"""Names that are folders or files here as well: perhaps `oci:` or `archive:` was forgotten.

A bare word names an image, whatever lies beside it: its meaning must not hang on the folder where a command is called.
So nothing is done but to mention the prefix, where the name has led nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lading.errors import AccessDenied, LadingError, NetworkFailed, NotFound
from lading.oci.reference import Reference, ReferenceInvalid

_LED_NOWHERE = (NotFound, AccessDenied, NetworkFailed, ReferenceInvalid)
_HERE = Path()


@contextmanager
def mentioning_prefix(words: Sequence[str], here: Path = _HERE) -> Iterator[None]:
    """What is raised inside mentions the prefix that one of the `words`, names of images, may lack."""
    try:
        yield
    except LadingError as error:
        told = with_prefix(error, words, here)
        if told is error:
            raise
        raise told from error


def with_prefix(error: LadingError, words: Sequence[str], here: Path = _HERE) -> LadingError:
    """The error; its hint says which of the `words` may lack a prefix, seen from the folder `here`."""
    if isinstance(error, _LED_NOWHERE):
        for word in words:
            if (hint := _hint(word, here)) is not None:
                return error.but(hint=hint, command=hint)
    return error


def _hint(word: str, here: Path) -> str | None:
    if not _is_bare(word):
        return None
    path, _, _tag = word.partition(":")
    if (here / path / "oci-layout").is_file():
        return f"oci:{word}, if the OCI layout here is meant; {word} alone is the name of an image"
    if (here / word).is_file():
        return f"archive:{word}, if the archive here is meant; {word} alone is the name of an image"
    return None


def _is_bare(word: str) -> bool:
    """Whether it says nothing of a place: it names no registry and no path in one, or is no name at all."""
    if word.partition(":")[0] in {"oci", "archive", "docker"}:
        return False
    try:
        Reference.parse(word)
    except ReferenceInvalid:
        return True
    return "/" not in word
