"""What every store must do, whatever is behind it. An implementation's test module subclasses what applies to it and
gives the fixtures `store` and, where there are tags, `names`: three names in order.

    class TestLayout(SourceContract, TargetContract, VerifyingContract, TagsContract):
        @pytest.fixture
        def store(self, tmp_path: Path) -> LayoutStore: ...
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Protocol

import pytest

from lading.engine.cancel import Cancellation
from lading.engine.stores import Condition, ContentUnknown, Outcome, Source, Store, TagMoved, TagUnknown
from lading.errors import Cancelled, LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, ContentTooLong, ContentTooShort, Digest, DigestMismatch
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import OCI_CONFIG, OCI_LAYER_GZIP
from lading.wire.message import BytesContent, ConnectionLost, Reader
from tests.fakes.contents import PlannedContent
from tests.fakes.tracks import RecordingTrack


class FullStore(Source, Store, Protocol):
    """Both sides of a copy."""


LAYER = bytes(range(256)) * 40
CONFIG = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'


def descriptor_of(raw: bytes, algorithm: Algorithm = Algorithm.SHA256, media_type: str = OCI_LAYER_GZIP) -> Descriptor:
    return Descriptor(media_type, Digest.of(raw, algorithm), len(raw))


def push(store: FullStore, descriptor: Descriptor, raw: bytes) -> Outcome:
    return store.push(descriptor, BytesContent(raw), RecordingTrack(), Cancellation())


def push_image(store: FullStore, *layers: bytes) -> Manifest:
    """An image of these layers, without a name."""
    config = descriptor_of(CONFIG, media_type=OCI_CONFIG)
    push(store, config, CONFIG)
    for layer in layers:
        push(store, descriptor_of(layer), layer)
    manifest = Manifest.build(config, [descriptor_of(layer) for layer in layers])
    push(store, manifest.descriptor(), manifest.raw)
    return manifest


def tag(
    store: FullStore, manifest: Manifest | Index, *names: str, condition: Condition = "any"
) -> dict[str, LadingError | None]:
    content = BytesContent(manifest.raw)
    return dict(store.tag(manifest.descriptor(), content, names, condition, Cancellation()))


def content_of(reader: Reader) -> bytes:
    """All it gives, in small bites."""
    found = bytearray()
    buffer = memoryview(bytearray(1000))
    try:
        while count := reader.readinto(buffer):
            found += buffer[:count]
    finally:
        reader.close()
    return bytes(found)


class SourceContract:
    """Reading what was pushed."""

    def test_what_was_pushed_is_read_back(self, store: FullStore) -> None:
        layer = descriptor_of(LAYER)

        assert push(store, layer, LAYER) is Outcome.SENT
        assert content_of(store.open(layer)) == LAYER

    @pytest.mark.parametrize(
        ("offset", "length"), [(0, None), (1, None), (0, 1), (100, 1), (5000, 5240), (10_239, None), (10_239, 1)]
    )
    def test_any_part_can_be_read(self, store: FullStore, offset: int, length: int | None) -> None:
        layer = descriptor_of(LAYER)
        push(store, layer, LAYER)

        end = None if length is None else offset + length
        assert content_of(store.open(layer, offset, length)) == LAYER[offset:end]

    def test_content_that_is_not_held_is_unknown(self, store: FullStore) -> None:
        with pytest.raises(ContentUnknown):
            content_of(store.open(descriptor_of(LAYER)))

    def test_a_reader_closes_twice(self, store: FullStore) -> None:
        layer = descriptor_of(LAYER)
        push(store, layer, LAYER)
        reader = store.open(layer)

        reader.close()
        reader.close()

    def test_it_has_a_name_for_people(self, store: FullStore) -> None:
        assert store.name


class TargetContract:
    """Pushing."""

    def test_what_is_not_pushed_is_not_there(self, store: FullStore) -> None:
        assert not store.has(descriptor_of(LAYER))

    def test_what_is_pushed_is_there(self, store: FullStore) -> None:
        layer = descriptor_of(LAYER)
        push(store, layer, LAYER)

        assert store.has(layer)

    def test_what_exists_is_not_read_again(self, store: FullStore) -> None:
        layer = descriptor_of(LAYER)
        push(store, layer, LAYER)
        content = PlannedContent(LAYER)

        assert store.push(layer, content, RecordingTrack(), Cancellation()) is Outcome.EXISTS
        assert content.given == 0

    def test_a_blob_is_read_once_from_its_start(self, store: FullStore) -> None:
        content = PlannedContent(LAYER)

        store.push(descriptor_of(LAYER), content, RecordingTrack(), Cancellation())

        assert content.given == len(LAYER)
        assert [offset for offset, _ in content.openings] == [0]

    def test_what_was_opened_is_closed(self, store: FullStore) -> None:
        content = PlannedContent(LAYER, breaks=[100])
        with pytest.raises(ConnectionLost):
            store.push(descriptor_of(LAYER), content, RecordingTrack(), Cancellation())
        store.push(descriptor_of(LAYER), content, RecordingTrack(), Cancellation())

        assert content.unclosed == 0

    def test_a_broken_transfer_leaves_nothing_under_its_name(self, store: FullStore) -> None:
        layer = descriptor_of(LAYER)
        with pytest.raises(ConnectionLost):
            store.push(layer, PlannedContent(LAYER, breaks=[5000]), RecordingTrack(), Cancellation())

        assert not store.has(layer)
        with pytest.raises(ContentUnknown):
            content_of(store.open(layer))

    def test_a_broken_transfer_can_be_done_again(self, store: FullStore) -> None:
        layer = descriptor_of(LAYER)
        with pytest.raises(ConnectionLost):
            store.push(layer, PlannedContent(LAYER, breaks=[5000]), RecordingTrack(), Cancellation())

        assert push(store, layer, LAYER) is Outcome.SENT
        assert content_of(store.open(layer)) == LAYER

    def test_a_cancelled_push_holds_nothing(self, store: FullStore) -> None:
        cancel = Cancellation()
        cancel.cancel()
        with pytest.raises(Cancelled):
            store.push(descriptor_of(LAYER), BytesContent(LAYER), RecordingTrack(), cancel)

        assert not store.has(descriptor_of(LAYER))

    def test_empty_content_can_be_held(self, store: FullStore) -> None:
        empty = descriptor_of(b"")
        push(store, empty, b"")

        assert content_of(store.open(empty)) == b""

    def test_a_manifest_is_held_by_its_digest(self, store: FullStore) -> None:
        manifest = push_image(store, LAYER)

        assert content_of(store.open(manifest.descriptor())) == manifest.raw

    def test_several_threads_push_one_blob(self, store: FullStore) -> None:
        layer = descriptor_of(LAYER)
        outcomes: list[Outcome] = []
        run_together(8, lambda: outcomes.append(push(store, layer, LAYER)))

        assert len(outcomes) == 8
        assert content_of(store.open(layer)) == LAYER

    def test_several_threads_push_different_blobs(self, store: FullStore) -> None:
        blobs = [LAYER[number:] for number in range(8)]
        waiting = iter(blobs)
        lock = threading.Lock()

        def one() -> None:
            with lock:
                blob = next(waiting)
            push(store, descriptor_of(blob), blob)

        run_together(8, one)

        assert [content_of(store.open(descriptor_of(blob))) for blob in blobs] == blobs


class Sha512Contract:
    """Content named by sha512 is held under that name."""

    def test_sha512_content_is_held(self, store: FullStore) -> None:
        layer = descriptor_of(LAYER, Algorithm.SHA512)

        assert not store.has(layer)
        assert push(store, layer, LAYER) is Outcome.SENT
        assert store.has(layer)
        assert content_of(store.open(layer)) == LAYER


class ResumingContract:
    """A target that goes on where an earlier attempt stopped."""

    def test_a_broken_transfer_goes_on_where_it_stopped(self, store: FullStore) -> None:
        layer = descriptor_of(LAYER)
        content = PlannedContent(LAYER, breaks=[5000])
        with pytest.raises(ConnectionLost):
            store.push(layer, content, RecordingTrack(), Cancellation())
        track = RecordingTrack()
        store.push(layer, content, track, Cancellation())

        assert [offset for offset, _ in content.openings] == [0, 5000]
        assert content.given == len(LAYER)
        assert {told.kept for told in track.told} == {5000}


class VerifyingContract:
    """A target that hashes what it is given."""

    def test_it_says_that_it_verifies(self, store: FullStore) -> None:
        assert store.verifies

    def test_wrong_bytes_are_refused(self, store: FullStore) -> None:
        layer = descriptor_of(LAYER)
        with pytest.raises(DigestMismatch) as refusal:
            push(store, layer, LAYER[::-1])

        assert refusal.value.expected == layer.digest
        assert not store.has(layer)

    def test_content_that_ends_early_is_refused(self, store: FullStore) -> None:
        content = PlannedContent(LAYER[:-1], size=len(LAYER))
        with pytest.raises(ContentTooShort):
            store.push(descriptor_of(LAYER), content, RecordingTrack(), Cancellation())

        assert not store.has(descriptor_of(LAYER))

    def test_content_that_goes_on_is_refused(self, store: FullStore) -> None:
        content = PlannedContent(LAYER + b"?", size=len(LAYER))
        with pytest.raises(ContentTooLong):
            store.push(descriptor_of(LAYER), content, RecordingTrack(), Cancellation())

        assert not store.has(descriptor_of(LAYER))

    def test_after_wrong_bytes_the_right_ones_are_taken(self, store: FullStore) -> None:
        with pytest.raises(DigestMismatch):
            push(store, descriptor_of(LAYER), LAYER[::-1])

        assert push(store, descriptor_of(LAYER), LAYER) is Outcome.SENT


class TagsContract:
    """Names for manifests."""

    def test_a_name_resolves_to_what_it_was_given(self, store: FullStore, names: tuple[str, str, str]) -> None:
        manifest = push_image(store, LAYER)

        assert tag(store, manifest, names[0]) == {names[0]: None}
        found = store.resolve(names[0])
        expected = manifest.descriptor()
        assert (found.digest, found.size, found.media_type) == (expected.digest, expected.size, expected.media_type)

    def test_a_digest_resolves_to_its_manifest(self, store: FullStore) -> None:
        manifest = push_image(store, LAYER)

        found = store.resolve(manifest.descriptor().digest)
        assert (found.media_type, found.size) == (manifest.media_type, len(manifest.raw))

    def test_an_unknown_name_is_said_to_be_unknown(self, store: FullStore, names: tuple[str, str, str]) -> None:
        with pytest.raises(TagUnknown):
            store.resolve(names[0])

    def test_an_unknown_digest_is_said_to_be_unknown(self, store: FullStore) -> None:
        with pytest.raises(ContentUnknown):
            store.resolve(Digest.of(b"nothing"))

    def test_a_tag_brings_its_manifest_along(self, store: FullStore, names: tuple[str, str, str]) -> None:
        push_image(store, LAYER)
        config = descriptor_of(CONFIG, media_type=OCI_CONFIG)
        manifest = Manifest.build(config, [descriptor_of(LAYER)], annotations={"pushed": "by tag alone"})

        tag(store, manifest, names[0])

        assert content_of(store.open(manifest.descriptor())) == manifest.raw

    def test_names_are_listed_in_order(self, store: FullStore, names: tuple[str, str, str]) -> None:
        manifest = push_image(store, LAYER)
        tag(store, manifest, *reversed(names))

        assert list(store.tags()) == list(names)
        assert list(store.tags(after=names[0])) == list(names[1:])

    def test_a_name_moves(self, store: FullStore, names: tuple[str, str, str]) -> None:
        first, second = push_image(store, LAYER), push_image(store, LAYER, LAYER[1:])
        tag(store, first, names[0])
        tag(store, second, names[0])

        assert store.resolve(names[0]).digest == second.descriptor().digest

    def test_an_untagged_name_is_gone(self, store: FullStore, names: tuple[str, str, str]) -> None:
        tag(store, push_image(store, LAYER), names[0], names[1])
        store.untag(names[0])

        assert list(store.tags()) == [names[1]]
        with pytest.raises(TagUnknown):
            store.untag(names[0])


class ConditionsContract:
    """A tag moves only from what it was said to hold."""

    def test_absent_refuses_a_name_that_holds_something_else(
        self, store: FullStore, names: tuple[str, str, str]
    ) -> None:
        first, second = push_image(store, LAYER), push_image(store, LAYER, LAYER[1:])
        tag(store, first, names[0])
        outcome = tag(store, second, names[0], names[1], condition="absent")

        assert isinstance(outcome[names[0]], TagMoved)
        assert outcome[names[1]] is None
        assert store.resolve(names[0]).digest == first.descriptor().digest

    def test_the_same_again_is_success(self, store: FullStore, names: tuple[str, str, str]) -> None:
        manifest = push_image(store, LAYER)
        tag(store, manifest, names[0])

        assert tag(store, manifest, names[0], condition="absent") == {names[0]: None}

    def test_a_name_moves_from_the_digest_it_was_said_to_hold(
        self, store: FullStore, names: tuple[str, str, str]
    ) -> None:
        first, second = push_image(store, LAYER), push_image(store, LAYER, LAYER[1:])
        tag(store, first, names[0])

        assert tag(store, second, names[0], condition=first.descriptor().digest) == {names[0]: None}
        assert isinstance(tag(store, first, names[0], condition=Digest.of(b"else"))[names[0]], TagMoved)

    def test_a_required_digest_refuses_an_absent_name(self, store: FullStore, names: tuple[str, str, str]) -> None:
        manifest = push_image(store, LAYER)

        outcome = tag(store, manifest, names[0], condition=Digest.of(b"else"))
        assert isinstance(outcome[names[0]], TagMoved)
        with pytest.raises(TagUnknown):
            store.resolve(names[0])


def run_together(count: int, work: Callable[[], object]) -> None:
    """On so many threads, begun at once, that change places as often as they can; the first error is raised here."""
    barrier = threading.Barrier(count)
    errors: list[BaseException] = []

    def run() -> None:
        barrier.wait()
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again below
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(usual)
    for error in errors:
        raise error
