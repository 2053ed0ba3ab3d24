"""Many jobs as server-sent events: text out.

event: snapshot   first: {"jobs": [job …], "more": n}; replaces whatever was told before
event: job        a job that came, began, ended or waits for something else: the whole of it, without its lines
event: tick       {"id", "progress"}: how far a job has come; replaces its progress
event: lines      {"id", "after", "cursor", "lines"}: of a job whose lines were asked for
event: gone       {"id", "error", "code"}: a job whose lines were asked for, and why they do not come
: …               a comment, so that nobody in between takes a quiet stream for a dead one
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JobText:
    """One job, made text once: `head` is the object without its progress and without its end."""

    id: bytes
    head: bytes
    progress: bytes

    @classmethod
    def of(cls, id: str, job: Mapping[str, object], progress: Mapping[str, object]) -> JobText:  # noqa: A002
        """Of a job without its progress, which has at least an id."""
        return cls(_json(id), _json(job)[:-1], _json(progress))

    @property
    def whole(self) -> bytes:
        """The object."""
        return b'%b,"progress":%b}' % (self.head, self.progress)

    @property
    def job_event(self) -> bytes:
        """It came, or stands otherwise than before."""
        return b"event: job\ndata: %b\n\n" % self.whole

    @property
    def tick_event(self) -> bytes:
        """It has come on."""
        return b'event: tick\ndata: {"id":%b,"progress":%b}\n\n' % (self.id, self.progress)


def snapshot_event(jobs: Iterable[JobText], more: int) -> bytes:
    """All of these, and how many more there are."""
    return b'event: snapshot\ndata: {"jobs":[%b],"more":%d}\n\n' % (b",".join(job.whole for job in jobs), more)


def lines_event(id: str, after: int, lines: Sequence[bytes]) -> bytes:  # noqa: A002
    """Those that follow line `after`; each was made by `line_item`."""
    cursor = after + len(lines)
    items = b",".join(lines)
    return b'event: lines\ndata: {"id":%b,"after":%d,"cursor":%d,"lines":[%b]}\n\n' % (_json(id), after, cursor, items)


def line_item(data: Mapping[str, object], terminal: bool) -> bytes:
    """One line; the terminal one is the job's result."""
    return _json({"event": "result", "data": data} if terminal else {"data": data})


def gone_event(id: str, error: str, code: str) -> bytes:  # noqa: A002
    """Its lines do not come."""
    return b"event: gone\ndata: %b\n\n" % _json({"id": id, "error": error, "code": code})


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
