"""What a URL asks of whom (RFC 9110, http and https URLs). A login inside a URL is not ours to send: it is dropped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from lading.backends.http.refusals import UrlInvalid
from lading.wire.guard import DEFAULT_PORTS

_UNSAFE = re.compile(r"[^\x21-\x7e]")


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a request goes to and what it names there.

    `host` is lower case and without brackets, `authority` is host[:port] as the URL has it (the Host field, and the
    name people read), `selector` is path and query.
    """

    scheme: str
    host: str
    port: int
    authority: str
    selector: str

    @classmethod
    def parse(cls, url: str) -> Target:
        """Raises UrlInvalid."""
        if _UNSAFE.search(url):
            raise UrlInvalid("it holds spaces or characters that must be percent-encoded")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise UrlInvalid("its host or port cannot be read") from error
        if parts.scheme not in DEFAULT_PORTS:
            raise UrlInvalid("it is neither http nor https")
        if not host:
            raise UrlInvalid("it has no host")
        selector = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        authority = parts.netloc.rpartition("@")[2].lower()
        return cls(parts.scheme, host, port or DEFAULT_PORTS[parts.scheme], authority, selector)

    @property
    def absolute(self) -> str:
        """The whole URL, which a proxy for plain HTTP is asked for (RFC 9112, absolute-form)."""
        return f"{self.scheme}://{self.authority}{self.selector}"
