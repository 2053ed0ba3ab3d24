"""A way through a proxy to a host that is then spoken to in TLS (RFC 9110, CONNECT)."""

from __future__ import annotations

import socket

from lading.backends.http.channel import Channel
from lading.backends.http.proxies import Proxy
from lading.backends.http.receiving import read_answer
from lading.backends.http.refusals import AnswerMalformed, ProxyRefused, ProxyUnreachable
from lading.backends.http.sending import lines
from lading.backends.http.target import Target
from lading.wire.message import Cancel, ConnectionLost, Stalled


def open_tunnel(connected: socket.socket, proxy: Proxy, target: Target, seconds: float, cancel: Cancel) -> None:
    """Afterwards `connected` leads to the target; else it is closed. Raises ProxyRefused, ProxyUnreachable."""
    channel = Channel(connected, f"the proxy {proxy}")
    host = f"[{target.host}]" if ":" in target.host else target.host
    place = f"{host}:{target.port}"
    fields = {"Host": place}
    if proxy.authorization is not None:
        fields["Proxy-Authorization"] = proxy.authorization
    try:
        with cancel.closing(channel.shut):
            channel.inbox.begin(seconds)
            channel.send_all(lines(f"CONNECT {place} HTTP/1.1", fields), seconds)
            answer = read_answer(channel, "CONNECT", seconds)
        if not 200 <= answer.status < 300:
            raise ProxyRefused(target.authority, str(proxy), answer.status)
        if channel.inbox.peek():
            raise AnswerMalformed(channel.host, "it went on talking before the tunnel was used")
    except BaseException as error:
        channel.close()
        cancel.check()
        if isinstance(error, ConnectionLost | Stalled):
            raise ProxyUnreachable(target.authority, str(proxy), "it hung up or said nothing") from error
        raise
