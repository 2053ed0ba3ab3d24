"""Heads of requests, parsed by llhttp: strict about what other readers could take differently."""

from __future__ import annotations

import httptools

from lading.wire.http_framing import TARGET_LIMIT, Head, RequestRefused

_VERSIONS = {"1.0": 0, "1.1": 1}


class _Collected:
    """Receives the parser's calls."""

    def __init__(self) -> None:
        self.target = b""
        self.fields: list[tuple[str, str]] = []
        self.complete = False

    def on_url(self, target: bytes) -> None:
        self.target += target

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t")))

    def on_headers_complete(self) -> None:
        self.complete = True


def parse_head(raw: bytes) -> Head:
    """`raw` ends with its empty line. Raises RequestRefused."""
    collected = _Collected()
    parser = httptools.HttpRequestParser(collected)
    try:
        parser.feed_data(raw)
    except httptools.HttpParserUpgrade:
        pass  # an offer to speak something else, which a server may pass over (RFC 9110, 7.8)
    except httptools.HttpParserError:
        raise RequestRefused(400, "this is not an HTTP/1.1 request") from None
    if not collected.complete:
        raise RequestRefused(400, "the head of the request does not end")
    version = parser.get_http_version()
    if version not in _VERSIONS:
        raise RequestRefused(505, "HTTP/1.1 and HTTP/1.0 are spoken here")
    if len(collected.target) > TARGET_LIMIT:
        raise RequestRefused(414, "the request target is too long")
    method = parser.get_method().decode("latin-1")
    return _origin_form(Head(method, collected.target.decode("latin-1"), _VERSIONS[version], tuple(collected.fields)))


def _origin_form(head: Head) -> Head:
    """Path and query alone; a whole URL's host replaces the Host field (RFC 9112, 3.2.2)."""
    if head.target.startswith("/") or (head.target == "*" and head.method == "OPTIONS"):
        return head
    scheme, _, rest = head.target.partition("://")
    authority, slash, path = rest.partition("/")
    if scheme.lower() not in {"http", "https"} or not authority or "?" in authority:
        raise RequestRefused(400, "the request target is no path")
    fields = (("host", authority), *(field for field in head.fields if field[0] != "host"))
    return Head(head.method, slash + path or "/", head.minor_version, fields)
