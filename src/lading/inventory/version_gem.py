"""Versions of Ruby's gems (Gem::Version): parts without an end, all noughts from where the text stops."""

from __future__ import annotations

import re

from lading.inventory.version_unreadable import VersionUnreadable

_VERSION = re.compile(r"\s*[0-9]+(?:\.[0-9A-Za-z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?\s*", re.ASCII)
_PARTS = re.compile(r"[0-9]+|[A-Za-z]+", re.ASCII)

Step = tuple[int, int, int, str]
Key = tuple[Step, ...]


def key(version: str) -> Key:
    """Keys stand in the order of their versions. Raises VersionUnreadable."""
    if _VERSION.fullmatch(version) is None:
        raise VersionUnreadable("RubyGems", version)
    return _steps(_canonical(_PARTS.findall(version.replace("-", ".pre."))))


def _canonical(parts: list[str]) -> list[str]:
    """Without the noughts before the first word: 1.0.a is 1.a."""
    first_word = next((place for place, part in enumerate(parts) if part.isalpha()), len(parts))
    numbers = parts[:first_word]
    while numbers and not int(numbers[-1]):
        numbers.pop()
    return numbers + parts[first_word:]


def _steps(parts: list[str]) -> Key:
    """Each part that is no nought, with how many noughts are before it.

    A word is less than a nought and a number more: so the sooner a word comes the older, the sooner a number the newer
    is the version, and one that goes on with noughts for ever is between the two.
    """
    steps: list[Step] = []
    noughts = 0
    for part in parts:
        if part.isalpha():
            steps.append((-1, noughts, 0, part))
        elif int(part):
            steps.append((1, -noughts, int(part), ""))
        else:
            noughts += 1
            continue
        noughts = 0
    return (*steps, (0, 0, 0, ""))
