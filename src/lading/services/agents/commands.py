"""What to paste on a host so that its agent comes to us: our own agent's line, and that of a stock one in Docker."""

from __future__ import annotations

import shlex
from urllib.parse import urlsplit

from lading.wire.tunnel_login import CONNECT_PATH

STOCK_IMAGE = "ghcr.io/finsys/hawser:latest"


def agent_command(server: str, token: str) -> str:
    """`server` is the URL by which hosts reach us."""
    return shlex.join(["lading", "agent", "--server", server.rstrip("/"), "--token", token])


def stock_command(server: str, token: str) -> str:
    """The same for a stock agent, which wants the whole URL of the WebSocket."""
    parts = urlsplit(server)
    scheme = "wss" if parts.scheme == "https" else "ws"
    url = f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}{CONNECT_PATH}"
    socket = "/var/run/docker.sock"
    words = ["docker", "run", "-d", "--name", "hawser", "--restart", "unless-stopped", "-v", f"{socket}:{socket}"]
    return shlex.join([*words, "-e", f"DOCKHAND_SERVER_URL={url}", "-e", f"TOKEN={token}", STOCK_IMAGE])
