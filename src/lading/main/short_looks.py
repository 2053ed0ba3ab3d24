"""Python's looks for cycles in a process that stays.

A look holds every thread up for as long as it takes. A command makes its objects and ends, so `lading.__main__` puts
the looks off; in a service they pile up: with 200 pulls at work, the one at middle-aged objects took 170 ms, and all
who followed a job waited.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG_OBJECTS = 4000
"""New objects between two looks at them: about a millisecond's worth, and ten times that for the middle-aged."""


@contextmanager
def short_looks() -> Iterator[None]:
    """What is there already stays as long as the process, and is looked at no more."""
    before = gc.get_threshold()
    gc.set_threshold(YOUNG_OBJECTS, *before[1:])
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
