"""An image as a folder that other programs read: what it takes to make one. The backends do it, main joins the two."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from lading.oci.descriptor import Descriptor
from lading.wire.message import Reader


@dataclass(frozen=True, slots=True)
class LayoutParts:
    """One manifest and what it names: `content` is its config and its layers, each once or more often. `open` gives the
    bytes of the manifest and of each of them, whole and from the start; it raises ContentUnknown."""

    manifest: Descriptor
    content: Sequence[Descriptor]
    open: Callable[[Descriptor], Reader]


class Layouts(Protocol):
    """Makes OCI layouts that hold one manifest."""

    def __call__(self, parts: LayoutParts) -> AbstractContextManager[Path]:
        """The layout's folder, gone afterwards. Raises StorageFailed, and what `open` raises."""
