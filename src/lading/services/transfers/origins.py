"""Where a transfer comes from: sources as people write them, found and opened; and what is told of registries on the
way: the login that serves, the one that was not tried, what is left of an allowance."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from lading.engine.content import at_source
from lading.engine.records import ImageNames
from lading.engine.referrers import WithCosignTags
from lading.engine.stores import Referrers
from lading.errors import AccessDenied, LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.reference import Reference, Repository
from lading.services.content.stores import Readable, Stores
from lading.services.lookup import Lookup, is_digest, only_name
from lading.services.places import Archive, DockerImage, Layout
from lading.services.registries.registries import Found
from lading.services.transfers.selection import Here, everywhere, whole
from lading.wire.message import Cancel
from lading.wire.progress import Noted, Report
from lading.wire.retry import Quota

if TYPE_CHECKING:  # most commands ask nobody
    from lading.services.trust.transfer_trust import TransferTrust

E = TypeVar("E", bound=LadingError)


@dataclass(frozen=True, slots=True)
class Origin:
    """A source that was found: `name` is what the image is called there, None where it has no name."""

    text: str
    store: Readable
    root: Descriptor
    name: str | None
    here: Here
    referrers: Referrers | None = None


class LoginLookup(Protocol):
    """Which login serves a repository; services.registries.registries.Registries fulfils it."""

    def credential(self, repository: Repository) -> Found:
        """Where it stands, for people."""

    def next_login(self, repository: Repository) -> str | None:
        """Where another one stands; None where there is no other."""


class Origins:
    """Opens sources. `registries` is asked only where a registry is spoken to."""

    def __init__(self, stores: Stores, names: Callable[[], ImageNames], registries: Callable[[], LoginLookup]) -> None:
        self._stores, self._names, self._registries = stores, names, registries

    @contextmanager
    def registry(
        self, reference: Reference, report: Report, cancel: Cancel, trust: TransferTrust | None = None
    ) -> Iterator[Origin]:
        """An image in a registry; where `trust` is asked it is the one that was verified, wherever its tag goes
        meanwhile. Raises TagUnknown, NotTrusted, AccessDenied, NetworkFailed."""
        self.tell_login(reference.repository, report)
        store = self._stores.registry(reference.repository, cancel)
        with self._naming_next([reference.repository]), self._stores.telling(report):
            with at_source():
                read = reference if trust is None else trust.verified(reference, report, cancel)
                root = store.resolve(read.digest or read.tag or "")
            referrers = WithCosignTags(store, store, reference.tag or "")
            yield Origin(str(reference), store, root, str(reference), everywhere, referrers)
        self.tell_quota([reference.repository], report)

    @contextmanager
    def own(self, text: str) -> Iterator[Origin]:
        """An image of our own store, by name or id. Raises ImageUnknown, IdAmbiguous, ReferenceInvalid."""
        image = Lookup(self._names()).find(text)
        own = self._stores.own
        referrers = WithCosignTags(own, own, image.reference)
        with own.keeping((image.root.digest,)):
            yield Origin(image.reference, own, image.root, image.reference, whole(own), referrers)

    @contextmanager
    def file(self, place: Layout | Archive | DockerImage, cancel: Cancel) -> Iterator[Origin]:
        """An image in a layout, an archive or a Docker host. Raises NameNeeded, NothingNamed, TagUnknown, ImageUnknown,
        Unreachable, StorageFailed."""
        match place:
            case Layout(path, wanted):
                layout = self._stores.layout(path)
                name = only_name(layout, wanted)
                root = layout.resolve(name)
                text = str(place) if is_digest(name) else str(Layout(path, name))
                yield Origin(text, layout, root, _given(name), whole(layout), layout)
            case Archive(path):
                with self._stores.read_archive(path, cancel) as archive:
                    name = only_name(archive, None)
                    yield Origin(str(place), archive, archive.resolve(name), _given(name), whole(archive))
            case DockerImage():
                with self._stores.docker_image(place, cancel) as archive:
                    name = only_name(archive, None)
                    yield Origin(str(place), archive, archive.resolve(name), _given(name), whole(archive))

    def tell_login(self, repository: Repository, report: Report) -> None:
        """Which login serves, and where it stands. Raises OneLoginForTwo, StorageFailed."""
        found = self._registries().credential(repository)
        if found.credential is not None:
            report(Noted(str(repository), f"login: {found}"))

    def tell_quota(self, repositories: Sequence[Repository], report: Report) -> None:
        """What is left of the requests that these registries allow, where they say."""
        for repository in repositories:
            quota = self._stores.quota(repository.registry)
            if quota is not None:
                report(Noted(repository.registry, quota_text(quota)))

    @contextmanager
    def _naming_next(self, repositories: Sequence[Repository]) -> Iterator[None]:
        try:
            yield
        except AccessDenied as error:
            told = self.naming_next(error, repositories)
            if told is error:
                raise
            raise told from error

    def naming_next(self, error: E, repositories: Sequence[Repository]) -> E:
        """The error; where a login was refused and another one is known, saying so: it is never tried silently."""
        if isinstance(error, AccessDenied):
            others = filter(None, map(self._registries().next_login, repositories))
            if other := next(others, None):
                return error.but(why=f"another login stands in {other}; it was not tried")
        return error


def _given(name: str) -> str | None:
    """What somebody called an image; a digest is no name."""
    return None if is_digest(name) else name


def quota_text(quota: Quota) -> str:
    """`37 of 100 requests left in 6 h`."""
    limit = f" of {quota.limit}" if quota.limit is not None else ""
    window = f" in {quota.window // 3600} h" if quota.window and quota.window >= 3600 else ""
    return f"{quota.remaining}{limit} requests left{window}"
