"""Pages of jobs, the newest first, and how many there are in all.

SQLite does not know how few rows a page has. Where a condition fits an index it goes through all that meets it and
sorts them, and where none does through all jobs; so it is shown no other way than the order in which they were made,
unless few can meet the condition: jobs of one owner are in that order too, and those that live are few.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any  # what a column holds, its statement says

from sqlalchemy import ColumnElement, Connection, Row, case, func, select

from lading.backends.database.columns import counted, holding
from lading.backends.database.service_tables import job as jobs
from lading.backends.database.totals import Totals, many
from lading.services.jobs.job import JobState
from lading.services.jobs.records import JobFilter

LIVE = frozenset({JobState.QUEUED, JobState.RUNNING})

_TEXTS = (jobs.c.id, jobs.c.kind, jobs.c.owner_name)
_DEED_TEXTS = tuple(jobs.c.deed[name].as_string() for name in ("entity_id", "entity_name", ("details", "targetTag")))
"""Where a filter's text is looked for."""

_IN_ORDER = jobs.c.created >= 0.0
"""Of every job; to SQLite, a reason to take them by this index."""

_STATE = jobs.c.state.concat("")
"""By no index."""


class JobLists:
    """Of one database."""

    def __init__(self, *, postgres: bool) -> None:
        self._postgres = postgres
        self._totals = Totals[JobFilter, int](many)
        self._deed_texts: Sequence[ColumnElement[str]] = _DEED_TEXTS
        if not postgres:  # SQLite keeps any text, and fails the whole list for one that is no JSON
            sound = func.json_valid(jobs.c.deed) == 1
            self._deed_texts = [case((sound, each)) for each in _DEED_TEXTS]

    def page(
        self, connection: Connection, wanted: JobFilter, offset: int, limit: int
    ) -> tuple[Sequence[Row[Any]], int]:
        """The page's rows; and the number of all, of very many perhaps out of date (totals)."""
        newest = select(jobs).where(*self._walked(wanted)).order_by(jobs.c.created.desc(), jobs.c.id)
        rows = connection.execute(newest.offset(counted(offset)).limit(counted(limit))).all()
        return rows, max(self._total(connection, wanted), offset + len(rows) if rows else 0)

    def _total(self, connection: Connection, wanted: JobFilter) -> int:
        """Of those that live always as it is: who collects garbage asks for the last of them."""
        whole = select(func.count()).select_from(jobs).where(*self._conditions(wanted, jobs.c.state))
        if wanted.states and wanted.states <= LIVE:
            return connection.scalar(whole) or 0
        return self._totals.of(wanted, lambda: connection.scalar(whole) or 0)

    def _walked(self, wanted: JobFilter) -> Iterable[ColumnElement[bool]]:
        if self._postgres or (wanted.states and wanted.states <= LIVE):
            return self._conditions(wanted, jobs.c.state)
        return [_IN_ORDER, *self._conditions(wanted, _STATE)]

    def _conditions(self, wanted: JobFilter, state: ColumnElement[str]) -> Iterable[ColumnElement[bool]]:
        for name in ("owner", "token", "kind", "environment"):
            value = getattr(wanted, name)
            if value is not None:
                yield jobs.c[name] == value
        if wanted.text:
            yield holding(wanted.text, (*_TEXTS, *self._deed_texts))
        if wanted.states:
            yield state.in_(sorted(each.value for each in wanted.states))
