"""Links that others wrote, as far as they lead to the web: what is shown or handed on is an address, and no script."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

_HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def web_link(text: str) -> str | None:
    """The same as a URL by RFC 3986, what may not stand there encoded; None where it is no http:// or https:// one."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(parts.netloc):
        return None
    path, query, fragment = (_encoded(part) for part in (parts.path, parts.query, parts.fragment))
    return f"{parts.scheme}://{parts.netloc}{path}{'?' + query if query else ''}{'#' + fragment if fragment else ''}"


def _encoded(part: str) -> str:
    return quote(_STRAY_PERCENT.sub("%25", part), safe="%/:?@!$&'()*+,;=~", errors="replace")
