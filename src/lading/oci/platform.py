"""Platforms: what a manifest was built for, and which of several serves somebody (image-spec, image-index.md)."""

from __future__ import annotations

from dataclasses import dataclass

from lading.errors import InputInvalid


class PlatformInvalid(InputInvalid):
    """Text that names no platform."""

    hint = "Write os/architecture or os/architecture/variant, like linux/arm64 or linux/arm/v7."

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"{self.text[:160]!r} is not a platform"


@dataclass(frozen=True, slots=True)
class Platform:
    """Operating system, architecture and, where it matters, variant, version and features, in the spec's spelling."""

    os: str
    architecture: str
    variant: str | None = None
    os_version: str | None = None
    os_features: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)
