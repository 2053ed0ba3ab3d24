"""An image in a list, as each version of the API spells it (ImageSummary, ManifestSummary)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.platform import UNKNOWN
from lading.oci.reference import Reference
from lading.services.environment_images import Part, PartKind, Summary
from lading.wire.docker_urls import LISTS_PARTS_FROM, ApiVersion

NONE_BEFORE = ApiVersion(1, 43)
"""Until then an image without a name was called `<none>`."""

VIRTUAL_SIZE_BEFORE = ApiVersion(1, 44)
DESCRIPTOR_FROM = ApiVersion(1, 48)
CONTAINERS_FROM = ApiVersion(1, 51)

Json = dict[str, object]


def repo_tags(summary: Summary) -> list[str]:
    """Its names, as Docker shortens them."""
    return [reference.familiar for reference in map(Reference.parse, summary.names) if reference.digest is None]


def repo_digests(summary: Summary) -> list[str]:
    """`repository@digest`, as Docker shortens it."""
    return [Reference.parse(text).familiar for text in summary.digests]


def disk_size(summary: Summary) -> int:
    """Bytes of everything of the image that is here, its manifests too, as `docker images --tree` adds them up."""
    return sum(_content(summary).values()) or summary.size


def summary_json(summary: Summary, version: ApiVersion, *, shared: int = -1, manifests: bool = False) -> Json:
    """`shared` is the bytes it shares with others, -1 where nobody asked."""
    tags, digests, size = repo_tags(summary), repo_digests(summary), disk_size(summary)
    if version < NONE_BEFORE and not (tags or digests):
        tags, digests = ["<none>:<none>"], ["<none>@<none>"]
    written: Json = {
        "Containers": 0 if version >= CONTAINERS_FROM else -1,
        "Created": int(summary.created or 0),
        "Id": summary.id,
        "Labels": dict(summary.labels) or None,
        "ParentId": "",
        "RepoDigests": digests,
        "RepoTags": tags,
        "SharedSize": shared,
        "Size": size,
    }
    if version < VIRTUAL_SIZE_BEFORE:
        written["VirtualSize"] = size
    if version >= DESCRIPTOR_FROM and summary.root is not None:
        written["Descriptor"] = summary.root.written()
    if manifests and version >= LISTS_PARTS_FROM:
        written["Manifests"] = manifests_json(summary.parts)
    return written


def manifests_json(parts: Sequence[Part]) -> Sequence[Json]:
    """What an image consists of, in the order of its index."""
    return [_manifest(part) for part in parts]


def _manifest(part: Part) -> Json:
    written: Json = {
        "ID": str(part.descriptor.digest),
        "Descriptor": part.descriptor.written(),
        "Available": part.available,
        "Size": {"Content": part.content, "Total": part.content},
        "Kind": part.kind.value,
    }
    return {**written, **_about(part)}


def _about(part: Part) -> Mapping[str, object]:
    """Nothing is unpacked here, and nothing runs."""
    match part.kind:
        case PartKind.IMAGE:
            platform = (part.platform or UNKNOWN).written()
            return {"ImageData": {"Platform": platform, "Size": {"Unpacked": 0}, "Containers": []}}
        case PartKind.ATTESTATION:
            return {"AttestationData": {"For": str(part.attests or "")}}
        case PartKind.UNKNOWN:
            return {}


def descriptor_json(descriptor: Descriptor) -> Json:
    """What it names, without what an index says of it besides."""
    return {"mediaType": descriptor.media_type, "digest": str(descriptor.digest), "size": descriptor.size}


def shared_sizes(images: Sequence[Summary]) -> Mapping[str, int]:
    """For each image's id, the bytes of its content that others have too."""
    owners: Counter[Digest] = Counter()
    sizes: dict[Digest, int] = {}
    held = {image.id: _content(image) for image in images}
    for content in held.values():
        owners.update(content.keys())
        sizes |= content
    return {
        id: sum(sizes[digest] for digest in content if owners[digest] > 1)  # one image names a digest once
        for id, content in held.items()  # noqa: A001  an image's own word
    }


def _content(image: Summary) -> Mapping[Digest, int]:
    """An index is no part of itself."""
    content = {digest: size for part in image.parts for digest, size in part.blobs.items()}
    return {**content, image.root.digest: image.root.size} if content and image.root is not None else content
