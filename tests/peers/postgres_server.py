"""A real PostgreSQL on a free port, in a folder of its own, which goes with it.

Its collation is English, not by code point: what the tables must say themselves shows. It refuses to run as root, so it
then runs as the user that Debian made for it.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import psycopg

from lading.backends.database.postgres import open_postgres
from tests.peers import programs

_EMPTIED = """
DO $$
DECLARE each record;
BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
    SET LOCAL session_replication_role = replica;
    FOR each IN SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' LOOP
        IF each.name <> 'alembic_version' THEN
            EXECUTE format('DELETE FROM %I', each.name);
        END IF;
    END LOOP;
    FOR each IN SELECT sequencename AS name FROM pg_sequences WHERE schemaname = 'public' LOOP
        EXECUTE format('ALTER SEQUENCE %I RESTART', each.name);
    END LOOP;
END $$
"""
"""In no order that foreign keys would ask for: they are not looked at meanwhile."""

USER, PASSWORD = "lading", "only-for-tests"


@dataclass(frozen=True)
class RunningPostgres:
    """It is up; `empty()` is the URL of a new database in it. `control` is `pg_ctl` for it, `begin` what starts it."""

    port: int
    control: Sequence[str] = field(repr=False)
    begin: Sequence[str] = field(repr=False)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1), repr=False)

    def url(self, database: str) -> str:
        """Of a database of this name."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def empty(self, encoding: str = "UTF8") -> str:
        """The URL of a new database."""
        name = f"lading_{next(self._numbers)}"
        locale = "" if encoding == "UTF8" else "LOCALE_PROVIDER libc LOCALE 'C'"
        self.run(f"CREATE DATABASE {name} ENCODING '{encoding}' {locale} TEMPLATE template0")
        return self.url(name)

    def prepared(self) -> str:
        """The URL of a database with our tables and nothing in them, until the next time this is asked: whoever still
        uses it then is cut off. To make a new one takes longer than what most tests do with it."""
        self.run(_EMPTIED, self._with_tables)
        return self.url(self._with_tables)

    @cached_property
    def _with_tables(self) -> str:
        url = self.empty()
        open_postgres(url).close()
        return url.rpartition("/")[2]

    def stop(self) -> None:
        """As in a crash: whoever is connected is cut off, and nobody gets in."""
        programs.run(*self.control, "-m", "immediate", "stop")

    def start(self) -> None:
        """Again, where it was."""
        programs.run(*self.control, *self.begin)

    def run(self, statement: str, database: str = "postgres") -> None:
        """One statement as its owner."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextlib.contextmanager
def postgres_server() -> Iterator[RunningPostgres]:
    """Debian's PostgreSQL, made anew."""
    folder = Path(tempfile.mkdtemp(prefix="lading-postgres-"))  # not below pytest's own, where only root may go
    try:
        with _running(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _running(folder: Path) -> Iterator[RunningPostgres]:
    program, init = programs.find("pg_ctl"), programs.find("initdb")
    assert program, "PostgreSQL is not installed"
    assert init, "PostgreSQL is not installed"
    content, password = folder / "content", folder / "password"
    password.write_text(PASSWORD)
    plain = _as_plain_user(folder, password)
    made = ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US", "--no-sync"]
    login = ["--username", USER, "--pwfile", str(password), "--auth=scram-sha-256"]
    programs.run(*plain, init, "-D", str(content), *made, *login)
    port, log = programs.free_port(), folder / "log"
    settings = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
    spelt = " ".join(f"--{name}='{value}'" for name, value in settings.items())
    control = [*plain, program, "-D", str(content), "-w"]
    server = RunningPostgres(port, control, ["-l", str(log), "-o", spelt, "start"])
    server.start()
    try:
        yield server
    finally:
        programs.run(*control, "-m", "immediate", "stop")  # nothing of it is wanted any more


def _as_plain_user(*owned: Path) -> list[str]:
    """What is put before a command so that it does not run as root; these are then that user's."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam("postgres")
    for path in owned:
        os.chown(path, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
