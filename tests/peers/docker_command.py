"""The docker command as people run it, with and without a terminal; and what it printed, made comparable.

Two engines never print the same bytes: ids, sizes and times differ. `told` puts a word in the place of each.
"""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.children import Child
from tests.fakes.screen import Screen

WAIT_SECONDS = 120.0
WIDTH, HEIGHT = 240, 60


@dataclass(frozen=True)
class Said:
    """How a command ended and what it printed, as it was."""

    status: int
    out: str
    err: str = ""

    @property
    def all(self) -> str:
        """Both streams."""
        return self.out + self.err


@dataclass(frozen=True)
class DockerCommand:
    """One docker program at one engine, with a home of its own. `api` is the version it is held to, None: its own."""

    program: str
    engine: str
    home: Path
    api: str | None = "1.41"
    environment: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, given: bytes = b"") -> Said:
        """Run it to its end, its output into pipes."""
        done = subprocess.run(
            [self.program, *arguments],
            input=given,
            capture_output=True,
            env=self.surroundings(),
            timeout=WAIT_SECONDS,
            check=False,
        )
        return Said(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Begins it and does not wait."""
        return Child(
            [self.program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=self.surroundings(),
        )

    def on_terminal(self, *arguments: str) -> Said:
        """Run it to its end on a terminal; `out` is what stands on the screen then."""
        ours, theirs = pty.openpty()
        child = Child(
            [self.program, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**self.surroundings(), "TERM": "xterm", "COLUMNS": str(WIDTH), "LINES": str(HEIGHT)},
            start_new_session=True,
        )
        os.close(theirs)
        screen = Screen(WIDTH, HEIGHT)
        try:
            written = _read_all(ours)
            status = child.wait(WAIT_SECONDS)
        finally:
            child.kill()
            child.wait()
            os.close(ours)
        screen.feed(written.decode("utf-8", "replace"))
        return Said(status, "\n".join(screen.shown) + "\n")

    def surroundings(self) -> dict[str, str]:
        """The environment it runs in."""
        mine = {"DOCKER_HOST": self.engine, "HOME": str(self.home), "DOCKER_CONFIG": str(self.home / ".docker")}
        api = {"DOCKER_API_VERSION": self.api} if self.api else {}
        return {"PATH": os.environ["PATH"], "TERM": "dumb", **mine, **api, **self.environment}


def _read_all(terminal: int) -> bytes:
    """Until nobody writes to it any more."""
    written, deadline = bytearray(), time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1.0)[0]:
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # Linux says so where the other side is closed
            return bytes(written)
        if not piece:
            return bytes(written)
        written += piece
    raise AssertionError(f"the command did not end in {WAIT_SECONDS:g} s:\n{written.decode(errors='replace')}")


_ALIKE: Sequence[tuple[re.Pattern[str], str]] = (
    (re.compile(r"sha256:[0-9a-f]{64}"), "sha256:DIGEST"),
    (re.compile(r"127\.0\.0\.1:\d{4,5}(?=/team|/v2)"), "REGISTRY"),
    (re.compile(r"'?/\S+/config\.json'?"), "CONFIG"),
    (re.compile(r"127\.0\.0\.1:\d{4,5}$", re.MULTILINE), "REGISTRY"),
    (re.compile(r"team/fresh-[0-9a-f]{8}"), "team/fresh"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "HEX"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "SHORTID"),
    (re.compile(r"\b\d+(?:\.\d+)? ?(?:B|[kKMG]i?B)\b"), "SIZE"),
    (re.compile(r"(?:\d+|About an?|Less than a) (?:second|minute|hour|day|week|month|year)s? ago"), "AGO"),
    (re.compile(r"\bsize: \d+"), "size: N"),
    (re.compile(r"Mounted from \S+"), "Mounted from PLACE"),
)


def told(text: str) -> str:
    """The text with what may differ between engines replaced, and columns no wider than their words need."""
    for pattern, word in _ALIKE:
        text = pattern.sub(word, text)
    return "\n".join(re.sub(r" {2,}", "  ", line).rstrip() for line in text.splitlines())


_LAYER = re.compile(r"^SHORTID: ")
_IN_PASSING = tuple(
    f"SHORTID: {each}" for each in ("Pulling fs layer", "Waiting", "Verifying Checksum", "Download complete")
)
"""Lines that an engine prints or not, as its lanes happen to be free, it sees in time what it has, and the next step of
a small layer comes before the line is told."""


def settled(text: str, *, ordered: bool = True) -> list[str]:
    """The lines of `told`, those of layers in no order, as several move at once; with `ordered` False no line is."""
    lines = [line for line in told(text).splitlines() if line not in _IN_PASSING]
    if not ordered:
        return sorted(lines)
    placed: list[str] = []
    layers: list[str] = []
    for line in lines:
        if _LAYER.match(line):
            layers.append(line)
        else:
            placed += [*sorted(layers), line]
            layers = []
    return placed + sorted(layers)
