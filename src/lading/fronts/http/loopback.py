"""Which hosts are this machine alone: what an open door may listen on and be called by."""

from __future__ import annotations

import ipaddress
import re

_HOST = re.compile(r"(\[[^\]]*\]|[^:\[\]]*)(?::[0-9]{1,5})?")


def is_loopback(host: str) -> bool:
    """Whether `host`, with or without a port, is localhost, a name below it, or a loopback address.

    No name is looked up: another name that leads here today may lead a browser here from a foreign page.
    """
    match = _HOST.fullmatch(host)
    if not match:
        return False
    name = match[1].strip("[]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
