"""Matching: what is installed meets what is known. Every package counts: held against data, left to the distribution's
package that owns it, or not evaluated, and then it is said why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lading.inventory.advisory import Advisory
from lading.inventory.distributions import titled
from lading.inventory.feeds import (
    Feed,
    Subject,
    aged,
    distribution_feed,
    language_feed,
    package_type,
    speaking,
    strange,
    subject,
)
from lading.inventory.judging import Judged, judged
from lading.inventory.layer import ImageInventory, Installed
from lading.inventory.matches import Hit, Match, matches
from lading.inventory.package import Package, PackageType

UNREADABLE = "version not understood"
"""Why a package of a known feed is not evaluated."""

UNSPOKEN = "left to its distribution, without data"
"""Why a package that a distribution's owns is not: it is held against that one's data alone, and there is none."""

UNGROUPED = "group not known"
"""Why a Java library is not: records know libraries by group and name, and its archive says one of them."""


class AdvisoryLookup(Protocol):
    """The advisories at hand, as they were when it was asked for: an update meanwhile does not show."""

    def of_package(self, ecosystem: str, name: str) -> Sequence[Advisory]:
        """Those that name the package in exactly this ecosystem, its suffix included (`Debian:12`). `name` is an
        indexed name. Withdrawn ones may be among them."""

    def by_ids(self, ids: Collection[str]) -> Sequence[Advisory]:
        """Those whose id or alias is one of `ids`."""

    def feeds(self) -> Mapping[str, float | None]:
        """Every ecosystem that a record names, suffix included as records write it; and of what time its data is, in
        seconds since 1970, None where nobody knows."""

    def revision(self) -> str:
        """Another one whenever what is known has changed, whatever its time."""


@dataclass(frozen=True, slots=True)
class Matched:
    """The matches, worst first, and what was looked at: `packages` is the sum of `matched`, `owned` and all of
    `not_evaluated`, which are by kind and cause (`npm: no data`). `built` says of what time the data used is, by
    ecosystem. `partial`: something was not, or not wholly, judged; `notes` say what."""

    distribution: str = ""
    matches: tuple[Match, ...] = ()
    packages: int = 0
    matched: int = 0
    owned: int = 0
    not_evaluated: Mapping[str, int] = field(default_factory=dict)
    built: Mapping[str, float] = field(default_factory=dict)
    partial: bool = False
    notes: tuple[str, ...] = ()


Telling = Callable[[int, int], None]
"""Takes how many packages are done, of how many; may raise, which ends the matching."""


def match(inventory: ImageInventory, lookup: AdvisoryLookup, now: float, telling: Telling) -> Matched:
    """Hold every package of an image against the advisories at hand. `now` is seconds since 1970. Raises whatever
    `telling` or `lookup` raise."""
    return _Matching(inventory, lookup, now).matched(telling)


class _Matching:
    """One image's. Packages built from one source share their records, so each is judged once."""

    def __init__(self, inventory: ImageInventory, lookup: AdvisoryLookup, now: float) -> None:
        self._inventory, self._lookup = inventory, lookup
        self._known = lookup.feeds()
        self._now = now
        self._feeds: dict[PackageType, Feed] = {}
        self._judged: dict[tuple[tuple[str, ...], Subject], Judged] = {}
        packages = (installed.package for installed in inventory.packages)
        self._owners = {package.name: package for package in packages if package.type.of_distribution}
        self._vendors: dict[str, bool] = {}

    def matched(self, telling: Telling) -> Matched:
        packages = self._inventory.packages
        left_out: Counter[str] = Counter()
        hits: list[Hit] = []
        owned = 0
        for done, installed in enumerate(packages, 1):
            is_owned = self._is_left(installed)
            if cause := self._left(installed) if is_owned else self._judge(installed, hits):
                left_out[f"{installed.package.type}: {cause}"] += 1
            else:
                owned += is_owned
            telling(done, len(packages))
        found = matches(hits, self._lookup.by_ids)
        release = self._inventory.release
        return Matched(
            distribution=titled(release) if release else "",
            matches=found,
            packages=len(packages),
            matched=len(packages) - owned - left_out.total(),
            owned=owned,
            not_evaluated=dict(sorted(left_out.items())),
            built=self._built(),
            partial=self._is_partial(left_out),
            notes=tuple(dict.fromkeys(self._notes(left_out, found))),
        )

    def _left(self, installed: Installed) -> str:
        """Why nobody speaks for a package that is left to its distribution; empty where that one's data is here."""
        owner = self._owners.get(installed.owned_by)
        kind = owner.type if owner else PackageType.DEB  # what is not listed is dpkg's (ownership)
        return "" if self._feed(kind).ecosystems else UNSPOKEN

    def _is_left(self, installed: Installed) -> bool:
        """Whether a distribution's package brought it: that mends it without a new version, and its own feed says so.
        Of a vendor's, which has only the form of one, that feed says nothing: what it brought is held against the data
        of its language."""
        owner = installed.owned_by
        if not owner or installed.package.type.of_distribution:
            return False
        if owner not in self._vendors:
            self._vendors[owner] = self._is_vendors(self._owners.get(owner))
        return not self._vendors[owner]

    def _is_vendors(self, owner: Package | None) -> bool:
        """Whoever makes a package of which the distribution's data speak, it is taken for the distribution's: some who
        work on one have an address of their own."""
        release = self._inventory.release
        if owner is None or not owner.by_vendor or release is None or package_type(release) is None:
            return False
        records, ecosystems = self._lookup.of_package, self._feed(owner.type).ecosystems
        return not any(records(each, subject(owner, each).name) for each in ecosystems)

    def _judge(self, installed: Installed, hits: list[Hit]) -> str:
        """Adds what is found; answers why the package was not evaluated, if it was not."""
        package = installed.package
        feed = self._feed(package.type)
        if not feed.ecosystems:
            return feed.cause
        if package.type is PackageType.MAVEN and not package.namespace:
            return UNGROUPED
        meant = subject(package, feed.ecosystems[0])
        asked = speaking(feed, meant.version), meant
        if asked not in self._judged:
            records = self._lookup.of_package
            self._judged[asked] = judged(records, *asked, of_distribution=package.type.of_distribution)
        verdict = self._judged[asked]
        hits += (Hit(installed, meant.version, claims) for claims in verdict.findings)
        return "" if verdict.readable else UNREADABLE

    def _feed(self, kind: PackageType) -> Feed:
        if kind not in self._feeds:
            self._feeds[kind] = (
                self._distribution_feed(kind) if kind.of_distribution else language_feed(kind, self._known)
            )
        return self._feeds[kind]

    def _distribution_feed(self, kind: PackageType) -> Feed:
        release = self._inventory.release
        if release is not None and package_type(release) not in {kind, None}:
            return strange(kind, release)
        feed = distribution_feed(release, self._known)
        return feed if release is None else aged(feed, release, self._now)

    def _built(self) -> Mapping[str, float]:
        used = sorted({ecosystem for feed in self._feeds.values() for ecosystem in feed.ecosystems})
        moments = ((ecosystem, self._known.get(ecosystem)) for ecosystem in used)
        return {ecosystem: built for ecosystem, built in moments if built is not None}

    def _is_partial(self, left_out: Counter[str]) -> bool:
        unread = bool(self._inventory.notes) or not self._inventory.packages
        return unread or left_out.total() > 0 or self._unclear > 0 or any(feed.partial for feed in self._feeds.values())

    @property
    def _unclear(self) -> int:
        return sum(verdict.unclear for verdict in self._judged.values() if verdict.readable)

    def _notes(self, left_out: Counter[str], found: Sequence[Match]) -> Iterator[str]:
        yield from self._inventory.notes
        if not self._inventory.packages:
            yield "No package was recognised in the image."
        for feed in self._feeds.values():
            yield from feed.notes
        for kind, count in sorted(left_out.items()):
            if kind.endswith(UNREADABLE):
                yield f"Packages of {kind.partition(':')[0]} whose version has no place in an order: {count}."
        if self._unclear:
            yield f"Advisories that could not be compared with what is installed: {self._unclear}."
        if unreviewed := len({match.id for match in found if match.unreviewed}):
            yield f"Issues found that stand in records which no person has reviewed: {unreviewed}."
