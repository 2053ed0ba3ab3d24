"""The steps that copying and planning share, each taken at every destination at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from lading.engine.arrival import Arrival, Destination, DestinationTwice, SourceCorrupt
from lading.engine.cancel import Cancellation
from lading.engine.content import WRONG_BYTES, blame_source
from lading.engine.delivery import Cargo, Delivery, Parcel
from lading.engine.graph import unread
from lading.engine.holders import Holders
from lading.engine.mover import SourceFault
from lading.engine.narrow import repository_of
from lading.engine.reads import Wish, share
from lading.engine.reporting import Reporter
from lading.engine.source_reading import NearerSource, SourceReading
from lading.engine.stores import Locations, Mounter, Referrers, Source
from lading.engine.throttle import RateLimit
from lading.engine.together import together
from lading.errors import LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.reference import Repository
from lading.wire.message import Cancel
from lading.wire.progress import Report


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for: the arguments of `copy` and `plan`."""

    source: Source
    root: Descriptor
    destinations: Sequence[Destination]
    referrers: Referrers | None
    locations: Locations
    lanes: int


class Work:
    """One copy, or the plan of one. `deliveries` stand in the order of the destinations."""

    def __init__(self, order: Order, deliveries: Sequence[Delivery], scope: Cancellation) -> None:
        self.order, self.deliveries, self.scope = order, tuple(deliveries), scope
        self._reading = SourceReading(order.source, _nearer(order.destinations), order.lanes, scope)
        self._parcels: list[Parcel] = []

    def image(self) -> Cargo:
        """Look at the tags and read the graph.

        Reading first costs no request where the source is local, and lets one token cover all mounts. From a registry
        the graph is read only once a tag is known not to be right; until then the source's own repository is the one
        to mount from. Raises what is the source's fault.
        """
        local = repository_of(self.order.source) is None
        image = self._read() if local else Cargo(unread(self.order.root))
        self.everywhere(lambda delivery: delivery.expect(image))
        self.everywhere(lambda delivery: delivery.check())
        if not local:
            if any(delivery.needs_image for delivery in self.deliveries):
                image = self._read()
            self.everywhere(lambda delivery: delivery.expect(image))
        return image

    def company(self, image: Cargo) -> Cargo:
        """What speaks of the image, without what belongs to the image itself. Raises what is the source's fault."""
        if self.order.referrers is None or all(delivery.failed for delivery in self.deliveries):
            return Cargo()
        company = self._reading.company(tuple(image.graph.manifests.values()), self.order.referrers)
        notes = [f"{each.digest} is listed as speaking of the image, but is not there" for each in company.missing]
        graph = company.graph.without({*image.graph.manifests, *image.graph.blobs})
        return Cargo(graph, notes=tuple(notes))

    def _read(self) -> Cargo:
        graph = self._reading.graph(self.order.root)
        left_out = {blob.digest for blob in self._reading.elsewhere(graph)}
        notes = (f"{len(left_out)} layers stay where their licence keeps them",) if left_out else ()
        return Cargo(graph.without(left_out), self._reading.labels(graph), notes)

    def wishes(self, cargo: Cargo) -> list[Wish]:
        """What each destination needs from the source; nothing where it failed."""
        wishes: dict[Delivery, Wish] = {}

        def wish(delivery: Delivery) -> None:
            wishes[delivery] = delivery.wish(cargo)

        self.everywhere(wish)
        return [wishes.get(delivery, Wish(delivery.destination.store, ())) for delivery in self.deliveries]

    def parcels(self, cargo: Cargo, limit: RateLimit | None) -> Mapping[Delivery, Parcel]:
        """What each destination needs, read once for all of them."""
        wishes = self.wishes(cargo)
        shared = share(self.order.source, wishes, self.scope, limit)
        parcels = [Parcel(cargo, wish, readings) for wish, readings in zip(wishes, shared, strict=True)]
        self._parcels += parcels
        return dict(zip(self.deliveries, parcels, strict=True))

    def release(self) -> None:
        """Close what a destination that failed did not come to read."""
        for parcel in self._parcels:
            parcel.release()

    def everywhere(self, step: Callable[[Delivery], None]) -> None:
        """At each destination that has not failed; its errors stay with it. Raises SourceFault."""

        def attempt(delivery: Delivery) -> Callable[[], None]:
            return lambda: delivery.attempt(lambda: step(delivery))

        together([attempt(delivery) for delivery in self.deliveries], self.scope.cancel, "destination")

    def arrivals(self) -> tuple[Arrival, ...]:
        """What became of each."""
        return tuple(delivery.arrival() for delivery in self.deliveries)


def _nearer(destinations: Sequence[Destination]) -> list[NearerSource]:
    """Stores of our own among the destinations: what they hold need not be fetched to be read."""
    stores = [destination.store for destination in destinations]
    return [store for store in stores if isinstance(store, NearerSource) and store.verified]


@contextmanager
def working(order: Order, report: Report, cancel: Cancel) -> Iterator[Work]:
    """The work for an order; what stops it stops all its parts. Raises DestinationTwice, and the source's errors."""
    _check_names(order.destinations)
    with Cancellation.within(cancel) as scope, ExitStack() as stack:
        reporter = Reporter(report)
        deliveries = [
            Delivery(
                destination,
                order.root,
                holders=_holders(destination, order.locations, repository_of(order.source)),
                lanes=order.lanes,
                reporter=reporter,
                cancel=stack.enter_context(Cancellation.within(scope)),
            )
            for destination in order.destinations
        ]
        work = Work(order, deliveries, scope)
        try:
            yield work
        except SourceFault as fault:
            cancel.check()
            raise _source_error(order.source, fault) from fault.error
        finally:
            work.release()
        if not all(delivery.failed or delivery.finished for delivery in deliveries):
            cancel.check()


def _holders(destination: Destination, locations: Locations, origin: Repository | None) -> Holders | None:
    store = destination.store
    return Holders(locations, store.repository, origin) if isinstance(store, Mounter) else None


def _check_names(destinations: Sequence[Destination]) -> None:
    for name, count in Counter(destination.name for destination in destinations).items():
        if count > 1:
            raise DestinationTwice(name)


def _source_error(source: Source, fault: SourceFault) -> LadingError:
    """What to tell of it: wrong bytes are SourceCorrupt whoever found them, anything else is what the source said."""
    if isinstance(fault.error, WRONG_BYTES):
        return SourceCorrupt(fault.piece.digest, source.name, str(fault.error))
    return blame_source(fault.error)
