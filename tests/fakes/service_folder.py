"""The command line over a data folder of its own, in this process: what it prints, and how it ends."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.shell_completion import ShellComplete

from lading.backends.database.service_database import open_service_database
from lading.fronts.cli.console import Streams
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.program import PROGRAM, run
from lading.main.wired import Wired
from lading.services.access import LADING
from lading.services.audit.audit import Deed
from lading.services.jobs.job import Job, JobRequest, JobState

PASSWORD = "correct horse battery"
JOB = "0b6f2d9e-0d3c-4a8e-9d59-3a3c1e7b7b10"


@dataclass(frozen=True)
class Said:
    """One call's exit code and streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was printed, as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True)
class ServiceFolder:
    """Calls the program with nobody's settings but those given."""

    data: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, stdin: str = "") -> Said:
        """However it ends."""
        surroundings = self._surroundings
        out, err = io.StringIO(), io.StringIO()
        streams = Streams(io.BytesIO(stdin.encode()), out, err)
        code = run(lambda flags: Wired.start(surroundings, flags), arguments, streams, surroundings)
        return Said(code, out.getvalue(), err.getvalue())

    def __call__(self, *arguments: str, stdin: str = "") -> Said:
        """It must go well."""
        said = self.run(*arguments, stdin=stdin)
        assert said.code == 0, said.err
        return said

    def json(self, *arguments: str, stdin: str = "") -> Any:
        """What it prints with --format json; it must go well."""
        return self(*arguments, "--format", "json", stdin=stdin).json

    def completed(self, *words: str) -> list[str]:
        """What a shell is offered for the last of these words."""
        surroundings = self._surroundings
        streams = Streams(io.BytesIO(), io.StringIO(), io.StringIO())
        invocation = Invocation(lambda flags: Wired.start(surroundings, flags), streams, surroundings)
        try:
            shell = ShellComplete(PROGRAM, {"obj": invocation}, "lading", "_LADING_COMPLETE")
            return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]
        finally:
            invocation.close()

    @property
    def _surroundings(self) -> Mapping[str, str]:
        return {"HOME": str(self.data.parent / "home"), "LADING_DATA": str(self.data), **self.environment}

    def user(self, name: str, *roles: str) -> None:
        """A new one, with PASSWORD."""
        wanted = [word for role in roles for word in ("--role", role)]
        self("user", "add", name, *wanted, "--password-stdin", stdin=PASSWORD)


def a_job(folder: ServiceFolder, state: JobState = JobState.QUEUED, kind: str = "push") -> None:
    """One that somebody asked for, as a server leaves it when it stops."""
    folder("jobs", "ls")
    database = open_service_database(folder.data / "lading.db", time.time)
    deed = Deed(kind, "image", "sha256:1", "team/app:1")
    request = JobRequest(kind, {"image": "app:1"}, None, deed=deed)
    database.jobs.add(Job(JOB, request, None, LADING.name, state, 0, time.time(), time.time(), 0), None)
    database.close()
