from __future__ import annotations

import errno
import io
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from lading import __version__, errors
from lading.engine.cancel import Cancellation
from lading.fronts.cli.console import Streams
from lading.fronts.cli.failures import EXIT_CODES, MEANINGS, exit_code
from lading.fronts.cli.options import general_options
from lading.fronts.cli.program import COMMANDS, PROGRAM, run
from lading.oci.reference import Repository
from lading.wire.message import ConnectFailed
from tests.fakes.application import Call, MemoryApplication, Terminal
from tests.fakes.images import put_image
from tests.fakes.memory import Stall

WEB = "registry.test/acme/web:1"
ROOT = Path(__file__).parents[3]


class Failing(MemoryApplication):
    """An application that cannot be opened."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def start(self, flags: Mapping[str, object]) -> MemoryApplication:
        raise self._error


class Teapot(errors.TlsRefused):
    why = "it is a teapot"
    hint = "lading doctor"
    raw = "HTTP/1.1 418 I'm a teapot"

    def __str__(self) -> str:
        return "it would not"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.LadingError(), 1),
        (errors.StorageFailed(), 1),
        (errors.ContentCorrupt(), 1),
        (errors.ProtocolBroken(), 1),
        (ZeroDivisionError(), 1),
        (errors.InputInvalid(), 2),
        (click.UsageError("no"), 2),
        (errors.PartlyDone(), 3),
        (errors.AccessDenied(), 4),
        (errors.NotFound(), 5),
        (errors.Refused(), 6),
        (errors.NetworkFailed(), 7),
        (Teapot(), 7),
        (errors.RateLimited(), 8),
        (errors.Unreachable(), 10),
        (errors.TimedOut(), 124),
        (errors.Cancelled(), 130),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_error_ends_with_the_exit_code_of_its_class(error: BaseException, code: int) -> None:
    call = Call(Failing(error), ["images"])

    assert call.code == exit_code(error) == code
    assert call.labels[0] == "error"
    assert call.out == ""
    assert "Traceback" not in call.err


def test_every_root_of_our_errors_has_an_exit_code_that_is_written_down() -> None:
    roots = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.LadingError)]

    assert {EXIT_CODES[next(parent for parent in root.__mro__ if parent in EXIT_CODES)] for root in roots} <= {
        code for code, _ in MEANINGS
    }


def test_an_error_says_what_why_and_what_to_try() -> None:
    assert Call(Failing(Teapot()), ["images"]).err == (
        "error: it would not\nwhy:   it is a teapot. The fault is on the way to the other side.\ntry:   lading doctor\n"
    )


@pytest.mark.parametrize(
    "root", [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.LadingError)]
)
def test_every_error_says_whose_side_failed_and_what_to_do(root: type[errors.LadingError]) -> None:
    call = Call(Failing(root("it would not")), ["images"])

    assert call.labels[-3:] == ["error", "why", "try"]


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (errors.InputInvalid(), "lading images --help"),
        (ConnectFailed("ghcr.io", "refused"), "lading doctor ghcr.io, then the same command again: "),
        (errors.NetworkFailed(), "lading doctor HOST, then the same command again: "),
    ],
)
def test_advice_names_the_command_and_the_host(error: errors.LadingError, advice: str) -> None:
    assert f"try:   {advice}" in Call(Failing(error), ["images"]).err


def test_what_the_other_side_said_is_shown_when_asked_for() -> None:
    assert "raw:   HTTP/1.1 418 I'm a teapot" in Call(Failing(Teapot()), ["-v", "images"]).err


def test_a_traceback_is_shown_only_with_debug() -> None:
    assert "Traceback" in Call(Failing(Teapot()), ["images", "--debug"]).err


def test_a_defect_is_called_one() -> None:
    assert "why:   this is a defect of Lading" in Call(Failing(ZeroDivisionError("oops")), ["images"]).err


@pytest.mark.parametrize("arguments", [["pul"], ["pull"], ["pull", "--fast", "x"], ["completion", "tcsh"]])
def test_wrong_usage_is_exit_2_and_names_the_help(arguments: list[str]) -> None:
    call = Call(MemoryApplication(), arguments)

    assert call.code == 2
    assert call.labels == ["error", "try"]
    assert "--help" in call.err


def test_a_commands_option_before_the_command_is_sent_behind_it() -> None:
    call = Call(MemoryApplication(), ["--insecure", "ls", "registry.test"])

    assert call.code == 2
    assert "try:   put it after the command" in call.err


def test_a_command_that_nearly_exists_is_suggested() -> None:
    assert "pull" in Call(MemoryApplication(), ["pul"]).err


@pytest.mark.parametrize(
    ("environment", "arguments", "coloured"),
    [
        ({"TERM": "xterm"}, [], True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, [], False),
        ({"TERM": "xterm", "NO_COLOR": ""}, [], True),
        ({"TERM": "xterm"}, ["--no-color"], False),
        ({"TERM": "dumb"}, [], False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, [], True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, [], False),
        ({"TERM": "xterm", "CI": "true"}, [], False),
    ],
)
def test_colour_is_for_terminals_and_for_who_forces_it(
    environment: dict[str, str], arguments: list[str], coloured: bool
) -> None:
    call = Call(Failing(Teapot()), [*arguments, "images"], stderr=Terminal(), environment=environment)

    assert ("\x1b[" in call.err) is coloured


def test_help_lists_every_command_and_every_exit_code() -> None:
    text = CliRunner().invoke(PROGRAM, ["--help"]).output

    for name in COMMANDS:
        assert re.search(rf"^  {name} ", text, re.MULTILINE)
    for code, meaning in MEANINGS:
        assert re.search(rf"^  {code} +{re.escape(meaning)}", text, re.MULTILINE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_of_its_own_and_names_where_the_general_part_stands(name: str) -> None:
    text = CliRunner().invoke(PROGRAM, [name, "--help"]).output

    assert " ".join(text.split()).find(COMMANDS[name].help) > 0
    assert text.splitlines()[-1] == "General options and exit codes: lading --help"
    assert "--no-color" not in text


def test_the_programs_help_has_the_general_options() -> None:
    text = CliRunner().invoke(PROGRAM, ["--help"]).output

    for option in general_options():
        assert f"  {', '.join(sorted(option.opts, key=len))}" in text


def test_no_exit_code_is_listed_that_this_version_cannot_give() -> None:
    assert {code for code, _ in MEANINGS} == {0, *EXIT_CODES.values()}


@contextmanager
def stalling(application: MemoryApplication) -> Iterator[Stall]:
    """A pull that goes silent in its first layer until the test ends."""
    repository = application.places.registry(Repository("registry.test", "acme/web"))
    root = put_image(repository, [b"a layer that never ends"], tag="1")
    layer = next(digest for digest, raw in repository.blobs.items() if raw.startswith(b"a layer"))
    stall = Stall(threading.Event())
    application.places.own.writing[layer].append(stall)
    assert root.digest != layer
    yield stall
    stall.gate.set()


def test_the_first_interrupt_cancels_cleanly_and_says_how_to_go_on() -> None:
    application = MemoryApplication()

    def interrupt(stall: Stall) -> None:
        assert stall.reached.wait(30)
        os.kill(os.getpid(), signal.SIGINT)

    with stalling(application) as stall:
        thread = threading.Thread(target=interrupt, args=[stall])
        thread.start()
        call = Call(application, ["pull", WEB])
        thread.join()

    assert call.code == 130
    assert "error: cancelled" in call.err
    assert "try:   Run the same command again: it goes on from what is kept" in call.err
    assert application.places.own.names == {}


def test_the_time_that_was_allowed_ends_a_transfer() -> None:
    application = MemoryApplication()

    def let_time_pass(stall: Stall) -> None:
        assert stall.reached.wait(30)
        application.clock.advance(61)

    with stalling(application) as stall:
        thread = threading.Thread(target=let_time_pass, args=[stall])
        thread.start()
        call = Call(application, ["pull", WEB, "--timeout", "60"])
        thread.join()

    assert call.code == 124


@pytest.mark.parametrize(("first", "second"), [("SIGINT", "SIGINT"), ("SIGTERM", "SIGTERM"), ("SIGINT", "SIGTERM")])
def test_the_second_interrupt_ends_the_process_at_once(first: str, second: str) -> None:
    program = f"""
import os, signal, sys
from lading.fronts.cli.console import Streams
from lading.fronts.cli.invocation import Invocation
from tests.fakes.application import MemoryApplication

with Invocation(MemoryApplication().start, Streams.of_process(), {{}}).cancellable():
    os.kill(os.getpid(), signal.{first})
    os.kill(os.getpid(), signal.{second})
    sys.exit(99)
"""

    assert subprocess.run([sys.executable, "-c", program], check=False, cwd=ROOT).returncode == 130


def test_the_service_runs_until_it_is_interrupted_and_says_how_to_reach_it() -> None:
    class Interrupting(MemoryApplication):
        def cancellation(self) -> Cancellation:
            cancel = super().cancellation()
            cancel.cancel()
            return cancel

    call = Call(Interrupting(), ["serve", "--no-auth"])

    assert (call.code, call.out) == (0, "registry  127.0.0.1:5000\napi       http://127.0.0.1:3000\n")
    assert "warning: open to every program on this machine" in call.err
    assert "docker    DOCKER_HOST=unix:///srv/lading/docker.sock" in call.err
    assert "found     /run/docker.sock   (lading environment add docker unix:///run/docker.sock)" in call.err
    assert "stopped" in call.err


class Gone(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


def test_a_broken_pipe_is_quiet() -> None:
    err = io.StringIO()

    code = run(MemoryApplication().start, ["version"], Streams(io.BytesIO(), Gone(), err), {})

    assert (code, err.getvalue()) == (1, "")


def test_a_pipe_that_breaks_under_an_archive_is_as_quiet() -> None:
    broken = errors.StorageFailed("standard output")
    broken.__cause__ = BrokenPipeError(errno.EPIPE, "Broken pipe")

    call = Call(Failing(broken), ["save", "web"])

    assert (call.code, call.err) == (1, "")


HEAVY = ("rich", "urllib3", "sqlalchemy", "alembic", "sqlite3", "ssl", "cryptography", "asyncio", "httptools", "isal")


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version_is_a_flag_too(flag: str) -> None:
    call = Call(MemoryApplication(), [flag])

    assert (call.code, call.out) == (0, f"lading {__version__}\n")


def test_version_imports_click_and_nothing_heavy() -> None:
    program = "import sys; from lading.main import run; sys.argv[1:] = ['version']; run(); print(*sys.modules)"
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    loaded = set(process.stdout.splitlines()[1].split())
    assert "click" in loaded
    assert not loaded & set(HEAVY)
    assert not {name for name in loaded if name.startswith(("lading.engine", "lading.backends", "lading.services"))}
