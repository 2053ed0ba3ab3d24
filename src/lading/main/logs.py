"""What the service logs, on standard error, with nothing secret in it: a line of JSON for each record, or a line to
read, where somebody sits at a terminal."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from lading.errors import Unavailable
from lading.fronts.cli.texts import visible
from lading.oci.instants import instant
from lading.services.blotting import without_secrets

_QUIET = {
    "uvicorn": logging.WARNING,
    "asyncio": logging.WARNING,
    "procrastinate": logging.CRITICAL,  # what it ends of, and where it cannot go on, job_queue.worker says
    "psycopg.pool": logging.ERROR,  # who wants a connection says that there is none
}
AGAIN_SECONDS = 60.0
"""How often the same is said of something that is away, at most."""

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class TerminalLine(logging.Formatter):
    """`12:30:05 warning: message`, then the record's own fields as `name=value`, then its traceback."""

    default_time_format = "%H:%M:%S"

    def format(self, record: logging.LogRecord) -> str:
        own = "".join(f" {name}={value}" for name, value in _fields(record).items())
        time = self.formatTime(record, self.default_time_format)
        said = visible(f"{time} {record.levelname.lower()}: {record.getMessage()}{own}")
        if record.exc_info and (away := _away(record)):
            said += f": {visible(str(away))}"
        elif record.exc_info:
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
            said["exception"] = str(_away(record) or self.formatException(record.exc_info))
        return without_secrets(json.dumps(said, default=str))


class SeldomAway(logging.Filter):
    """Passes what is said of something that is away, which is no defect and told by itself (services.outages), once in
    AGAIN_SECONDS for each who says it; and everything else."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` never goes back."""
        super().__init__()
        self._clock, self._lock = clock, threading.Lock()
        self._said: dict[tuple[object, ...], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        away = _away(record)
        if away is None:
            return True
        besides = [str(each) for each in _arguments(record) if not isinstance(each, Unavailable)]
        said, now = (record.name, record.msg, *besides, type(away)), self._clock()
        with self._lock:
            self._said = {each: at for each, at in self._said.items() if now - at < AGAIN_SECONDS}
            known = said in self._said
            self._said.setdefault(said, now)
        return not known


def _away(record: logging.LogRecord) -> Unavailable | None:
    """The error that it is about, if that says that something is away."""
    raised = record.exc_info[1] if record.exc_info else None
    return next((each for each in (raised, *_arguments(record)) if isinstance(each, Unavailable)), None)


def _arguments(record: logging.LogRecord) -> tuple[object, ...]:
    return record.args if isinstance(record.args, tuple) else ()


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """What its own code said beside the message."""
    return {name: value for name, value in vars(record).items() if name not in _OWN}


@contextmanager
def logged_to(stream: TextIO, level: int = logging.INFO) -> Iterator[None]:
    """Records of every library go there while inside, from this level of logging's on."""
    handler = logging.StreamHandler(stream)
    handler.addFilter(SeldomAway(time.monotonic))
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
