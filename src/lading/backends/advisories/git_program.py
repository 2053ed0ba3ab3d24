"""The program git, over the objects of a repository and nothing else that is in it.

It works in a folder of our own, an empty repository whose objects are said to be over there. So no hook, no setting, no
remote and no filter of a repository that strangers made is ever looked at. It may not use the network, nor ask anybody.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from lading.backends.advisories.found import SourceBroken

_SETTINGS = """[core]
\trepositoryformatversion = {version}
\tbare = true
\tpackedGitWindowSize = 4m
\tpackedGitLimit = 64m
\tdeltaBaseCacheLimit = 16m
\tbigFileThreshold = 16m
"""
_SHA256 = "[extensions]\n\tobjectFormat = sha256\n"
_PASSED_ON = ("PATH", "TMPDIR", "LD_LIBRARY_PATH")
_SAID_LIMIT = 2000


@dataclass(frozen=True, slots=True)
class Running:
    """What it reads, what it writes, and how it ended: 0 is well."""

    ask: IO[bytes]
    told: IO[bytes]
    ended: Callable[[], int]


class GitProgram:
    """Over the objects in `objects`. Whatever it runs ends with the block that runs it."""

    def __init__(self, folder: Path, objects: Path, *, sha256: bool = False) -> None:
        self._folder = folder
        (folder / "objects").mkdir()
        (folder / "refs").mkdir()
        (folder / "HEAD").write_text("ref: refs/heads/none\n")
        settings = _SETTINGS.format(version=1 if sha256 else 0) + (_SHA256 if sha256 else "")
        (folder / "config").write_text(settings)
        self._environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | {
            "GIT_DIR": str(folder),
            "GIT_OBJECT_DIRECTORY": str(objects),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_ALLOW_PROTOCOL": "none",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "HOME": str(folder),
            "LC_ALL": "C",
        }

    @classmethod
    @contextmanager
    def over(cls, objects: Path, scratch: Path, *, sha256: bool = False) -> Iterator[GitProgram]:
        """While inside; what it needs itself stands in `scratch`. Raises OSError."""
        with tempfile.TemporaryDirectory(prefix="git-", dir=scratch) as folder:
            yield cls(Path(folder), objects, sha256=sha256)

    @contextmanager
    def running(self, arguments: Sequence[str]) -> Iterator[Running]:
        """While inside. Raises SourceBroken where there is no git."""
        with self._errors() as errors:
            try:
                process = subprocess.Popen(  # noqa: S603  no shell, and git's own words
                    ["git", *arguments],  # noqa: S607  git is where the user has it
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env=self._environment,
                    cwd=self._folder,
                )
            except FileNotFoundError as error:
                raise SourceBroken(
                    "the program git is not there", "Install git, or import a zip or a plain folder of the files."
                ) from error
            with process:
                assert process.stdin is not None
                assert process.stdout is not None
                try:
                    yield Running(process.stdin, process.stdout, process.wait)
                finally:
                    process.kill()

    def failure(self, what: str) -> SourceBroken:
        """Git could not do this; with what it said last."""
        try:
            said = (self._folder / "errors").read_bytes()[:_SAID_LIMIT].decode("utf-8", "replace")
        except OSError:
            said = ""
        return SourceBroken(f"git cannot read {what}" + (f" ({said.strip().splitlines()[0]})" if said.strip() else ""))

    @contextmanager
    def _errors(self) -> Iterator[IO[bytes]]:
        with (self._folder / "errors").open("ab") as errors:
            yield errors
