"""A request that somebody else led here, as every door that browsers can reach answers it (ours: how it is known)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lading.fronts.http.ours import OurNames, is_led, names_one


@dataclass(frozen=True, slots=True)
class LedHere:
    """The answer to it: a status, and a JSON object."""

    status: int
    body: Mapping[str, str]


def led_here(
    names: OurNames, hosts: Sequence[str], origins: Sequence[str], site: str | None = None, method: str = "GET"
) -> LedHere | None:
    """What to answer to a request with these fields Host, Origin and Sec-Fetch-Site; None where it may come in."""
    if not names_one(hosts, origins):
        return LedHere(400, {"error": "A request names one host, and one page at most", "code": "invalid"})
    host, origin = hosts[0], next(iter(origins), None)
    if not names.permits_host(host):
        text = f"This server does not go by the name {host[:300]!r}"
        return LedHere(421, {"error": text, "hint": "If it should, its setting public-url has to say so."})
    if not names.permits_origin(origin, host) or is_led(origin, site, method):
        text = "The page that asks is from another site."
        hint = "If it is this server's own, its setting public-url has to say so."
        return LedHere(403, {"error": "Permission denied", "detail": text, "hint": hint})
    return None
