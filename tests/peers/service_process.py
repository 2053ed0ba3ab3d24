"""`lading serve` as a person starts it: a process of its own over a data folder, asked over its API with a token."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.peers import programs

PASSWORD = "correct horse battery"
SECRET_KEY = base64.b64encode(bytes(range(32))).decode()
ENDED = frozenset({"done", "error", "cancelled", "interrupted"})
BOUND_SECONDS = 60.0
"""No test waits so long."""

Json = dict[str, object]


def until(true: Callable[[], bool], what: str, seconds: float = BOUND_SECONDS, pause: float = 0.05) -> None:
    """Returns when it is true; fails after so long. Each look costs the service as much as the test: not too many."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not in {seconds:g} s: {what}"
        programs.select_nothing(pause)


@dataclass
class Service:
    """One data folder and its ports; `running()` starts the program over it, as often as one likes."""

    data: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=programs.free_port)
    registry_port: int = field(default_factory=programs.free_port)
    token: str = ""
    within: Sequence[str] = ()
    """A command that runs another: it starts the program."""
    program: Sequence[str] = (sys.executable, "-m", "lading")

    @property
    def log(self) -> Path:
        """What it prints, of all its starts."""
        return self.data.parent / f"{self.data.name}.log"

    @contextlib.contextmanager
    def running(self, *, ready: bool = True) -> Iterator[subprocess.Popen[bytes]]:
        """Asked to stop at the end of the block, where it has not ended before."""
        with self.log.open("ab") as output:
            child = subprocess.Popen(
                [*self.within, *self.program, "serve"],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=self._surroundings(),
            )
            try:
                if ready:
                    self._wait(child)
                yield child
            finally:
                stop(child)

    def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Json]:
        """Status and body of one request, with the token of this service."""
        status, text = self.text(method, path, body, headers)
        return status, json.loads(text) if text else {}

    def text(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """As `ask`, with the body as it is."""
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        data = None if body is None else json.dumps(body).encode()
        with contextlib.closing(self.connection()) as connection:
            connection.request(method, path, data, {"Content-Type": "application/json", **sent, **(headers or {})})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def connection(self) -> http.client.HTTPConnection:
        """A new one to its API."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=BOUND_SECONDS)

    def become_admin(self) -> None:
        """From now on requests carry a token of the admin's."""
        login = {"username": "admin", "password": PASSWORD}
        with contextlib.closing(self.connection()) as connection:
            connection.request("POST", "/api/auth/login", json.dumps(login), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            cookie = (answer.getheader("set-cookie") or "").partition(";")[0]
        status, made = self.ask("POST", "/api/auth/tokens", {"name": "tests"}, {"Cookie": cookie})
        assert status == 201, made
        self.token = str(made["token"])

    def registry(self, host: str, **fields: object) -> int:
        """The id of a newly configured registry over plain HTTP."""
        row = {"name": host, "url": f"http://{host}", "tls": "http", **fields}
        status, made = self.ask("POST", "/api/registries", row)
        assert status == 201, made
        return int(str(made["id"]))

    def load(self, archive: bytes) -> None:
        """The images of an archive, into its own engine."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        with contextlib.closing(self.connection()) as connection:
            connection.request("POST", "/api/images/import", archive, headers)
            answer = connection.getresponse()
            told = answer.read()
        assert answer.status == 200, told

    def started(self, path: str, body: object) -> str:
        """The id of the job that this request makes."""
        status, made = self.ask("POST", path, body)
        assert status == 200, made
        return str(made["jobId"])

    def job(self, job: str) -> Json:
        """As it stands, with its lines."""
        status, found = self.ask("GET", f"/api/jobs/{job}")
        assert status == 200, found
        return found

    def ended(self, jobs: Sequence[str], seconds: float = BOUND_SECONDS) -> dict[str, Json]:
        """All of these, once they have ended."""
        found: dict[str, Json] = {}

        def over() -> bool:
            found.update({job: self.job(job) for job in jobs if job not in found or not _over(found[job])})
            return all(map(_over, found.values()))

        until(over, "all jobs have ended", seconds, pause=0.1)
        return found

    def _surroundings(self) -> dict[str, str]:
        mine = {
            "LADING_DATA": str(self.data),
            "LADING_PORT": str(self.port),
            "LADING_REGISTRY_PORT": str(self.registry_port),
            "LADING_ADMIN_PASSWORD": PASSWORD,
            **self.settings,
        }
        return {"PATH": os.environ["PATH"], "HOME": str(self.data.parent / "home"), "TERM": "dumb", **mine}

    def _wait(self, child: subprocess.Popen[bytes]) -> None:
        programs.wait_for_port(self.port, child, self.log)
        if not self.token:
            self.become_admin()


def stop(child: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Ask it to stop, and wait; a process that does not is killed, and that fails the test."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
        raise AssertionError(f"lading serve did not stop in {seconds:g} s") from None


def kill(child: subprocess.Popen[bytes]) -> None:
    """End it without a word."""
    child.kill()
    child.wait()


def _over(job: Json) -> bool:
    return job["status"] in ENDED
