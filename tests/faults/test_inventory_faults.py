"""Children that die, hang, lie or are stopped while they read layers: told as what it is, and nothing stays behind."""

from __future__ import annotations

import gzip
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from lading.backends.inventories.confinement import MEMORY_LIMIT
from lading.backends.inventories.reader import InventoryReader
from lading.backends.inventories.talk import Allowance
from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.main.inventory_child import COMMAND
from lading.oci.digest import Digest
from lading.services.findings.scanner import ScanFailed, ViewedLayer
from lading.wire.message import BytesReader, Reader
from tests.fakes.children import Child
from tests.fakes.clock import WaitingClock
from tests.fakes.contents import GatedContent, PlannedContent
from tests.fakes.root_images import packed_by_gzip, tar_of
from tests.fakes.viewed_images import KeptLayer, ViewedImage, filed, kept, streamed
from tests.faults.inventory_children import children

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes as Linux shows them")

LAYER = tar_of({"etc/os-release": b"ID=debian\n", "some/file": Random(1).randbytes(3_000_000)})


def silent(_read: int, _all: int) -> None:
    """Nobody listens."""


@contextmanager
def ending(process: int) -> Iterator[None]:
    """That process has ended when this does, zombie or not."""
    file = os.pidfd_open(process)
    try:
        yield
        poll = select.poll()
        poll.register(file, select.POLLIN)
        assert poll.poll(10_000)
    finally:
        os.close(file)


@contextmanager
def reading(folder: Path, command: Sequence[str] = COMMAND, seconds: float = 60) -> Iterator[InventoryReader]:
    """A reader after whose end no child, thread, open file or temporary file is left."""
    files = set(os.listdir("/proc/self/fd"))
    reader = InventoryReader(
        folder / "inventory.db", command, children=2, allowance=Allowance(seconds), idle_seconds=60
    )
    try:
        yield reader
    finally:
        reader.close()
        assert children() == []
        assert [thread.name for thread in threading.enumerate() if "inventory" in thread.name] == []
        assert set(os.listdir("/proc/self/fd")) == files


class Asking:
    """Somebody who waits for an image on a thread."""

    def __init__(self, reader: InventoryReader, image: ViewedImage) -> None:
        self.cancel = Cancellation()
        self.outcome: object = None
        self._reader, self._image = reader, image
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self) -> None:
        try:
            self.outcome = self._reader.image(self._image, silent, self.cancel)
        except (ScanFailed, Cancelled) as error:
            self.outcome = error

    def ended(self) -> object:
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.outcome


def opened_by(*openings: Callable[[], Reader]) -> KeptLayer:
    """LAYER, which opens as these say, one after the other."""
    left = iter(openings)
    return KeptLayer(ViewedLayer(Digest.of(LAYER), None), lambda: next(left)())  # noqa: PLW0108 - each time the next one


def test_a_child_that_is_killed_once_costs_a_second_reading(tmp_path: Path) -> None:
    gated = GatedContent(LAYER)
    with reading(tmp_path) as reader:
        asking = Asking(reader, ViewedImage(opened_by(gated.open, lambda: BytesReader(LAYER))))
        assert gated.reached.wait(60)
        (child,) = children()
        os.kill(child, signal.SIGKILL)
        gated.gate.set()

        assert not isinstance(asking.ended(), Exception)
        assert child not in children()


def test_a_child_that_is_killed_twice_is_told(tmp_path: Path) -> None:
    first, second = GatedContent(LAYER), GatedContent(LAYER)
    with reading(tmp_path) as reader:
        asking = Asking(reader, ViewedImage(opened_by(first.open, second.open)))
        for gated in (first, second):
            assert gated.reached.wait(60)
            os.kill(children()[0], signal.SIGKILL)
            gated.gate.set()
        outcome = asking.ended()

    assert str(outcome).endswith("cannot be read: the process that read it was ended by SIGKILL")


def test_a_stream_that_cannot_be_opened_again_is_not_read_twice(tmp_path: Path) -> None:
    gated = GatedContent(LAYER)

    def kill() -> None:
        assert gated.reached.wait(60)
        os.kill(children()[0], signal.SIGKILL)
        gated.gate.set()

    killing = threading.Thread(target=kill)
    killing.start()
    with reading(tmp_path) as reader, pytest.raises(ScanFailed, match="SIGKILL"):
        reader.layer(None, gated.open(), Cancellation())
    killing.join()


def test_a_cancel_ends_the_child_at_once(tmp_path: Path) -> None:
    gated = GatedContent(LAYER)
    with reading(tmp_path) as reader:
        asking = Asking(reader, ViewedImage(opened_by(gated.open)))
        assert gated.reached.wait(60)
        (child,) = children()
        with ending(child):
            asking.cancel.cancel()
        gated.gate.set()

        assert isinstance(asking.ended(), Cancelled)
        assert children() == []


def test_no_more_children_than_allowed_and_who_waits_for_one_can_be_stopped(tmp_path: Path) -> None:
    gated = [GatedContent(LAYER), GatedContent(LAYER)]
    stopped = Cancellation()
    outcomes: list[str] = []

    def ask(content: Reader, cancel: Cancellation) -> None:
        try:
            outcomes.append(str(reader.layer(None, content, cancel).diff_id))
        except Cancelled as cancelled:
            outcomes.append(str(cancelled))

    with reading(tmp_path) as reader:
        busy = [threading.Thread(target=ask, args=[each.open(), Cancellation()]) for each in gated]
        waiting = threading.Thread(target=ask, args=[BytesReader(LAYER), stopped])
        for thread, content in zip(busy, gated, strict=True):
            thread.start()
            assert content.reached.wait(60)
        waiting.start()
        stopped.cancel()
        waiting.join(20)
        assert len(children()) == 2
        for thread, content in zip(busy, gated, strict=True):
            content.gate.set()
            thread.join(60)

    assert outcomes == ["cancelled", *[str(Digest.of(LAYER))] * 2]


HANGING = [sys.executable, "-I", "-c", "import signal; signal.pause() # inventory"]


def test_a_child_that_hangs_is_killed(tmp_path: Path) -> None:
    layers = [kept(LAYER), filed(tmp_path / "blob", LAYER), streamed(LAYER)]
    with reading(tmp_path, HANGING, seconds=0.05) as reader:
        for layer in layers:
            with pytest.raises(ScanFailed, match="takes longer than the 0 s allowed"):
                reader.image(ViewedImage(layer), silent, Cancellation())
            assert children() == []


class Slow:
    """A Reader that takes an hour of the given clock for each piece."""

    def __init__(self, content: bytes, clock: WaitingClock) -> None:
        self._reader, self._clock = BytesReader(content), clock

    def readinto(self, buffer: memoryview, /) -> int:
        self._clock.now += 3600
        return self._reader.readinto(buffer)

    def close(self) -> None:
        self._reader.close()


def test_a_slow_source_is_not_held_against_the_child(tmp_path: Path) -> None:
    """Whoever feeds a layer may wait for longer than a child may take for it."""
    clock = WaitingClock()
    reader = InventoryReader(tmp_path / "inventory.db", COMMAND, allowance=Allowance(60, 0, clock))
    try:
        assert reader.layer(None, Slow(LAYER, clock), Cancellation()).diff_id == Digest.of(LAYER)
    finally:
        reader.close()


def speaking(words: str) -> list[str]:
    """A child that says this to whatever it is asked, and then waits."""
    code = f"import socket; s = socket.socket(fileno=0); s.recv(99); s.sendall({words}); s.recv(1) # inventory"
    return [sys.executable, "-I", "-c", code]


@pytest.mark.parametrize(
    "words",
    [
        "b'r' + (5).to_bytes(8, 'big') + b'trash'",
        "b'r' + (1 << 60).to_bytes(8, 'big')",
        "b'?' + bytes(8)",
        "b'p' + (1).to_bytes(8, 'big') + b'1'",
        "b'r' + (10).to_bytes(8, 'big') + __import__('zlib').compress(b'{}')",
    ],
)
def test_a_child_that_says_what_none_says_is_not_believed(tmp_path: Path, words: str) -> None:
    with reading(tmp_path, speaking(words)) as reader, pytest.raises(ScanFailed, match="its reader makes no sense"):
        reader.image(ViewedImage(kept(LAYER)), silent, Cancellation())


def test_a_child_that_cannot_begin_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-c", "import nothing_of_that_name # inventory"]
    with (
        reading(tmp_path, command) as reader,
        pytest.raises(ScanFailed, match="No module named 'nothing_of_that_name'"),
    ):
        reader.image(ViewedImage(kept(LAYER)), silent, Cancellation())


def test_a_child_that_hangs_up_and_lives_on_is_ended(tmp_path: Path) -> None:
    code = "import os, signal; os.close(0); signal.pause() # inventory"
    with reading(tmp_path, [sys.executable, "-I", "-c", code]) as reader:
        with pytest.raises(ScanFailed, match="closed its end and went on"):
            reader.layer(None, BytesReader(LAYER), Cancellation())
        assert children() == []


def test_a_source_that_breaks_off_is_told_and_the_next_time_is_good(tmp_path: Path) -> None:
    content = PlannedContent(LAYER, breaks=[1_000_000])
    layer = KeptLayer(ViewedLayer(Digest.of(LAYER), None), content.open)
    with reading(tmp_path) as reader:
        with pytest.raises(ScanFailed, match="as planned"):
            reader.image(ViewedImage(layer), silent, Cancellation())
        assert children() == []

        assert reader.image(ViewedImage(layer), silent, Cancellation()).release
    assert content.unclosed == 0


@pytest.mark.parametrize("cut", [9, 1000, len(packed_by_gzip(LAYER)) - 1])
def test_a_layer_that_is_cut_off_is_told(tmp_path: Path, cut: int) -> None:
    content = packed_by_gzip(LAYER)[:cut]
    layer = KeptLayer(ViewedLayer(Digest.of(LAYER), None), lambda: BytesReader(content))
    with reading(tmp_path) as reader, pytest.raises(ScanFailed, match="it ends in the middle"):
        reader.image(ViewedImage(layer), silent, Cancellation())


def test_a_bomb_is_stopped(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024), mtime=0) * 24
    layer = KeptLayer(ViewedLayer(Digest.of(LAYER), None), lambda: BytesReader(bomb))
    with reading(tmp_path) as reader, pytest.raises(ScanFailed, match="unpacks to more than 500 times its size"):
        reader.image(ViewedImage(layer), silent, Cancellation())


def test_a_child_has_limits_and_nothing_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LADING_PASSWORD", "a secret")
    gated = GatedContent(LAYER)
    with reading(tmp_path) as reader:
        reader.layer(None, BytesReader(tar_of({})), Cancellation())  # it is up, and has its limits
        asking = Asking(reader, ViewedImage(opened_by(gated.open)))
        assert gated.reached.wait(60)
        (child,) = children()
        place = Path("/proc", str(child))
        limits = dict(line.split("  ", 1) for line in (place / "limits").read_text().splitlines())
        environment = (place / "environ").read_bytes()
        first_to_go = (place / "oom_score_adj").read_text().strip()
        files = {int(each.name): os.readlink(each).partition(":")[0] for each in (place / "fd").iterdir()}
        gated.gate.set()
        asking.ended()

    assert limits["Max address space"].split()[0] == str(MEMORY_LIMIT)
    assert limits["Max core file size"].split()[0] == "0"
    assert first_to_go == "500"
    assert b"secret" not in environment
    assert files[0] == "socket"
    assert {name for number, name in files.items() if number > 2} <= {"pipe"}  # the layer's, once it is handed over


def test_children_end_by_themselves_when_idle(tmp_path: Path) -> None:
    reader = InventoryReader(tmp_path / "inventory.db", COMMAND, children=2, idle_seconds=0)
    reader.image(ViewedImage(kept(LAYER)), silent, Cancellation())
    for thread in threading.enumerate():
        if "inventory" in thread.name:
            thread.join(60)

    assert children() == []
    reader.close()


def test_an_idle_child_that_died_is_replaced(tmp_path: Path) -> None:
    with reading(tmp_path) as reader:
        reader.layer(None, BytesReader(LAYER), Cancellation())
        (child,) = children()
        with ending(child):
            os.kill(child, signal.SIGKILL)

        reader.layer(None, BytesReader(tar_of({})), Cancellation())
        assert child not in children()


PARENT = """
import sys, time
from pathlib import Path
from lading.backends.inventories.reader import InventoryReader
from lading.engine.cancel import Cancellation
from lading.main.inventory_child import COMMAND

class Silent:
    def readinto(self, buffer):
        print("reading", flush=True)
        time.sleep(600)

InventoryReader(Path(sys.argv[1]), COMMAND, children=1).layer(None, Silent(), Cancellation())
"""


def test_children_end_with_whoever_started_them(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path / "inventory.db")]
    with Child[bytes](command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"reading\n"
        (child,) = children(parent.pid)
        with ending(child):
            parent.kill()
