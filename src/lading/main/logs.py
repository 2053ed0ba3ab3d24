"""What the service logs: a line of JSON for each record, on standard error, with nothing secret in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from lading.oci.instants import instant
from lading.services.blotting import without_secrets

_QUIET = {"uvicorn": logging.WARNING, "asyncio": logging.WARNING}
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class LogLine(logging.Formatter):
    """One object a line: `time`, `level`, `logger`, `message`, then the record's own fields, then `exception`.

    Whatever a foreign library puts into a record, tokens and logins in URLs are blotted out.
    """

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, object] = {
            "time": instant(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        said |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return without_secrets(json.dumps(said, default=str))


@contextmanager
def logged_to(stream: TextIO, level: int = logging.INFO) -> Iterator[None]:
    """Records of every library go there while inside, from this level of logging's on."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LogLine())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(level)
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(quiet)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
