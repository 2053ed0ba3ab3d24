"""Our own engine as an Environment: the verbs of the local command, over our own store, for one login at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from lading.engine.records import Image, ImageNames
from lading.engine.throttle import RateLimit
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.image_config import ImageConfig
from lading.oci.instants import parse_instant
from lading.oci.platform import Platform
from lading.oci.reference import Reference, Repository
from lading.services.archives import Archives
from lading.services.descriptions import Description, Variant, describe, steps
from lading.services.environment import (
    Access,
    Arrived,
    Details,
    Engine,
    Pruned,
    PullOrder,
    PushOrder,
    Step,
    Summary,
)
from lading.services.images import Images
from lading.services.places import Named
from lading.services.platforms import PlatformMissing
from lading.services.registries import Found
from lading.services.stores import ArchiveForm, Collector, Stores
from lading.services.transfers import PULL_LANES, PUSH_LANES, Call, Moved, Options, Transfers
from lading.wire.json_answers import read_json
from lading.wire.message import Cancel, Reader
from lading.wire.progress import Event, Report

STREAM = "-"
"""The archive that comes in or goes out as a stream."""


class Ways(Protocol):
    """How places are opened for one piece of work; `main` fulfils it."""

    def local(self) -> Stores:
        """Our own store, and no registry."""

    def stores(self, access: Access) -> Stores:
        """Our own store, and the registry as this access reaches it."""

    def written(self, write: Callable[[Stores], None]) -> AbstractContextManager[Reader]:
        """What `write` puts into the archive `-`, read while it is written. Raises what `write` raises."""

    def reading(self, archive: Reader) -> Stores:
        """Our own store, and `archive` as the archive `-`."""


@dataclass(frozen=True, slots=True)
class OneLogin:
    """Fulfils services.origins.LoginLookup: an access names its login."""

    access: Access

    def credential(self, _repository: Repository) -> Found:
        return Found(self.access.credential, self.access.name)

    def next_login(self, _repository: Repository) -> str | None:
        return None


def _all_of_them(lanes: int) -> int:
    return lanes


class EmbeddedEnvironment:
    """Fulfils services.environment.Environment. `native` is the platform pulled where nobody says; `limit` holds for
    all that moves."""

    def __init__(
        self,
        ways: Ways,
        names: Callable[[], ImageNames],
        collect: Collector,
        native: Platform,
        version: str,
        *,
        limit: RateLimit | None = None,
        lanes: Callable[[int], int] = _all_of_them,
    ) -> None:
        """`lanes` says how many of so many lanes a transfer whose bytes begin to move now gets."""
        self._ways, self._names, self._native, self._version, self._limit = ways, names, native, version, limit
        self._lanes = lanes
        self._images = Images(ways.local(), names, collect, native)

    def ping(self, cancel: Cancel) -> None:
        cancel.check()

    def engine(self, cancel: Cancel) -> Engine:
        cancel.check()
        return Engine("Lading", self._version, "", str(self._native))

    # ── what there is

    def images(self, cancel: Cancel) -> Sequence[Summary]:
        cancel.check()
        called: dict[Digest, list[Image]] = {}
        for image in self._names().all():
            called.setdefault(image.root.digest, []).append(image)
        summaries = []
        for images in called.values():
            cancel.check()
            summaries.append(self._summary(images, self._described(images[0])))
        return sorted(summaries, key=lambda each: each.created or 0, reverse=True)

    def image(self, image: str, cancel: Cancel) -> Details:
        cancel.check()
        found = self._images.find(image)
        description = self._described(found)
        variant = self._variant(description)
        same = [other for other in self._names().all() if other.root.digest == found.root.digest]
        return Details(
            summary=self._summary(same, description),
            platform=str(variant.platform or ""),
            layers=tuple(str(layer.digest) for layer in variant.manifest.layers) if variant.manifest else (),
            config=_settings(variant.config),
            digest=found.root.digest,
        )

    def history(self, image: str, cancel: Cancel) -> Sequence[Step]:
        cancel.check()
        variant = self._variant(self._described(self._images.find(image)))
        return [
            Step(_id(step.layer), _seconds(step.created), step.label, step.layer.size if step.layer else 0)
            for step in steps(variant)
        ]

    # ── names and removal

    def tag(self, image: str, reference: Reference, cancel: Cancel) -> None:
        self._images.tag(image, [str(reference.or_latest)], cancel)

    def remove(self, image: str, force: bool, cancel: Cancel) -> Pruned:
        removed = self._images.remove([image], force, cancel)
        return Pruned(removed.names, removed.collected.size)

    def prune(self, unnamed_only: bool, cancel: Cancel) -> Pruned:  # noqa: ARG002  here nothing runs an image
        """Nobody runs an image here, so those without a name are all that nobody needs."""
        return Pruned((), self._images.collect(False, cancel).size)

    # ── transfers

    def pull(self, order: PullOrder, report: Report, cancel: Cancel) -> Arrived:
        options = Options(order.wanted, lanes=lambda: self._lanes(PULL_LANES))
        moved = self._transfers(order.access).pull(str(order.reference), Call(options, report, cancel))
        if moved.error is not None:
            raise moved.error
        return _arrived(order.reference.or_latest, moved.root.digest, moved)

    def push(self, order: PushOrder, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        image = self._images.find(order.image)
        options = Options(
            order.wanted,
            lanes=lambda: self._lanes(PUSH_LANES),
            condition=order.condition,
            dry_run=order.dry_run,
        )
        targets = [target.or_latest for target in order.targets]
        moved = self._transfers(order.access).push(
            Named(order.image), [Named(str(target)) for target in targets], Call(options, report, cancel)
        )
        by_name = {name: each for each in moved for name in each.names}
        return [_arrived(target, image.root.digest, by_name[_bare(target)]) for target in targets]

    def export(self, images: Sequence[str], cancel: Cancel) -> AbstractContextManager[Reader]:
        for image in images:
            self._images.find(image)
        options = Options(form=ArchiveForm.DOCKER)

        def write(stores: Stores) -> None:
            self._archives(stores).save(images, STREAM, Call(options, _untold, cancel))

        return self._ways.written(write)

    def load(self, archive: Reader, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        loaded = self._archives(self._ways.reading(archive)).load(STREAM, None, Call(Options(), report, cancel))
        return [_arrived(Reference.parse(name), moved.root.digest, moved) for moved in loaded for name in moved.names]

    def _transfers(self, access: Access) -> Transfers:
        return Transfers(self._ways.stores(access), self._names, lambda: OneLogin(access), self._native, self._limit)

    def _archives(self, stores: Stores) -> Archives:
        return Archives(stores, self._names, self._native)

    # ── descriptions

    def _described(self, image: Image) -> Description:
        own = self._ways.local().own
        return describe(image.reference, own, image.root, own.present)

    def _variant(self, description: Description) -> Variant:
        """This machine's, else one that is here."""
        try:
            return description.variant(self._native)
        except PlatformMissing:
            here = (variant for variant in description.variants if variant.complete)
            return next(here, description.variants[0])

    def _summary(self, images: Sequence[Image], description: Description) -> Summary:
        root = images[0].root.digest
        repositories = dict.fromkeys(Reference.parse(image.reference).repository for image in images)
        here = [variant for variant in description.variants if variant.complete]
        labels = next((variant.config.execution.labels for variant in here if variant.config), {})
        return Summary(
            id=str(root),
            names=tuple(image.reference for image in images),
            digests=tuple(f"{repository}@{root}" for repository in repositories),
            created=_seconds(description.created),
            size=description.size,
            labels=dict(labels),
            platforms=tuple(str(variant.platform) for variant in here if variant.platform),
        )


def _arrived(target: Reference, identity: Digest, moved: Moved) -> Arrived:
    """Where some names of a target were refused, only those failed."""
    name = _bare(target)
    error = moved.refused.get(name) if moved.refused else moved.error
    return Arrived(
        target,
        str(identity),
        moved.root.digest,
        moved.root.size,
        moved.note,
        moved.totals,
        error,
        planned=moved.planned,
    )


def _bare(target: Reference) -> str:
    """As a transfer calls what has arrived: without a digest."""
    return str(Reference(target.repository, target.tag))


def _seconds(text: str | None) -> float | None:
    return parse_instant(text) if text else None


def _id(layer: Descriptor | None) -> str:
    return str(layer.digest) if layer else ""


def _settings(config: ImageConfig | None) -> dict[str, object]:
    """The `config` member of an image's config as it stands there."""
    document = read_json(config.raw) if config is not None else None
    settings = document.get("config") if isinstance(document, dict) else None
    return dict(settings) if isinstance(settings, dict) else {}


def _untold(_event: Event) -> None:
    """An export is its own progress."""
