"""Who removed an image, and when: for who asks for one that is no more. The audit trail knows it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager

from lading.oci.instants import instant
from lading.oci.reference import Reference, ReferenceInvalid
from lading.services.access import Actor, Permission
from lading.services.audit.records import AuditRecords, AuditRow
from lading.services.lookup import ImageUnknown, may_be_id

SHORTEST_ID = 12
"""Digits of an id that are looked for in what was removed: fewer may be anything's."""


class ImageRemoved(ImageUnknown):
    """An image that was here."""

    def __init__(self, unknown: ImageUnknown, when: float, actor: str) -> None:
        super().__init__(unknown.text, unknown.looked, unknown.near)
        self.when, self.actor = when, actor
        self.why = f"{actor} removed it at {instant(when)}"


class ImageRemovals:
    """For any number of threads."""

    def __init__(self, records: AuditRecords, default: Callable[[], int]) -> None:
        """`default` gives the environment that is meant where nobody says."""
        self._records, self._default = records, default

    @contextmanager
    def told(self, actor: Actor, environment: int | None) -> Iterator[None]:
        """Inside, an image that is not there any more is told of as one: ImageRemoved instead of ImageUnknown."""
        try:
            yield
        except ImageUnknown as error:
            number = self._default() if environment is None else environment
            row = self._removal(number, error.text)
            if row is None or not _may_know(actor, number, error.text, row):
                raise
            raise ImageRemoved(error, row.entry.created, row.entry.actor) from error

    def _removal(self, environment: int, text: str) -> AuditRow | None:
        identity = text.rpartition("@")[2].rpartition(":")[2] if may_be_id(text.rpartition("@")[2]) else ""
        mention = identity if len(identity) >= SHORTEST_ID else None
        return self._records.last_removal(environment, _spellings(text), mention)


def _spellings(text: str) -> Collection[str]:
    """How whoever removed it may have called it."""
    try:
        reference = Reference.parse(text)
    except ReferenceInvalid:
        return {text}
    tagged = reference.or_latest
    return {text, str(reference), reference.familiar, str(tagged), tagged.familiar}


def _may_know(actor: Actor, environment: int, text: str, row: AuditRow) -> bool:
    """Who may see images there by some names alone is told of the removal of those."""
    if actor.may(Permission.IMAGES_VIEW, environment):
        return True
    deed = row.entry.deed
    names = [deed.entity_name, *_texts(deed.details, "untagged")] if may_be_id(text) else [text]
    return any(_may_view(actor, environment, name) for name in names)


def _may_view(actor: Actor, environment: int, name: str) -> bool:
    if may_be_id(name):
        return False
    try:
        repository = Reference.parse(name).repository
    except ReferenceInvalid:
        return False
    return actor.may(Permission.IMAGES_VIEW, environment, repository)


def _texts(details: Mapping[str, object], name: str) -> list[str]:
    found = details.get(name)
    return [each for each in found if isinstance(each, str)] if isinstance(found, list | tuple) else []
