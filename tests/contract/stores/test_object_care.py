"""Content in a bucket of a real S3 server is collected, checked, resumed and shared among processes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from lading.backends.content_store.hashing import Streams
from lading.backends.content_store.objects import keys
from lading.backends.content_store.objects.bucket import SMALLEST_PART, Bucket, BucketFailed, StorageInvalid
from lading.backends.content_store.objects.checked import CheckedBucket
from lading.backends.content_store.objects.collectable import CollectableBucket, TurnLost
from lading.backends.content_store.objects.content import ObjectContent
from lading.backends.content_store.objects.local_turns import FileGate, FileLock, FileTurns
from lading.backends.content_store.objects.segments import Segments
from lading.backends.content_store.objects.turns import Lock
from lading.backends.content_store.objects.uploads import ObjectUploads
from lading.engine.cancel import Cancellation
from lading.engine.collect import Collected, collect
from lading.engine.records import EVERY_HOLDER
from lading.engine.stores import Outcome
from lading.errors import Cancelled
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.wire.message import BytesContent, BytesReader, Cancel, ConnectionLost, ReadFailed
from lading.wire.upload_session import UploadUnknown
from tests.contract.stores.suite import content_of
from tests.fakes.contents import PlannedContent
from tests.fakes.counted_bucket import CountedBucket
from tests.fakes.records import MemoryImageNames, MemoryLeases
from tests.fakes.tracks import RecordingTrack

pytestmark = pytest.mark.peer("weed")

CANCEL = Cancellation()
IMAGE_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LARGE = os.urandom(3 * SMALLEST_PART + 12_345)

Opened = Callable[[MemoryLeases], ObjectContent]


@pytest.fixture
def leases() -> MemoryLeases:
    return MemoryLeases()


@pytest.fixture
def content(bucket: Opened, leases: MemoryLeases) -> ObjectContent:
    return bucket(leases)


def push(content: ObjectContent, raw: bytes) -> Descriptor:
    descriptor = Descriptor("x", Digest.of(raw), len(raw))
    content.push(descriptor, BytesContent(raw), RecordingTrack(), CANCEL)
    return descriptor


def manifest_bytes(config: Descriptor, layers: Sequence[Descriptor]) -> bytes:
    """Of an image manifest."""
    described = [{"mediaType": "x", "digest": str(each.digest), "size": each.size} for each in (config, *layers)]
    manifest = {"schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "config": described[0], "layers": described[1:]}
    return json.dumps(manifest).encode()


def collected(content: ObjectContent, leases: MemoryLeases, before: float = 0.0) -> Collected:
    names = MemoryImageNames()
    care = CollectableBucket(content)
    return collect(care, names, leases, (), left_before=before, dry_run=False, cancel=CANCEL)


def test_what_nobody_needs_goes_and_what_is_leased_stays(content: ObjectContent, leases: MemoryLeases) -> None:
    going, staying = push(content, b"going"), push(content, b"staying")
    leases.forget([going.digest], EVERY_HOLDER)

    assert collected(content, leases).removed == 1
    assert content.size(going.digest) is None
    assert content.size(staying.digest) == len(b"staying")


STRANGE = (
    "blobs/sha256/zz",
    f"blobs/sha256/{'A' * 64}",
    f"blobs/sha256/{'b' * 64}/deeper",
    f"blobs/md5/{'a' * 32}",
    f"referrers/sha256/{'a' * 64}/sha256-zz",
    f"referrers/sha256/{'a' * 64}/none",
    "referrers/md5/x/y-z",
    "damaged/sha256/zz",
    "partial/none",
    "uploads/none",
)
"""Nothing of ours has such a key."""


def test_what_others_put_into_our_folders_is_nobodys_trouble(content: ObjectContent, leases: MemoryLeases) -> None:
    for key in STRANGE:
        content.bucket.put(key, b"x")
    going = push(content, b"going")
    leases.forget([going.digest], EVERY_HOLDER)

    assert collected(content, leases).removed == 1
    assert not content.referrers(Digest.parse(f"sha256:{'a' * 64}"))
    assert [kept.digest for kept in CheckedBucket(content).kept()] == []
    assert all(content.bucket.size(key) == 1 for key in STRANGE if key.startswith(("blobs/", "referrers/")))


def test_what_is_leased_in_the_last_moment_stays(content: ObjectContent, leases: MemoryLeases) -> None:
    layer = push(content, b"layer")

    def release(digests: Collection[Digest]) -> Collection[Digest]:
        return [digest for digest in digests if digest not in leases.held()]

    care = CollectableBucket(content)
    with care.turn(CANCEL):
        care.sweep([layer.digest], release)

    assert content.has(layer)


def test_who_has_lost_the_turn_while_it_asked_removes_nothing(content: ObjectContent, tmp_path: Path) -> None:
    """A second collector may have dropped the leases by then, that work had until it set its names."""
    layer = push(content, b"layer")
    content.turns = turns = LosableTurns(tmp_path / "others")
    care = CollectableBucket(content)

    def release(digests: Collection[Digest]) -> Collection[Digest]:
        turns.lost = True
        return digests

    with care.turn(CANCEL), pytest.raises(TurnLost):
        care.sweep([layer.digest], release)

    assert content.size(layer.digest) == layer.size


class LosableTurns(FileTurns):
    """What a database's can be: over, while whoever had them believes in them."""

    lost = False

    @contextmanager
    def exclusive(self) -> Iterator[FileGate]:
        with super().exclusive():
            yield LosableGate(self)


class LosableGate(FileGate):
    def __init__(self, turns: LosableTurns) -> None:
        self._turns = turns

    def has(self, lock: Lock) -> bool:
        return lock.stands and not self._turns.lost


class Succeeding(FileTurns):
    """To whom nothing is claimed: whoever has it was silent for too long."""

    def claim(self, name: str) -> FileLock | None:
        note = self.note(name)
        if self.drop(name) and note is not None:
            self.begin(name, note)
        return super().claim(name)


@pytest.fixture
def successor(content: ObjectContent, tmp_path: Path) -> Iterator[ObjectContent]:
    """Another process, which has taken the first one for dead."""
    with closing(ObjectContent(content.bucket, MemoryLeases(), Succeeding(tmp_path / "turns"))) as other:
        yield other


@pytest.mark.parametrize("size", [6, SMALLEST_PART, len(LARGE)])
def test_an_upload_that_wakes_does_not_spoil_what_its_successor_made(
    content: ObjectContent, successor: ObjectContent, size: int
) -> None:
    whole, half, other = LARGE[:size], size // 2, b"other bytes" + LARGE[:size]
    content.uploads.create("one")
    with content.uploads.writing("one", CANCEL) as upload:
        upload.append(BytesReader(whole[:half]), CANCEL)

    def sleep() -> None:
        with content.uploads.writing("one", CANCEL) as sleeping:
            with successor.uploads.writing("one", CANCEL) as upload:
                upload.append(BytesReader(whole[half:]), CANCEL)
                content.bucket.put(keys.segment("uploads/one", half, "late"), other)  # it was on its way
                upload.finish(Digest.of(whole), CANCEL)
            sleeping.append(BytesReader(other), CANCEL)

    with pytest.raises(UploadUnknown):
        sleep()

    assert content_of(content.open(Descriptor("x", Digest.of(whole), size))) == whole


def test_a_server_that_dies_in_a_long_request_leaves_its_whole_segments(content: ObjectContent, bucket: Opened) -> None:
    other, known = bucket(MemoryLeases()), list[int]()
    uploads = ObjectUploads(content.bucket, content.turns, nowhere, Streams(), segment=SMALLEST_PART)

    class Watched(BytesReader):
        """What another process would be told if this one died before it gets these bytes."""

        def readinto(self, buffer: memoryview, /) -> int:
            known.append(other.uploads.offset("one"))
            return super().readinto(buffer)

    uploads.create("one")
    with uploads.writing("one", CANCEL) as upload:
        upload.append(Watched(LARGE), CANCEL)

    assert known[0] == 0
    assert 2 * SMALLEST_PART <= known[-1] < len(LARGE)
    assert other.uploads.offset("one") == len(LARGE)


def nowhere(digest: Digest, segments: Segments, cancel: Cancel) -> None:
    raise AssertionError


def test_a_session_that_is_cancelled_while_it_is_finished_is_unknown(content: ObjectContent, bucket: Opened) -> None:
    other = bucket(MemoryLeases())
    content.uploads.create("one")
    with content.uploads.writing("one", CANCEL) as upload:
        upload.append(BytesReader(b"layer"), CANCEL)

    class Cancelling(MemoryLeases):
        """Leased is what is about to be made of the segments."""

        def hold(self, digests: Collection[Digest]) -> None:
            other.uploads.cancel("one")

    with bucket(Cancelling()).uploads.writing("one", CANCEL) as finishing, pytest.raises(UploadUnknown):
        finishing.finish(Digest.of(b"layer"), CANCEL)


@pytest.mark.parametrize("size", [SMALLEST_PART, len(LARGE)])
def test_a_transfer_that_wakes_does_not_spoil_what_its_successor_made(
    content: ObjectContent, successor: ObjectContent, size: int
) -> None:
    """Its segments are gone when it would make a blob of them."""
    layer = Descriptor("x", Digest.of(LARGE[:size]), size)
    segments = Segments.found(content.bucket, keys.partial(layer.digest), "asleep")
    segments.append(iter([memoryview(LARGE[:size]), memoryview(b"")]).__next__)
    assert push(successor, LARGE[:size]) == layer

    with pytest.raises(ReadFailed):
        segments.become(keys.blob(layer.digest), CANCEL)

    assert content_of(content.open(layer)) == LARGE[:size]


def test_a_transfer_of_many_parts_goes_on_in_another_process(content: ObjectContent, bucket: Opened) -> None:
    layer = Descriptor("x", Digest.of(LARGE), len(LARGE))
    arriving = PlannedContent(LARGE, breaks=[2 * SMALLEST_PART])
    with pytest.raises(ConnectionLost):
        content.push(layer, arriving, RecordingTrack(), CANCEL)

    assert bucket(MemoryLeases()).push(layer, arriving, RecordingTrack(), CANCEL) is Outcome.SENT
    assert [offset for offset, _ in arriving.openings] == [0, 2 * SMALLEST_PART]
    assert content_of(content.open(layer)) == LARGE
    assert not list(content.bucket.entries(keys.PARTIAL))


def test_an_old_transfer_is_given_up_and_a_running_one_is_not(
    content: ObjectContent, leases: MemoryLeases, bucket: Opened
) -> None:
    for session in ("running", "left"):
        content.uploads.create(session)
    with content.uploads.writing("left", CANCEL) as upload:
        upload.append(BytesReader(b"some"), CANCEL)
    with bucket(MemoryLeases()).uploads.writing("running", CANCEL) as upload:
        upload.append(BytesReader(b"some"), CANCEL)
        assert collected(content, leases, before=float("inf")).removed == 1

    assert content.uploads.offset("running") == 4
    with pytest.raises(UploadUnknown):
        content.uploads.offset("left")

    assert [entry.key.split("/")[1] for entry in content.bucket.entries(keys.UPLOADS)] == ["running"]


@pytest.mark.parametrize("wrong", [b"wrong", b"", LARGE[:-1]])
def test_damaged_content_is_set_aside_until_it_comes_again(content: ObjectContent, wrong: bytes) -> None:
    layer, check = push(content, LARGE), CheckedBucket(content)
    assert check.sound(layer.digest, lambda _: None, CANCEL) is True
    content.bucket.put(keys.blob(layer.digest), wrong)

    assert check.sound(layer.digest, lambda _: None, CANCEL) is False
    assert check.set_aside(layer.digest, lambda _: None, CANCEL)
    assert content.size(layer.digest) is None
    assert check.damaged() == [layer.digest]

    push(content, LARGE)
    assert check.damaged() == []
    assert check.sound(layer.digest, lambda _: None, CANCEL) is True


def test_a_collection_asks_for_what_came_since_the_last_one_and_five_lists(content: ObjectContent) -> None:
    """However many manifests there are: none is read twice, and no small layer."""
    bucket = content.bucket
    assert isinstance(bucket, CountedBucket)
    names, leases = MemoryImageNames(), MemoryLeases()
    care = CollectableBucket(content)

    def image(number: int) -> Digest:
        layer, config = push(content, b"layer %d" % number), push(content, b'{"config": %d}' % number)
        manifest = push(content, manifest_bytes(config, [layer]))
        names.point([f"localhost/app:{number}"], manifest, "any")
        return manifest.digest

    def collect_again() -> None:
        collect(care, names, leases, (), left_before=0.0, dry_run=False, cancel=CANCEL)

    images = [image(number) for number in range(20)]
    lists = ["list"] * 5
    first = bucket.during(collect_again)
    assert sorted(first) == sorted([*lists, *["part"] * 3 * len(images)])
    assert bucket.during(collect_again) == lists

    images.append(image(20))
    assert sorted(bucket.during(collect_again)) == sorted([*lists, *["part"] * 3])
    assert all(content.size(image) for image in images)


def test_what_was_written_anew_is_read_anew(content: ObjectContent) -> None:
    """It was damaged when it was read, and named nothing; what it names is kept once it is whole again."""
    bucket, names = content.bucket, MemoryImageNames()
    layer, config = push(content, b"layer"), push(content, b"{}")
    manifest = push(content, manifest_bytes(config, [layer]))
    names.point(["localhost/app:1"], manifest, "any")
    care, raw = CollectableBucket(content), content_of(content.open(manifest))

    survey = care.surveyed()
    assert (kin := survey.kin(manifest.digest)) is not None
    assert set(kin.children) == {layer.digest, config.digest}
    bucket.put(keys.blob(manifest.digest), b"[" * len(raw))
    assert care.surveyed().kin(manifest.digest) is None
    bucket.put(keys.blob(manifest.digest), raw)
    assert care.surveyed().kin(manifest.digest) == kin


def test_one_collects_and_one_checks_at_a_time(content: ObjectContent, bucket: Opened) -> None:
    other = bucket(MemoryLeases())
    with CheckedBucket(content).turn() as ours, CheckedBucket(other).turn() as theirs:
        assert (ours, theirs) == (True, False)
    waiting = Cancellation()
    waiting.cancel()
    with CollectableBucket(content).turn(CANCEL), pytest.raises(Cancelled), CollectableBucket(other).turn(waiting):
        pass


def test_a_referrer_is_found_until_it_goes(content: ObjectContent) -> None:
    subject, referrer = Digest.of(b"subject"), push(content, b"referrer").digest
    content.refer(subject, referrer)
    content.refer(subject, Digest.of(b"not here"))

    assert content.referrers(subject) == [referrer]


def test_a_signed_address_gives_the_content_to_whoever_has_it(content: ObjectContent) -> None:
    address = content.signed_url(push(content, b"layer").digest, 60)

    assert address.startswith("http://127.0.0.1:")
    assert "only-for-tests" not in address


@pytest.mark.parametrize("size", [100, SMALLEST_PART, 2 * SMALLEST_PART + 7])
def test_what_looks_like_a_page_is_none_to_a_browser_that_has_the_address(content: ObjectContent, size: int) -> None:
    """Some stores give content the type that it seems to be of, and whoever may push chooses what that is: a page of
    theirs would be one of the store's host, which may be ours as well."""
    page = b"<!DOCTYPE html><script>alert(1)</script>".ljust(size)
    streamed = Descriptor("x", Digest.of(page), len(page))
    content.push(streamed, PlannedContent(page), RecordingTrack(), CANCEL)
    held = push(content, page[:-1] + b"!")

    for descriptor in (streamed, held):
        with urlopen(content.signed_url(descriptor.digest, 60)) as answer:
            assert answer.headers["content-type"] == "application/octet-stream"


def test_a_store_that_refuses_us_is_named_and_no_key_with_it(
    content: ObjectContent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    refused = Bucket.at(content.name)

    with pytest.raises(BucketFailed) as failure:
        refused.put("blobs/x", b"")
    assert str(failure.value.why).startswith("it answered 403 Forbidden")
    assert "another-secret" not in f"{failure.value} {failure.value.why}"


def test_a_bucket_that_is_not_there_is_told(content: ObjectContent) -> None:
    missing = Bucket.at("s3://no-such-bucket/content")

    with pytest.raises(BucketFailed) as failure:
        missing.check()
    assert "no-such-bucket" in str(failure.value)


@pytest.mark.parametrize(
    "address", ["", "bucket", "s3://", "s3:///x", "http://x/y", "s3://A_B/x", "s3://images/x?y", "s3://images/x#y"]
)
def test_what_names_no_bucket_is_refused(address: str) -> None:
    with pytest.raises(StorageInvalid):
        Bucket.at(address)
