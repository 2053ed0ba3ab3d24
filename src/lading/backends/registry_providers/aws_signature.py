"""Amazon's Signature Version 4: an Authorization field that proves a key and never sends it.

    canonical request ─ sha256 ─▶ string to sign ─ HMAC by a key of day, region and service ─▶ signature

The body is part of it, and so is the time: a clock that is minutes off is refused.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Key:
    """An access key; `session` belongs to a temporary one."""

    id: str
    secret: str = field(repr=False)
    session: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Which service is asked, and in which region."""

    region: str
    service: str


def signed(
    method: str, url: str, headers: Mapping[str, str], body: bytes, *, key: Key, place: Place, now: float
) -> dict[str, str]:
    """The request's headers with those that sign it. `now` is in seconds since 1970; the URL has no query."""
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    parts = urlsplit(url)
    sent = {**{name.lower(): value for name, value in headers.items()}, "x-amz-date": stamp}
    if key.session:
        sent["x-amz-security-token"] = key.session
    covered = dict(sorted({**sent, "host": parts.netloc}.items()))
    names = ";".join(covered)
    canonical = "\n".join(
        [
            method,
            quote(parts.path or "/"),
            parts.query,
            *(f"{name}:{' '.join(value.split())}" for name, value in covered.items()),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{stamp[:8]}/{place.region}/{place.service}/aws4_request"
    text = "\n".join([ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signature = hmac.new(_signing_key(key, stamp[:8], place), text.encode(), hashlib.sha256).hexdigest()
    credential = f"Credential={key.id}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**sent, "authorization": f"{ALGORITHM} {credential}"}


def _signing_key(key: Key, day: str, place: Place) -> bytes:
    derived = f"AWS4{key.secret}".encode()
    for part in (day, place.region, place.service, "aws4_request"):
        derived = hmac.new(derived, part.encode(), hashlib.sha256).digest()
    return derived
