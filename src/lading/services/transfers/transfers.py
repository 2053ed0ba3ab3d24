"""Pull, push and copy: which place is the source, which are the targets, and what of an image moves; `engine.copy`
moves it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from lading.engine.arrival import Arrival, Destination
from lading.engine.copy import copy
from lading.engine.plan import plan
from lading.engine.records import ImageNames
from lading.engine.stores import Condition, ContentUnknown
from lading.engine.throttle import RateLimit
from lading.errors import LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.media_types import is_foreign_layer, is_index
from lading.oci.platform import Platform
from lading.oci.reference import Reference, Repository, is_cosign_tag, is_fallback_tag
from lading.services.content.stores import ArchiveForm, Compression, Stores
from lading.services.lookup import ImageUnknown
from lading.services.places import DockerImage, Named, Place
from lading.services.platforms import EVERY, UNSAID, Wanted
from lading.services.reading import read_manifest
from lading.services.reports import serialised
from lading.services.transfers.origins import LoginLookup, Origin, Origins
from lading.services.transfers.selection import Chosen, choose_to_bring, choose_to_send, everywhere, whole
from lading.services.transfers.targets import Aim, Shape, TargetMissing, opened
from lading.wire.ledger import NOTHING, Totals
from lading.wire.message import Cancel
from lading.wire.progress import Noted, Report

if TYPE_CHECKING:  # most commands ask nobody
    from lading.services.environments.orders import SignTags
    from lading.services.transfers.pull_admission import Admission
    from lading.services.trust.transfer_trust import TransferTrust

PULL_LANES = 3
PUSH_LANES = 5
"""Layers moved at a time where nobody says, as docker does."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a transfer is wanted. `wanted` None is the verb's own choice of platforms, `lanes` None its own number; it is
    asked when bytes are about to move, because by then it is known how many others do.

    `condition` is what each tag must hold before it is moved. `dry_run` tells what would move, and moves nothing: what
    is read is verified all the same, and nothing is signed. `trust` None: nothing is asked, and nothing signed.
    """

    wanted: Wanted | None = None
    lanes: Callable[[], int] | None = None
    condition: Condition = "any"
    referrers: bool = True
    dry_run: bool = False
    form: ArchiveForm = ArchiveForm.OCI
    compression: Compression = Compression.NONE
    trust: TransferTrust | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of one target. `names` are the whole names it has there; `error` None means that all are proven,
    else `refused` says of which names what is wrong: of none where the target as a whole failed.

    `note` says which platforms moved, where not all did. `planned` marks a dry run, `current` that nothing was to do.
    """

    source: str
    target: str
    root: Descriptor
    names: tuple[str, ...]
    totals: Totals
    note: str = ""
    referrers: int = 0
    error: LadingError | None = None
    planned: bool = False
    current: bool = False
    refused: Mapping[str, LadingError] = field(default_factory=dict)

    @property
    def pinned(self) -> tuple[str, ...]:
        """`name@sha256:…` of each name: what a script keeps."""
        return tuple(f"{name}@{self.root.digest}" for name in self.names)


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a verb: how it is wanted, who is told, and who may stop it."""

    options: Options
    report: Report
    cancel: Cancel


class Transfers:
    """The three verbs. `native` is the platform pulled where nobody says, `limit` holds for all that moves."""

    def __init__(
        self,
        stores: Stores,
        names: Callable[[], ImageNames],
        registries: Callable[[], LoginLookup],
        native: Platform,
        limit: RateLimit | None,
    ) -> None:
        self._stores, self._names = stores, names
        self._origins = Origins(stores, names, registries)
        self._native, self._limit = native, limit

    def pull(self, text: str, call: Call, admission: Admission | None = None) -> Moved:
        """Bring an image into our own store, under the name it has in its registry, where `admission` allows it.

        Raises ReferenceInvalid, TagUnknown, NotTrusted, PlatformMissing, what a copy and what the admission raise.
        """
        reference = Reference.parse(text).or_latest
        with self._origins.registry(reference, call.report, call.cancel, call.options.trust) as origin:
            wanted = call.options.wanted or UNSAID
            if self._is_current(reference, origin.root, wanted, admission):
                return Moved(str(reference), str(reference), origin.root, (_bare(reference),), NOTHING, current=True)
            chosen = choose_to_bring(origin.store, origin.root, wanted, self._native)
            name = str(reference)
            if admission is not None:
                admission.expect(reference, chosen.root, chosen.parts, whole(self._stores.own))
            with self._stores.own.work() as own:
                ask = admission.ask if admission is not None else None
                aim = Aim(Destination(name, own, (name,), call.options.condition, ask), (_bare(reference),))
                moved = self._move(origin, chosen, (aim,), PULL_LANES, call)[0]
            if admission is not None and admission.refused is not None:  # a copy knows only of its own being stopped
                return replace(moved, error=moved.error or admission.refused)
            if moved.error is None and not call.options.dry_run:
                self._learn(chosen, reference.repository)
            return moved

    def _learn(self, chosen: Chosen, repository: Repository) -> None:
        """What was pulled, a later push to a neighbour of its repository mounts from there, and sends nothing."""
        with suppress(ContentUnknown):  # somebody has removed it already
            for part in chosen.parts or (chosen.root,):
                for child in read_manifest(self._stores.own, part).children:
                    if not is_foreign_layer(child.media_type):
                        self._stores.locations.learn(child.digest, repository)

    def tags(self, text: str, cancel: Cancel) -> tuple[str, ...]:
        """All tags of a repository in its registry, as references. What speaks of an image goes where that goes: its
        lists and signatures are no images of their own, and nobody signs a signature."""
        repository = Reference.parse(text).repository
        tags = self._stores.registry(repository, cancel).tags()
        return tuple(f"{repository}:{tag}" for tag in tags if not is_fallback_tag(tag) and not is_cosign_tag(tag))

    def local_tags(self, text: str) -> tuple[tuple[str, ...], ...]:
        """The references of our own store in one repository, those of one image together.

        Raises ImageUnknown where there is none.
        """
        repository = Reference.parse(text).repository
        found: dict[Digest, list[str]] = {}
        for image in self._names().all():
            reference = Reference.parse(image.reference) if image.named else None
            if reference is not None and reference.repository == repository and reference.tag:
                found.setdefault(image.root.digest, []).append(str(reference))
        if not found:
            raise ImageUnknown(text, ["the local store"])
        return tuple(tuple(references) for references in found.values())

    def push(self, source: Place, targets: Sequence[Place], call: Call) -> tuple[Moved, ...]:
        """Send an image to its targets; a plain source is looked up in our own store, and without targets goes where
        its name says. Raises ImageUnknown, PlatformsIncomplete, SigningKeyMissing and what a copy raises."""
        if not targets and not isinstance(source, Named):
            raise TargetMissing(str(source))
        with (
            self._origins.own(source.text)
            if isinstance(source, Named)
            else self._origins.file(source, call.cancel) as origin
        ):
            aims = targets or (Named(origin.text),)
            wanted = self._wanted(origin, aims, call) or UNSAID
            chosen = choose_to_send(origin.store, origin.root, wanted, origin.here)
            return self._deliver(origin, chosen, aims, call)

    def copy(self, source: Place, targets: Sequence[Place], call: Call) -> tuple[Moved, ...]:
        """Copy an image between places; a plain name is one in a registry. Raises NotTrusted, what a push raises."""
        from_registry = isinstance(source, Named)
        with (
            self._origins.registry(source.reference, call.report, call.cancel, call.options.trust)
            if isinstance(source, Named)
            else self._origins.file(source, call.cancel)
        ) as origin:
            wanted = self._wanted(origin, targets, call) or (EVERY if from_registry else UNSAID)
            chosen = choose_to_send(origin.store, origin.root, wanted, origin.here)
            return self._deliver(origin, chosen, targets, call)

    def _wanted(self, origin: Origin, targets: Sequence[Place], call: Call) -> Wanted | None:
        """What was asked for; of several platforms for one Docker host alone, its own: it runs no other."""
        hosts = {place.host for place in targets if isinstance(place, DockerImage)}
        alone = len(hosts) == 1 and all(isinstance(place, DockerImage) for place in targets)
        if call.options.wanted is not None or not alone or not is_index(origin.root.media_type):
            return call.options.wanted
        return Wanted(platforms=(self._stores.docker_platform(hosts.pop(), call.cancel),))

    # ── targets

    def _deliver(self, origin: Origin, chosen: Chosen, targets: Sequence[Place], call: Call) -> tuple[Moved, ...]:
        repositories = list(dict.fromkeys(each.reference.repository for each in targets if isinstance(each, Named)))
        for repository in repositories:
            self._origins.tell_login(repository, call.report)
        call = replace(call, report=serialised(call.report))
        options = call.options
        signing = _signing(repositories, call) if not options.dry_run else {}
        prepare = None if options.trust is None else partial(options.trust.prepare, cancel=call.cancel)
        shape = Shape(call.cancel, options.condition, options.form, options.compression, signing, prepare)
        with opened(self._stores, targets, chosen.root, origin.name, shape) as aims:
            moved = self._move(origin, chosen, aims, PUSH_LANES, call)
        self._origins.tell_quota(repositories, call.report)
        return tuple(
            each if each.error is None else replace(each, error=self._origins.naming_next(each.error, repositories))
            for each in moved
        )

    def _move(self, origin: Origin, chosen: Chosen, aims: Sequence[Aim], lanes: int, call: Call) -> tuple[Moved, ...]:
        if chosen.note:
            for aim in aims:
                call.report(Noted(aim.destination.name, chosen.note))
        act = plan if call.options.dry_run else partial(copy, limit=self._limit)
        report = serialised(call.report)
        with self._stores.telling(report):
            arrivals = act(
                chosen.source,
                chosen.root,
                [aim.destination for aim in aims],
                referrers=origin.referrers if call.options.referrers else None,
                locations=self._stores.locations,
                lanes=call.options.lanes() if call.options.lanes else lanes,
                report=report,
                cancel=call.cancel,
            )
        return tuple(
            _moved(origin, chosen, aim, arrival, call.options.dry_run)
            for aim, arrival in zip(aims, arrivals, strict=True)
        )

    # ── what is known already

    def _is_current(self, reference: Reference, root: Descriptor, wanted: Wanted, admission: Admission | None) -> bool:
        """Whether the name stands for this root here, with every image that is wanted: then one HEAD was all. Raises
        what the admission does."""
        image = self._names().find(str(reference))
        if image is None or image.root.digest != root.digest:
            return False
        own = self._stores.own
        chosen = choose_to_bring(own, root, wanted, self._native)
        current = all(map(whole(own), chosen.parts or (root,)))
        if current and admission is not None:
            admission.expect(reference, root, chosen.parts, everywhere)
            admission.ask()
        return current


def _signing(repositories: Sequence[Repository], call: Call) -> Mapping[Repository, SignTags]:
    """What signs in each of them, asked before anything moves. Raises SigningKeyMissing."""
    trust = call.options.trust
    if trust is None:
        return {}
    signers = ((each, trust.signing(each, call.report, call.cancel)) for each in repositories)
    return {repository: sign for repository, sign in signers if sign is not None}


def _moved(origin: Origin, chosen: Chosen, aim: Aim, arrival: Arrival, planned: bool) -> Moved:
    return Moved(
        origin.text,
        arrival.name,
        chosen.root,
        aim.names,
        arrival.totals,
        chosen.note,
        arrival.referrers,
        arrival.error or next(filter(None, arrival.tags.values()), None),
        planned,
        refused=_refused(aim, arrival),
    )


def _refused(aim: Aim, arrival: Arrival) -> Mapping[str, LadingError]:
    outcomes = zip(aim.names, (arrival.tags.get(tag) for tag in aim.destination.tags), strict=False)
    return {} if arrival.error is not None else {name: error for name, error in outcomes if error is not None}


def _bare(reference: Reference) -> str:
    """The name without its digest, which is printed behind it."""
    return str(Reference(reference.repository, reference.tag))
