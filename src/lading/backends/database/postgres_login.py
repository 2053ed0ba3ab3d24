"""Why a PostgreSQL does not let us in: whether another try may end otherwise.

    nobody answers, or it starts or stops        away
    53300, no connection left for us, and alike  away
    28P01, 3D000: password, database, …          never, like this
    no state: what is wrong is on our side       never, like this

What libpq says of a login that failed has words, which are in the server's language, and no state. Its trace of the
conversation has the state; so one more login is made and its trace is read.
"""

from __future__ import annotations

import os
import re
import select
import sys
import time

from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping, PollingStatus
from psycopg.pq.abc import PGconn as Connection
from sqlalchemy import Engine

from lading.backends.database.failures import DatabaseAway, DatabaseUnreachable
from lading.backends.database.postgres_failures import leaf_of

CONNECT_SECONDS = 10

_STATE = re.compile(rb'\tErrorResponse\t S "[^"]*"(?: V "[^"]*")? C "(\w{5})"')
"""libpq, fe-trace.c: the fields of the message, in the order in which a server sends them."""

_AWAITED = {PollingStatus.READING: select.POLLIN, PollingStatus.WRITING: select.POLLOUT}


def refusal(error: DatabaseAway, engine: Engine) -> DatabaseUnreachable | None:
    """What `error` is, which a connection of this engine met: the same, or DatabaseUnreachable where another try would
    end alike. None: the server lets us in by now."""
    conninfo = _conninfo(engine)
    if PGconn.ping(conninfo) != Ping.OK:
        return error
    state = _refused_with(conninfo) if sys.platform == "linux" else ""  # libpq traces nowhere else
    if state is None:
        return None
    return error if leaf_of(state) is DatabaseAway else DatabaseUnreachable(error.place, error.reason)


def _conninfo(engine: Engine) -> bytes:
    _, named = engine.dialect.create_connect_args(engine.url)
    said = {name: each for name, each in named.items() if isinstance(each, str | int)}  # the rest is the driver's own
    return make_conninfo("", **{"connect_timeout": CONNECT_SECONDS, **said}).encode()


def _refused_with(conninfo: bytes) -> str | None:
    """The state of a login that is refused, "" where nobody said one; None where it is not refused."""
    connection = PGconn.connect_start(conninfo)
    trace = os.memfd_create("login")  # passwords pass there: on no disk
    try:
        connection.trace(trace)
        status = _polled(connection)
        connection.untrace()
        states = _STATE.findall(os.pread(trace, os.fstat(trace).st_size, 0))
    finally:
        connection.finish()
        os.close(trace)
    if status is PollingStatus.OK:
        return None
    return states[-1].decode() if states else ""


def _polled(connection: Connection) -> PollingStatus:
    """How the login ended, or stands when its time is over."""
    deadline = time.monotonic() + CONNECT_SECONDS
    status = PollingStatus.WRITING
    while status in _AWAITED and time.monotonic() < deadline and connection.socket >= 0:
        poll = select.poll()
        poll.register(connection.socket, _AWAITED[status])
        poll.poll(max(0, deadline - time.monotonic()) * 1000)
        status = PollingStatus(connection.connect_poll())
    return status
