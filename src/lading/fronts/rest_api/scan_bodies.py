"""What requests about scans bring."""

from __future__ import annotations

from lading.fronts.rest_api.bodies import Body, Text


class ScanBody(Body):
    """A scan of `image`; without `scanner` by the one that is set."""

    image: Text | None = None
    scanner: Text | None = None
    platform: Text | None = None


class ScannerBody(Body):
    """Which scanner looks at images."""

    scanner: Text | None = None
