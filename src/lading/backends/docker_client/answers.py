"""A daemon's JSON answers as values. Versions differ in what they leave out, so nothing but an id is required.

What a daemon calls null, `<none>` or leaves out is empty here. Names are made whole: `app:1` is
docker.io/library/app:1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lading.backends.docker_client.faults import AnswerUnreadable
from lading.backends.docker_client.parts import count, descriptor, parts, read_platform, root
from lading.oci.digest import Digest
from lading.oci.instants import parse_instant
from lading.oci.platform import UNKNOWN, Platform
from lading.oci.reference import Reference, ReferenceInvalid, Repository
from lading.services.environment_images import Step, Summary
from lading.services.environments.environment import Engine
from lading.services.environments.orders import Distribution, Pruned

Members = Mapping[str, object]

_TIME_END = 253_402_300_800.0
"""The first moment of the year 10000, in seconds since 1970: nobody writes it as others do."""


def members(answer: object, where: str) -> Members:
    """An object. Raises AnswerUnreadable."""
    if not isinstance(answer, dict):
        raise AnswerUnreadable(where, "an object")
    return answer


def rows(answer: object, where: str) -> Iterator[Members]:
    """A list of objects; null is an empty one. Raises AnswerUnreadable."""
    if answer is not None and not isinstance(answer, list):
        raise AnswerUnreadable(where, "a list")
    for row in answer or ():
        yield members(row, where)


def engine(answer: Members) -> Engine:
    """Of `GET /version`."""
    platform = "/".join(filter(None, (_text(answer, "Os"), _text(answer, "Arch"))))
    return Engine("Docker", _text(answer, "Version"), _text(answer, "ApiVersion"), platform)


def summary(row: Members, where: str) -> Summary:
    """Of a list or of one image. Raises AnswerUnreadable."""
    return Summary(
        id=image_id(row, where),
        names=tuple(str(reference) for reference in names(row)),
        digests=tuple(f"{repository}@{digest}" for repository, digest in digests(row)),
        created=_created(row.get("Created")),
        size=_number(row, "Size"),
        labels=_labels(row),
        root=root(row),
        parts=parts(row),
        moved=_created(_member(row, "Metadata").get("LastTagTime")),
    )


def image_id(row: Members, where: str) -> str:
    """Raises AnswerUnreadable."""
    found = _text(row, "Id")
    if not found:
        raise AnswerUnreadable(where, "an image's id")
    return found


def names(row: Members) -> tuple[Reference, ...]:
    """The whole references of an image, in the daemon's order."""
    return tuple(_references(_texts(row, "RepoTags")))


def digests(row: Members) -> tuple[tuple[Repository, Digest], ...]:
    """By which digest which repository has it, as the daemon saw when it pulled or pushed."""
    return tuple((each.repository, each.digest) for each in _references(_texts(row, "RepoDigests")) if each.digest)


def platform(row: Members) -> Platform | None:
    """What the image was built for; None where the daemon does not say."""
    system, architecture = _text(row, "Os"), _text(row, "Architecture")
    if not system or not architecture:
        return None
    return Platform(system, architecture, _text(row, "Variant") or None, _text(row, "OsVersion") or None)


def step(row: Members) -> Step:
    """Of `GET /images/{name}/history`."""
    identity = _text(row, "Id")
    return Step(
        "" if identity == "<missing>" else identity,
        _created(row.get("Created")),
        _text(row, "CreatedBy"),
        _number(row, "Size"),
        _text(row, "Comment"),
    )


def removed(found: Iterable[Members], reclaimed: int = 0) -> Pruned:
    """Of a removal or a clean-up: names that were taken and ids that are gone."""
    lines = tuple(found)
    return Pruned(
        tuple(filter(None, (_text(row, "Untagged") for row in lines))),
        tuple(filter(None, (_text(row, "Deleted") for row in lines))),
        reclaimed,
    )


def pruned(answer: Members, where: str) -> Pruned:
    """Of `POST /images/prune`."""
    return removed(rows(answer.get("ImagesDeleted"), where), _number(answer, "SpaceReclaimed"))


def size(answer: Members) -> int:
    """Of `GET /system/df`: what all images take together, or where that is not said, each by itself."""
    if isinstance(answer.get("LayersSize"), int):
        return _number(answer, "LayersSize")
    images = answer.get("Images")
    return sum(_number(row, "Size") for row in images if isinstance(row, dict)) if isinstance(images, list) else 0


def distribution(answer: Members, where: str) -> Distribution:
    """Of `GET /distribution/{name}/json`. Raises AnswerUnreadable."""
    described = descriptor(answer.get("Descriptor"))
    if described is None:
        raise AnswerUnreadable(where, "a descriptor")
    listed = answer.get("Platforms")
    platforms = [read_platform(each) for each in listed] if isinstance(listed, list) else []
    return Distribution(described, tuple(each for each in platforms if each is not None and each != UNKNOWN))


def _references(texts: Iterable[str]) -> Iterator[Reference]:
    """Without `<none>:<none>`, and without names that only an old daemon may have."""
    for text in texts:
        try:
            yield Reference.parse(text)
        except ReferenceInvalid:
            continue


def _text(row: Members, name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else ""


def _texts(row: Members, name: str) -> Iterator[str]:
    value = row.get(name)
    if isinstance(value, list):
        yield from (each for each in value if isinstance(each, str))


def _number(row: Members, name: str) -> int:
    return count(row.get(name))


def _member(row: Members, name: str) -> Members:
    value = row.get(name)
    return value if isinstance(value, dict) else {}


def _labels(row: Members) -> Mapping[str, str]:
    labels = row.get("Labels")
    if labels is None and isinstance(config := row.get("Config"), dict):
        labels = config.get("Labels")
    return {str(name): str(value) for name, value in labels.items()} if isinstance(labels, dict) else {}


def _created(value: object) -> float | None:
    """Seconds since 1970: a list has them as a number, one image as RFC 3339 with nanoseconds."""
    if isinstance(value, int | float):
        return float(value) if 0 < value < _TIME_END else None
    return parse_instant(value) if isinstance(value, str) else None
