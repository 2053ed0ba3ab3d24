"""Whether to ask again, and when: (outcome, attempt, elapsed) -> Again, or None to give up.

    outcome                                     again                                    for whom
    429                                         when it says, else 2, 4, 8… 60 s         everybody at that host
    408 499 5xx with Retry-After                when it says                             everybody at that host
    408 499 5xx without                         0.5, 1, 2… 30 s                          the one who asked
    connection lost, silence                    0.5, 1, 2… 30 s                          the one who asked
    no connection                               the same, once the host has answered     the one who asked
    anything else                               never                                    –

Registries say when in many ways: Retry-After in seconds or as a date, RateLimit fields of three drafts, and now and
then nonsense (`0.3ms`), which counts as nothing said. A host that never answered is not waited for: its name is more
likely wrong than its network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from lading.errors import NetworkFailed
from lading.wire.message import ConnectFailed, ConnectionLost, Request, Response, Stalled

TRANSIENT = frozenset({408, 429, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524, 527})
"""Statuses that may be different next time; 499 and 520 to 527 are proxies' (nginx, Cloudflare)."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and how long, in seconds: `wait` is the longest single wait that a host may ask for, `whole` the
    longest time without progress."""

    attempts: int = 6
    limited_attempts: int = 9
    first: float = 0.5
    longest: float = 30.0
    limited_first: float = 2.0
    limited_longest: float = 60.0
    wait: float = 300.0
    whole: float = 900.0


PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Again:
    """Ask again after `seconds`. `shared`: the whole host is to be left alone until then."""

    seconds: float
    reason: str
    shared: bool = False


def may_repeat(request: Request) -> bool:
    """Whether asking twice does no more than asking once, and costs no body: a body's fate has to be asked first."""
    return request.content is None and request.method in {"GET", "HEAD", "POST"}


def decide(
    outcome: Response | NetworkFailed,
    attempt: int,
    elapsed: float,
    *,
    met: bool,
    now: float,
    jitter: float,
    patience: Patience = PATIENCE,
) -> Again | None:
    """None: give up. `attempt` counts from 1, `elapsed` is in seconds, both since the last progress.

    `met`: the host has answered before. `now` is in seconds since 1970; `jitter` is between 0 and 1, so that those who
    failed together do not come back together.
    """
    if elapsed > patience.whole:
        return None
    if isinstance(outcome, Response):
        return _after_status(outcome, attempt, now, jitter, patience)
    if attempt >= patience.attempts or not _may_recover(outcome, met):
        return None
    return Again(_growing(patience.first, patience.longest, attempt, jitter), _what_happened(outcome))


def _after_status(response: Response, attempt: int, now: float, jitter: float, patience: Patience) -> Again | None:
    limited = response.status == 429
    if response.status not in TRANSIENT or attempt >= (patience.limited_attempts if limited else patience.attempts):
        return None
    reason = "the rate limit" if limited else f"status {response.status}"
    said = said_wait(response.headers, now)
    if said is not None and said > patience.wait:
        return None
    first, longest = (
        (patience.limited_first, patience.limited_longest) if limited else (patience.first, patience.longest)
    )
    if said is None:
        return Again(_growing(first, longest, attempt, jitter), reason, shared=limited)
    return Again(max(said + jitter * min(1.0, said), patience.first * (0.5 + jitter / 2)), reason, shared=True)


def _may_recover(outcome: NetworkFailed, met: bool) -> bool:
    return isinstance(outcome, ConnectionLost | Stalled) or (met and isinstance(outcome, ConnectFailed))


def _what_happened(outcome: NetworkFailed) -> str:
    if isinstance(outcome, Stalled):
        return "silence"
    return "no connection" if isinstance(outcome, ConnectFailed) else "a lost connection"


def _growing(first: float, longest: float, attempt: int, jitter: float) -> float:
    """Twice as long each time, and between half and the whole of it."""
    return min(longest, first * 2.0 ** min(attempt - 1, 16)) * (0.5 + jitter / 2)


_SECONDS = re.compile(r"\d{1,10}(?:\.\d+)?")
_RESET = re.compile(r"(?:^|[;,\s])(?:reset|t)\s*=\s*(\d{1,9})(?:$|[;,\s])")


def said_wait(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait as the answer says; None where it does not, or not in words that mean anything."""
    for field, read in _SAID:
        if field in headers:
            seconds = read(headers[field].strip(), now)
            if seconds is not None:
                return max(0.0, seconds)
    return None


def _retry_after(text: str, now: float) -> float | None:
    """RFC 9110, 10.2.3: seconds or a date."""
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        return parsedate_to_datetime(text).timestamp() - now
    except (ValueError, OverflowError):
        return None


def _reset(text: str, _now: float) -> float | None:
    """RateLimit-Reset: seconds from now (draft-ietf-httpapi-ratelimit-headers-03)."""
    return float(text) if _SECONDS.fullmatch(text) else None


def _reset_member(text: str, _now: float) -> float | None:
    """RateLimit: `limit=100, remaining=0, reset=50` (draft 06) or `"default";r=0;t=50` (draft 10)."""
    found = _RESET.search(text)
    return float(found[1]) if found else None


def _reset_instant(text: str, now: float) -> float | None:
    """X-RateLimit-Reset: seconds since 1970, by convention."""
    return float(text) - now if _SECONDS.fullmatch(text) and float(text) > 1_000_000_000 else None


_SAID = (
    ("retry-after", _retry_after),
    ("ratelimit-reset", _reset),
    ("ratelimit", _reset_member),
    ("x-ratelimit-reset", _reset_instant),
)


@dataclass(frozen=True, slots=True)
class Quota:
    """What a host lets us ask: `remaining` of `limit` requests in a window of `window` seconds (None: not said).

    `source` is whom it counts (Docker Hub: an address or an account).
    """

    remaining: int
    limit: int | None = None
    window: int | None = None
    source: str | None = None


_COUNT = re.compile(r"(\d{1,9})(?:\s*;\s*w\s*=\s*(\d{1,9}))?")


def quota(headers: Mapping[str, str]) -> Quota | None:
    """From `RateLimit-Limit: 100;w=21600` and `RateLimit-Remaining: 37;w=21600`, as Docker Hub writes them."""
    remaining = _COUNT.match(headers.get("ratelimit-remaining", "").strip())
    if remaining is None:
        return None
    limit = _COUNT.match(headers.get("ratelimit-limit", "").strip())
    window = remaining[2] or (limit[2] if limit else None)
    return Quota(
        int(remaining[1]),
        int(limit[1]) if limit else None,
        int(window) if window else None,
        headers.get("docker-ratelimit-source"),
    )
