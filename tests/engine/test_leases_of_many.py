"""Leases as a property: whatever works, clients and removals do, in two processes and at any moment of a collection,
nothing goes that somebody holds or a name reaches; and what nobody holds goes with the image that is removed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from lading.backends.content_store.folder import ContentFolder
from lading.backends.content_store.garbage import CollectableFolder
from lading.backends.database.catalogue import open_catalogue
from lading.engine.cancel import Cancellation
from lading.engine.collect import collect
from lading.engine.embedded import EmbeddedStore
from lading.engine.records import Image, ImageNames
from lading.engine.stores import untold
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Manifest
from lading.oci.media_types import OCI_CONFIG, OCI_LAYER_GZIP
from lading.wire.message import BytesContent
from tests.fakes.house import NEVER
from tests.fakes.records import Clock

LAYERS = tuple(b"layer %d" % number for number in range(4))
SHARES = ((0, 1), (1, 2), (2, 3), (0, 3))
"""The layers of each image: every one is of two images."""


def described(raw: bytes, media_type: str) -> Descriptor:
    return Descriptor(media_type, Digest.of(raw), len(raw))


CONFIGS = tuple(b"{%d}" % number for number in range(len(SHARES)))
IMAGES = tuple(
    Manifest.build(described(config, OCI_CONFIG), [described(LAYERS[each], OCI_LAYER_GZIP) for each in layers])
    for config, layers in zip(CONFIGS, SHARES, strict=True)
)
PIECES = tuple(
    (
        (described(config, OCI_CONFIG), config),
        *((described(LAYERS[each], OCI_LAYER_GZIP), LAYERS[each]) for each in layers),
    )
    for config, layers in zip(CONFIGS, SHARES, strict=True)
)
WHOLE = {
    image.descriptor().digest: {image.descriptor().digest, *(c.digest for c in image.children)} for image in IMAGES
}
CANCEL = Cancellation()


@dataclass
class Work:
    """A piece of work that runs: what it has brought, or was told is here."""

    image: int
    store: EmbeddedStore
    closing: ExitStack
    held: set[Digest] = field(default_factory=set)


class Unlisted:
    def changed(self) -> None:
        """Nobody reads the list."""


class Process:
    """One that works over the folder: connections and memory of its own."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.catalogue = stack.enter_context(closing(open_catalogue(folder / "lading.db", Clock())))
        self.content = stack.enter_context(closing(ContentFolder(folder / "content", self.catalogue.leases)))
        self.store = EmbeddedStore(self.content, self.catalogue.images, Unlisted())
        self.content.keep(())  # it is there: who removes is never alone, and what runs beside that need not wait


class World:
    """Two processes, and what must be true of them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.processes = (Process(folder, stack), Process(folder, stack))
        self._stack = stack
        self.works: list[Work] = []
        self.told: set[Digest] = set()
        self.left: set[Digest] = set()

    @property
    def here(self) -> set[Digest]:
        return {digest for digest, _ in CollectableFolder(self.processes[0].content).blobs()}

    @property
    def needed(self) -> set[Digest]:
        """What somebody holds, or a name reaches."""
        roots = {image.root.digest for image in self.processes[0].catalogue.images.all()}
        roots |= self.told.union(*(work.held for work in self.works))
        return {digest for root in roots for digest in WHOLE.get(root, {root})}

    # ── steps

    def act(self, step: str, process: int, which: int) -> None:
        one = self.processes[process]
        match step:
            case "begin":
                stack = self._stack.enter_context(ExitStack())
                self.works.append(Work(which % len(IMAGES), stack.enter_context(one.store.work()), stack))
            case "go on" if self.works:
                self._go_on(self.works[which % len(self.works)], which)
            case "finish" if self.works:
                self._finish(self.works[which % len(self.works)])
            case "fail" if self.works:
                work = self.works.pop(which % len(self.works))
                self.left |= work.held
                work.closing.close()
            case "pull":
                self.act("begin", process, which)
                self._finish(self.works[-1])
            case "ask":
                asked = [digest for image in WHOLE.values() for digest in sorted(image)][which]
                self.told |= {asked} - set(one.content.keep([asked]))
            case "untag":
                one.catalogue.images.forget(f"localhost/{which % len(IMAGES)}:1")
            case "tag":
                self._tag(one, which)
            case _:
                pass

    def _go_on(self, work: Work, which: int) -> None:
        descriptor, raw = PIECES[work.image][which % len(PIECES[work.image])]
        work.store.push(descriptor, BytesContent(raw), untold, CANCEL)
        work.held.add(descriptor.digest)

    def _finish(self, work: Work) -> None:
        for which in range(len(PIECES[work.image])):
            self._go_on(work, which)
        image = IMAGES[work.image]
        content, name = BytesContent(image.raw), f"localhost/{work.image}:1"
        assert work.store.tag(image.descriptor(), content, [name], "any", CANCEL) == {name: None}
        self.works.remove(work)
        work.closing.close()

    def _tag(self, one: Process, which: int) -> None:
        """Another name for an image that has one."""
        image = which % len(IMAGES)
        if one.catalogue.images.find(f"localhost/{image}:1") is not None:
            content, root = BytesContent(IMAGES[image].raw), IMAGES[image].descriptor()
            with one.store.work() as work:
                work.tag(root, content, [f"localhost/{image}:2"], "any", CANCEL)

    # ── collections

    def remove(self, process: int, which: int, moment: str, meanwhile: Callable[[], None]) -> None:
        """One image by its id: all its names."""
        image, one = which % len(IMAGES), self.processes[process]
        root = IMAGES[image].descriptor().digest
        for name in (f"localhost/{image}:1", f"localhost/{image}:2"):
            one.catalogue.images.forget(name)
        if root in self.here:
            self.left -= WHOLE[root]
        self.collect(process, [root], moment, meanwhile)

    def collect(self, process: int, given_up: Collection[Digest], moment: str, meanwhile: Callable[[], None]) -> None:
        one = self.processes[process]

        def at(now: str) -> None:
            if now == moment:
                meanwhile()

        collect(
            CollectableFolder(one.content),
            Watched(one.catalogue.images, lambda: at("named")),
            one.catalogue.leases,
            (),
            given_up=given_up,
            left_before=NEVER,
            dry_run=False,
            cancel=CANCEL,
            found=lambda _: at("marked"),
        )


class Watched:
    """Names; something happens just after all of them were read."""

    def __init__(self, names: ImageNames, act: Callable[[], None]) -> None:
        self._names, self._act = names, act
        self.find, self.point, self.among = names.find, names.point, names.among
        self.forget, self.forget_as = names.forget, names.forget_as

    def all(self) -> Iterable[Image]:
        found = list(self._names.all())
        self._act()
        return found


WORKING = st.sampled_from(["begin", "go on", "go on", "finish", "fail", "pull", "ask", "tag", "untag"])
PROCESS, WHICH = st.integers(0, 1), st.integers(0, 11)
STEP = st.tuples(WORKING, PROCESS, WHICH)
COLLECTING = st.tuples(
    st.sampled_from(["remove", "remove", "collect"]),
    PROCESS,
    WHICH,
    st.sampled_from(["named", "marked"]),
    st.lists(STEP, max_size=3),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(STEP | COLLECTING, min_size=3, max_size=14))
def test_what_is_held_stays_and_what_is_not_goes(steps: list[tuple[object, ...]]) -> None:
    with TemporaryDirectory() as folder, ExitStack() as stack:
        world = World(Path(folder), stack)
        for step in steps:
            carry_out(world, step)
            assert world.needed <= world.here, step

        assert_freed(world)


def carry_out(world: World, step: tuple[object, ...]) -> None:
    match step:
        case str(verb), int(process), int(which):
            world.act(verb, process, which)
        case str(verb), int(process), int(which), str(moment), list(beside):

            def meanwhile() -> None:
                for each in beside:
                    carry_out(world, each)

            if verb == "remove":
                world.remove(process, which, moment, meanwhile)
            else:
                world.collect(process, (), moment, meanwhile)
            if not beside:
                assert world.here <= world.needed | world.left
        case _:
            raise AssertionError(step)


def assert_freed(world: World) -> None:
    """A collection, or a removal, with nobody beside it leaves what is needed, and what failed work has left."""
    for image in range(len(IMAGES) // 2):
        for name in (f"localhost/{image}:1", f"localhost/{image}:2"):
            world.processes[0].catalogue.images.forget(name)
    world.collect(1, (), "", lambda: None)
    assert world.needed <= world.here <= world.needed | world.left
    for image in range(len(IMAGES)):
        world.remove(image % 2, image, "", lambda: None)
        assert world.needed <= world.here <= world.needed | world.left
