"""Manifests and indexes, byte for byte (image-spec, manifest.md and image-index.md; Docker's schema 2).

The bytes are the truth: what is parsed here only reads them, and `raw` is what is stored and sent. New ones are
written by `build` and `narrowed`, always in the same way, so the same input gives the same digest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lading.errors import Refused, Side
from lading.oci.descriptor import NO_ANNOTATIONS, Descriptor
from lading.oci.digest import Algorithm, Digest
from lading.oci.document import DOCUMENT_LIMIT, DocumentInvalid, Fields, read_object, write_json
from lading.oci.media_types import OCI_INDEX, OCI_MANIFEST, is_document, is_index, is_schema1
from lading.oci.platform import is_attestation, subject_of_attestation

MANIFEST_LIMIT = DOCUMENT_LIMIT
"""The longest manifest or index, in bytes (distribution-spec, Pushing Manifests)."""


class ManifestInvalid(DocumentInvalid):
    """A manifest or index that breaks its specification; names the field and the rule."""

    what = "the manifest"


class SchemaOneRefused(Refused):
    """Docker's first manifest schema: it names no config and signs nothing that can be checked."""

    side = Side.SOURCE
    code = "schema1"
    why = "Docker and containerd have removed the format too; its content cannot be moved without changing it."
    hint = "Pull it with a tool that still converts, such as skopeo, and push the result."

    def __str__(self) -> str:
        return "the image is in Docker's manifest schema 1, which Lading does not move"


@dataclass(frozen=True, slots=True)
class Manifest:
    """One image or artifact: a config and the layers on it. `raw` is exact; the other fields are read from it."""

    raw: bytes = field(repr=False)
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    artifact_type: str | None = None
    annotations: Mapping[str, str] = field(default_factory=lambda: NO_ANNOTATIONS, hash=False)

    @classmethod
    def build(
        cls,
        config: Descriptor,
        layers: Iterable[Descriptor],
        *,
        media_type: str = OCI_MANIFEST,
        artifact_type: str | None = None,
        subject: Descriptor | None = None,
        annotations: Mapping[str, str] = NO_ANNOTATIONS,
    ) -> Manifest:
        """A new one, in the spec's order of fields and without spaces."""
        held = tuple(layers)
        members = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "artifactType": artifact_type,
            "config": config.written(),
            "layers": [layer.written() for layer in held],
            "subject": subject.written() if subject else None,
            "annotations": dict(annotations) or None,
        }
        return cls(_written(members), media_type, config, held, subject, artifact_type, annotations)

    @property
    def children(self) -> tuple[Descriptor, ...]:
        """What must be held before this manifest: config first, then layers from the base up."""
        return (self.config, *self.layers)

    def descriptor(self, algorithm: Algorithm = Algorithm.SHA256) -> Descriptor:
        """How a parent or a tag names it; the artifact type is the one a referrers list shows."""
        artifact_type = self.artifact_type or (self.config.media_type if self.subject else None)
        return _descriptor(self.raw, self.media_type, artifact_type, algorithm)


@dataclass(frozen=True, slots=True)
class Index:
    """A choice of manifests, one for each platform, and attestations of them. `raw` is exact."""

    raw: bytes = field(repr=False)
    media_type: str
    manifests: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    artifact_type: str | None = None
    annotations: Mapping[str, str] = field(default_factory=lambda: NO_ANNOTATIONS, hash=False)

    @classmethod
    def build(
        cls,
        manifests: Iterable[Descriptor],
        *,
        media_type: str = OCI_INDEX,
        artifact_type: str | None = None,
        subject: Descriptor | None = None,
        annotations: Mapping[str, str] = NO_ANNOTATIONS,
    ) -> Index:
        """A new one, in the spec's order of fields and without spaces."""
        held = tuple(manifests)
        members = {
            "schemaVersion": 2,
            "mediaType": media_type,
            "artifactType": artifact_type,
            "manifests": [manifest.written() for manifest in held],
            "subject": subject.written() if subject else None,
            "annotations": dict(annotations) or None,
        }
        return cls(_written(members), media_type, held, subject, artifact_type, annotations)

    @property
    def children(self) -> tuple[Descriptor, ...]:
        """What must be held before this index."""
        return self.manifests

    def descriptor(self, algorithm: Algorithm = Algorithm.SHA256) -> Descriptor:
        """How a parent or a tag names it."""
        return _descriptor(self.raw, self.media_type, self.artifact_type, algorithm)

    def narrowed(self, wanted: Callable[[Descriptor], bool]) -> Index:
        """The same index with only the children `wanted`; attestations stay with their image and are not asked about.

        This very object when nothing is dropped. What Lading does not read (unknown fields) is kept as it stands.
        """
        kept = _kept(self.manifests, wanted)
        if all(kept):
            return self
        members = dict(read_object(self.raw, ManifestInvalid).members)
        entries = members["manifests"]
        assert isinstance(entries, list)  # it parsed when this index was made
        members["manifests"] = [entry for entry, keep in zip(entries, kept, strict=True) if keep]
        raw = write_json(members)
        manifests = tuple(child for child, keep in zip(self.manifests, kept, strict=True) if keep)
        return Index(raw, self.media_type, manifests, self.subject, self.artifact_type, self.annotations)


def parse_manifest(raw: bytes, media_type: str | None = None) -> Manifest | Index:
    """What these bytes are; `media_type` is what the descriptor or Content-Type said, None where nobody did.

    A type that is no manifest's (`text/plain` from some registries) counts as not said. Bytes that could be taken for
    both a manifest and an index, or for another type than was said, are refused (CVE-2021-41190).
    Raises ManifestInvalid, SchemaOneRefused.
    """
    if media_type is not None and is_schema1(media_type):
        raise SchemaOneRefused
    fields = read_object(raw, ManifestInvalid)
    said = _type_said(fields, media_type if media_type and is_document(media_type) else None)
    _check_version(fields)
    _check_shape(fields, said)
    return _index(raw, said, fields) if is_index(said) else _manifest(raw, said, fields)


def _type_said(fields: Fields, media_type: str | None) -> str:
    """The document's own type, which must agree with the one outside; by its shape where neither says."""
    own = fields.text("mediaType")
    if (own and is_schema1(own)) or (own is None and fields.get("schemaVersion") == 1):
        raise SchemaOneRefused
    if own is None:
        return media_type or (OCI_INDEX if fields.get("manifests") is not None else OCI_MANIFEST)
    if not is_document(own):
        fields.refuse("mediaType", f"is {own[:160]!r}, which is no manifest")
    if media_type is not None and own != media_type:
        fields.refuse("mediaType", f"is {own}, but the content was given as {media_type}")
    return own


def _check_version(fields: Fields) -> None:
    if fields.size("schemaVersion") != 2:
        fields.refuse("schemaVersion", "must be 2")


_BELONGS_TO_MANIFEST = ("config", "layers", "fsLayers", "history")
_BELONGS_TO_INDEX = ("manifests", "fsLayers", "history")


def _check_shape(fields: Fields, media_type: str) -> None:
    strangers = _BELONGS_TO_MANIFEST if is_index(media_type) else _BELONGS_TO_INDEX
    for name in strangers:
        if fields.get(name) is not None:
            fields.refuse(name, f"does not belong in {media_type}")


def _manifest(raw: bytes, media_type: str, fields: Fields) -> Manifest:
    config = fields.inner("config")
    if config is None:
        fields.refuse("config", "is missing")
    return Manifest(
        raw,
        media_type,
        Descriptor.read(config),
        tuple(Descriptor.read(layer) for layer in fields.each("layers")),
        _subject(fields),
        fields.text("artifactType") or None,
        fields.mapping("annotations") or NO_ANNOTATIONS,
    )


def _index(raw: bytes, media_type: str, fields: Fields) -> Index:
    return Index(
        raw,
        media_type,
        tuple(Descriptor.read(manifest) for manifest in fields.each("manifests")),
        _subject(fields),
        fields.text("artifactType") or None,
        fields.mapping("annotations") or NO_ANNOTATIONS,
    )


def _subject(fields: Fields) -> Descriptor | None:
    subject = fields.inner("subject")
    return None if subject is None else Descriptor.read(subject)


def _descriptor(raw: bytes, media_type: str, artifact_type: str | None, algorithm: Algorithm) -> Descriptor:
    return Descriptor(media_type, Digest.of(raw, algorithm), len(raw), artifact_type=artifact_type)


def _written(members: Mapping[str, object]) -> bytes:
    return write_json({name: value for name, value in members.items() if value is not None})


def _kept(manifests: Sequence[Descriptor], wanted: Callable[[Descriptor], bool]) -> list[bool]:
    images = {manifest.digest: wanted(manifest) for manifest in manifests if not is_attestation(manifest)}
    kept = []
    for manifest in manifests:
        subject = subject_of_attestation(manifest)
        spoken_of = subject if subject in images else manifest.digest
        kept.append(images[spoken_of] if spoken_of in images else wanted(manifest))
    return kept
