"""Our own engine as an environment over a real data folder: wired as `main` does it, for tests."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.garbage import CollectableFolder
from lading.backends.content_store.listing import OciListing
from lading.backends.database.catalogue import open_catalogue
from lading.engine.collect import Collected, collect
from lading.engine.embedded import EmbeddedStore
from lading.engine.records import ImageNames
from lading.engine.shed import shed
from lading.main.access_places import AccessPlaces, Grounds
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.services.embedded.environment import EmbeddedEnvironment, Upkeep
from lading.wire.message import Cancel

AMD64 = Platform("linux", "amd64")


@dataclass(frozen=True)
class Embedded:
    """The environment, the places that it opens, and what it is made of."""

    environment: EmbeddedEnvironment
    places: AccessPlaces
    names: ImageNames
    upkeep: Upkeep


@contextmanager
def embedded(folder: Path, clock: Callable[[], float] = time.time) -> Iterator[Embedded]:
    """Closed again at the end. `clock` tells seconds since 1970 to whoever leases content."""
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / "scratch"
    scratch.mkdir()
    with ExitStack() as stack:
        catalogue = open_catalogue(folder / "lading.db", clock)
        stack.callback(catalogue.close)
        content = ContentFolder(folder / "content", catalogue.leases)
        stack.callback(content.close)
        listing = OciListing(content.tree, catalogue.images)
        stack.callback(listing.close)
        own = EmbeddedStore(content, catalogue.lasting_images, listing, "the local store")

        def sweep(dry_run: bool, given_up: Collection[Digest], cancel: Cancel) -> Collected:
            return collect(
                CollectableFolder(content),
                catalogue.images,
                catalogue.leases,
                [],
                given_up=given_up,
                left_before=0,
                dry_run=dry_run,
                cancel=cancel,
            )

        def give_up(root: Digest, manifests: Collection[Digest], cancel: Cancel) -> Collection[Digest]:
            return shed(
                CollectableFolder(content), catalogue.images, catalogue.leases, [], root, manifests, cancel=cancel
            )

        places = AccessPlaces(
            Grounds(lambda: own, lambda: catalogue, lambda: scratch, AMD64, {}, "lading/tests", time.time)
        )
        stack.callback(places.close)
        upkeep = Upkeep(sweep, give_up)
        environment = EmbeddedEnvironment(
            places, lambda: catalogue.images, upkeep, AMD64, "1.0", clock=time.time, listing=content
        )
        yield Embedded(environment, places, catalogue.images, upkeep)
