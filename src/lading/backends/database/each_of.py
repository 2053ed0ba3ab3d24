"""Lists of texts as rows, so that each of them is looked up by itself.

PostgreSQL does not know how large the repository is that a statement asks about, and takes it to be of the usual size.
Where most hold little and one holds very much, it looks for some digests in that one by going through all it holds:
for `digest IN (…)`, and for a join with a list. What a scalar subquery asks for a row is looked for with the whole key,
whatever the planner believes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any  # what SQLAlchemy hands over has no type of ours

from sqlalchemy import JSON, ColumnElement, Select, Text, bindparam, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import ScalarSelect, TableValuedAlias

from lading.backends.database.columns import storable


def each_of(name: str) -> TableValuedAlias:
    """The texts of the parameter `name`, which `listed` gives; its column is `value`."""
    return _Texts(bindparam(name, type_=Text())).table_valued("value", name=name)


def listed(texts: Iterable[object]) -> str:
    """As a parameter holds them."""
    return json.dumps([storable(str(each)) for each in texts])


def all_of(column: ColumnElement[Any], rows: Select[Any]) -> ScalarSelect[Any]:
    """What these rows, which are asked for by another row, have in the column: one list. None or empty where there are
    none."""
    return rows.with_only_columns(_List(column)).scalar_subquery()


def any_of(rows: Select[Any]) -> ColumnElement[bool]:
    """Whether there is one, of those that a whole key finds."""
    return rows.with_only_columns(literal(1)).limit(1).scalar_subquery().is_not(None)


class _Texts(FunctionElement[str]):
    inherit_cache = True


class _List(FunctionElement[Any]):
    inherit_cache = True
    type = JSON()


@compiles(_Texts, "sqlite")
def _texts_in_sqlite(element: _Texts, compiler: SQLCompiler, **options: Any) -> str:  # Any: SQLAlchemy's
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_Texts, "postgresql")
def _texts_in_postgres(element: _Texts, compiler: SQLCompiler, **options: Any) -> str:  # Any: SQLAlchemy's
    return f"jsonb_array_elements_text(CAST({compiler.process(element.clauses, **options)} AS JSONB))"


@compiles(_List, "sqlite")
def _list_in_sqlite(element: _List, compiler: SQLCompiler, **options: Any) -> str:  # Any: SQLAlchemy's
    return f"json_group_array({compiler.process(element.clauses, **options)})"


@compiles(_List, "postgresql")
def _list_in_postgres(element: _List, compiler: SQLCompiler, **options: Any) -> str:  # Any: SQLAlchemy's
    return f"json_agg({compiler.process(element.clauses, **options)})"
