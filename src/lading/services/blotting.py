"""Secrets in texts that strangers or libraries wrote: blotted out before anybody keeps them."""

from __future__ import annotations

import re

BLOT = "***"
_SECRETS = re.compile(
    r"lad_[A-Za-z0-9_-]{6,}"  # API tokens
    r"|(?<=://)[^/\s@\"]+(?=@)"  # logins in URLs
    r"|(?<=Basic )[A-Za-z0-9+/=_-]+|(?<=Bearer )[^\s\",]+"  # Authorization
    r"|(?<=session=)[^\s;,\"]+|(?<=token=)[^\s&;,\"]+"  # cookies, set-up links
)


def without_secrets(text: str) -> str:
    """A net below everything that keeps secrets out of texts in the first place, for what slips through."""
    return _SECRETS.sub(BLOT, text)
