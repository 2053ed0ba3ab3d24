"""The one verb: copy a graph of content from a source to any number of stores.

    tags looked at ─> graph read ─> blobs, some at a time ─> manifests, children first ─> tags, read back

Pull, push, copy, load and save are this, between different stores.
"""

from __future__ import annotations

from collections.abc import Sequence

from lading.engine.arrival import Arrival, Destination
from lading.engine.delivery import Delivery
from lading.engine.reads import share
from lading.engine.stores import Locations, Referrers, Source
from lading.engine.throttle import RateLimit
from lading.engine.work import Order, Work, working
from lading.oci.descriptor import Descriptor
from lading.wire.message import Cancel
from lading.wire.progress import Report


def copy(
    source: Source,
    root: Descriptor,
    destinations: Sequence[Destination],
    *,
    referrers: Referrers | None,
    locations: Locations,
    lanes: int,
    report: Report,
    cancel: Cancel,
    limit: RateLimit | None = None,
) -> tuple[Arrival, ...]:
    """Have the root, all below it and what `referrers` lists arrive at every destination, and its tags point there.

    A tag already right needs nothing more; else children move before parents, each content once per destination from
    one read, at most `lanes` at a time to each, and the tags last. `limit` holds for all lanes together, manifests not
    counted. Destinations fail one by one, each in its Arrival.
    Raises what is the source's fault (SourceCorrupt, ContentUnknown, GraphRefused, ManifestInvalid, NetworkFailed),
    DestinationTwice, Cancelled and TimedOut. No thread outlives the call.
    """
    with working(Order(source, root, destinations, referrers, locations, lanes), report, cancel) as work:
        _move(work, limit)
    return work.arrivals()


def _move(work: Work, limit: RateLimit | None) -> None:
    cargo = work.prepare()
    wishes = work.wishes(cargo)
    readings = dict(zip(work.deliveries, share(work.order.source, wishes, work.scope, limit), strict=True))
    needs = dict(zip(work.deliveries, wishes, strict=True))

    def deliver(delivery: Delivery) -> None:
        delivery.move(cargo, needs[delivery], readings[delivery])
        delivery.conclude(cargo)

    work.everywhere(deliver)
