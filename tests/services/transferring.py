"""The service of transfers over places in memory."""

from __future__ import annotations

from collections.abc import Sequence

from lading.engine.cancel import Cancellation
from lading.oci.digest import Digest
from lading.oci.manifest import Index
from lading.oci.reference import Repository
from lading.services.places import Named
from lading.services.registries.registries import Registries
from lading.services.transfers.transfers import Call, Moved, Options, Transfers
from tests.fakes.images import AMD64, ARM64, S390X, attestation_of, put_image, put_index
from tests.fakes.logins import Own, Probe, Search
from tests.fakes.memory import MemoryRepository
from tests.fakes.places import MemoryPlaces
from tests.fakes.work import Events

WEB = Repository("registry.test", "acme/web")
REF = "registry.test/acme/web:1"
PLAIN = Options()
LOGIN = "login: alice from Lading's own logins"


class House:
    """The service over places in memory."""

    def __init__(self) -> None:
        self.places = MemoryPlaces()
        self.events = Events()
        self.transfers = Transfers(
            self.places,
            self.places.image_names,
            lambda: Registries(Search(), Own(), Probe(), docker=Own()),
            AMD64,
            None,
        )
        self.web = self.places.registry(WEB)

    def call(self, options: Options = PLAIN) -> Call:
        return Call(options, self.events, Cancellation())

    def pull(self, text: str = REF, options: Options = PLAIN) -> Moved:
        return self.transfers.pull(text, self.call(options))

    def push(self, source: str, *targets: str, options: Options = PLAIN) -> Sequence[Moved]:
        return self.transfers.push(Named(source), [Named(target) for target in targets], self.call(options))

    def holds(self, *digests: Digest) -> bool:
        return all(digest in self.places.own.blobs for digest in digests)


def several(store: MemoryRepository | None, house: House) -> tuple[Index, list[Digest]]:
    """An index of three platforms, the first of them attested, under the tag 1."""
    place = store or house.web
    images = [put_image(place, [str(each).encode()], platform=each) for each in (AMD64, ARM64, S390X)]
    provenance = attestation_of(place, images[0])
    put_index(place, [*images, provenance], tag="1")
    return Index.build([*images, provenance]), [*(image.digest for image in images), provenance.digest]
