"""How strict a rule about signatures is."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """What becomes of an image whose signatures do not satisfy a rule."""

    OFF = "off"
    REPORT = "report"
    ENFORCE = "enforce"
