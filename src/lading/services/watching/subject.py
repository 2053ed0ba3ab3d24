"""What a job is about, as people call it: an image, and where it goes. Read from its row, whichever version wrote that:
what cannot be read is not told."""

from __future__ import annotations

from dataclasses import dataclass

from lading.oci.reference import Reference, ReferenceInvalid
from lading.services.jobs.job import JobRequest
from lading.services.work.imports import IMPORT
from lading.services.work.pushes import PUSH

IMAGE = "image"
"""What a deed about an image has as the type of its entity."""


@dataclass(frozen=True, slots=True)
class Subject:
    """`image` None: it is about no image, or about one that has no name yet."""

    image: str | None
    targets: tuple[str, ...]


def subject_of(request: JobRequest) -> Subject:
    """What a request is about."""
    return Subject(_image(request), _targets(request))


def _image(request: JobRequest) -> str | None:
    deed, fields = request.deed, request.fields
    if deed is None or deed.entity_type != IMAGE or request.kind == IMPORT:
        return None
    if request.kind == PUSH:  # the trail calls it by its target, where nobody gave it a name
        given = (fields.get("name"), fields.get("asked"), deed.entity_id)
        return next((each for each in given if isinstance(each, str) and each), None)
    return deed.entity_name or None


def _targets(request: JobRequest) -> tuple[str, ...]:
    targets = request.fields.get("targets")
    if isinstance(targets, list | tuple):
        return tuple(_familiar(each) for each in targets if isinstance(each, str))
    named = None if request.deed is None else request.deed.details.get("targetTag")
    return (named,) if isinstance(named, str) else ()


def _familiar(target: str) -> str:
    """As docker writes it."""
    try:
        return Reference.parse(target).familiar
    except ReferenceInvalid:
        return target
