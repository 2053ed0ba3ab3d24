"""A played stock agent as a process of its own, set up by the real one's environment variables.

DOCKHAND_SERVER_URL=ws://127.0.0.1:3000/api/hawser/connect TOKEN=… python -m tests.fakes.stock_agent_process [old|new]
"""

from __future__ import annotations

import asyncio
import os
import ssl
import sys

from tests.fakes.stock_agent import PATH, Habits, StockAgent, Variant
from tests.fakes.stock_engine import SocketEngine


def _trust(variables: dict[str, str]) -> ssl.SSLContext | None:
    if not variables["DOCKHAND_SERVER_URL"].startswith("wss"):
        return None
    context = ssl.create_default_context(cafile=variables.get("CA_CERT"))
    if variables.get("TLS_SKIP_VERIFY") == "true":
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def agent_of(variables: dict[str, str], variant: Variant) -> StockAgent:
    """As the real one's environment variables set it up."""
    heartbeat = float(variables.get("HEARTBEAT_INTERVAL", "30"))
    habits = Habits(
        heartbeat,
        float(variables.get("REQUEST_TIMEOUT", "30")),
        reconnect=float(variables.get("RECONNECT_DELAY", "1")),
        longest_reconnect=float(variables.get("MAX_RECONNECT_DELAY", "60")),
    )
    return StockAgent(
        variables["DOCKHAND_SERVER_URL"].removesuffix(PATH),
        variables["TOKEN"],
        SocketEngine(variables.get("DOCKER_SOCKET", "/var/run/docker.sock")),
        variant,
        variables.get("AGENT_NAME", "agent"),
        habits,
        _trust(variables),
    )


if __name__ == "__main__":
    asyncio.run(agent_of(dict(os.environ), Variant[sys.argv[1].upper()] if sys.argv[1:] else Variant.OLD).run())
