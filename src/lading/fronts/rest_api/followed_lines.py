"""Lines of some jobs, for one stream that tells of many: each is followed as by a stream of its own, without ticks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lading.services.access import Denied
from lading.services.running.follower import Follower
from lading.services.running.jobs import JobUnknown
from lading.services.running.reading import LineTold, Reading
from lading.wire.job_board_stream import gone_event, lines_event

Follow = Callable[[str, int], Follower]
"""Follows a job from the line after this one on. Blocks. Raises what services.running.jobs.Jobs.follow does."""


class FollowedLines:
    """Not for several threads at once. What blocks says so."""

    def __init__(self, wanted: Mapping[str, int]) -> None:
        """Jobs, and the number of the last line that is there already."""
        self._cursors = dict(wanted)
        self._followers: dict[str, Follower] = {}
        self._behind: set[str] = set()
        self._gone = b""

    @property
    def wanted(self) -> bool:
        """Whether there is any to follow."""
        return bool(self._cursors)

    @property
    def jobs(self) -> frozenset[str]:
        """Those that are followed and have more to come."""
        return frozenset(self._followers)

    @property
    def behind(self) -> bool:
        """Whether `catch_up` is wanted."""
        return bool(self._behind)

    def open(self, follow: Follow) -> None:
        """Follow all that were asked for and have not ended, from where they stand; who may not look at one any more is
        told so. Blocks."""
        self.close()
        for job, cursor in tuple(self._cursors.items()):
            try:
                self._followers[job] = follow(job, cursor)
            except (JobUnknown, Denied) as error:
                del self._cursors[job]
                self._gone += gone_event(job, str(error), error.code)

    def read(self) -> bytes:
        """What is new in memory. Never blocks."""
        gone, self._gone = self._gone, b""
        return gone + b"".join(self._taken(job, follower.read) for job, follower in tuple(self._followers.items()))

    def catch_up(self) -> bytes:
        """What is new in the records. Blocks. Raises StorageFailed."""
        behind, self._behind = self._behind, set()
        return b"".join(self._taken(job, self._followers[job].catch_up) for job in behind if job in self._followers)

    def doubt(self) -> None:
        """As services.running.follower.Follower.doubt."""
        for follower in self._followers.values():
            follower.doubt()

    def close(self) -> None:
        """Follow no more; harmless twice."""
        for follower in self._followers.values():
            follower.close()
        self._followers.clear()
        self._behind.clear()

    def _taken(self, job: str, read: Callable[[], Reading]) -> bytes:
        follower, text = self._followers[job], b""
        reading = read()
        while not (reading.ended or reading.behind) and reading.all:
            text += self._text(job, reading)
            reading = follower.read()
        text += self._text(job, reading)
        if reading.behind:
            self._behind.add(job)
        if reading.ended:
            self._followers.pop(job).close()
            del self._cursors[job]
        return text

    def _text(self, job: str, reading: Reading) -> bytes:
        lines = [each.item() for each in reading.all if isinstance(each, LineTold)]
        if not lines:
            return b""
        after = self._cursors[job]
        self._cursors[job] = after + len(lines)
        return lines_event(job, after, lines)
