"""What jobs say is written, and held, at a cost that goes with how many say it: not with how many jobs there are."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event

from lading.backends.database.engine import open_engine
from lading.backends.database.job_rows import DatabaseJobs
from lading.backends.database.prepare import prepare
from lading.backends.database.transactions import Transactions
from lading.services.jobs.records import Held, JobRecords, Told
from tests.contract.job_records_suite import FIRST, NOW, a_job, line

BY_ID = re.compile(r"SEARCH job USING (COVERING )?INDEX sqlite_autoindex_job_1 \(id=\?\)")

ASKED: Sequence[tuple[str, Callable[[JobRecords], object]]] = (
    ("tell", lambda records: records.tell([Told(FIRST, 1, NOW, (line(1, "a"),))])),
    ("tell again", lambda records: records.tell([Told(FIRST, 1, NOW, (line(7, "late"),))])),
    ("beat", lambda records: records.beat([Held(FIRST, 1)])),
    ("lost", lambda records: records.lost([Held(FIRST, 1)])),
    ("let go", lambda records: records.let_go([Held(FIRST, 1)])),
    ("put off", lambda records: records.put_off([Held(FIRST, 1)], 60.0)),
)


@pytest.mark.parametrize(("name", "ask"), ASKED, ids=[name for name, _ in ASKED])
def test_each_job_is_found_by_its_id(tmp_path: Path, name: str, ask: Callable[[JobRecords], object]) -> None:
    path = tmp_path / "lading.db"
    prepare(path)
    transactions = Transactions(open_engine(path), path)
    asked: list[tuple[str, object]] = []
    with closing(transactions):
        records = DatabaseJobs(transactions)
        records.add(a_job(FIRST), None)
        records.claim(FIRST, NOW)
        event.listen(transactions.engine, "before_cursor_execute", lambda *said: asked.append((said[2], said[3])))
        ask(records)

    with closing(sqlite3.connect(path)) as connection:
        for text, values in asked:
            steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]  # type: ignore[arg-type]  # as the driver got them
            of_jobs = [step for step in steps if re.search(r"\bjob\b", step)]
            assert all(map(BY_ID.match, of_jobs)), (name, text, steps)
    assert any("json_each" in text for text, _ in asked)


def test_those_that_wait_elsewhere_are_not_even_looked_at(tmp_path: Path) -> None:
    """Every process looks, every few seconds, for what nobody holds."""
    path = tmp_path / "lading.db"
    prepare(path)
    transactions = Transactions(open_engine(path), path)
    asked: list[tuple[str, object]] = []
    with closing(transactions):
        records = DatabaseJobs(transactions)
        event.listen(transactions.engine, "before_cursor_execute", lambda *said: asked.append((said[2], said[3])))
        records.left(10.0)

    with closing(sqlite3.connect(path)) as connection:
        (steps,) = [
            [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]  # type: ignore[arg-type]  # as the driver got them
            for text, values in asked
            if "FROM job" in text
        ]
    assert steps[0] == "SEARCH job USING INDEX job_by_state_heartbeat (state=? AND heartbeat<?)"
