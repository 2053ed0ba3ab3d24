"""Wake-ups between real processes, on every database."""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from lading.backends.database.failures import DatabaseUnwritable
from lading.backends.database.service_database import ServiceDatabase, open_service_database
from lading.services.audit.audit import Deed, Result
from lading.services.audit.records import AuditEntry
from lading.services.jobs.job import JobState, Line
from lading.services.jobs.records import Told
from tests.contract.job_records_suite import NOW, a_job
from tests.fakes.children import Child
from tests.peers.postgres_server import RunningPostgres

SECONDS = 60.0
"""More than any of this takes; nothing waits for it to pass."""

TELLS = """
import sys, time
from pathlib import Path
from lading.backends.database.service_database import open_service_database
place = sys.argv[1]
database = open_service_database(place if "://" in place else Path(place), time.time)
for line in sys.stdin:
    word, _, rest = line.strip().partition(" ")
    if word == "tell":
        database.wakes.tell(rest)
    else:
        database.settings.put_setting(word, rest)
    print("done", flush=True)
database.close()
"""

LISTENS = """
import sys, time
from pathlib import Path
from lading.backends.database.service_database import open_service_database
place = sys.argv[1]
database = open_service_database(place if "://" in place else Path(place), time.time)
with database.wakes.listening(lambda topic: print("woken", topic, flush=True)):
    print("listening", flush=True)
    sys.stdin.read()
database.close()
"""


class Other:
    """Another process at the same database."""

    def __init__(self, program: str, place: Path | str) -> None:
        command = [sys.executable, "-c", program, str(place)]
        self.process = Child(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def says(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def does(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        assert self.says() == "done"


@contextmanager
def other(program: str, place: Path | str) -> Iterator[Other]:
    process = Other(program, place)
    with process.process as child:
        try:
            yield process
        finally:
            assert child.stdin
            child.stdin.close()
            child.wait(SECONDS)


Topics = queue.SimpleQueue[str | None]


def heard(topics: Topics, *wanted: str | None) -> list[str | None]:
    """What was said until all of these were."""
    said: list[str | None] = []
    while not set(wanted) <= set(said):
        said.append(topics.get(timeout=SECONDS))
    return said


def test_another_process_is_told(place: Path | str, database: ServiceDatabase) -> None:
    topics = Topics()
    with other(TELLS, place) as teller, database.wakes.listening(topics.put):
        teller.does("tell job/1")
        teller.does("tell job/2")
        said = heard(topics, "job/1", "job/2")

    assert [topic for topic in said if topic] == ["job/1", "job/2"]


def test_all_who_listen_are_told_the_teller_too(place: Path | str, database: ServiceDatabase) -> None:
    first, second = Topics(), Topics()
    wakes = database.wakes
    with other(LISTENS, place) as listener, wakes.listening(first.put), wakes.listening(second.put):
        assert listener.says() == "listening"
        database.wakes.tell("job/é")

        assert "job/é" in heard(first, "job/é")
        assert "job/é" in heard(second, "job/é")
        while (said := listener.says()) != "woken job/é":
            assert said == "woken None"


def test_several_topics_are_told_at_once(database: ServiceDatabase) -> None:
    topics = Topics()
    with database.wakes.listening(topics.put):
        database.wakes.tell("job/1", "job/2", "audit")
        heard(topics, "job/1", "job/2", "audit")


def test_any_number_of_topics_is_told_at_once(database: ServiceDatabase) -> None:
    topics = Topics()
    wanted = [f"job/{'é' * 90}{number:04}" for number in range(250)]
    with database.wakes.listening(topics.put):
        database.wakes.tell(*wanted)
        heard(topics, *wanted)


def test_nothing_is_told_after_the_end(database: ServiceDatabase) -> None:
    topics, rest = Topics(), Topics()
    with database.wakes.listening(rest.put):
        with database.wakes.listening(topics.put):
            database.wakes.tell("job/1")
            heard(topics, "job/1")
        database.wakes.tell("job/2")
        heard(rest, "job/2")

    assert topics.empty()


def test_who_fails_when_woken_is_woken_again(database: ServiceDatabase, caplog: pytest.LogCaptureFixture) -> None:
    topics = Topics()

    def woken(topic: str | None) -> None:
        topics.put(topic)
        if topic == "job/1":
            raise ValueError(topic)

    with database.wakes.listening(woken):
        database.wakes.tell("job/1")
        heard(topics, "job/1")
        database.wakes.tell("job/2")
        heard(topics, "job/2")

    assert "somebody who was woken failed" in caplog.text


def test_what_is_written_is_told_with_its_commit(place: Path | str, database: ServiceDatabase) -> None:
    """Nobody is left untold by a process that dies behind its commit: where a database does not tell by itself, who
    listens finds out that there was one."""
    job, entry = a_job(), AuditEntry(NOW, "alice", 1, None, Deed("pull", "image", "app", "app"), Result.STARTED)
    with other(LISTENS, place) as listener:
        assert listener.says() == "listening"
        database.jobs.add(job, None, entry)
        listens_until(listener, f"woken job/{job.id}", "woken audit")
        database.jobs.claim(job.id, NOW)
        listens_until(listener, f"woken job/{job.id}")
        end = Line(1, NOW, {"status": "error"})
        ending = Told(job.id, 1, NOW, (end,), None, JobState.ERROR, end.data, entry, elsewhere=True)
        assert not database.jobs.tell([ending])
        listens_until(listener, f"woken job/{job.id}", f"woken ended/{job.id}", "woken audit")
        database.audit.append(entry)
        listens_until(listener, "woken audit")


def listens_until(listener: Other, *wanted: str) -> None:
    """Returns when all of these were heard."""
    left = set(wanted)
    while left:
        said = listener.says()
        assert said.startswith("woken "), said
        left.discard(said)


def test_what_was_not_kept_is_not_told(database: ServiceDatabase) -> None:
    topics = Topics()
    with database.wakes.listening(topics.put):
        with suppress(ZeroDivisionError), database._transactions.writing() as connection:
            database._transactions.tell(connection, "job/never")
            raise ZeroDivisionError
        with database._transactions.writing() as connection:
            database._transactions.tell(connection, "job/after")
        assert "job/never" not in heard(topics, "job/after")


def test_telling_never_raises(database: ServiceDatabase) -> None:
    database.wakes.tell("nobody listens")
    database.wakes.tell("ü" * 10_000)
    database.wakes.tell("a\0\ud800")


def test_a_process_that_was_killed_holds_nobody_up(place: Path | str, database: ServiceDatabase) -> None:
    with other(LISTENS, place) as listener:
        assert listener.says() == "listening"
        listener.process.send_signal(signal.SIGKILL)
        listener.process.wait(SECONDS)

    topics = Topics()
    with database.wakes.listening(topics.put):
        database.wakes.tell("job/1")
        heard(topics, "job/1")

    if isinstance(place, Path):
        assert not list((place.parent / "wake").iterdir())


# ── SQLite's form


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[ServiceDatabase]:
    with closing(open_service_database(tmp_path / "lading.db", time.time)) as opened:
        yield opened


def test_a_lost_wake_up_is_made_up_for(sqlite: ServiceDatabase) -> None:
    """Somebody commits, and ends before it tells."""
    topics = Topics()
    assert isinstance(sqlite.place, Path)
    with other(TELLS, sqlite.place) as teller, sqlite.wakes.listening(topics.put):
        teller.does("key value")

        assert heard(topics, None) == [None]


def test_a_stopped_process_does_not_hold_the_teller_up(sqlite: ServiceDatabase) -> None:
    assert isinstance(sqlite.place, Path)
    with other(LISTENS, sqlite.place) as listener:
        assert listener.says() == "listening"
        listener.process.send_signal(signal.SIGSTOP)
        for number in range(3000):  # more than its queue holds
            sqlite.wakes.tell(f"job/{number}")
        listener.process.send_signal(signal.SIGCONT)

        assert listener.says() == "woken job/0"
        listener.process.kill()


def test_sockets_are_only_its_owners(sqlite: ServiceDatabase) -> None:
    assert isinstance(sqlite.place, Path)
    folder = sqlite.place.parent / "wake"
    with sqlite.wakes.listening(lambda _topic: None):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert [name.split("-")[0] for name in os.listdir(folder)] == [str(os.getpid())]


def test_a_socket_of_an_earlier_process_with_our_number_is_no_hindrance(sqlite: ServiceDatabase) -> None:
    assert isinstance(sqlite.place, Path)
    folder = sqlite.place.parent / "wake"
    folder.mkdir()
    with tempfile.TemporaryDirectory() as short:
        for number in range(1, 1000):
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as left:
                left.bind(f"{short}/s")
            os.rename(f"{short}/s", folder / f"{os.getpid()}-{number}")

    topics = Topics()
    with sqlite.wakes.listening(topics.put):
        sqlite.wakes.tell("job/1")
        heard(topics, "job/1")

    assert not os.listdir(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux names a folder by its descriptor")
def test_a_data_folder_with_a_long_name_has_wake_ups_too(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 40)
    folder.mkdir()
    topics = Topics()
    with (
        closing(open_service_database(folder / "lading.db", time.time)) as database,
        database.wakes.listening(topics.put),
    ):
        database.wakes.tell("job/1")
        heard(topics, "job/1")


def test_a_folder_that_cannot_be_made_is_said_so(sqlite: ServiceDatabase) -> None:
    assert isinstance(sqlite.place, Path)
    (sqlite.place.parent / "wake").touch()

    with pytest.raises(DatabaseUnwritable), sqlite.wakes.listening(lambda _topic: None):
        pass
    sqlite.wakes.tell("job/1")


# ── PostgreSQL's form


@pytest.mark.peer("postgres")
@pytest.mark.parametrize("place", ["postgres"], indirect=True)
def test_a_lost_connection_is_made_anew_and_said_so(
    place: str, database: ServiceDatabase, postgres: RunningPostgres
) -> None:
    topics = Topics()
    name = place.rpartition("/")[2]
    with database.wakes.listening(topics.put):
        postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        heard(topics, None)
        database.wakes.tell("job/1")

        assert heard(topics, "job/1")[-1] == "job/1"
