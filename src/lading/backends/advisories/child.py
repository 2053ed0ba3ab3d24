"""The importer's own process: reads what strangers wrote into rows, at low priority and with bounded memory.

    in     one line of JSON: an Order
    out    lines of JSON: {"files": n, "read": n} now and then, and one of {"done": …} and {"failed": …} at the end

Killed at any moment it leaves the rows as they were: they change in one step, when its transaction is committed.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path

from lading.backends.advisories.confinement import confine
from lading.backends.advisories.failures import AdvisoriesDamaged, AdvisoriesFull, AdvisoriesUnusable, storing
from lading.backends.advisories.found import Found, Source, SourceBroken
from lading.backends.advisories.messages import Failure, Order
from lading.backends.advisories.schema import begin, opened_to_write
from lading.backends.advisories.sources import opened_source
from lading.backends.advisories.tally import Bringing, Tally
from lading.backends.advisories.writing import Writing
from lading.errors import StorageFailed

TOLD_EVERY = 1000
"""Files between two words about how far it is."""

_CHECKPOINT_MILLISECONDS = 200


def main() -> int:
    """Whatever happens is told, unless it kills us."""
    confine()
    order = Order.read(sys.stdin.buffer.readline())
    try:
        tally = _imported(order)
    except (SourceBroken, OSError, StorageFailed, MemoryError) as error:
        _tell({"failed": asdict(_failure(error))})
        return 1
    _tell({"done": asdict(tally)})
    return 0


def _imported(order: Order) -> Tally:
    source = opened_source(Path(order.path), order.branch, Path(order.scratch))
    with closing(source), storing(Path(order.database)):
        os.close(os.open(order.database, os.O_RDWR | os.O_CREAT, 0o600))  # what SQLite makes beside it is as private
        return _kept(source, order)


def _kept(source: Source, order: Order) -> Tally:
    """Raises sqlite3.Error, SourceBroken, OSError."""
    with closing(opened_to_write(Path(order.database))) as connection:
        begin(connection)
        tally = _written(connection, source, order)
        connection.execute("COMMIT")
        _shrink(connection)
    return tally


def _written(connection: sqlite3.Connection, source: Source, order: Order) -> Tally:
    built = order.built if order.built is not None else source.built
    writing = Writing(connection, Bringing(order.name, order.location, order.now, order.whole, built))
    for number, found in enumerate(_files(source), 1):
        writing.take(found.path, found.content)
        if number % TOLD_EVERY == 0:
            _tell({"files": number})
    tally = writing.end()
    if order.whole and not tally.seen:
        raise SourceBroken(
            "it has no advisory in the OSV format",
            "A file is named by its advisory's id: PYSEC-2021-1.json, .yaml or .yml. Of a git repository, another "
            "branch may have them: --branch NAME.",
        )
    return tally


def _files(source: Source) -> Iterator[Found]:
    """What cannot be read is the source's fault, not that of the file that is written. Raises SourceBroken."""
    try:
        yield from source.files()
    except OSError as error:
        raise _unreadable(error) from error


def _unreadable(error: OSError) -> SourceBroken:
    return SourceBroken((error.strerror or "it cannot be read").lower())


def _shrink(connection: sqlite3.Connection) -> None:
    """Give back the room of what was written beside the rows, unless somebody reads: then the next import does."""
    with suppress(sqlite3.Error):
        connection.execute(f"PRAGMA busy_timeout = {_CHECKPOINT_MILLISECONDS}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _failure(error: Exception) -> Failure:
    if isinstance(error, OSError):
        error = _unreadable(error)
    if isinstance(error, SourceBroken):
        return Failure("broken", error.reason, error.hint)
    if isinstance(error, AdvisoriesFull):
        return Failure("full", error.path)
    if isinstance(error, AdvisoriesDamaged):
        return Failure("damaged", error.reason)
    if isinstance(error, AdvisoriesUnusable):
        return Failure("unusable", error.reason)
    return Failure("broken", "it takes more memory than any advisories do")


def _tell(said: dict[str, object]) -> None:
    try:
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(1)  # nobody listens any more, and to end in order would only fail again


if __name__ == "__main__":
    sys.exit(main())
