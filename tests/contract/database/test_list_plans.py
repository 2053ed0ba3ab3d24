"""A page of a list costs the same however long the list is: SQLite takes its rows in their order and stops, and what is
very much is not counted or added up for each page."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event

from benchmarks.scale.growth_rows import MANY, Rows, fill
from lading.backends.database.audit_rows import DatabaseAudit
from lading.backends.database.engine import open_engine
from lading.backends.database.job_rows import DatabaseJobs
from lading.backends.database.postgres import open_postgres
from lading.backends.database.prepare import prepare
from lading.backends.database.repositories import DatabaseRecords
from lading.backends.database.repository_lists import HOLDS_MUCH
from lading.backends.database.totals import MANY as VERY_MANY
from lading.backends.database.transactions import Transactions
from lading.oci.digest import Digest
from lading.services.audit.records import AuditFilter
from lading.services.jobs.job import JobState
from lading.services.jobs.records import JobFilter
from lading.services.repositories.edits import HoldBlob
from tests.peers.postgres_server import RunningPostgres

ALL_SORTED = re.compile(r"USE TEMP B-TREE FOR ORDER BY")
"""What SQLite says where it takes all rows that fit and sorts them; "RIGHT PART" sorts those of the same instant."""

ENDED = frozenset({JobState.DONE, JobState.ERROR, JobState.CANCELLED, JobState.INTERRUPTED})


class Asked:
    """A database, and what was asked of it."""

    def __init__(self, path: Path) -> None:
        prepare(path)
        self.path = path
        self.transactions = Transactions(open_engine(path), path)
        self.jobs, self.audit = DatabaseJobs(self.transactions), DatabaseAudit(self.transactions)
        self.records = DatabaseRecords(self.transactions)
        self._said: list[tuple[str, object]] = []
        event.listen(self.transactions.engine, "before_cursor_execute", self._note)

    def _note(self, *said: object) -> None:
        self._said.append((str(said[2]), said[3]))

    def fill(self, rows: Rows) -> None:
        """MANY is there before."""
        self.records.change(MANY, lambda _: [HoldBlob(Digest.of(b"layer"), 5)], 1.0)
        fill(self.path, Rows(), rows)

    def said(self, question: Callable[[], object]) -> Sequence[str]:
        """The statements that this asks."""
        self._said.clear()
        question()
        return [text for text, _ in self._said]

    def plan(self, question: Callable[[], object]) -> str:
        """What SQLite does for them."""
        self.said(question)
        asked = [each for each in self._said if each[0].startswith(("SELECT", "WITH"))]
        assert asked
        with closing(sqlite3.connect(self.path)) as connection:
            rows = [connection.execute(f"EXPLAIN QUERY PLAN {text}", values) for text, values in asked]  # type: ignore[arg-type]  # as the driver got them
            return "\n".join(str(row[3]) for each in rows for row in each)


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    made = Asked(tmp_path / "lading.db")
    with closing(made.transactions):
        yield made


def counts(statements: Sequence[str]) -> int:
    return sum("count(" in each.lower() or "sum(" in each.lower() for each in statements)


@pytest.mark.parametrize(
    "wanted",
    [
        JobFilter(),
        JobFilter(kind="pull"),
        JobFilter(states=ENDED),
        JobFilter(states=frozenset({JobState.ERROR})),
        JobFilter(owner=1),
        JobFilter(owner=1, token=2, states=ENDED),
        JobFilter(environment=1),
        JobFilter(text="app"),
    ],
    ids=["all", "a kind", "ended", "failed", "an owner's", "a token's", "an environment's", "by text"],
)
def test_a_page_of_jobs_is_taken_in_order(asked: Asked, wanted: JobFilter) -> None:
    assert not ALL_SORTED.search(asked.plan(lambda: asked.jobs.page(wanted, 0, 50)))


@pytest.mark.parametrize(
    "wanted",
    [
        AuditFilter(),
        AuditFilter(actor="ann"),
        AuditFilter(entity_type="image"),
        AuditFilter(entity_type="image", entity_id="sha256:1"),
        AuditFilter(environments=frozenset({1, 2})),
        AuditFilter(text="app", since=5.0),
    ],
    ids=str,
)
def test_a_page_of_the_audit_trail_is_taken_in_order(asked: Asked, wanted: AuditFilter) -> None:
    assert not ALL_SORTED.search(asked.plan(lambda: asked.audit.page(wanted, 0, 50)))


def test_pages_of_names_are_taken_in_order(asked: Asked) -> None:
    for question in (lambda: asked.records.names("", 0, 50), lambda: asked.records.tag_names("a/b", "", 0, 50)):
        plan = asked.plan(question)
        assert not ALL_SORTED.search(plan)
        assert "SCAN tag" not in plan


@pytest.mark.parametrize("owner", [None, 1])
def test_jobs_of_an_owner_that_have_not_ended_are_found_by_their_state(asked: Asked, owner: int | None) -> None:
    plan = asked.plan(lambda: asked.jobs.waiting(owner))

    assert re.search(r"SEARCH job USING INDEX job_by_state_\w+ \(state=\?", plan), plan


def test_very_many_are_counted_for_one_page_and_not_for_the_next(asked: Asked) -> None:
    asked.fill(Rows(VERY_MANY + 1, 0, VERY_MANY + 1, VERY_MANY + 1))
    questions: Sequence[tuple[Callable[[], int], int]] = (
        (lambda: asked.jobs.page(JobFilter(), 0, 50).total, VERY_MANY + 1),
        (lambda: asked.audit.page(AuditFilter(), 0, 50).total, VERY_MANY + 1),
        (lambda: asked.records.names("", 0, 50).total, VERY_MANY + 2),
    )

    for question, total in questions:
        assert counts(asked.said(question)) == 1
        assert counts(asked.said(question)) == 0
        assert question() == total


def test_the_last_page_says_what_is_on_it_where_the_number_is_an_old_one(asked: Asked) -> None:
    asked.fill(Rows(jobs=VERY_MANY + 1))
    asked.jobs.page(JobFilter(), 0, 1)
    fill(asked.path, Rows(jobs=VERY_MANY + 1), Rows(jobs=VERY_MANY + 9))

    assert asked.jobs.page(JobFilter(), VERY_MANY, 50).total == VERY_MANY + 9
    assert asked.jobs.page(JobFilter(), VERY_MANY + 20, 50).jobs == ()


def test_what_a_large_repository_holds_is_added_up_once(asked: Asked) -> None:
    asked.fill(Rows(3, HOLDS_MUCH + 1))
    names = [MANY, "grown/r10000001"]

    first = asked.records.rows(names)
    said = asked.said(lambda: asked.records.rows(names))

    assert [(row.name, row.tags) for row in first] == [(MANY, HOLDS_MUCH + 1), ("grown/r10000001", 1)]
    assert counts(said) == 3  # of the small one alone
    assert counts(asked.said(lambda: asked.records.rows([MANY]))) == 0
    assert asked.records.rows(names) == first


LAYERS = [Digest.of(b"%d" % number) for number in range(10)]
OF_MANY: Sequence[tuple[str, Callable[[DatabaseRecords], object]]] = (
    ("held blobs", lambda records: records.view(MANY).held_blobs(LAYERS)),
    ("held manifests", lambda records: records.view(MANY).held_manifests(LAYERS)),
    ("naming_any", lambda records: records.view(MANY).naming_any(LAYERS)),
    ("above", lambda records: records.view(MANY).above(LAYERS)),
    ("a page of tags", lambda records: records.tag_rows(MANY, [f"build-{10_000_500 + at}" for at in range(50)])),
)


@pytest.mark.peer("postgres")
def test_postgresql_finds_a_few_things_of_a_large_repository_by_their_keys(postgres: RunningPostgres) -> None:
    """Most repositories are small, and by that it judges this one."""
    url = postgres.prepared()
    with closing(open_postgres(url)) as transactions:
        records = DatabaseRecords(transactions)
        records.change(MANY, lambda _: [HoldBlob(digest, 5) for digest in LAYERS[1:]], 1.0)
        fill(url, Rows(), Rows(2000, 2000))
        said: list[tuple[str, object]] = []
        event.listen(transactions.engine, "before_cursor_execute", lambda *told: said.append((told[2], told[3])))
        for name, question in OF_MANY:
            said.clear()
            question(records)
            asked = [each for each in said if each[0].lstrip().startswith(("SELECT", "WITH"))]
            assert asked, name
            for text, values in asked:
                left_out = sum(map(int, re.findall(r"Rows Removed by \w.*: (\d+)", _explained(url, text, values))))
                assert left_out < 100, (name, text)


def _explained(url: str, text: str, values: object) -> str:
    with psycopg.connect(url) as connection:
        rows = connection.execute(f"EXPLAIN (ANALYZE, COSTS OFF) {text}".encode(), values)  # type: ignore[call-overload]  # as the driver got them
        return "\n".join(str(row[0]) for row in rows)
