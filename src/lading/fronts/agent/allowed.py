"""What of the engine's API a server may ask for through this agent: images and what belongs to them, and nothing that
runs, reads or changes a container, a volume or the host. Whoever takes the server over takes no host with it."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

from lading.wire.docker_door import Route, match

_ALLOWED = frozenset(
    {
        Route.PING,
        Route.VERSION,
        Route.INFO,
        Route.EVENTS,
        Route.USAGE,
        Route.DISTRIBUTION,
        Route.LIST,
        Route.PULL_OR_IMPORT,
        Route.LOAD,
        Route.PRUNE,
        Route.SAVE,
        Route.SAVE_ONE,
        Route.INSPECT,
        Route.HISTORY,
        Route.PUSH,
        Route.TAG,
        Route.REMOVE,
    }
)


_SOURCE, _BODY = "fromSrc", "-"
"""Where an import comes from; anything but the request's own body is an address that the engine would fetch."""


def is_allowed(method: str, path: str) -> bool:
    """Whether this is handed on; `path` as it was sent, with its query. One that means another once it is tidied up,
    as engines do, is not; nor one that would be read as part of the engine's address, or that has the engine fetch from
    an address of the server's choice."""
    asked, _, query = path.partition("?")
    call = match(method, asked)
    if call is None or call.route not in _ALLOWED or not asked.startswith("/") or "#" in path:
        return False
    if any(name == _SOURCE and value != _BODY for name, value in parse_qsl(query, keep_blank_values=True)):
        return False
    return not {".", ".."} & set(unquote(asked).split("/"))
