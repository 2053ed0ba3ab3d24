"""Names at a server for a shell that completes a word: asked for a moment, and remembered for when there is no answer.

{"https://lading.corp images": {"at": 1795305600.0, "names": ["web:1.4"]}}
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lading.backends.credentials import private_file
from lading.backends.server_client.client import Json, ServerClient
from lading.engine.cancel import Cancellation
from lading.errors import LadingError

LIMIT_SECONDS = 0.3
"""A person who presses a key does not wait longer."""

FRESH_SECONDS = 5.0
KEPT_SECONDS = 24 * 60 * 60.0
MOST = 200

_LISTS: Mapping[str, tuple[str, Callable[[Json], Sequence[object]]]] = {
    "images": ("/api/images", lambda row: _texts(row.get("tags"))),
    "jobs": ("/api/jobs", lambda row: [row.get("id")]),
    "registry": ("/api/registries", lambda row: [row.get("name")]),
    "environment": ("/api/environments", lambda row: [row.get("name")]),
    "user": ("/api/users", lambda row: [row.get("username")]),
    "role": ("/api/roles", lambda row: [row.get("name")]),
    "repository": ("/api/repositories", lambda row: [row.get("name")]),
}


def live_names(server: ServerClient, noun: str, file: Path | None) -> Sequence[str]:
    """The names of a noun there, or those that were there lately; none where nobody knows any. Raises nothing."""
    key, now = f"{server.url} {noun}", time.time()
    kept = _kept(file).get(key, {})
    at, names = kept.get("at"), [each for each in _texts(kept.get("names")) if isinstance(each, str)]
    age = now - at if isinstance(at, int | float) else KEPT_SECONDS
    if age < FRESH_SECONDS:
        return names
    try:
        found = _asked(server, noun)
    except LadingError:
        return names if age < KEPT_SECONDS else []
    _keep(file, key, {"at": now, "names": found})
    return found


def _asked(server: ServerClient, noun: str) -> list[str]:
    path, names = _LISTS[noun]
    with Cancellation(LIMIT_SECONDS, clock=time.monotonic) as cancel:
        answer = server.get(path, cancel, {"page": 1, "limit": MOST})
    rows = [row for row in _texts(answer.get("items")) if isinstance(row, dict)]
    return [name for row in rows for name in names(row) if isinstance(name, str)]


def _texts(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _kept(file: Path | None) -> Mapping[str, Json]:
    """What cannot be read is as if it were not there: it is remembered for convenience."""
    try:
        raw = private_file.read(file) if file else None
        document = json.loads(raw) if raw else {}
    except (ValueError, LadingError):
        return {}
    return {key: row for key, row in document.items() if isinstance(row, dict)} if isinstance(document, dict) else {}


def _keep(file: Path | None, key: str, row: Json) -> None:
    if file is None:
        return
    try:
        with private_file.changing(file):
            private_file.replace(file, json.dumps({**_kept(file), key: row}).encode())
    except LadingError:
        return  # the next key press asks again
