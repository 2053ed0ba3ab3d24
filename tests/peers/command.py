"""The `lading` command as a person runs it: a process of its own, with a data folder of its own."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tests.fakes.children import Child
from tests.peers import programs


@dataclass(frozen=True)
class Lading:
    """Runs the command against one data folder, and asks nobody's settings, logins or proxies but those given. The
    folder is made at once, empty: one that is named and not there is refused by commands that begin none."""

    data: Path
    environment: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        self.data.mkdir(0o700, parents=True, exist_ok=True)

    def __call__(self, *arguments: str, stdin: bytes | None = None) -> str:
        """What it prints on standard output; it must exit 0."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, f"lading {' '.join(arguments)} exited {done.returncode}:\n{done.stderr.decode()}"
        return done.stdout.decode()

    def run(self, *arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        """Whatever it exits with."""
        return subprocess.run(
            [sys.executable, "-m", "lading", "--data", str(self.data), *arguments],
            input=stdin or b"",
            capture_output=True,
            env=self.surroundings(),
            check=False,
            timeout=600,
        )

    def start(self, *arguments: str, stderr: int | BinaryIO = subprocess.PIPE) -> subprocess.Popen[bytes]:
        """Begins it and does not wait."""
        return Child(
            [sys.executable, "-m", "lading", "--data", str(self.data), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=self.surroundings(),
        )

    def surroundings(self) -> dict[str, str]:
        """The environment it runs in: a home of its own."""
        home = str(self.data.parent / "home")
        return {"PATH": os.environ["PATH"], "HOME": home, "TERM": "dumb", **dict(self.environment)}


@dataclass(frozen=True)
class OurRegistry:
    """`lading serve` in a process of its own, on a port that stays the same when it is started again."""

    data: Path
    port: int

    @property
    def host(self) -> str:
        """As references spell it."""
        return f"127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        command = [sys.executable, "-m", "lading", "--data", str(self.data), "serve", "--no-auth", "--port", "0"]
        log = self.data.parent / "serve.log"
        with programs.process([*command, "--registry-port", str(self.port)], log) as child:
            programs.wait_for_port(self.port, child, log)
            yield child
