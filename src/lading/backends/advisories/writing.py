"""Records to rows: all of one import in one transaction, which whoever reads meanwhile does not see."""

from __future__ import annotations

import sqlite3
from typing import cast

from lading.backends.advisories.record_files import fingerprint, record_name
from lading.backends.advisories.records import Record, RecordInvalid, read_record
from lading.backends.advisories.tally import Bringing, Tally


class Writing:
    """Over a connection in whose transaction it is. Every method may raise sqlite3.Error."""

    def __init__(self, connection: sqlite3.Connection, bringing: Bringing) -> None:
        self._connection, self._bringing = connection, bringing
        self._ecosystems: dict[str, int] = dict(connection.execute("SELECT name, key FROM ecosystem"))
        self._source = self._ensure_source()
        self.tally = Tally()
        connection.execute("CREATE TEMP TABLE seen (record INTEGER PRIMARY KEY)")

    def _ensure_source(self) -> int:
        bringing = self._bringing
        found = self._connection.execute("SELECT key FROM source WHERE name = ?", (bringing.name,)).fetchone()
        if found is not None:
            return int(found[0])
        values = (bringing.name, bringing.location, bringing.now)
        statement = "INSERT INTO source (name, location, imported, since, whole, changes) VALUES (?, ?, ?, 0, 0, 0)"
        return self._added(statement, values)

    def take(self, path: str, content: bytes | None) -> None:
        """One file of the source, None where it is too long. One that is as it was costs little."""
        name = record_name(path)
        if name is None:
            return
        if content is None:
            self.tally.unread += 1
            return
        mark = fingerprint(content)
        kept = self._connection.execute(
            "SELECT key, fingerprint, modified FROM record WHERE id = ? AND source = ?", (name, self._source)
        ).fetchone()
        if kept is not None and kept[1] == mark:
            self._see(kept[0])
            return
        try:
            record = read_record(path, content)
        except RecordInvalid:
            self.tally.unread += 1
            if kept is not None:  # better what it said before than nothing
                self._see(kept[0])
            return
        if record is not None:
            self._put(record, mark, kept)

    def _put(self, record: Record, mark: bytes, kept: tuple[int, bytes, float] | None) -> None:
        """What the future has modified counts as modified now. Of two files of one id, that modified later stands."""
        modified = min(record.modified or 0.0, self._bringing.now)
        if kept is not None:
            key, _, before = kept
            if self._is_seen(key) and before >= modified:
                self.tally.unread += 1
                return
            self._drop(key)
            self.tally.changed += 1
        else:
            self.tally.new += 1
        key = self._added(
            "INSERT INTO record (source, id, modified, fingerprint, content) VALUES (?, ?, ?, ?, ?)",
            (self._source, record.id, modified, mark, record.content),
        )
        self._connection.executemany(
            "INSERT INTO affected (ecosystem, package, record, content) VALUES (?, ?, ?, ?)",
            [(self._ecosystem(where), name, key, said) for (where, name), said in record.affected.items()],
        )
        names = [(name, key) for name in record.names]
        self._connection.executemany("INSERT INTO alias (name, record) VALUES (?, ?)", names)
        self._see(key)

    def _drop(self, key: int) -> None:
        self._connection.execute("DELETE FROM affected WHERE record = ?", (key,))
        self._connection.execute("DELETE FROM alias WHERE record = ?", (key,))
        self._connection.execute("DELETE FROM record WHERE key = ?", (key,))
        self._connection.execute("DELETE FROM seen WHERE record = ?", (key,))

    def _see(self, key: int) -> None:
        self._connection.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,))

    def _is_seen(self, key: int) -> bool:
        return self._connection.execute("SELECT 1 FROM seen WHERE record = ?", (key,)).fetchone() is not None

    def _ecosystem(self, name: str) -> int:
        if name not in self._ecosystems:
            self._ecosystems[name] = self._added("INSERT INTO ecosystem (name) VALUES (?)", (name,))
        return self._ecosystems[name]

    def _added(self, statement: str, values: tuple[object, ...]) -> int:
        """Its key: after an INSERT there is one."""
        return cast("int", self._connection.execute(statement, values).lastrowid)

    def end(self) -> Tally:
        """Drop what the source does not have any more, and say of what time it is now. The caller commits."""
        self.tally.seen = self._one("SELECT count(*) FROM seen")
        if self._bringing.whole:
            self._drop_unseen()
        self.tally.records = self._one("SELECT count(*) FROM record WHERE source = ?", self._source)
        self._count_feeds()
        self._mark_source()
        return self.tally

    def _drop_unseen(self) -> None:
        execute = self._connection.execute
        execute(
            "CREATE TEMP TABLE gone AS SELECT key FROM record WHERE source = ?"
            " AND key NOT IN (SELECT record FROM seen)",
            (self._source,),
        )
        self.tally.gone = self._one("SELECT count(*) FROM gone")
        execute("DELETE FROM affected WHERE record IN (SELECT key FROM gone)")
        execute("DELETE FROM alias WHERE record IN (SELECT key FROM gone)")
        execute("DELETE FROM record WHERE key IN (SELECT key FROM gone)")

    def _count_feeds(self) -> None:
        """Without guests: where all that is said of npm stands in records of PyPI, of which there are more, somebody
        brought PyPI's, and of npm next to nothing is known."""
        execute = self._connection.execute
        execute("DELETE FROM feed WHERE source = ?", (self._source,))
        execute(
            """
            CREATE TEMP TABLE said AS
            SELECT DISTINCT record.key AS record, substr(name, 1, instr(name || ':', ':') - 1) AS base
            FROM record JOIN affected ON affected.record = record.key
                JOIN ecosystem ON ecosystem.key = affected.ecosystem
            WHERE record.source = ?
            """,
            (self._source,),
        )
        execute("CREATE INDEX temp.said_record ON said (record)")
        execute("CREATE TEMP TABLE size AS SELECT base, count(*) AS records FROM said GROUP BY base")
        execute(
            """
            INSERT INTO feed SELECT record.source, ecosystem.name, count(DISTINCT record.key),
                nullif(max(record.modified), 0)
            FROM record JOIN affected ON affected.record = record.key
                JOIN ecosystem ON ecosystem.key = affected.ecosystem
            WHERE record.source = ? AND substr(name, 1, instr(name || ':', ':') - 1) NOT IN (
                SELECT guest.base FROM said AS guest JOIN said AS host USING (record)
                    JOIN size AS few ON few.base = guest.base JOIN size AS many ON many.base = host.base
                WHERE few.records < many.records GROUP BY guest.base, host.base HAVING count(*) = few.records
            )
            GROUP BY ecosystem.key
            """,
            (self._source,),
        )
        execute("DROP TABLE said")
        execute("DROP TABLE size")
        execute(
            """
            INSERT INTO feed SELECT source, '', count(*), nullif(max(modified), 0) FROM record
            WHERE source = ? AND NOT EXISTS (SELECT 1 FROM affected WHERE affected.record = record.key)
            GROUP BY source
            """,
            (self._source,),
        )

    def _mark_source(self) -> None:
        """`since` is up to when changes are known: what was modified last, unless the source is older than that."""
        bringing = self._bringing
        row = self._connection.execute("SELECT max(modified) FROM record WHERE source = ?", (self._source,)).fetchone()
        newest = float(row[0] or 0.0)
        built = newest or None if bringing.built is None else min(bringing.built, bringing.now)
        since = newest if built is None else min(newest, built)
        self._connection.execute(
            "UPDATE source SET location = ?, imported = ?, built = ?, since = ? WHERE key = ?",
            (bringing.location, bringing.now, built, since, self._source),
        )
        if self.tally.new or self.tally.changed or self.tally.gone:
            self._connection.execute("UPDATE source SET changes = changes + 1 WHERE key = ?", (self._source,))
        if bringing.whole:
            self._connection.execute("UPDATE source SET whole = ? WHERE key = ?", (bringing.now, self._source))

    def _one(self, statement: str, *values: object) -> int:
        (count,) = self._connection.execute(statement, values).fetchone()
        return int(count)
