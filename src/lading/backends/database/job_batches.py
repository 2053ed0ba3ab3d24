"""What many jobs say at once, and who holds them, in a statement or four however many they are.

Each statement takes its rows as one JSON array. A statement for each row would give the interpreter away as often, and
every time wait until all transfers that run had their turn: with two hundred of them, for seconds.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any  # what a column holds, its statement says

from sqlalchemy import Connection, TextClause, text

from lading.backends.database import audit_rows
from lading.backends.database.database_clock import POSTGRES_NOW, SQLITE_NOW
from lading.services.jobs.records import Held, Told
from lading.wire.plain_json import plain_object

_SQLITE = {
    "mine": text("""
        SELECT json_group_array(told.key) FROM json_each(:told) AS told
        JOIN job ON job.id = json_extract(told.value, '$.job')
        WHERE job.run = json_extract(told.value, '$.run') AND +job.state IN ('queued', 'running')
        AND coalesce(json_extract(told.value, '$.before'), job.cursor) = job.cursor
    """),
    "known": text("""
        SELECT job.id, job.cursor FROM json_each(:lines) AS line JOIN job ON job.id = json_extract(line.value, '$.job')
        WHERE job.run = json_extract(line.value, '$.run') AND job.cursor = json_extract(line.value, '$.number')
        AND job.updated = json_extract(line.value, '$.at')
        AND (+job.state = json_extract(line.value, '$.state')
            OR json_extract(line.value, '$.state') IS NULL AND +job.state IN ('queued', 'running'))
    """),
    "advance": text("""
        UPDATE job SET
            updated = json_extract(told.value, '$.updated'),
            cursor = coalesce(json_extract(told.value, '$.cursor'), job.cursor),
            totals = coalesce(json_extract(told.value, '$.totals'), job.totals),
            state = coalesce(json_extract(told.value, '$.state'), job.state),
            result = coalesce(json_extract(told.value, '$.result'), job.result)
        FROM json_each(:told) AS told WHERE job.id = json_extract(told.value, '$.job')
    """),
    "add": text("""
        INSERT INTO job_line (job, number, run, at, data)
        SELECT json_extract(value, '$.job'), json_extract(value, '$.number'), json_extract(value, '$.run'),
            json_extract(value, '$.at'), json_extract(value, '$.data')
        FROM json_each(:lines)
    """),
    "beat": text(f"""
        UPDATE job SET heartbeat = {SQLITE_NOW} FROM json_each(:held) AS held
        WHERE job.id = json_extract(held.value, '$.job') AND job.run = json_extract(held.value, '$.run')
        AND +job.state IN ('queued', 'running')
    """),  # noqa: S608  our own clock
    "held": text("""
        SELECT json_group_array(job.id) FROM json_each(:held) AS held
        JOIN job ON job.id = json_extract(held.value, '$.job')
        WHERE job.run = json_extract(held.value, '$.run') AND +job.state IN ('queued', 'running')
    """),
    "put_off": text(f"""
        UPDATE job SET heartbeat = {SQLITE_NOW} + :seconds FROM json_each(:held) AS held
        WHERE job.id = json_extract(held.value, '$.job') AND job.run = json_extract(held.value, '$.run')
        AND +job.state = 'queued'
    """),  # noqa: S608  our own clock
    "let_go": text("""
        UPDATE job SET heartbeat = 0 FROM json_each(:held) AS held
        WHERE job.id = json_extract(held.value, '$.job') AND job.run = json_extract(held.value, '$.run')
        AND +job.state IN ('queued', 'running')
    """),
}
"""Each job is found by its id. The plus takes `state` out of the question how: by its index SQLite went through all
jobs that wait or run, and through the whole array for each of them."""

_HELD = """
    SELECT job.id FROM json_to_recordset(CAST(:held AS json)) AS held (job text COLLATE "C", run integer)
    JOIN job ON job.id = held.job WHERE job.run = held.run AND job.state IN ('queued', 'running')
"""

_POSTGRES = {
    "mine": text("""
        SELECT told.position
        FROM json_to_recordset(CAST(:told AS json))
            AS told (position integer, job text COLLATE "C", run integer, before integer)
        JOIN job ON job.id = told.job
        WHERE job.run = told.run AND job.state IN ('queued', 'running')
        AND coalesce(told.before, job.cursor) = job.cursor
        ORDER BY job.id FOR UPDATE OF job
    """),
    "known": text("""
        SELECT job.id, job.cursor FROM json_to_recordset(CAST(:lines AS json)) AS line (
            job text COLLATE "C", run integer, number integer, at double precision, state text
        ) JOIN job ON job.id = line.job
        WHERE job.run = line.run AND job.cursor = line.number AND job.updated = line.at
        AND (job.state = line.state OR line.state IS NULL AND job.state IN ('queued', 'running'))
    """),
    "advance": text("""
        UPDATE job SET
            updated = told.updated,
            cursor = coalesce(told.cursor, job.cursor),
            totals = coalesce(CAST(told.totals AS json), job.totals),
            state = coalesce(told.state, job.state),
            result = coalesce(CAST(told.result AS json), job.result)
        FROM json_to_recordset(CAST(:told AS json)) AS told (
            job text COLLATE "C", updated double precision, cursor integer, totals text, state text, result text
        ) WHERE job.id = told.job
    """),
    "add": text("""
        INSERT INTO job_line (job, number, run, at, data)
        SELECT job, number, run, at, CAST(data AS json) FROM json_to_recordset(CAST(:lines AS json))
            AS line (job text, number integer, run integer, at double precision, data text)
    """),
    "beat": text(f"""
        WITH mine AS ({_HELD} ORDER BY job.id FOR UPDATE OF job)
        UPDATE job SET heartbeat = {POSTGRES_NOW} FROM mine WHERE job.id = mine.id
    """),  # noqa: S608  our own words
    "held": text(_HELD),
    "put_off": text(f"""
        WITH mine AS ({_HELD} AND job.state = 'queued' ORDER BY job.id FOR UPDATE OF job)
        UPDATE job SET heartbeat = {POSTGRES_NOW} + :seconds FROM mine WHERE job.id = mine.id
    """),  # noqa: S608  our own words
    "let_go": text(f"""
        WITH mine AS ({_HELD} ORDER BY job.id FOR UPDATE OF job)
        UPDATE job SET heartbeat = 0 FROM mine WHERE job.id = mine.id
    """),  # noqa: S608  our own words
}


def tell(connection: Connection, told: Sequence[Told]) -> Collection[str]:
    """Write these, each where its run still has the job; the jobs for which it has not. Where entries are among them,
    the trail's turn is taken."""
    lost: set[str] = set()
    for batch in _rounds(sorted(told, key=lambda each: each.job)):  # stable: of one job, as they came
        refused = _write(connection, batch)
        if refused:
            lost.update(each.job for each in _write(connection, _unwritten(connection, refused)))
    return lost


def _write(connection: Connection, batch: Sequence[Told]) -> Sequence[Told]:
    """Those whose job is not theirs, or whose lines do not follow: nothing was written of them."""
    mine = _mine(connection, batch)
    kept = [each for at, each in enumerate(batch) if at in mine]
    if kept:
        statements = _statements(connection)
        connection.execute(statements["advance"], {"told": json.dumps([_row(each) for each in kept])})
        if lines := [line for each in kept for line in _lines(each)]:
            connection.execute(statements["add"], {"lines": json.dumps(lines)})
        if entries := [each.entry for each in kept if each.entry is not None]:
            audit_rows.append(connection, entries)
    return [each for at, each in enumerate(batch) if at not in mine]


def beat(connection: Connection, held: Collection[Held]) -> Collection[str]:
    """A heartbeat for each of these that is still held so; the others."""
    beaten = connection.execute(_statements(connection)["beat"], _held(held)).rowcount
    return () if beaten == len(held) else lost(connection, held)


def lost(connection: Connection, held: Collection[Held]) -> Collection[str]:
    """Those that are not held so any more."""
    found = _column(connection, "held", _held(held))
    return {each.job for each in held}.difference(found)


def let_go(connection: Connection, held: Collection[Held]) -> None:
    """Those that are still held so: nobody does any more."""
    connection.execute(_statements(connection)["let_go"], _held(held))


def put_off(connection: Connection, held: Collection[Held], seconds: float) -> None:
    """Those that are still held so and wait: their heartbeat is so far ahead."""
    connection.execute(_statements(connection)["put_off"], {**_held(held), "seconds": seconds})


def _held(held: Collection[Held]) -> dict[str, str]:
    return {"held": json.dumps([{"job": each.job, "run": each.run} for each in held])}


def _mine(connection: Connection, batch: Sequence[Told]) -> Collection[int]:
    """The positions of those whose job is still theirs, and locked for this transaction."""
    rows = json.dumps(
        [{"position": at, "job": each.job, "run": each.run, "before": _before(each)} for at, each in enumerate(batch)]
    )
    return set(_column(connection, "mine", {"told": rows}))


def _column(connection: Connection, question: str, values: dict[str, str]) -> Sequence[Any]:
    """What it finds. SQLite gives it as one text: for every row the interpreter would be given away once more."""
    found: Sequence[Any] = connection.execute(_statements(connection)[question], values).scalars().all()
    return list(json.loads(found[0])) if connection.dialect.name == "sqlite" else found


def _unwritten(connection: Connection, told: Sequence[Told]) -> Sequence[Told]:
    """What is left of these where a row stands, to the instant, at one of their own lines: an earlier attempt was kept,
    and its answer was lost."""
    lines = [
        {
            "job": each.job,
            "run": each.run,
            "number": line.number,
            "at": line.at,
            "state": each.state if line is each.lines[-1] else None,
        }
        for each in told
        for line in each.lines
    ]
    rows = connection.execute(_statements(connection)["known"], {"lines": json.dumps(lines)}).all()
    reached = {row.id: row.cursor for row in rows}
    left = [
        replace(each, lines=tuple(line for line in each.lines if line.number > reached.get(each.job, 0)))
        for each in told
    ]
    return [each for each in left if each.lines or each.job not in reached]


def _rounds(told: Iterable[Told]) -> Iterator[list[Told]]:
    """One after the other what is about the same job."""
    left = list(told)
    while left:
        batch = {each.job: each for each in reversed(left)}
        yield list(batch.values())[::-1]
        left = [each for each in left if batch[each.job] is not each]


def _row(told: Told) -> dict[str, object]:
    return {
        "job": told.job,
        "updated": told.at,
        "cursor": told.lines[-1].number if told.lines else None,
        "totals": None if told.totals is None else json.dumps(plain_object(told.totals)),
        "state": None if told.state is None else told.state.value,
        "result": None if told.result is None else json.dumps(plain_object(told.result)),
    }


def _before(told: Told) -> int | None:
    return told.lines[0].number - 1 if told.lines else None


def _lines(told: Told) -> Iterator[dict[str, object]]:
    for line in told.lines:
        data = json.dumps(plain_object(line.data))
        yield {"job": told.job, "number": line.number, "run": told.run, "at": line.at, "data": data}


def _statements(connection: Connection) -> dict[str, TextClause]:
    return _SQLITE if connection.dialect.name == "sqlite" else _POSTGRES
