"""Many who follow the audit trail: it is read once for all of them, and each is asked again when that may matter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from lading.errors import StorageFailed
from lading.fronts.rest_api.audit_stream import AuditStream
from lading.services.access import Denied, Permission
from lading.services.audit.audit import Deed, Result
from lading.services.audit.records import AuditEntry, AuditFilter, AuditRow
from lading.services.audit.view import News, Sight
from lading.wire.event_stream import COMMENT

FOLLOWERS = 50
SECONDS = 60.0
"""More than any of this takes; nothing waits for it to pass."""

ALL = Sight(AuditFilter())


class Trail:
    """Fulfils AuditNews and Reads, and counts what is asked of it."""

    over = False

    def __init__(self) -> None:
        self.rows: list[AuditRow] = []
        self.told: Callable[[], None] = lambda: None
        self.doubtful = self.away = self.busy = False
        self.looks = self.reads = 0

    def subscribe(self, told: Callable[[], None]) -> Callable[[], None]:
        self.told = told
        return lambda: None

    def news(self, after: int | None) -> News:
        self.looks += 1
        if self.away:
            raise StorageFailed("nobody answers")
        news = News(len(self.rows), self.doubtful)
        if self.busy:  # one more comes at once
            self.append()
        return news

    def seen(self, sight: Sight, after: int, limit: int) -> Sequence[AuditRow]:
        self.reads += 1
        return self.rows[after : after + limit]

    def append(self) -> None:
        entry = AuditEntry(1.0, "alice", 1, None, Deed("create", "registry", "1", "r"), Result.DONE, "", "")
        self.rows.append(AuditRow(len(self.rows) + 1, entry, None))


def permitted() -> Sight:
    return ALL


async def heard(stream: AsyncIterator[bytes]) -> bytes:
    """What comes next, comments apart; empty at the end."""
    async for text in stream:
        if text != COMMENT:
            return text
    return b""


def played(play: Callable[[Trail, AuditStream], Awaitable[None]]) -> None:
    async def run() -> None:
        trail = Trail()
        stream = AuditStream(trail, trail)
        async with asyncio.timeout(SECONDS):
            await play(trail, stream)
        stream.close()

    asyncio.run(run())


def test_a_record_is_read_once_for_all_who_follow() -> None:
    async def play(trail: Trail, stream: AuditStream) -> None:
        followers = [stream.follow(permitted, 0) for _ in range(FOLLOWERS)]
        trail.append()
        first = await asyncio.gather(*map(heard, followers))
        waiting = [asyncio.create_task(heard(each)) for each in followers]
        looks, reads = trail.looks, trail.reads
        trail.append()
        trail.told()
        second = await asyncio.gather(*waiting)

        assert {text.splitlines()[1] for text in first} == {b"id: 1"}
        assert {text.splitlines()[1] for text in second} == {b"id: 2"}
        assert (trail.looks - looks, trail.reads - reads) == (1, 1)

    played(play)


def test_who_may_not_look_any_more_hears_nothing_that_came_after() -> None:
    async def play(trail: Trail, stream: AuditStream) -> None:
        allowed = True

        def sight() -> Sight:
            if not allowed:
                raise Denied(Permission.AUDIT_VIEW)
            return ALL

        follower = stream.follow(sight, 0)
        trail.append()
        seen = await heard(follower)
        allowed, trail.doubtful = False, True
        trail.append()
        trail.told()

        assert b"id: 1" in seen
        assert await heard(follower) == b""

    played(play)


def test_what_was_not_looked_at_yet_is_not_told_yet() -> None:
    """Else it might be told to somebody who may not see it by now."""

    async def play(trail: Trail, stream: AuditStream) -> None:
        follower = stream.follow(permitted, 0)
        trail.append()
        trail.busy = True
        first = await heard(follower)
        trail.busy = False
        trail.told()

        assert first.count(b"event: audit") == 1
        assert b"id: 2" in await heard(follower)

    played(play)


def test_more_than_is_read_at_once_comes_in_order() -> None:
    async def play(trail: Trail, stream: AuditStream) -> None:
        for _ in range(AuditStream.READ_AT_ONCE + 5):
            trail.append()
        follower = stream.follow(permitted, 0)
        told = await heard(follower) + await heard(follower)

        ids = [int(line[4:]) for line in told.split(b"\n") if line.startswith(b"id: ")]
        assert ids == list(range(1, AuditStream.READ_AT_ONCE + 6))

    played(play)


def test_a_trail_that_cannot_be_read_sends_followers_away() -> None:
    async def play(trail: Trail, stream: AuditStream) -> None:
        def sight() -> Sight:
            if trail.away:
                raise StorageFailed("nobody answers")
            return ALL

        follower = stream.follow(sight, 0)
        trail.append()
        await heard(follower)
        trail.away = True
        trail.told()

        assert await heard(follower) == b""

    played(play)
