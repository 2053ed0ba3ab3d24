"""What a Docker host says when something failed: typed by status and code, and where it gives only text, by phrases.

A daemon asked to pull with a wrong password answers 500, and once its stream has begun there is no status at all: the
cause stands nowhere but in a sentence, which Docker has kept over the years because programs read it. So here, and
nowhere else in Lading, a sentence decides; the table below is all of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lading.errors import (
    AccessDenied,
    ContentCorrupt,
    InputInvalid,
    LadingError,
    NetworkFailed,
    NotFound,
    RateLimited,
    Refused,
    Side,
    StorageFailed,
    TlsRefused,
)
from lading.wire.json_answers import read_json

SAID_LIMIT = 300
"""Characters of a daemon's sentence that are kept for people."""


class DaemonFault(LadingError):
    """What all have in common: `said` is the daemon's own sentence, bounded and on one line."""

    side = Side.HOST

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said

    def __str__(self) -> str:
        return f"the Docker host says: {self.said}"


class RegistryLoginRefused(DaemonFault, AccessDenied):
    """The registry wants a login, or does not take the one it got, or does not let it do this."""

    side = Side.CALLER
    hint = "Check the registry's user name and password."


class RegistryRateLimited(DaemonFault, RateLimited):
    """The registry wants to be left alone."""

    side = Side.TARGET
    hint = "Wait, or give the registry a login: many allow more to those they know."


class RegistryTlsRefused(DaemonFault, TlsRefused):
    """The Docker host and the registry found no protected connection."""

    side = Side.NETWORK
    hint = (
        "If the registry uses HTTP, add it to Docker's insecure-registries in /etc/docker/daemon.json; "
        "if a private CA signed its certificate, that host needs the CA in /etc/docker/certs.d/HOST:PORT/ca.crt."
    )


class RegistryUnreachable(DaemonFault, NetworkFailed):
    """The Docker host cannot reach the registry."""

    side = Side.NETWORK
    hint = "Check the registry's name and port, and that the Docker host can reach it."


class ThingMissing(DaemonFault, NotFound):
    """An image, here or at the registry."""

    side = Side.CALLER


class PlatformNotOffered(ThingMissing):
    """The image was not built for that platform."""

    code = "platform"


class Conflict(DaemonFault, Refused):
    """A rule of the Docker host or of the registry forbids it."""

    side = Side.CALLER


class RequestRefused(DaemonFault, InputInvalid):
    """400: the daemon does not understand, or finds it impossible."""

    side = Side.CALLER


class ArchiveRefused(DaemonFault, ContentCorrupt):
    """What was to be loaded is no whole archive."""

    side = Side.SOURCE


class DaemonStorageFailed(DaemonFault, StorageFailed):
    """The Docker host's disk did not do its part."""


class DaemonFailed(DaemonFault):
    """Anything else: the daemon, or the registry behind it, broke down."""


Cause = type[DaemonFault]

_BY_STATUS: Mapping[int, Cause] = {
    400: RequestRefused,
    401: RegistryLoginRefused,
    403: RegistryLoginRefused,
    404: ThingMissing,
    409: Conflict,
    429: RegistryRateLimited,
}

_BY_PHRASE: tuple[tuple[str, Cause], ...] = (
    ("toomanyrequests", RegistryRateLimited),
    ("429 too many requests", RegistryRateLimited),
    ("server gave http response to https client", RegistryTlsRefused),
    ("http request to an https server", RegistryTlsRefused),
    ("x509:", RegistryTlsRefused),
    ("tls:", RegistryTlsRefused),
    ("no basic auth credentials", RegistryLoginRefused),
    ("unauthorized:", RegistryLoginRefused),
    ("401 unauthorized", RegistryLoginRefused),
    ("authentication required", RegistryLoginRefused),
    ("authorization failed", RegistryLoginRefused),
    ("incorrect username or password", RegistryLoginRefused),
    ("insufficient_scope", RegistryLoginRefused),
    ("access denied", RegistryLoginRefused),
    ("requested access to the resource is denied", RegistryLoginRefused),
    ("403 forbidden", RegistryLoginRefused),
    ("denied:", RegistryLoginRefused),
    ("no matching manifest for", PlatformNotOffered),
    ("specified platform", PlatformNotOffered),
    ("tag does not exist:", ThingMissing),
    ("does not exist locally with the tag", ThingMissing),
    ("manifest unknown", ThingMissing),
    ("name unknown", ThingMissing),
    ("repository name not known to registry", ThingMissing),
    ("no such image", ThingMissing),
    ("reference does not exist", ThingMissing),
    ("no such host", RegistryUnreachable),
    ("connection refused", RegistryUnreachable),
    ("connection reset by peer", RegistryUnreachable),
    ("network is unreachable", RegistryUnreachable),
    ("no route to host", RegistryUnreachable),
    ("i/o timeout", RegistryUnreachable),
    ("context deadline exceeded", RegistryUnreachable),
    ("request canceled while waiting for connection", RegistryUnreachable),
    ("server misbehaving", RegistryUnreachable),
    ("dial tcp", RegistryUnreachable),
    ("no space left on device", DaemonStorageFailed),
    ("read-only file system", DaemonStorageFailed),
    ("conflict:", Conflict),
    ("immutable", Conflict),
    ("cannot overwrite digest", Conflict),
    ("unexpected eof", ArchiveRefused),
    ("invalid tar header", ArchiveRefused),
    ("error processing tar file", ArchiveRefused),
    ("unrecognized image format", ArchiveRefused),
)
"""Looked for in this order, in lower case, outside quoted URLs: recorded from dockerd 20.10, and from the sources of
its versions since."""

_QUOTED_URL = re.compile(r'"https?://[^"]*"')


def fault(said: str, status: int | None = None) -> DaemonFault:
    """The typed error. A status decides; the sentence only chooses among the kinds of what the status says."""
    sentence = one_line(said)
    by_status = _BY_STATUS.get(status) if status is not None else None
    by_phrase = _by_phrase(sentence)
    if by_status is not None and (by_phrase is None or not issubclass(by_phrase, by_status)):
        return by_status(sentence)
    return (by_phrase or DaemonFailed)(sentence)


def _by_phrase(sentence: str) -> Cause | None:
    text = _QUOTED_URL.sub("", sentence).lower()
    return next((cause for phrase, cause in _BY_PHRASE if phrase in text), None)


def message_of(body: bytes) -> str:
    """The sentence of an error answer: `{"message": "…"}`, or the bare text that very old daemons send."""
    try:
        members = read_json(body)
    except (ValueError, RecursionError):
        members = None
    message = members.get("message") if isinstance(members, dict) else None
    if isinstance(message, str):
        return message
    return body[: 4 * SAID_LIMIT].decode("utf-8", "replace")


def one_line(text: str) -> str:
    """Fit to be shown: no control characters, no line breaks, bounded."""
    shown = "".join(character if character.isprintable() else " " for character in text[: 4 * SAID_LIMIT])
    return " ".join(shown.split())[:SAID_LIMIT] or "it does not say why"
