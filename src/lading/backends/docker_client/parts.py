"""What a daemon says an image consists of: its descriptor, and one line for each manifest (API 1.47 and later, the
containerd store alone)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest, DigestInvalid, DigestUnsupported
from lading.oci.platform import Platform
from lading.services.environment_images import Part, PartKind

Members = Mapping[str, object]

_COUNT_END = 2**63


def root(row: Members) -> Descriptor | None:
    """Of an image; None where the daemon does not say."""
    return descriptor(row.get("Descriptor"))


def parts(row: Members) -> tuple[Part, ...]:
    """Of an image, in the daemon's order; none where it does not say. A line that cannot be read is left out."""
    lines = row.get("Manifests")
    return tuple(_parts(lines)) if isinstance(lines, list) else ()


def _parts(lines: list[object]) -> Iterator[Part]:
    for line in lines:
        members = _object(line)
        described = descriptor(members.get("Descriptor"))
        if described is None:
            continue
        attests = _object(members.get("AttestationData")).get("For")
        yield Part(
            described,
            _kind(members.get("Kind")),
            read_platform(_object(members.get("ImageData")).get("Platform")) or described.platform,
            members.get("Available") is True,
            count(_object(members.get("Size")).get("Content")),
            parse_digest(attests) if isinstance(attests, str) else None,
        )


def descriptor(value: object) -> Descriptor | None:
    """None where it is none."""
    members = _object(value)
    media_type, size = members.get("mediaType"), members.get("size")
    digest = members.get("digest")
    found = parse_digest(digest) if isinstance(digest, str) else None
    if found is None or not isinstance(media_type, str) or not isinstance(size, int) or not 0 <= size < _COUNT_END:
        return None
    annotations = {name: text for name, text in _object(members.get("annotations")).items() if isinstance(text, str)}
    return Descriptor(media_type, found, size, read_platform(members.get("platform")), annotations=annotations)


def read_platform(value: object) -> Platform | None:
    """As image-spec writes one; None where system or architecture is missing."""
    members = _object(value)
    said = {name: text for name, text in members.items() if isinstance(text, str) and text}
    if "os" not in said or "architecture" not in said:
        return None
    features = members.get("os.features")
    return Platform(
        said["os"],
        said["architecture"],
        said.get("variant"),
        said.get("os.version"),
        tuple(each for each in features if isinstance(each, str)) if isinstance(features, list) else (),
    )


def parse_digest(text: str) -> Digest | None:
    """None where it is none."""
    try:
        return Digest.parse(text)
    except (DigestInvalid, DigestUnsupported):
        return None


def _kind(value: object) -> PartKind:
    return PartKind(value) if isinstance(value, str) and value in set(PartKind) else PartKind.UNKNOWN


def _object(value: object) -> Members:
    return value if isinstance(value, dict) else {}


def count(value: object) -> int:
    """Of bytes, as daemons count them (int64); 0 for what is none."""
    return value if isinstance(value, int) and 0 < value < _COUNT_END else 0
