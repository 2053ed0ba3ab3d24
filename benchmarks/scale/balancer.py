"""haproxy in front of something, with what may happen to one: cut off, away for a while, or sending everybody away."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.peers import programs

_COMMON = """
global
    stats socket {socket} level admin
    maxconn 2000
defaults
    mode http
    option forwardfor
    option redispatch
    retries 3
    timeout connect 2s
    timeout check 2s
    timeout client 2m
    timeout server 2m
    timeout tunnel 1h
    default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
"""


@dataclass(frozen=True, slots=True)
class Door:
    """What one port of it is for: who is behind, by name and port, and which path says that they are well, by a status
    that this expression matches."""

    behind: Mapping[str, int]
    well: str
    expected: str = "^200$"
    port: int = field(default_factory=programs.free_port)


class Balancer:
    """One haproxy: each request goes to the next of those behind, whoever asks; nobody is kept with one of them."""

    def __init__(self, folder: Path, doors: Mapping[str, Door]) -> None:
        self._folder, self._doors = folder, doors
        self._socket, self._log = folder / "admin.sock", folder / "log"
        self._child: subprocess.Popen[bytes] | None = None

    def port(self, door: str) -> int:
        """Of this name."""
        return self._doors[door].port

    def start(self) -> None:
        """Returns when all its doors are open."""
        self._folder.mkdir(parents=True, exist_ok=True)
        written = self._folder / "haproxy.cfg"
        written.write_text(
            "\n".join([_COMMON.format(socket=self._socket), *(_section(*each) for each in self._doors.items())])
        )
        program = programs.find("haproxy")
        assert program, "haproxy is not installed"
        with self._log.open("ab") as output:
            self._child = subprocess.Popen(
                [program, "-db", "-f", str(written)], stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        for door in self._doors.values():
            programs.wait_for_port(door.port, self._child, self._log)

    def kill(self) -> None:
        """Every connection ends without a word, and nobody gets in."""
        if self._child is not None:
            self._child.send_signal(signal.SIGKILL)
            self._child.wait()
            self._child = None

    def cut(self) -> None:
        """Every connection ends without a word; new ones are taken."""
        self._tell(
            [f"shutdown sessions server {name}/{each}" for name, door in self._doors.items() for each in door.behind]
        )

    def refuse(self, door: str) -> None:
        """This door answers 503 to all, until `admit`."""
        self._tell([f"set server {door}/{each} state maint" for each in self._doors[door].behind])

    def admit(self, door: str) -> None:
        """As before."""
        self._tell([f"set server {door}/{each} state ready" for each in self._doors[door].behind])

    def counted(self, door: str) -> tuple[int, int]:
        """Requests through this door so far, and the bytes of both directions."""
        told = self._tell(["show stat"]).splitlines()
        names = told[0].removeprefix("# ").split(",")
        rows = [dict(zip(names, line.split(","), strict=False)) for line in told[1:]]
        row = next(row for row in rows if (row["pxname"], row["svname"]) == (f"{door}_door", "FRONTEND"))
        return int(row["req_tot"]), int(row["bin"]) + int(row["bout"])

    def _tell(self, commands: Sequence[str]) -> str:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(30)
            connection.connect(str(self._socket))
            connection.sendall(";".join(commands).encode() + b"\n")
            with connection.makefile() as answer:
                return answer.read().lstrip()


def _section(name: str, door: Door) -> str:
    servers = [f"    server {each} 127.0.0.1:{port} check" for each, port in door.behind.items()]
    return "\n".join(
        [
            f"frontend {name}_door",
            f"    bind 127.0.0.1:{door.port}",
            f"    default_backend {name}",
            f"backend {name}",
            "    balance roundrobin",
            "    option httpchk",
            f"    http-check send meth GET uri {door.well} ver HTTP/1.1 hdr Host 127.0.0.1:{door.port}",
            f"    http-check expect rstatus {door.expected}",
            *servers,
            "",
        ]
    )


@contextmanager
def balancer(folder: Path, doors: Mapping[str, Door]) -> Iterator[Balancer]:
    """It is up, and is killed at the end."""
    made = Balancer(folder, doors)
    made.start()
    try:
        yield made
    finally:
        made.kill()
