"""What columns hold, the same on SQLite and PostgreSQL; and the collection of all tables, with their naming rule."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from typing import Any  # what SQLAlchemy hands over has no type of ours

from sqlalchemy import JSON, BigInteger, ColumnElement, Dialect, Integer, MetaData, Text, false, literal, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from lading.oci.digest import Digest

MOST = (1 << 63) - 1
"""The greatest whole number that both databases keep."""

FAR = (1 << 31) - 1
"""More rows than anybody counts; PostgreSQL counts no further than this."""


class CodePointText(TypeDecorator[str]):
    """Text that compares by code point, which is SQLite's own order and PostgreSQL's collation "C".

    What they cannot keep, NUL in PostgreSQL and half a surrogate pair in both, becomes U+FFFD: strangers choose names,
    and an odd one is no reason to fail.
    """

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        return dialect.type_descriptor(_text_of(dialect))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  SQLAlchemy's
        return None if value is None else storable(value)


class DigestText(TypeDecorator[Digest]):
    """A digest, kept as its text."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        return dialect.type_descriptor(_text_of(dialect))

    def process_bind_param(self, value: Digest | None, dialect: Dialect) -> str | None:  # noqa: ARG002  SQLAlchemy's
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Digest | None:  # noqa: ARG002  its
        return None if value is None else Digest.parse(value)


class RowJson(TypeDecorator[object]):
    """JSON of a row that outlives the version that wrote it. SQLite keeps whatever text somebody put there: what is no
    JSON reads as None, and leaves the rows beside it readable."""

    impl = JSON
    cache_ok = True

    def __init__(self) -> None:
        super().__init__(none_as_null=True)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """As JSON's own, but that it does not raise."""
        read = super().result_processor(dialect, coltype)
        if read is None:  # the driver has read it
            return None

        def readable(kept: Any) -> Any:
            try:
                return read(kept)
            except ValueError:
                return None

        return readable


class RowNumber(TypeDecorator[int]):
    """A row's id. One that is too great for any row, as a URL may hold, is asked for as -1, which no row has."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[int]:
        # Only an INTEGER key counts up by itself in SQLite, and it is as wide as a BIGINT.
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:  # noqa: ARG002  SQLAlchemy's
        return value if value is None or abs(value) <= MOST else -1


def counted(number: int) -> int:
    """How many rows, where somebody outside said how many: a number that a statement can hold."""
    return max(0, min(number, FAR))


def holding(text: str, columns: Iterable[ColumnElement[str]]) -> ColumnElement[bool]:
    """Whether one of the columns holds the text, in capitals or not; what it says stands for itself alone."""
    return or_(*(column.icontains(storable(text), autoescape=True) for column in columns))


def matching(column: ColumnElement[str], patterns: Iterable[str], *, postgres: bool) -> ColumnElement[bool]:
    """Whether it matches one of the patterns, in which `*` stands for any run of characters and all else for itself.
    What begins with something is found by the column's index."""
    if postgres:
        return or_(false(), *(column.like(_like(pattern), escape="\\") for pattern in patterns))
    return or_(false(), *(column.op("GLOB", is_comparison=True)(_glob(pattern)) for pattern in patterns))


def _like(pattern: str) -> str:
    for special in "\\%_":
        pattern = pattern.replace(special, f"\\{special}")
    return storable(pattern).replace("*", "%")


def _glob(pattern: str) -> str:
    return storable(pattern).replace("[", "[[]").replace("?", "[?]")


def among(column: ColumnElement[str], texts: Collection[str]) -> ColumnElement[bool]:
    """Whether it is one of these, however many: they travel as one value, where a statement takes some ten thousand."""
    told = json.dumps([storable(each) for each in texts])
    return column.op("IN", is_comparison=True)(_TextsOf(literal(told, Text())))


class _TextsOf(FunctionElement[str]):
    """The rows of a list of texts in JSON."""

    inherit_cache = True


@compiles(_TextsOf, "sqlite")
def _in_sqlite(element: _TextsOf, compiler: SQLCompiler, **options: Any) -> str:  # Any: SQLAlchemy's
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **options)}))"  # noqa: S608  its own text


@compiles(_TextsOf, "postgresql")
def _in_postgres(element: _TextsOf, compiler: SQLCompiler, **options: Any) -> str:  # Any: SQLAlchemy's
    return f"(SELECT jsonb_array_elements_text(CAST({compiler.process(element.clauses, **options)} AS JSONB)))"


def storable(text: str) -> str:
    """The text with U+FFFD for what no database keeps."""
    if "\0" in text:
        text = text.replace("\0", "\ufffd")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _text_of(dialect: Dialect) -> TypeEngine[str]:
    return Text(collation="C") if dialect.name == "postgresql" else Text()


metadata = MetaData(
    naming_convention={
        "ix": "%(table_name)s_by_%(column_0_N_name)s",
        "fk": "%(table_name)s_%(column_0_N_name)s_in_%(referred_table_name)s",
        "pk": "%(table_name)s_key",
        "uq": "%(table_name)s_%(column_0_N_name)s_once",
    }
)
