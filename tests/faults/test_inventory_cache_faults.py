"""The inventory cache under several processes at once, some of them killed while they write."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

from lading.backends.inventories.cache import InventoryCache
from lading.backends.inventories.messages import packed
from lading.oci.digest import Digest
from tests.fakes.children import Child

WRITER = """
import sys
from itertools import count
from pathlib import Path
from lading.backends.inventories.cache import InventoryCache
from lading.oci.digest import Digest

cache = InventoryCache(Path(sys.argv[1]))
for number in count():
    digest = Digest.of(f"{sys.argv[2]} {number}".encode())
    cache.keep_layer(digest, bytes(50_000))
    cache.keep_unpacked(digest, digest)
    print(digest, flush=True)
"""
ROWS = 25


def written_by(path: Path, name: str) -> list[Digest]:
    """What a process has kept for certain when it is killed, in the middle of keeping more."""
    command = [sys.executable, "-c", WRITER, str(path), name]
    with Child(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        digests = [Digest.parse(writer.stdout.readline().strip()) for _ in range(ROWS)]
        writer.kill()
    return digests


def test_writers_that_are_killed_leave_a_sound_file_and_what_they_had_kept(tmp_path: Path) -> None:
    path = tmp_path / "inventory.db"
    kept: list[Digest] = []

    def write(name: str) -> None:
        kept.extend(written_by(path, name))

    writers = [threading.Thread(target=write, args=[name]) for name in ("one", "two", "three")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    cache = InventoryCache(path)
    assert cache.known(kept) == frozenset(kept)
    assert len(kept) == 3 * ROWS
    cache.keep_layer(kept[0], packed(b"{}"))
    cache.close()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_many_threads_share_one_cache(tmp_path: Path) -> None:
    cache = InventoryCache(tmp_path / "inventory.db")
    digests = [[Digest.of(f"{thread} {number}".encode()) for number in range(ROWS)] for thread in range(6)]

    def keep(those: list[Digest]) -> None:
        for digest in those:
            cache.keep_layer(digest, b"content")
            assert cache.known([digest])

    threads = [threading.Thread(target=keep, args=[those]) for those in digests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert cache.known(digest for those in digests for digest in those) == {each for those in digests for each in those}
    cache.forget([])
    assert not cache.known(digests[0])
    cache.close()
