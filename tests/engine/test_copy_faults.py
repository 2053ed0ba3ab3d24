"""Copies that cannot end well: one clear error, the right side, no tag, and no thread left behind."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from lading.engine.arrival import Destination, SourceCorrupt
from lading.engine.cancel import Cancellation, DeadlineOver
from lading.engine.copy import copy
from lading.engine.holders import NoLocations
from lading.engine.stores import ContentUnknown
from lading.errors import AccessDenied, Cancelled, LadingError, Side
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.wire.message import ConnectionLost, Stalled
from lading.wire.progress import Event, State
from tests.fakes.images import layers_of, put_image, put_index
from tests.fakes.memory import Cut, Fail, Lie, MemoryRegistry, MemoryStore, Stall, Trouble
from tests.fakes.work import Events, bounded, run_copy


def biggest(store: MemoryStore) -> Digest:
    return max(store.blobs, key=lambda digest: len(store.blobs[digest]))


@pytest.mark.parametrize("verifies", [True, False])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("extra", [0, 3, -3])
def test_a_lying_source_is_told_as_such_and_never_completed(verifies: bool, count: int, extra: int) -> None:
    source = MemoryStore("there")
    root = put_image(source, layers_of(3, 900))
    wrong = next(digest for digest, blob in source.blobs.items() if len(blob) == 902)
    source.reading[wrong] += [Lie(extra)] * 10
    targets = [MemoryStore(f"target {number}", verifies=verifies) for number in range(count)]

    with pytest.raises(SourceCorrupt) as caught:
        run_copy(source, root, [Destination(target.name, target, ("v1",)) for target in targets])

    assert caught.value.digest == wrong
    assert caught.value.side is Side.SOURCE
    assert "there gave wrong bytes" in str(caught.value)
    assert all(target.names == {} for target in targets)
    assert all(wrong not in target.blobs for target in targets)
    if not verifies:
        assert all(len(target.partial.get(wrong, b"")) < 902 for target in targets)
    assert source.all_closed


def test_a_wrong_manifest_is_the_sources_fault_too() -> None:
    source, target = MemoryRegistry("origin.test").repository("app"), MemoryStore()
    root = put_image(source)
    source.reading[root.digest].append(Lie())

    with pytest.raises(SourceCorrupt):
        run_copy(source, root, [Destination("here", target, ("v1",))])

    assert target.pushed == []


def test_a_checked_source_is_not_checked_again() -> None:
    source, target = MemoryStore(verified=True), MemoryStore()
    root = put_image(source, layers_of(1, 100))
    source.reading[next(d for d, blob in source.blobs.items() if len(blob) == 100)].append(Lie())

    (arrival,) = run_copy(source, root, [Destination("here", target, ("v1",))])

    assert arrival.error is None


def missing(digest: Digest) -> Trouble:
    return Fail(ContentUnknown(digest, "there"))


def stalled(_digest: Digest) -> Trouble:
    return Fail(Stalled("there.test", 60))


def cut(_digest: Digest) -> Trouble:
    return Cut(10)


@pytest.mark.parametrize(("trouble", "error"), [(missing, ContentUnknown), (stalled, Stalled), (cut, ConnectionLost)])
def test_a_source_that_fails_ends_the_copy_at_every_target(
    trouble: Callable[[Digest], Trouble], error: type[LadingError]
) -> None:
    source = MemoryStore("there")
    root = put_image(source, layers_of(4, 90))
    digest = biggest(source) if biggest(source) != root.digest else next(iter(source.blobs))
    layer = next(d for d, blob in source.blobs.items() if len(blob) == 91)
    source.reading[layer] += [trouble(digest)] * 5
    targets = [MemoryStore(f"target {number}") for number in range(2)]

    with pytest.raises(error) as caught:
        run_copy(source, root, [Destination(target.name, target, ("v1",)) for target in targets])

    assert caught.value.side is Side.SOURCE
    assert all(target.names == {} for target in targets)
    assert source.all_closed


def test_a_target_that_fails_leaves_the_others_alone() -> None:
    source = MemoryStore("there")
    root = put_image(source, layers_of(6, 200))
    good, bad, events = MemoryStore("good"), MemoryStore("bad"), Events()
    layer = next(d for d, blob in source.blobs.items() if len(blob) == 203)
    bad.writing[layer].append(Fail(AccessDenied()))

    good_arrival, bad_arrival = run_copy(
        source, root, [Destination("good", good, ("v1",)), Destination("bad", bad, ("v1",))], events=events
    )

    assert good_arrival.error is None
    assert isinstance(bad_arrival.error, AccessDenied)
    assert bad_arrival.tags["v1"] is bad_arrival.error
    assert good.blobs == source.blobs
    assert bad.names == {}
    assert list(events.ended("bad").values()).count(State.FAILED) == 1
    assert source.all_closed


def test_the_first_real_cause_is_told_and_not_what_followed_from_it() -> None:
    source, target = MemoryStore(), MemoryStore()
    root = put_image(source, layers_of(5, 100))
    stall = Stall(threading.Event())
    digests = [d for d, blob in source.blobs.items() if 100 <= len(blob) <= 104]
    for digest in digests[1:3]:
        target.writing[digest].append(Stall(stall.gate))
    target.writing[digests[0]].append(Fail(AccessDenied()))

    (arrival,) = run_copy(source, root, [Destination("here", target, ("v1",))], lanes=5)

    assert isinstance(arrival.error, AccessDenied)


def test_a_failed_manifest_keeps_its_parents_and_the_tag_away() -> None:
    source, target = MemoryStore(), MemoryStore()
    children = [put_image(source, [name]) for name in (b"one", b"two", b"three")]
    root = put_index(source, children)
    target.writing[children[1].digest].append(Fail(AccessDenied()))

    (arrival,) = run_copy(source, root, [Destination("here", target, ("v1",))])

    assert isinstance(arrival.error, AccessDenied)
    assert root.digest not in target.blobs
    assert target.names == {}


def test_a_broken_upload_goes_on_where_it_stopped() -> None:
    source, target, events = MemoryStore("there", verified=True), MemoryStore(), Events()
    root = put_image(source, layers_of(1, 300))
    layer = next(d for d, blob in source.blobs.items() if len(blob) == 300)
    target.writing[layer].append(Cut(200))

    (arrival,) = run_copy(source, root, [Destination("here", target, ("v1",))], events=events)

    assert arrival.error is None
    assert target.bytes_in <= len(source.blobs[layer]) + target.buffer + sum(
        len(blob) for digest, blob in source.blobs.items() if digest not in {layer, root.digest}
    )
    assert (layer, 200, None) in source.opened


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("where", ["source", "target"])
def test_a_cancel_releases_everybody_at_once(where: str, count: int) -> None:
    source, cancel, events = MemoryStore("there"), Cancellation(), Events()
    root = put_image(source, layers_of(5, 500))
    targets = [MemoryStore(f"target {number}") for number in range(count)]
    stall = Stall(threading.Event(), 9)
    layer = next(d for d, blob in source.blobs.items() if len(blob) == 504)
    (source.reading if where == "source" else targets[-1].writing)[layer].append(stall)
    before = threading.active_count()
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(
                copy(
                    source,
                    root,
                    [Destination(target.name, target, ("v1",)) for target in targets],
                    referrers=None,
                    locations=NoLocations(),
                    lanes=3,
                    report=events,
                    cancel=cancel,
                )
            )
        except Cancelled as error:
            outcome.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert stall.reached.wait(60)
    cancel.cancel()
    thread.join(60)

    assert not thread.is_alive()
    assert [type(result) for result in outcome] == [Cancelled]
    stuck = targets if where == "source" else targets[-1:]
    assert all(target.names == {} for target in stuck)
    assert all(State.FAILED not in events.ended(target.name).values() for target in targets)
    assert threading.active_count() == before
    assert source.all_closed


def test_a_deadline_ends_the_copy_with_its_own_error() -> None:
    source, target = MemoryStore(), MemoryStore()
    root = put_image(source, layers_of(2, 100))
    layer = next(d for d, blob in source.blobs.items() if len(blob) == 100)
    source.reading[layer].append(Stall(threading.Event()))

    with Cancellation(0.05, clock=lambda: 0.0) as cancel, pytest.raises(DeadlineOver):
        run_copy(source, root, [Destination("here", target, ("v1",))], cancel=cancel)

    assert target.names == {}


def test_a_copy_cancelled_before_it_begins_asks_nothing() -> None:
    source, target, cancel = MemoryStore(), MemoryStore(), Cancellation()
    root = put_image(source)
    cancel.cancel()

    with pytest.raises(Cancelled):
        run_copy(source, root, [Destination("here", target, ("v1",))], cancel=cancel)

    assert target.asked == []


def test_a_cancelled_copy_goes_on_from_what_it_left() -> None:
    source, target, cancel = MemoryStore(verified=True), MemoryStore(), Cancellation()
    root = put_image(source, layers_of(1, 400))
    layer = next(d for d, blob in source.blobs.items() if len(blob) == 400)
    stall = Stall(threading.Event(), 200)
    target.writing[layer].append(stall)

    def cancel_there() -> None:
        stall.reached.wait(60)
        cancel.cancel()

    threading.Thread(target=cancel_there, daemon=True).start()
    with pytest.raises(Cancelled):
        run_copy(source, root, [Destination("here", target, ("v1",))], cancel=cancel)
    events = Events()

    (arrival,) = run_copy(source, root, [Destination("here", target, ("v1",))], events=events)

    assert arrival.error is None
    assert arrival.totals.kept == 200


class Bug(Exception):
    """Not one of ours: a mistake in a store."""


def test_a_mistake_in_a_store_is_raised_and_ends_all_lanes() -> None:
    source, target = MemoryStore(), MemoryStore()
    root = put_image(source, layers_of(4, 50))
    stall = Stall(threading.Event())
    digests = [d for d, blob in source.blobs.items() if 50 <= len(blob) <= 53]
    target.writing[digests[0]].append(Fail(Bug()))
    target.writing[digests[1]].append(stall)
    before = threading.active_count()

    with pytest.raises(Bug):
        run_copy(source, root, [Destination("here", target, ("v1",))], lanes=4)

    assert threading.active_count() == before


def test_a_report_is_called_by_one_thread_at_a_time() -> None:
    source = MemoryStore()
    root = put_image(source, layers_of(8, 300))
    inside: list[int] = []
    crowded: list[int] = []

    class Alone(Events):
        def __call__(self, event: Event) -> None:
            inside.append(1)
            if len(inside) > 1:
                crowded.append(1)
            inside.pop()

    run_copy(source, root, [Destination(str(n), MemoryStore()) for n in range(3)], events=Alone(), lanes=5)

    assert crowded == []


def test_a_login_refused_at_the_first_question_is_that_targets_error() -> None:
    source = MemoryStore()
    root = put_image(source)

    class Locked(MemoryStore):
        def resolve(self, name: str | Digest) -> Descriptor:
            raise AccessDenied

    locked, free = Locked("locked"), MemoryStore("free")
    arrivals = bounded(
        lambda: run_copy(source, root, [Destination("locked", locked, ("v1",)), Destination("free", free, ("v1",))])
    )

    assert isinstance(arrivals[0].error, AccessDenied)
    assert arrivals[1].error is None
    assert locked.bytes_in == 0
