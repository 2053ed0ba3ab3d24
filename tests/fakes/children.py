"""Programs that a test begins and does not wait for at once."""

from __future__ import annotations

import subprocess
from types import TracebackType
from typing import TYPE_CHECKING, AnyStr

_begun: list[Child[bytes] | Child[str]] = []


class Child(subprocess.Popen[AnyStr]):
    """A program begun within one test. When that is over, however it went, the program is ended and waited for, and its
    pipes are closed: what a failed test left would be held against another.

    As a context it is ended where the block fails. What a fixture shares among tests is no Child.
    """

    if not TYPE_CHECKING:  # the types are Popen's own

        def __init__(self, *arguments: object, **named: object) -> None:
            super().__init__(*arguments, **named)
            _begun.append(self)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(kind, value, traceback)

    def end(self) -> None:
        """Returns when it is over and nothing of it is held. It may have been so before."""
        self.kill()
        self.wait()
        for pipe in (self.stdin, self.stdout, self.stderr):
            if pipe is not None:
                pipe.close()


def end_all() -> None:
    """End what has been begun since the last time."""
    while _begun:
        _begun.pop().end()
