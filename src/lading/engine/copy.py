"""The one verb: copy a graph of content from a source to any number of stores.

    tags looked at ─> graph read ─> blobs, some at a time ─> manifests, children first ─> admitted ─> tags, read back

Pull, push, copy, load and save are this, between different stores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lading.engine.arrival import Arrival, Destination
from lading.engine.delivery import Delivery, Parcel
from lading.engine.stores import Locations, Referrers, Source
from lading.engine.throttle import RateLimit
from lading.engine.together import Awaited, together
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
    """What speaks of the image is looked for while the image's own blobs move: that takes requests, and few bytes."""
    image = work.image()
    work.everywhere(lambda delivery: delivery.prepare())
    parcels = work.parcels(image, limit)
    later: Awaited[Mapping[Delivery, Parcel]] = Awaited()

    def deliver(delivery: Delivery) -> None:
        delivery.move(parcels[delivery])
        company = later.get()[delivery]
        delivery.move(company)
        delivery.admit(image)
        delivery.introduce(company.cargo)
        delivery.conclude(image)

    def accompany() -> None:
        later.keep(lambda: work.parcels(work.company(image), limit))

    together([accompany, lambda: work.everywhere(deliver)], work.scope.cancel, "copy")
