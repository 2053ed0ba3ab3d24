"""The one platform that some commands are about."""

from __future__ import annotations

from lading.errors import InputInvalid
from lading.fronts.cli.invocation import Invocation
from lading.oci.platform import Platform


class PlatformsTooMany(InputInvalid):
    """Several platforms for a command that is about one image of one kind."""

    hint = "Give --platform once, like linux/arm64"

    def __init__(self, words: tuple[str, ...]) -> None:
        super().__init__(words)
        self.words = words

    def __str__(self) -> str:
        return f"one platform is needed here, not {len(self.words)}: {', '.join(self.words)}"


def one_platform(invocation: Invocation) -> Platform | None:
    """What --platform or the setting says; None where they say nothing. Raises PlatformsTooMany, PlatformInvalid."""
    words = invocation.application.preferences.platform
    if len(words) > 1:
        raise PlatformsTooMany(words)
    return Platform.parse(words[0]) if words else None
