"""Questions about one tag or digest cost the same in a large repository as in a small one: SQLite finds the rows by an
index that goes as far as the question does."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event

from lading.backends.database.engine import open_engine
from lading.backends.database.prepare import prepare
from lading.backends.database.repositories import DatabaseRecords
from lading.backends.database.transactions import Transactions
from lading.oci.digest import Digest
from lading.services.repositories.records import RepositoryRecords, RepositoryView

DIGEST = Digest.of(b"content")
WHOLE = re.compile(r"SCAN (child|held_\w+|tag)|(child|held_\w+|tag) USING .*\(repository=\?( AND digest>\?)?\)$")
"""How a plan says that all rows of a repository, or of all of them, are gone through."""

QUESTIONS: Sequence[tuple[str, Callable[[RepositoryView], object]]] = (
    ("blob", lambda view: view.blob(DIGEST)),
    ("manifest", lambda view: view.manifest(DIGEST)),
    ("held blobs", lambda view: view.held_blobs([DIGEST])),
    ("held manifests", lambda view: view.held_manifests([DIGEST])),
    ("tag", lambda view: view.tag("v1")),
    ("named", lambda view: view.named("v1")),
    ("naming", lambda view: view.naming(DIGEST)),
    ("naming_any", lambda view: view.naming_any([DIGEST])),
    ("above", lambda view: view.above([DIGEST])),
    ("parents_of", lambda view: view.parents_of(DIGEST)),
    ("beginning", lambda view: view.beginning("sha256:ab")),
)
OTHERS: Sequence[tuple[str, Callable[[RepositoryRecords], object]]] = (
    ("referrers", lambda records: list(records.referrers("r", DIGEST))),
    ("referrers of a type", lambda records: list(records.referrers("r", DIGEST, "a/b", str(DIGEST)))),
    ("holders", lambda records: records.holders(DIGEST, 5)),
    ("a page of tags", lambda records: records.tags("r", "a", 5)),
)


class Asked:
    """Records whose statements are known, and what SQLite would do for them."""

    def __init__(self, path: Path) -> None:
        prepare(path)
        self._path, self._statements = path, list[tuple[str, object]]()
        transactions = Transactions(open_engine(path), path)
        event.listen(transactions.engine, "before_cursor_execute", self._note)
        self.records = DatabaseRecords(transactions)

    def _note(self, *said: object) -> None:
        self._statements.append((str(said[2]), said[3]))

    def plans(self) -> list[str]:
        asked = [(text, values) for text, values in self._statements if text.startswith(("SELECT", "WITH"))]
        assert asked
        with closing(sqlite3.connect(self._path)) as connection:
            rows = [connection.execute(f"EXPLAIN QUERY PLAN {text}", values) for text, values in asked]  # type: ignore[arg-type]  # as the driver got them
            return [str(row[3]) for each in rows for row in each]


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    made = Asked(tmp_path / "lading.db")
    with closing(made.records):
        yield made


@pytest.mark.parametrize(("name", "question"), QUESTIONS, ids=[name for name, _ in QUESTIONS])
def test_a_question_of_a_repository_reads_no_more_than_its_answer(
    asked: Asked, name: str, question: Callable[[RepositoryView], object]
) -> None:
    question(asked.records.view("r"))

    assert [plan for plan in asked.plans() if WHOLE.search(plan)] == [], name


@pytest.mark.parametrize(("name", "question"), OTHERS, ids=[name for name, _ in OTHERS])
def test_a_question_of_the_registry_reads_no_more_than_its_answer(
    asked: Asked, name: str, question: Callable[[RepositoryRecords], object]
) -> None:
    question(asked.records)

    assert [plan for plan in asked.plans() if WHOLE.search(plan)] == [], name
