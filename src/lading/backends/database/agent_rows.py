"""Agents' tokens and who is connected: services.hub.records."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any  # what a column holds, its statement says

from sqlalchemy import Connection, Delete, Row, Select, Update, bindparam, delete, insert, or_, select, update

from lading.backends.database.agent_tables import agent_presence as presences
from lading.backends.database.agent_tables import agent_token as tokens
from lading.backends.database.database_clock import DatabaseNow
from lading.backends.database.named_rows import next_id, there
from lading.backends.database.service_tables import environment as environments
from lading.backends.database.transactions import Transactions, Turn
from lading.backends.database.upsert import put
from lading.services.hub.hub import AgentPresence
from lading.services.hub.records import AgentTokenRow, PresenceRow
from lading.wire.tunnel_frames import Hello


class DatabaseAgents:
    """Fulfils AgentTokenRecords and PresenceRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    # ── tokens

    def add_agent_token(self, make: Callable[[int], AgentTokenRow]) -> AgentTokenRow | None:
        def work(connection: Connection) -> AgentTokenRow | None:
            made = make(next_id(connection, tokens))
            if not there(connection, environments, made.environment):
                return None
            others = update(tokens).where(tokens.c.environment == made.environment, tokens.c.active)
            connection.execute(others.values(active=False))
            connection.execute(insert(tokens), {name: getattr(made, name) for name in _TOKEN})
            return made

        return self._transactions.written(work, Turn.ENVIRONMENTS)

    def agent_tokens(self, environment: int | None = None) -> Sequence[AgentTokenRow]:
        wanted = select(tokens).order_by(tokens.c.id)
        with self._transactions.reading() as connection:
            found = wanted if environment is None else wanted.where(tokens.c.environment == environment)
            return [_token(row) for row in connection.execute(found)]

    def agent_token(self, id: int) -> AgentTokenRow | None:  # noqa: A002  the protocol's word
        return self._one(select(tokens).where(tokens.c.id == id))

    def agent_token_of_hash(self, hash: str) -> AgentTokenRow | None:  # noqa: A002  the protocol's word
        return self._one(select(tokens).where(tokens.c.hash == hash))

    def agent_token_used(self, id: int, used: float) -> None:  # noqa: A002  the protocol's word
        later = or_(tokens.c.used.is_(None), tokens.c.used < used)
        self._count(update(tokens).where(tokens.c.id == id, later).values(used=used))

    def remove_agent_token(self, id: int) -> bool:  # noqa: A002  the protocol's word
        return self._count(delete(tokens).where(tokens.c.id == id)) > 0

    def forget_agent_tokens(self, before: float) -> int:
        replaced = ~tokens.c.active & (tokens.c.created < before)
        return self._count(delete(tokens).where(or_(tokens.c.expires < before, replaced)))

    # ── who is connected

    def put_presences(self, rows: Sequence[PresenceRow]) -> Collection[int]:
        def work(connection: Connection) -> Collection[int]:
            there = set(connection.scalars(select(environments.c.id)))
            held = {row.environment: row for row in connection.execute(select(presences))}

            def replaced(row: PresenceRow) -> bool:
                now = held.get(row.presence.environment)
                return now is not None and now.process != row.process and not row.fresh

            known = [row for row in rows if row.presence.environment in there]
            standing = [_presence_columns(row) for row in known if not replaced(row)]
            if standing:
                told = connection.scalar(select(DatabaseNow()))
                connection.execute(put(connection, presences), [{**row, "told": told} for row in standing])
            return [row.presence.environment for row in known if replaced(row)]

        return self._transactions.written(work, Turn.ENVIRONMENTS)

    def presence(self, environment: int) -> PresenceRow | None:
        with self._transactions.reading() as connection:
            wanted = select(presences, _SILENT).where(presences.c.environment == environment)
            row = connection.execute(wanted).one_or_none()
        return None if row is None else _presence(row)

    def presences(self) -> Sequence[PresenceRow]:
        with self._transactions.reading() as connection:
            wanted = select(presences, _SILENT).order_by(presences.c.environment)
            return [_presence(row) for row in connection.execute(wanted)]

    def remove_presences(self, environments: Collection[int], process: str) -> None:
        one = bindparam("gone", type_=presences.c.environment.type)
        own = delete(presences).where(presences.c.environment == one, presences.c.process == process)
        each = [{"gone": environment} for environment in environments]
        if each:
            self._transactions.written(lambda connection: connection.execute(own, each))

    def _one(self, wanted: Select[Any]) -> AgentTokenRow | None:
        with self._transactions.reading() as connection:
            row = connection.execute(wanted).one_or_none()
        return None if row is None else _token(row)

    def _count(self, statement: Update | Delete) -> int:
        return self._transactions.written(lambda connection: connection.execute(statement).rowcount)


_TOKEN = tuple(column.name for column in tokens.columns)
"""Its columns have the names of its row's fields."""


_SILENT = (DatabaseNow() - presences.c.told).label("silent")


def _token(row: Row[Any]) -> AgentTokenRow:
    return AgentTokenRow(**{name: row._mapping[name] for name in _TOKEN})


def _presence_columns(row: PresenceRow) -> Mapping[str, object]:
    presence, hello = row.presence, row.presence.hello
    return {
        "environment": presence.environment,
        "process": row.process,
        "url": row.url,
        "hello": _hello_columns(hello),
        "address": presence.address,
        "connected": presence.connected,
        "seen": presence.seen,
    }


def _hello_columns(hello: Hello) -> Mapping[str, object]:
    """Without its token, and without what it was at when it connected."""
    return {
        "version": hello.version,
        "protocol": hello.protocol,
        "agent_id": hello.agent_id,
        "agent_name": hello.agent_name,
        "docker_version": hello.docker_version,
        "hostname": hello.hostname,
        "capabilities": sorted(hello.capabilities),
        "has_token_hash": hello.has_token_hash,
    }


def _presence(row: Row[Any]) -> PresenceRow:
    presence = AgentPresence(row.environment, _hello(row.hello), row.address, row.connected, row.seen)
    return PresenceRow(presence, row.process, row.url, row.told, row.silent)


def _hello(kept: object) -> Hello:
    """What is not as it was written is empty: the agent says it again when it connects the next time."""
    told = kept if isinstance(kept, dict) else {}
    capabilities = told.get("capabilities")
    return Hello(
        version=str(told.get("version", "")),
        protocol=str(told.get("protocol", "")),
        agent_id=str(told.get("agent_id", "")),
        agent_name=str(told.get("agent_name", "")),
        docker_version=str(told.get("docker_version", "")),
        hostname=str(told.get("hostname", "")),
        capabilities=frozenset(map(str, capabilities if isinstance(capabilities, list) else ())),
        has_token_hash=told.get("has_token_hash") is True,
    )
