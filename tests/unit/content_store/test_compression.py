from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.backends.content_store.compression import (
    ALWAYS_ALLOWED,
    ArchiveBomb,
    CompressionInvalid,
    Packing,
    look_ahead,
    packer,
    recognise,
    unpacked,
)
from lading.backends.content_store.stream_reader import StreamReader
from lading.engine.cancel import Cancellation
from lading.services.content.stores import Compression
from lading.wire.message import BytesReader
from tests.fakes.reading import read_all
from tests.fakes.root_images import Pack, as_it_is, packed_by_bzip2, packed_by_gzip, packed_by_xz, packed_by_zstd

PACKS = [packed_by_gzip, packed_by_zstd, packed_by_xz, packed_by_bzip2]
SKIPPABLE = b"\x50\x2a\x4d\x18\x04\x00\x00\x00note"


def unpack(raw: bytes, buffer: int = 65536) -> bytes:
    packing, reader = look_ahead(StreamReader(io.BytesIO(raw), "test", Cancellation()))
    return read_all(unpacked(reader, packing, "test"), buffer)


@given(st.binary(max_size=3000), st.sampled_from([as_it_is, *PACKS]), st.integers(1, 5000))
def test_what_was_packed_comes_out(content: bytes, pack: Pack, buffer: int) -> None:
    if pack is as_it_is:
        content = b"plain " + content
    assert unpack(pack(content), buffer) == content


@pytest.mark.parametrize("pack", PACKS)
def test_content_larger_than_any_buffer_comes_out(pack: Pack) -> None:
    content = bytes(range(256)) * 8192

    assert unpack(pack(content), 1000) == content


@pytest.mark.parametrize("pack", PACKS)
def test_streams_one_after_the_other_and_padding_are_one_file(pack: Pack) -> None:
    assert unpack(pack(b"one ") + pack(b"") + pack(b"two") + bytes(512)) == b"one two"


def test_a_note_in_front_of_a_zstd_frame_is_passed_over() -> None:
    assert unpack(SKIPPABLE + packed_by_zstd(b"content")) == b"content"


@pytest.mark.parametrize(
    ("head", "packing"),
    [
        (b"", Packing.PLAIN),
        (b"\x1f", Packing.PLAIN),
        (b"\x1f\x8b\x08", Packing.GZIP),
        (b"\x28\xb5\x2f\xfd", Packing.ZSTD),
        (b"\x5f\x2a\x4d\x18", Packing.ZSTD),
        (b"\x60\x2a\x4d\x18", Packing.PLAIN),
        (b"\xfd7zXZ\0", Packing.XZ),
        (b"BZh9", Packing.PLAIN),
        (b"BZh91AY&SY", Packing.BZIP2),
        (b"oci-la", Packing.PLAIN),
    ],
)
def test_packing_is_known_by_its_first_bytes(head: bytes, packing: Packing) -> None:
    assert recognise(head) is packing


@pytest.mark.parametrize("pack", PACKS)
@pytest.mark.parametrize("kept", [6, 12, -20, -5, -1])
def test_a_file_that_was_cut_is_refused(pack: Pack, kept: int) -> None:
    raw = pack(bytes(range(256)) * 40)

    with pytest.raises(CompressionInvalid):
        unpack(raw[:kept])


@pytest.mark.parametrize("pack", PACKS)
def test_a_damaged_file_is_refused(pack: Pack) -> None:
    raw = bytearray(pack(bytes(range(256)) * 40))
    raw[len(raw) // 2] ^= 0xFF

    with pytest.raises(CompressionInvalid, match="damaged"):
        unpack(bytes(raw))


def test_a_checksum_that_is_wrong_is_noticed() -> None:
    raw = bytearray(packed_by_gzip(b"content"))
    raw[-6] ^= 1

    with pytest.raises(CompressionInvalid, match="damaged"):
        unpack(bytes(raw))


@pytest.mark.parametrize("pack", PACKS)
@pytest.mark.parametrize("more", [b"garbage", b"\0\0x", packed_by_gzip(b"x")[:5] + b"?"])
def test_something_else_behind_it_is_refused(pack: Pack, more: bytes) -> None:
    if pack is packed_by_gzip and more.startswith(b"\x1f\x8b"):
        more = packed_by_zstd(b"x")
    with pytest.raises(CompressionInvalid):
        unpack(pack(b"content") + more)


@pytest.mark.parametrize("pack", [packed_by_gzip, packed_by_zstd])
def test_a_bomb_is_stopped(pack: Pack) -> None:
    step = 64 * 1024 * 1024
    raw = pack(bytes(step)) * (ALWAYS_ALLOWED // step + 1)
    reader = unpacked(BytesReader(raw), recognise(raw), "bomb.tar")
    buffer = memoryview(bytearray(1024 * 1024))

    def read_on() -> None:
        while reader.readinto(buffer):
            pass

    with pytest.raises(ArchiveBomb) as refused:
        read_on()

    assert ALWAYS_ALLOWED < refused.value.unpacked <= ALWAYS_ALLOWED + len(buffer)
    assert refused.value.hint


def test_gzip_and_zstd_are_written_and_reproducible() -> None:
    for compression in (Compression.GZIP, Compression.ZSTD):
        packed = []
        for _ in range(2):
            making = packer(compression)
            assert making is not None
            packed.append(making.compress(memoryview(b"content" * 1000)) + making.flush())

        assert packed[0] == packed[1]
        assert unpack(packed[0]) == b"content" * 1000

    assert packer(Compression.NONE) is None


def test_a_gzip_header_says_nothing_of_time_or_place() -> None:
    making = packer(Compression.GZIP)
    assert making is not None

    assert (making.compress(memoryview(b"x")) + making.flush())[:10] == b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
