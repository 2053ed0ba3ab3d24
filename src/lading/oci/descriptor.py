"""Descriptors: how one piece of content is named by another (image-spec, descriptor.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lading.oci.digest import Digest
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
    annotations: Mapping[str, str] = field(default=NO_ANNOTATIONS, hash=False)
    urls: tuple[str, ...] = ()
    data: bytes | None = None
