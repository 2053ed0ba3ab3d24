"""What many jobs say at once, in four statements however many they are.

Each statement takes its rows as one JSON array. A statement for each row would give the interpreter away as often, and
every time wait until all transfers that run had their turn: with two hundred of them, for seconds.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence

from sqlalchemy import Connection, TextClause, text

from lading.services.job_records import Told
from lading.wire.plain_json import plain_object

_SQLITE = {
    "mine": text("""
        SELECT json_group_array(told.key) FROM json_each(:told) AS told
        JOIN job ON job.id = json_extract(told.value, '$.job')
        WHERE job.run = json_extract(told.value, '$.run') AND job.state IN ('queued', 'running')
        AND coalesce(json_extract(told.value, '$.before'), job.cursor) = job.cursor
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
    "beat": text("""
        UPDATE job SET heartbeat = :at
        WHERE state IN ('queued', 'running') AND id IN (SELECT value FROM json_each(:held))
    """),
}

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
    "beat": text("""
        WITH held AS (
            SELECT id FROM job WHERE state IN ('queued', 'running')
            AND id IN (SELECT json_array_elements_text(CAST(:held AS json)) COLLATE "C")
            ORDER BY id FOR UPDATE
        ) UPDATE job SET heartbeat = :at FROM held WHERE job.id = held.id
    """),
}


def tell(connection: Connection, told: Sequence[Told]) -> Collection[str]:
    """Write these, each where its run still has the job; the jobs for which it has not."""
    lost: set[str] = set()
    for batch in _rounds(sorted(told, key=lambda each: each.job)):  # stable: of one job, as they came
        mine = _mine(connection, batch)
        lost.update(each.job for at, each in enumerate(batch) if at not in mine)
        kept = [each for at, each in enumerate(batch) if at in mine]
        if kept:
            statements = _statements(connection)
            connection.execute(statements["advance"], {"told": json.dumps([_row(each) for each in kept])})
            if lines := [line for each in kept for line in _lines(each)]:
                connection.execute(statements["add"], {"lines": json.dumps(lines)})
    return lost


def beat(connection: Connection, jobs: Collection[str], at: float) -> None:
    """Give those of these that have not ended this heartbeat."""
    connection.execute(_statements(connection)["beat"], {"held": json.dumps(sorted(jobs)), "at": at})


def _mine(connection: Connection, batch: Sequence[Told]) -> Collection[int]:
    """The positions of those whose job is still theirs, and locked for this transaction."""
    rows = json.dumps(
        [{"position": at, "job": each.job, "run": each.run, "before": _before(each)} for at, each in enumerate(batch)]
    )
    found = connection.execute(_statements(connection)["mine"], {"told": rows}).scalars().all()
    return set(json.loads(found[0]) if connection.dialect.name == "sqlite" else found)


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
