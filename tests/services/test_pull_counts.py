"""Pulls are counted in memory, and written in batches: none is lost but by a crash, and none is written needlessly."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest

from lading.errors import StorageFailed
from lading.oci.digest import Digest
from lading.services.repositories.pull_counts import MOST_WAITING, PullCounts, Pulled, Pulls

IMAGE = Digest.of(b"image")
BY_TAG, BY_DIGEST = Pulled("app", IMAGE, "v1"), Pulled("app", IMAGE, None)


class Rows:
    """What was written, batch by batch; `broken` takes none."""

    def __init__(self) -> None:
        self.batches: list[Mapping[Pulled, Pulls]] = []
        self.broken = False

    def count_pulls(self, pulls: Mapping[Pulled, Pulls]) -> None:
        if self.broken:
            raise StorageFailed("no")
        self.batches.append(dict(pulls))


def counts(rows: Rows) -> PullCounts:
    return PullCounts(rows, lambda: 7.0)


def test_many_pulls_are_one_batch() -> None:
    rows = Rows()
    counting = counts(rows)
    for _ in range(3):
        counting.add("app", "v1", IMAGE)
    counting.add("app", IMAGE, IMAGE)
    assert not rows.batches

    counting.write()

    assert rows.batches == [{BY_TAG: Pulls(3, 7.0), BY_DIGEST: Pulls(1, 7.0)}]


def test_nothing_is_written_where_nothing_was_pulled() -> None:
    rows = Rows()
    counting = counts(rows)
    counting.write()
    counting.add("app", "v1", IMAGE)
    counting.write()
    counting.write()

    assert len(rows.batches) == 1


def test_what_cannot_be_written_waits() -> None:
    rows = Rows()
    counting = counts(rows)
    counting.add("app", "v1", IMAGE)
    rows.broken = True
    with pytest.raises(StorageFailed):
        counting.write()
    counting.add("app", "v1", IMAGE)
    rows.broken = False

    counting.write()

    assert rows.batches == [{BY_TAG: Pulls(2, 7.0)}]


def test_what_waits_is_bounded_also_while_writing_fails() -> None:
    class Failing(Rows):
        """Takes so long to fail that as many again are pulled meanwhile."""

        def count_pulls(self, pulls: Mapping[Pulled, Pulls]) -> None:
            if self.broken:
                for number in range(MOST_WAITING):
                    counting.add("app", f"later{number}", IMAGE)
            super().count_pulls(pulls)

    rows = Failing()
    counting = counts(rows)
    counting.add("app", "v1", IMAGE)
    rows.broken = True
    with pytest.raises(StorageFailed):
        counting.write()
    rows.broken = False
    counting.write()

    (written,) = rows.batches
    assert len(written) == MOST_WAITING


def test_what_waits_is_bounded() -> None:
    rows = Rows()
    counting = counts(rows)
    for number in range(MOST_WAITING + 5):
        counting.add("app", f"t{number}", IMAGE)
    counting.add("app", "t0", IMAGE)

    counting.write()

    assert len(rows.batches[0]) == MOST_WAITING
    assert rows.batches[0][Pulled("app", IMAGE, "t0")].count == 2


def test_the_last_are_written_at_the_stop() -> None:
    rows = Rows()
    counting = counts(rows)
    counting.begin()
    counting.add("app", "v1", IMAGE)

    counting.stop()
    counting.stop()

    assert rows.batches == [{BY_TAG: Pulls(1, 7.0)}]


def test_no_pull_of_many_threads_is_lost() -> None:
    rows = Rows()
    counting = counts(rows)

    def pull() -> None:
        for _ in range(2000):
            counting.add("app", "v1", IMAGE)

    threads = [threading.Thread(target=pull) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        counting.write()
    counting.write()

    assert sum(batch[BY_TAG].count for batch in rows.batches) == 8000
