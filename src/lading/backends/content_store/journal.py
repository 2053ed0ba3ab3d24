"""Which bytes of a partial file are there: ranges as a value, and the journal that keeps them on disk.

    boot 5f0c…               the boot of the machine in which the lines below were written
    0 1048576                these bytes were written
    1048576 2097152
    synced 0 2097152         these have also reached the disk
    2097152 3145728

A killed process loses nothing it wrote, because the kernel still has it: in the same boot every line counts. After
a reboot only what was synced does. A line without its end is no line.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from lading.backends.content_store.storage import PRIVATE_FILE, replace_file, sync_file

_SYNCED = "synced "
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Ranges:
    """Bytes that are there: half-open spans in order, none touching the next."""

    spans: tuple[tuple[int, int], ...] = ()

    def joined(self, start: int, end: int) -> Ranges:
        """With the bytes from `start` to before `end` as well."""
        before = [span for span in self.spans if span[1] < start]
        after = [span for span in self.spans if span[0] > end]
        touched = self.spans[len(before) : len(self.spans) - len(after)]
        middle = (min([start, *(s for s, _ in touched)]), max([end, *(e for _, e in touched)]))
        return Ranges((*before, middle, *after))

    def gaps(self, size: int) -> tuple[tuple[int, int], ...]:
        """What is missing of `size` bytes, in order."""
        starts = (0, *(end for _, end in self.spans))
        ends = (*(start for start, _ in self.spans), size)
        return tuple((start, end) for start, end in zip(starts, ends, strict=True) if start < end)

    @property
    def prefix(self) -> int:
        """How many bytes are there from the start, without a gap."""
        return self.spans[0][1] if self.spans and self.spans[0][0] == 0 else 0

    @property
    def total(self) -> int:
        """How many bytes are there."""
        return sum(end - start for start, end in self.spans)


def parse(text: str, boot: str | None, size: int) -> tuple[Ranges, Ranges]:
    """What a journal proves of content of `size` bytes to a reader in this `boot` (None: unknown).

    Two answers: what a loss of power cannot take any more, and all that is there now.
    """
    head, *lines = text.split("\n")[:-1] or [""]
    synced = written = Ranges()
    for line in lines:
        span = _span(line.removeprefix(_SYNCED), size)
        if span is None:
            break
        if line.startswith(_SYNCED):
            synced = synced.joined(*span)
        else:
            written = written.joined(*span)
    return synced, written if boot is not None and head == f"boot {boot}" else synced


def _span(line: str, size: int) -> tuple[int, int] | None:
    start, _, end = line.partition(" ")
    if not (start.isdecimal() and end.isdecimal()):
        return None
    return (int(start), int(end)) if int(start) < int(end) <= size else None


def current_boot() -> str | None:
    """Names this run of the machine; None where the system does not say."""
    try:
        return _BOOT_ID.read_text("ascii").strip()
    except OSError:
        return None


class Journal:
    """The journal of one partial; whoever writes it holds the partial's lock."""

    def __init__(self, path: Path, boot: str | None) -> None:
        self._path, self._boot = path, boot
        self._file: int | None = None

    def read(self, size: int) -> Ranges:
        """What is there of content of `size` bytes. The journal then says exactly that, in this boot's words."""
        try:
            text = self._path.read_bytes().decode("ascii", "replace")
        except FileNotFoundError:
            return Ranges()
        synced, written = parse(text, self._boot, size)
        replace_file(self._path, (self._head + _lines(written) + _lines(synced, _SYNCED)).encode())
        return written

    def record(self, start: int, end: int) -> None:
        """These bytes have been written."""
        self._append(f"{start} {end}\n")

    def synced(self, held: Ranges) -> None:
        """These bytes have reached the disk; so do these words before we return."""
        sync_file(self._append(_lines(held, _SYNCED)))

    def remove(self) -> None:
        """Nothing is there any more, or all of it is elsewhere."""
        self.close()
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    @property
    def _head(self) -> str:
        return f"boot {self._boot or 'unknown'}\n"

    def _append(self, line: str) -> int:
        if self._file is None:
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
            if os.fstat(self._file).st_size == 0:
                line = self._head + line
        if os.write(self._file, line.encode()) < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._file


def _lines(ranges: Ranges, word: str = "") -> str:
    return "".join(f"{word}{start} {end}\n" for start, end in ranges.spans)
