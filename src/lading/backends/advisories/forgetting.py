"""A source that nobody wants any more, and all that it brought."""

from __future__ import annotations

import sqlite3


def forgotten(connection: sqlite3.Connection, name: str) -> int | None:
    """How many records went; None where there is no such source. The caller begins and commits. Raises
    sqlite3.Error."""
    found = connection.execute("SELECT key FROM source WHERE name = ?", (name,)).fetchone()
    if found is None:
        return None
    for statement in (
        "DELETE FROM affected WHERE record IN (SELECT key FROM record WHERE source = ?)",
        "DELETE FROM alias WHERE record IN (SELECT key FROM record WHERE source = ?)",
        "DELETE FROM feed WHERE source = ?",
        "DELETE FROM source WHERE key = ?",
    ):
        connection.execute(statement, found)
    return connection.execute("DELETE FROM record WHERE source = ?", found).rowcount
