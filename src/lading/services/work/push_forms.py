"""What somebody writes of a push (interfaces §2, Push, body), and the targets that it comes to."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from lading.errors import InputInvalid
from lading.oci.reference import Reference, check_tag, retarget
from lading.services.environment_images import Summary
from lading.services.jobs.fields import JobFields
from lading.services.jobs.job import JsonObject


class PushIncomplete(InputInvalid):
    """Without an image or a place to go to there is no push."""

    def __str__(self) -> str:
        return "Image ID and registry ID are required"


class PushContradicts(InputInvalid):
    """Two fields that both say where a push goes."""

    hint = "Give registryId and newTag, or target."

    def __str__(self) -> str:
        return "registryId and target both say where the image goes"


class DigestChosen(InputInvalid):
    """A target with a digest, which nobody can choose."""

    hint = "Leave out the part from @ on; the digest follows from the content, and the answer tells it."

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target

    def __str__(self) -> str:
        return f"the target {self.target} names a digest"


@dataclass(frozen=True, slots=True)
class PushForm:
    """What the caller wrote (interfaces §2, Push, body). `relay` says whether a Docker host pushes through us; None:
    as the registry's row says. `sign`: it is signed, whatever the server's switch for content trust says; who does not
    say so gets what that says."""

    image: str | None = None
    registry: int | None = None
    name: str | None = None
    new_tag: str | None = None
    target: str | None = None
    platform: str | None = None
    tags: tuple[str, ...] = ()
    if_absent: bool = False
    dry_run: bool = False
    relay: bool | None = None
    sign: bool | None = None

    @property
    def asked(self) -> str:
        """The image, where there is all that a push needs. Raises PushIncomplete, PushContradicts."""
        if not self.image or (self.registry is None and not self.target):
            raise PushIncomplete
        if self.registry is not None and self.target:
            raise PushContradicts
        return self.image

    @property
    def json(self) -> JsonObject:
        """For a job's fields."""
        return asdict(self)

    @classmethod
    def of(cls, fields: JobFields) -> PushForm:
        """Read back. Raises JobFieldsUnreadable."""
        return cls(
            fields.text("image"),
            fields.whole_number_or_none("registry"),
            fields.text_or_none("name"),
            fields.text_or_none("new_tag"),
            fields.text_or_none("target"),
            fields.text_or_none("platform"),
            fields.texts("tags") if fields.fields.get("tags") else (),
            fields.truth("if_absent"),
            fields.truth("dry_run"),
            fields.truth_or_none("relay"),
            fields.truth_or_none("sign"),
        )


def targets_of(form: PushForm, place: str | None, image: Summary) -> tuple[Reference, ...]:
    """Where each tag goes, the one that people read first; `place` is host[/path] of the configured registry."""
    if place is None:
        first, tagged = Reference.parse(form.target or "").or_latest, ":" in (form.target or "").rpartition("/")[2]
    else:
        first = retarget(_source(form, image), place, form.new_tag)
        tagged = not form.new_tag or ":" in form.new_tag.rpartition("/")[2]
    if first.digest is not None:
        raise DigestChosen(str(first))
    if not form.tags:
        return (first,)
    for tag in form.tags:
        check_tag(tag, tag)
    names = dict.fromkeys([*([first.tag] if tagged else []), *form.tags])
    return tuple(Reference(first.repository, name) for name in names)


def _source(form: PushForm, image: Summary) -> Reference | None:
    """The tag that the target is made from: the one asked for if the image has it, else its first."""
    names = [reference for reference in map(Reference.parse, image.names) if reference.tag is not None]
    if form.name:
        asked = Reference.parse(form.name).or_latest
        if asked in names:
            return asked
    return next(iter(names), None)
