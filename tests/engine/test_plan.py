"""A plan tells what would move, and moves nothing."""

from __future__ import annotations

import pytest

from lading.engine.arrival import Destination
from lading.engine.stores import TagMoved
from lading.wire.progress import Advanced, State
from tests.fakes.images import ARM64, layers_of, put_image, put_index
from tests.fakes.memory import MemoryLocations, MemoryRegistry, MemoryStore
from tests.fakes.work import Events, run_copy, run_plan


@pytest.mark.parametrize("kind", ["empty", "half", "sibling", "done", "other tag", "signed"])
@pytest.mark.parametrize("local", [True, False])
def test_the_figures_are_those_of_the_copy_that_follows(kind: str, local: bool) -> None:
    source, registry, locations = MemoryStore(), MemoryRegistry(), MemoryLocations()
    root = put_index(source, [put_image(source, layers_of(3)), put_image(source, layers_of(4), platform=ARM64)])
    target = MemoryStore() if local else registry.repository("app")
    if kind == "half":
        for digest in list(source.blobs)[:3]:
            target.blobs[digest] = source.blobs[digest]
    if kind == "sibling":
        run_copy(source, root, [Destination("x", registry.repository("sibling"), ("v1",))], locations=locations)
    if kind in {"done", "other tag"}:
        tag = "v1" if kind == "done" else "v0"
        run_copy(source, root, [Destination("x", target, (tag,))], locations=locations)
    if kind == "signed":
        put_image(source, [b"signature"], subject=root, artifact_type="application/signature")
    before = dict(target.blobs)
    destination = Destination("here", target, ("v1",))

    (planned,) = run_plan(source, root, [destination], referrers=source, locations=locations)
    assert target.blobs == before
    (copied,) = run_copy(source, root, [destination], referrers=source, locations=locations)

    assert planned.totals.left == copied.totals.sent
    assert planned.totals.exists == copied.totals.exists
    assert planned.totals.mounted == copied.totals.mounted
    assert planned.totals.image == copied.totals.image


def test_a_mount_is_told_as_probable() -> None:
    source, registry, locations, events = MemoryStore(), MemoryRegistry(), MemoryLocations(), Events()
    root = put_image(source)
    run_copy(source, root, [Destination("x", registry.repository("sibling"), ("v1",))], locations=locations)

    run_plan(
        source, root, [Destination("here", registry.repository("app"), ("v1",))], locations=locations, events=events
    )

    details = {event.detail for event in events if isinstance(event, Advanced) and event.state is State.MOUNTED}
    assert details == {"probably, from registry.test/sibling"}


def test_a_condition_that_would_refuse_is_told() -> None:
    source, target = MemoryStore(), MemoryStore()
    root = put_image(source)
    put_image(target, [b"else"], tag="v1")

    (planned,) = run_plan(source, root, [Destination("here", target, ("v1",), "absent")])

    assert isinstance(planned.error, TagMoved)


def test_nothing_is_told_as_tagged() -> None:
    source, target, events = MemoryStore(), MemoryStore(), Events()
    root = put_image(source)

    run_plan(source, root, [Destination("here", target, ("v1",))], events=events)

    assert events.tagged == []
    assert target.names == {}
    assert target.pushed == []
