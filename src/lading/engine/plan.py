"""What a copy would do, told piece by piece and moving nothing (`--dry-run`)."""

from __future__ import annotations

from collections.abc import Sequence

from lading.engine.arrival import Arrival, Destination
from lading.engine.delivery import Cargo
from lading.engine.stores import Locations, Referrers, Source
from lading.engine.work import Order, Work, working
from lading.oci.descriptor import Descriptor
from lading.wire.message import Cancel
from lading.wire.progress import Report


def plan(
    source: Source,
    root: Descriptor,
    destinations: Sequence[Destination],
    *,
    referrers: Referrers | None,
    locations: Locations,
    lanes: int,
    report: Report,
    cancel: Cancel,
) -> tuple[Arrival, ...]:
    """The same walk as `copy`, telling what each piece would become; the totals say what is left to send.

    A piece is EXISTS where the target says so, MOUNTED where another repository is known to hold it (a registry may
    still refuse the mount; the detail says `probably`), else it stays WAITING. An arrival's error is what would keep
    the copy from starting: a tag's condition, a refused login. Nothing is proven, so every tag maps to None unless it
    has an error. Raises as `copy` does.
    """
    with working(Order(source, root, destinations, referrers, locations, lanes), report, cancel) as work:
        image = work.image()
        _foresee(work, image)
        company = work.company(image)
        _foresee(work, company)
        work.everywhere(lambda delivery: delivery.dismiss())
    return work.arrivals()


def _foresee(work: Work, cargo: Cargo) -> None:
    wishes = dict(zip(work.deliveries, work.wishes(cargo), strict=True))
    work.everywhere(lambda delivery: delivery.foresee(cargo, wishes[delivery]))
