"""Descriptors: how one piece of content is named by another (image-spec, descriptor.md)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lading.oci.digest import Digest
from lading.oci.document import Fields
from lading.oci.platform import Platform

NO_ANNOTATIONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Descriptor:
    """Media type, digest and size in bytes of one piece of content, and what its parent says of it."""

    media_type: str
    digest: Digest
    size: int
    platform: Platform | None = None
    artifact_type: str | None = None
    annotations: Mapping[str, str] = field(default_factory=lambda: NO_ANNOTATIONS, hash=False)
    urls: tuple[str, ...] = ()
    data: bytes | None = None

    @classmethod
    def read(cls, fields: Fields) -> Descriptor:
        """From a parent's JSON. Raises the document's error, naming the field.

        Embedded `data` is held against digest and size at once: inside Lading it is the content.
        """
        platform = fields.inner("platform")
        descriptor = cls(
            media_type=fields.required_text("mediaType"),
            digest=fields.digest("digest"),
            size=fields.size("size"),
            platform=None if platform is None else Platform.read(platform),
            artifact_type=fields.text("artifactType") or None,
            annotations=fields.mapping("annotations") or NO_ANNOTATIONS,
            urls=fields.texts("urls"),
            data=_embedded(fields),
        )
        if descriptor.data is not None and not descriptor.names(descriptor.data):
            fields.refuse("data", "is not the content that the digest and size name")
        return descriptor

    def written(self) -> dict[str, object]:
        """As JSON members, in the spec's order, without what is empty."""
        members: dict[str, object] = {"mediaType": self.media_type, "digest": str(self.digest), "size": self.size}
        optional = {
            "urls": list(self.urls),
            "annotations": dict(self.annotations),
            "data": None if self.data is None else base64.b64encode(self.data).decode("ascii"),
            "platform": self.platform.written() if self.platform else None,
            "artifactType": self.artifact_type,
        }
        return members | {name: value for name, value in optional.items() if value or value == ""}

    def names(self, content: bytes) -> bool:
        """Whether these bytes are what it names."""
        return len(content) == self.size and Digest.of(content, self.digest.algorithm) == self.digest


def _embedded(fields: Fields) -> bytes | None:
    text = fields.text("data")
    if text is None:
        return None
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        fields.refuse("data", "is not base64")
