"""One call of the program: its flags, its terminal, the application opened at first need, and how it is interrupted."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from types import FrameType

from lading.errors import InputInvalid
from lading.fronts.cli.application import Application, Cancellation, Start
from lading.fronts.cli.console import Console, Streams
from lading.fronts.cli.failures import INTERRUPTED
from lading.wire.progress import Report


class ServerNeeded(InputInvalid):
    """A flag that says how a server is to do it, and no server."""

    hint = "Name the server with --server URL, or choose one with lading context use."

    def __init__(self, flag: str) -> None:
        super().__init__(flag)
        self.flag = flag

    def __str__(self) -> str:
        return f"--{self.flag} is for commands that a server carries out"


class Invocation:
    """What commands find in click's context."""

    def __init__(self, start: Start, streams: Streams, environment: Mapping[str, str]) -> None:
        self.flags: dict[str, object] = {}
        self.command: str | None = None
        self.begins = False
        self.far: str | None = None
        self.environment = environment
        self.console = Console(streams, environment)
        self._start = start
        self._application: Application | None = None
        self._one_question = threading.Lock()
        self._paused: Callable[[], AbstractContextManager[None]] = nullcontext

    @property
    def application(self) -> Application:
        """Opened with the flags read so far, which are all by the time a command runs."""
        if self._application is None:
            self._application = self._start(self.flags)
            if self.begins:
                self._application.begin()
        return self._application

    @property
    def goes_far(self) -> bool:
        """Whether the command is about a server elsewhere: it has to do with servers at all, and one was named. Raises
        ServerNeeded where a flag stands on the line that is for servers alone."""
        if self.far == "":
            return self.on_the_line & {"server", "context"} != set() and self.command != "agent"
        if self.application.remote is not None:
            return True
        if flag := next(iter(sorted(self.on_the_line & {"detach", "env"})), None):
            raise ServerNeeded(flag)
        return False

    @property
    def on_the_line(self) -> set[str]:
        """The names of the flags that were given."""
        return set(self.flags)

    @property
    def form(self) -> str | None:
        """The format results are wanted in."""
        return self.application.preferences.format

    def close(self) -> None:
        """Closes the application if it was opened."""
        if self._application is not None:
            self._application.close()

    @contextmanager
    def cancellable(self) -> Iterator[Cancellation]:
        """A Cancel that Ctrl-C and SIGTERM pull, and that ends with --timeout.

        The first signal cancels cleanly; the second ends the process at once, which loses nothing that was finished.
        """
        with self.application.cancellation() as cancel:

            def interrupt(_signal: int, _frame: FrameType | None) -> None:
                for number in _SIGNALS:
                    signal.signal(number, _stop_now)
                threading.Thread(target=cancel.cancel, name="interrupt", daemon=True).start()

            with _on_signals(interrupt):
                yield cancel

    @contextmanager
    def progress(self) -> Iterator[Report]:
        """Where events go while work runs; bars are gone and lines are whole when it ends."""
        from lading.fronts.cli.progress import renderer  # noqa: PLC0415  # commands that move nothing stay cheap

        shown = renderer(self.application.preferences.progress, self.console)
        self._paused = shown.paused
        try:
            yield shown.report
        finally:
            self._paused = nullcontext
            shown.close()

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Inside, the terminal is for one question to the person there, from whichever thread, and for no bars."""
        with self._one_question, self._paused():
            yield


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _stop_now(_signal: int, _frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)


@contextmanager
def _on_signals(interrupt: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handles the signals while inside; only a process's first thread may."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
