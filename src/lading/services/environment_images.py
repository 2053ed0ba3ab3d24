"""Images as an environment tells of them: in a list, one with all it is made of, the steps that made it, and what is
done to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.platform import Platform


class PartKind(StrEnum):
    """What a manifest in an image's index is, in the words of Docker's API."""

    IMAGE = "image"
    ATTESTATION = "attestation"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Part:
    """A manifest that an image consists of: one platform's image, what somebody attested of it, or something else.

    `available` means that it is here whole; `content` is the bytes of its manifest, config and layers that are here, as
    they are kept, and `blobs` says of which: what two images share is among both. `attests` is the manifest that an
    attestation is about.
    """

    descriptor: Descriptor
    kind: PartKind
    platform: Platform | None
    available: bool
    content: int
    attests: Digest | None = None
    blobs: Mapping[Digest, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Summary:
    """An image in a list. `id` is its root's digest, at a Docker host whatever the daemon says. `created` is seconds
    since 1970, `size` bytes; `names` are references, none where the image has lost its last one; `digests` are
    `repository@digest`. `moved` is when a name was last set, in seconds since 1970.

    `root` and `parts` are empty where a Docker host does not say.
    """

    id: str
    names: tuple[str, ...]
    digests: tuple[str, ...]
    created: float | None
    size: int
    labels: Mapping[str, str] = field(default_factory=dict)
    platforms: tuple[str, ...] = ()
    root: Descriptor | None = None
    parts: tuple[Part, ...] = ()
    moved: float | None = None


@dataclass(frozen=True, slots=True)
class Details:
    """One image with what it is made of; `config` is its own settings (Env, Cmd, …) as the image-spec names them.

    `document` is the whole image config (image-spec, config.md): architecture, os, variant, created, author, config;
    from a Docker host as much of it as the daemon tells. `diff_ids` name the layers uncompressed, from the base up.
    `parent`, `comment` and `docker_version` are what Docker's older engines say besides; empty where they do not.
    """

    summary: Summary
    platform: str
    layers: tuple[str, ...]
    config: Mapping[str, object]
    digest: Digest | None = None
    document: Mapping[str, object] = field(default_factory=dict)
    diff_ids: tuple[str, ...] = ()
    parent: str = ""
    comment: str = ""
    docker_version: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an image's history, newest first. `created` is seconds since 1970. `empty` says whether it made no
    layer: a Docker host leaves that open (None). Where it did, `id` is the layer's digest in our own engine."""

    id: str
    created: float | None
    created_by: str
    size: int
    comment: str = ""
    empty: bool | None = None


@dataclass(frozen=True, slots=True)
class ImageEvent:
    """Something that was done to an image. `at` is seconds since 1970, `nanoseconds` the same where they were counted.
    `id` is the image's, or its name where nobody knew it. `name` is as Docker shortens it, empty for an image without
    one. `told` is what Docker says of the deed besides. `image` is by what the image is found, where somebody knew: of
    a pull or push Docker calls the name its id; empty where all is told."""

    action: str
    id: str
    name: str
    at: float
    told: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    nanoseconds: int | None = None
