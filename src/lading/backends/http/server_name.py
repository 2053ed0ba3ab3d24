"""Which program it is that answers on a port of this machine."""

from __future__ import annotations

from lading.backends.http.transport import HttpTransport
from lading.errors import NetworkFailed, ProtocolBroken
from lading.wire.endpoint import Endpoint, Tls
from lading.wire.message import Cancel, Request
from lading.wire.registry_urls import Root, url

ANSWER_SECONDS = 1.0
"""A program on this machine that is silent for longer is no registry of ours."""


_WAYS = (("http", Tls.HTTP), ("https", Tls.SKIP))
"""No secret is sent and nothing is believed but a name for people, so whose certificate it is does not matter."""


def server_name(port: int, cancel: Cancel, user_agent: str) -> str:
    """The field `Server` of what `/v2/` on this port of loopback answers, in plain HTTP or by TLS; empty where there is
    none."""
    for scheme, tls in _WAYS:
        if name := _asked(f"{scheme}://127.0.0.1:{port}", tls, cancel, user_agent):
            return name
    return ""


def _asked(base: str, tls: Tls, cancel: Cancel, user_agent: str) -> str:
    transport = HttpTransport(lambda host: Endpoint(host, tls), {}, user_agent, connect_seconds=ANSWER_SECONDS)
    asking = Request("GET", url(base, Root()), answer_seconds=ANSWER_SECONDS, stall_seconds=ANSWER_SECONDS)
    try:
        return transport.send(asking, cancel).headers.get("server", "")
    except (NetworkFailed, ProtocolBroken):
        return ""
    finally:
        transport.close()
