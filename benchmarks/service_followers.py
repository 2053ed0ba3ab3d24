"""A crowd that follows one job: many connections in one process, so that counting them costs little.

    python -m benchmarks.service_followers PORT TOKEN JOB COUNT [--deaf]

Every line's arrival is kept. The program ends when all have been told the job's end, and prints one JSON object: for
each line's number when it arrived at each follower. With `--deaf` nobody reads: it ends when its input does.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field

LINE = re.compile(rb"event: data\nid: (\d+)\n")
TICK = b"event: tick\n"
END = b"event: result\n"
STARTED = "following"
"""Printed once all of them have an answer."""


@dataclass
class Follower:
    """One connection: when its lines (by number) and ticks arrived, in seconds since 1970; what came in part."""

    arrivals: list[tuple[int, float]] = field(default_factory=list)
    ticks: list[float] = field(default_factory=list)
    rest: bytes = b""
    ended: bool = False

    def take(self, received: bytes, now: float) -> None:
        """Whole events are counted; what is left waits for the rest of it."""
        whole, mark, rest = (self.rest + received).rpartition(b"\n\n")
        self.rest = rest if mark else whole + rest
        if mark:
            self.arrivals.extend((int(number), now) for number in LINE.findall(whole))
            self.ticks.extend([now] * whole.count(TICK))
            self.ended = self.ended or END in whole


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("port", type=int)
    parser.add_argument("token")
    parser.add_argument("job")
    parser.add_argument("count", type=int)
    parser.add_argument("--deaf", action="store_true")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    request = (
        f"GET /api/jobs/{options.job} HTTP/1.1\r\nHost: 127.0.0.1:{options.port}\r\nAccept: text/event-stream\r\n"
        f"Authorization: Bearer {options.token}\r\n\r\n"
    ).encode()
    connections = [_asked(options.port, request) for _ in range(options.count)]
    for connection in connections:
        _answered(connection)
    print(STARTED, time.time(), flush=True)
    if options.deaf:
        sys.stdin.read()
        return
    followers = _follow(connections)
    json.dump([{"arrivals": each.arrivals, "ticks": each.ticks} for each in followers], sys.stdout)


def _asked(port: int, request: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.sendall(request)
    return connection


def _answered(connection: socket.socket) -> None:
    if not connection.recv(12, socket.MSG_PEEK | socket.MSG_WAITALL).endswith(b"200"):
        raise SystemExit(f"refused: {connection.recv(2000)!r}")


def _follow(connections: list[socket.socket]) -> list[Follower]:
    """Until all have ended."""
    followers = [Follower() for _ in connections]
    with selectors.DefaultSelector() as selector:
        for connection, follower in zip(connections, followers, strict=True):
            connection.setblocking(False)
            selector.register(connection, selectors.EVENT_READ, follower)
        open_ones = len(followers)
        while open_ones:
            for key, _ in selector.select():
                received = os.read(key.fd, 262_144)
                key.data.take(received, time.time())
                if key.data.ended or not received:
                    selector.unregister(key.fileobj)
                    open_ones -= 1
    return followers


if __name__ == "__main__":
    main()
