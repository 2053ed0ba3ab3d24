"""Which of several fixed versions is the one for what is installed: the lowest above it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from lading.inventory.feeds import LANGUAGE_ECOSYSTEMS
from lading.inventory.version_unreadable import VersionUnreadable
from lading.inventory.versions import compare, key

_ECOSYSTEMS = {
    "deb": "Debian",
    "apk": "Alpine",
    "rpm": "Red Hat",
    **{kind.value: ecosystem for kind, ecosystem in LANGUAGE_ECOSYSTEMS.items()},
    **dict.fromkeys(("swift", "cocoapods", "k8s", "kubernetes", "hex", "pub"), "npm"),
}
"""Whose order of versions a type of packages has (purl-spec, types); the last ones have semantic versions."""


def lowest_above(type: str, installed: str, candidates: Sequence[str]) -> str | None:  # noqa: A002  purl's own word
    """The lowest of them above `installed`, for a type of purl; RustSec writes them as bounds (`>= 2.1.3, < 3.0.0`).
    Where their order cannot be told, all of them in one text; None where there are none."""
    candidates = [each.removeprefix(">=").strip() for each in candidates if not each.startswith("<")]
    if len(candidates) <= 1:
        return candidates[0] if candidates else None
    ecosystem = _ECOSYSTEMS.get(type, "")
    try:
        above = [each for each in candidates if compare(ecosystem, each, installed) > 0]
        return min(above, key=partial(key, ecosystem), default=candidates[-1])
    except VersionUnreadable:
        return ", ".join(candidates)
