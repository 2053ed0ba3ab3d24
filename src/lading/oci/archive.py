"""The files that make a folder or a tar an image: OCI layouts and Docker's archives (image-spec, image-layout.md).

    oci-layout                  {"imageLayoutVersion":"1.0.0"}          an OCI layout, as a folder or an archive
    index.json                  an index of what is in it; names are annotations of its entries
    blobs/<algorithm>/<hex>     the content
    manifest.json               [{"Config":…,"RepoTags":[…],"Layers":[…]}]    `docker save`; may stand beside the above
    repositories                {"name":{"tag":"layer id"}}                   for Docker before 1.10; only written

Layers of a Docker archive are plain tars unless somebody compressed them; the diffIDs in the config name them plain.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lading.oci.digest import Digest
from lading.oci.document import DocumentInvalid, Fields, read_json, read_object, write_json
from lading.oci.reference import Reference, ReferenceInvalid

LAYOUT_FILE = "oci-layout"
INDEX_FILE = "index.json"
BLOBS = "blobs"
DOCKER_MANIFEST_FILE = "manifest.json"
DOCKER_REPOSITORIES_FILE = "repositories"

LAYOUT_VERSION = "1.0.0"
LAYOUT_TEXT = write_json({"imageLayoutVersion": LAYOUT_VERSION})

REF_NAME = "org.opencontainers.image.ref.name"
"""What an entry of a layout's index is called: a tag, or with most tools a whole reference."""

CONTAINERD_NAME = "io.containerd.image.name"
"""Where containerd and `docker save` keep the whole reference, `ref.name` then being the tag alone."""

_MEMBER_LIMIT = 512


class ArchiveInvalid(DocumentInvalid):
    """An archive's or layout's own files are not what its format says; names the field and the rule."""

    what = "the image archive"


class NoImages(ArchiveInvalid):
    """A tar that is whole, and holds something else than images."""

    hint = "If it holds a root file system, it has to be made an image first."
    command = "If it holds a root file system: lading import FILE NAME[:TAG]"

    def __init__(self) -> None:
        super().__init__("the tar", f"holds neither {INDEX_FILE} nor {DOCKER_MANIFEST_FILE}")


@dataclass(frozen=True, slots=True)
class DockerImage:
    """One image of a Docker archive: names of members, and the references it was saved under."""

    config: str
    layers: tuple[str, ...]
    references: tuple[Reference, ...] = ()


def blob_member(digest: Digest) -> str:
    """Where a layout keeps this content, relative to its root."""
    return f"{BLOBS}/{digest.algorithm}/{digest.encoded}"


def shown_member(name: str) -> str:
    """A member's name in an error: quoted, and not longer than a person reads."""
    return f"the member {name[:160]!r}"


def check_layout(raw: bytes) -> None:
    """That this is the `oci-layout` file of a version Lading reads. Raises ArchiveInvalid."""
    fields = read_object(raw, ArchiveInvalid)
    if fields.required_text("imageLayoutVersion") != LAYOUT_VERSION:
        fields.refuse("imageLayoutVersion", f"must be {LAYOUT_VERSION}")


def check_member(name: str) -> str:
    """A member's name as other files of the archive may write it, normalised. Raises ArchiveInvalid.

    Absolute names, `..`, and what no tool writes (empty parts, backslashes, control characters) are refused rather than
    repaired: a name that means two things to two readers is an attack.
    """
    shown = shown_member(name)
    if not name or len(name) > _MEMBER_LIMIT:
        raise ArchiveInvalid(shown, f"must have 1 to {_MEMBER_LIMIT} characters")
    if name.startswith("/") or "\\" in name or not name.isprintable():
        raise ArchiveInvalid(shown, "is not a relative name inside the archive")
    parts = [part for part in name.removesuffix("/").split("/") if part != "."]
    if ".." in parts or "" in parts:
        raise ArchiveInvalid(shown, "leads out of the archive")
    return "/".join(parts)


def read_docker_manifest(raw: bytes) -> tuple[DockerImage, ...]:
    """The images of a Docker archive's `manifest.json`, at least one: nobody saves none, so whoever loads such a list
    would wait for an image in vain. Raises ArchiveInvalid."""
    entries = read_json(raw, ArchiveInvalid)
    if not isinstance(entries, list):
        raise ArchiveInvalid(DOCKER_MANIFEST_FILE, "must be a list")
    if not entries:
        raise ArchiveInvalid(DOCKER_MANIFEST_FILE, "names no image")
    listed = Fields({DOCKER_MANIFEST_FILE: entries}, "", ArchiveInvalid).each(DOCKER_MANIFEST_FILE)
    return tuple(_docker_image(fields) for fields in listed)


def write_docker_manifest(images: Iterable[DockerImage]) -> bytes:
    """`manifest.json` for these images, readable by every `docker load` since 1.10."""
    return write_json(
        [
            {
                "Config": image.config,
                "RepoTags": [reference.familiar for reference in image.references],
                "Layers": list(image.layers),
            }
            for image in images
        ]
    )


def write_docker_repositories(images: Iterable[DockerImage]) -> bytes:
    """`repositories` for these images: names by tag, as docker writes it beside `manifest.json`."""
    names: dict[str, dict[str, str]] = {}
    for image in images:
        for reference in image.references:
            if reference.tag and image.layers:
                tags = names.setdefault(reference.repository.familiar, {})
                tags[reference.tag] = image.layers[-1].rpartition("/")[2]
    return write_json(names)


def _docker_image(fields: Fields) -> DockerImage:
    return DockerImage(
        check_member(fields.required_text("Config")),
        tuple(check_member(layer) for layer in fields.texts("Layers")),
        tuple(_reference(fields, text) for text in fields.texts("RepoTags")),
    )


def _reference(fields: Fields, text: str) -> Reference:
    try:
        return Reference.parse(text)
    except ReferenceInvalid as error:
        raise ArchiveInvalid(f"{fields.path}.RepoTags", f"is wrong: {error}") from error
