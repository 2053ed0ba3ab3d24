"""What the service logs, on standard error, with nothing secret in it: a line of JSON for each record, or a line to
read, where somebody sits at a terminal."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from lading.fronts.cli.texts import visible
from lading.oci.instants import instant
from lading.services.blotting import without_secrets

_QUIET = {
    "uvicorn": logging.WARNING,
    "asyncio": logging.WARNING,
    "procrastinate": logging.CRITICAL,  # what it ends of, and where it cannot go on, job_queue.worker says
    "psycopg.pool": logging.ERROR,  # who wants a connection says that there is none
}
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class TerminalLine(logging.Formatter):
    """`12:30:05 warning: message`, then the record's own fields as `name=value`, then its traceback."""

    default_time_format = "%H:%M:%S"

    def format(self, record: logging.LogRecord) -> str:
        own = "".join(f" {name}={value}" for name, value in _fields(record).items())
        time = self.formatTime(record, self.default_time_format)
        said = visible(f"{time} {record.levelname.lower()}: {record.getMessage()}{own}")
        if record.exc_info:
            said += "\n" + visible(self.formatException(record.exc_info), kept="\n\t")
        return without_secrets(said)


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
        said |= _fields(record)
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return without_secrets(json.dumps(said, default=str))


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """What its own code said beside the message."""
    return {name: value for name, value in vars(record).items() if name not in _OWN}


@contextmanager
def logged_to(stream: TextIO, level: int = logging.INFO) -> Iterator[None]:
    """Records of every library go there while inside, from this level of logging's on."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(TerminalLine() if stream.isatty() else LogLine())
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
