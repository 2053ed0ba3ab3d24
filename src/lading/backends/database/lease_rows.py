"""Leases as rows: one for each blob and holder, so that what one holder lets go of another still has.

A row's holder is a word of engine.records.Holder, behind it, for a piece of work, which one. A work that ends takes its
own rows to the one row of each blob that stands for all who LEFT it or ENDED, in one transaction: nobody sees the blob
without a lease on the way. What a process that dies was about to do is not done, and its rows are over after a day.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from threading import Lock

from lading.backends.database import statements
from lading.backends.database.connection import CatalogueConnections
from lading.engine.records import EVERY_HOLDER, Holder
from lading.oci.digest import Digest

LEASE_SECONDS = 24 * 60 * 60
RENEW_SECONDS = 10 * 60
"""A lease is written at most once per blob, holder, process and ten minutes (architecture, What is true where)."""


class _Account:
    """One holder as this process knows it: which of its leases were written, and when. Another holder's do not count:
    they may be gone before its own."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        self.written: dict[Digest, float] = {}

    def due(self, digests: Iterable[Digest], fresh: float) -> list[Digest]:
        """Those of these not written since `fresh`."""
        return [digest for digest in digests if self.written.get(digest, fresh) <= fresh]


def _no_work() -> float:
    return float("inf")


class LeaseRows:
    """Fulfils engine.records.Leases. A lease lasts a day from the last `hold`, whether that wrote a row or not.

    Many transfers at once share their commits: one writes for all who came while the one before wrote.
    """

    def __init__(self, connections: CatalogueConnections, clock: Callable[[], float]) -> None:
        self._connections, self._clock = connections, clock
        self._writing, self._asking = Lock(), Lock()
        self._asked: set[tuple[_Account, Digest]] = set()
        self._told = _Account(Holder.TOLD)
        self._swept = 0.0
        self._work_began: Callable[[], float] = _no_work

    def keep_for_work(self, began: Callable[[], float]) -> None:
        """`began` tells when the oldest work that runs began, in seconds since 1970, infinity where none runs: leases
        given since then count until it ends, though it takes days."""
        self._work_began = began

    def hold(self, digests: Collection[Digest]) -> None:
        self.hold_for(self._told, digests)

    def renewed(self, digests: Collection[Digest]) -> bool:
        return not self.due(self._told, digests)

    def work(self) -> WorkRows:
        return WorkRows(self, _Account(f"{Holder.WORK} {secrets.token_hex(8)}"))

    def held(self, holders: Collection[Holder] = EVERY_HOLDER) -> Collection[Digest]:
        with self._connections.reading() as connection:
            rows = connection.execute(statements.HELD_LEASES, (self._over(),)).fetchall()
        return {Digest.parse(digest) for digest, holder in rows if _kind(holder) in holders}

    def among(self, digests: Collection[Digest], holders: Collection[Holder] = EVERY_HOLDER) -> Collection[Digest]:
        over = self._over()
        with self._connections.reading() as connection:
            return [
                digest
                for digest in digests
                if any(
                    _kind(holder) in holders
                    for (holder,) in connection.execute(statements.HOLDERS_OF, (str(digest), over)).fetchall()
                )
            ]

    def forget_ended(self) -> None:
        with self._connections.writing(durable=False) as connection:
            connection.execute(statements.DROP_LEASES_OF, (Holder.ENDED,))

    def forget(self, digests: Collection[Digest], holders: Collection[Holder]) -> None:
        with self._connections.writing(durable=False) as connection:
            for digest in map(str, digests):
                rows = connection.execute(statements.HOLDERS_OF, (digest, 0.0)).fetchall()
                going = [(digest, holder) for (holder,) in rows if _kind(holder) in holders]
                connection.executemany(statements.DROP_LEASE, going)

    # ── of every holder

    def due(self, account: _Account, digests: Collection[Digest]) -> Sequence[Digest]:
        """Those of these that `hold_for` would write."""
        return account.due(digests, self._clock() - RENEW_SECONDS)

    def hold_for(self, account: _Account, digests: Collection[Digest]) -> None:
        """As Promises.hold."""
        if not self.due(account, digests):
            return
        wanted = {(account, digest) for digest in digests}
        with self._asking:
            self._asked |= wanted
        with self._writing:
            with self._asking:
                asked, self._asked = self._asked, set()
            asked |= wanted  # whoever took them along may have failed
            fresh = self._clock() - RENEW_SECONDS
            if due := [(each, digest) for each, digest in asked if each.due((digest,), fresh)]:
                self._write(due)

    def end(self, account: _Account, holder: Holder) -> None:
        """As WorkPromises.end. A power cut may undo it: a lease too many."""
        with self._connections.writing(durable=False) as connection:
            account.written.clear()
            connection.execute(statements.GIVE_LEASES_TO, (holder, account.holder))
            connection.execute(statements.DROP_LEASES_OF, (account.holder,))

    def _over(self) -> float:
        """Leases until then are over."""
        return min(self._clock(), self._work_began() + LEASE_SECONDS)

    def _write(self, due: Sequence[tuple[_Account, Digest]]) -> None:
        now = self._clock()
        over = self._over() if (sweeping := now - self._swept >= RENEW_SECONDS) else 0.0
        until = now + LEASE_SECONDS + RENEW_SECONDS  # a later hold within ten minutes counts on this row
        rows = [(str(digest), account.holder, until) for account, digest in due]
        with self._connections.writing() as connection:
            connection.executemany(statements.HOLD_LEASE, rows)
            if sweeping:
                connection.execute(statements.DROP_LEASES_OVER, (over,))
        if sweeping:
            self._swept = now
            told = self._told.written
            self._told.written = {digest: at for digest, at in told.items() if at > now - RENEW_SECONDS}
        for account, digest in due:
            account.written[digest] = now


class WorkRows:
    """Fulfils engine.records.WorkPromises."""

    def __init__(self, rows: LeaseRows, account: _Account) -> None:
        self._rows, self._account = rows, account
        self._held = False

    def hold(self, digests: Collection[Digest]) -> None:
        self._held = True  # a commit that fails may have been made
        self._rows.hold_for(self._account, digests)

    def renewed(self, digests: Collection[Digest]) -> bool:
        return not self._rows.due(self._account, digests)

    def end(self, holder: Holder) -> None:
        if self._held:
            self._rows.end(self._account, holder)
            self._held = False


def _kind(holder: str) -> Holder:
    return Holder(holder.partition(" ")[0])
