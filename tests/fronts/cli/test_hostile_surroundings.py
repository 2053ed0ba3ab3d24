"""What strangers wrote reaches no terminal as a command, and odd streams cost no work that is done."""

from __future__ import annotations

import errno
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from lading import errors
from lading.fronts.cli.console import Streams
from lading.fronts.cli.program import run
from lading.fronts.cli.progress.bars import Bars
from lading.fronts.cli.progress.lines import JsonLines, PlainLines
from lading.fronts.cli.texts import lines, table, visible, visible_json
from lading.oci.descriptor import Descriptor
from lading.oci.image_config import HistoryStep, ImageConfig
from lading.oci.manifest import Manifest
from lading.oci.media_types import OCI_CONFIG
from lading.oci.platform import Platform
from lading.wire.progress import Advanced, Noted, Piece, Planned, State
from tests.fakes.application import Call, MemoryApplication
from tests.fakes.images import put_image
from tests.fakes.memory import MemoryStore

WEB = "docker.io/library/web:1"
HOSTILE = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\n"
SHOWN = r"\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\n"


def commands(text: str) -> set[str]:
    """What in it a terminal would obey or turn round."""
    return {each for each in text if not each.isprintable()} - {"\n"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("größer → 水 🚢", "größer → 水 🚢"),
        (HOSTILE, SHOWN),
        ("a\tb\x00\x7f", r"a\tb\x00\x7f"),
        ("\udcff", r"\udcff"),
        ("\U000e0001", r"\U000e0001"),
    ],
)
def test_what_does_not_print_is_shown_as_what_it_is(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_layout_of_our_own_stays() -> None:
    assert visible("a\n\tb\x1b", kept="\n\t") == "a\n\tb\\x1b"
    assert lines(["one\ntwo", "three"]) == "one\\ntwo\nthree"
    assert table(("A", "B"), [("1\n2", "3")]) == "A     B\n1\\n2  3"


def test_json_without_commands_means_the_same() -> None:
    value = {"a": [HOSTILE, "\x7f\U000e0001é"]}

    written = visible_json(json.dumps(value, ensure_ascii=False, indent=2))

    assert json.loads(written) == value
    assert commands(written) == set()
    assert "é" in written


def put_hostile(store: MemoryStore) -> Descriptor:
    """An image whose config says what its maker wanted a terminal to do."""
    config = ImageConfig.build(Platform("linux", "amd64"), HOSTILE, [], [HistoryStep(None, f"RUN {HOSTILE}")])
    document = json.loads(config.raw) | {"os": f"linux{HOSTILE}", "config": {"User": HOSTILE, "Cmd": [HOSTILE]}}
    manifest = Manifest.build(store.put(json.dumps(document).encode(), OCI_CONFIG), [])
    descriptor = store.put(manifest.raw, manifest.media_type)
    store.names[WEB] = descriptor
    return descriptor


@pytest.mark.parametrize("format", [None, "json", "{{json .}}"])
@pytest.mark.parametrize("command", [["images"], ["inspect", "web:1"], ["history", "web:1"], ["diff", "web:1", "b:1"]])
def test_a_hostile_image_commands_no_terminal(command: list[str], format: str | None) -> None:  # noqa: A002
    application = MemoryApplication()
    put_hostile(application.places.own)
    put_image(application.places.own, tag="docker.io/library/b:1")

    call = Call(application, [*command, *(["--format", format] if format else [])])

    assert call.code == 0, call.err
    assert commands(call.out + call.err) == set()
    assert "owned" in call.out


def test_an_errors_text_stays_on_its_line_and_commands_nothing() -> None:
    class Said(errors.LadingError):
        why = f"it said {HOSTILE}error: all is well"
        hint = HOSTILE
        raw = HOSTILE

        def __str__(self) -> str:
            return HOSTILE

    class Failing(MemoryApplication):
        def start(self, _flags: object) -> MemoryApplication:
            raise Said

    call = Call(Failing(), ["images", "-v"])

    assert [line[:6] for line in call.err.splitlines()] == ["error:", "why:  ", "try:  ", "raw:  "]
    assert commands(call.err) == set()


def test_progress_commands_nothing_in_any_form() -> None:
    for show in (
        lambda stream: PlainLines(stream, lambda: 0.0),
        lambda stream: JsonLines(stream, lambda report: report),
        lambda stream: Bars(stream, lambda: 0.0, False, live=False),
    ):
        stream = io.StringIO()
        shown = show(stream)
        before = len(stream.getvalue())
        shown.report(Planned("t", (Piece("sha256:aa", size=5, label=HOSTILE),)))
        shown.report(Advanced("t", "sha256:aa", State.RETRYING, detail=f"[/red]{HOSTILE}", seconds=1.0))
        shown.report(Noted("t", HOSTILE))
        shown.report(Advanced("t", "sha256:aa", State.FAILED, detail=HOSTILE))
        told = stream.getvalue()[before:]
        shown.close()
        assert "owned" in told
        assert not {"\x07", "\x9b", "\u202e"} & set(told)
        assert "\x1b]0" not in told


class Full(io.StringIO):
    """A stream on a full disk."""

    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_result_that_cannot_be_written_is_an_error_of_ours() -> None:
    err = io.StringIO()

    code = run(MemoryApplication().start, ["version"], Streams(io.BytesIO(), Full(), err), {})

    assert code == 1
    assert err.getvalue().splitlines()[:2] == [
        "error: the result cannot be written to standard output",
        "why:   No space left on device. The fault is on Lading's side.",
    ]


def test_messages_that_cannot_be_written_stop_nothing() -> None:
    application, out = MemoryApplication(), io.StringIO()
    root = put_image(application.places.own, tag=WEB)

    streams = Streams(io.BytesIO(), out, Full())
    code = run(application.start, ["push", "web:1", "registry.test/web:1"], streams, {})

    assert code == 0
    assert str(root.digest) in out.getvalue()


@pytest.mark.parametrize(
    ("closed", "code", "told"),
    [("<&-", 0, ""), (">&-", 1, "error: the result cannot be written"), ("2>&-", 0, ""), ("<&- >&- 2>&-", 1, "")],
)
def test_a_stream_that_the_caller_closed_is_no_defect(tmp_path: Path, closed: str, code: int, told: str) -> None:
    command = f'"$0" -m lading --data "$1" images {closed}'
    (tmp_path / "data").mkdir()

    done = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable, str(tmp_path / "data")], capture_output=True, text=True, check=False
    )

    assert done.returncode == code
    assert done.stderr.startswith(told)
    assert "Traceback" not in done.stderr


def test_a_password_that_is_no_text_is_not_shown() -> None:
    call = Call(MemoryApplication(), ["login", "a.test", "-u", "ann", "--password-stdin"], stdin=b"s3cret\xff\n")

    assert call.code == 2
    assert "its bytes are not UTF-8" in call.err
    assert "s3cret" not in call.err
