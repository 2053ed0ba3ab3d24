from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.digest import (
    HEX_LENGTH,
    Algorithm,
    ContentTooLong,
    ContentTooShort,
    Digest,
    DigestInvalid,
    DigestMismatch,
    DigestUnsupported,
)

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@given(st.binary(max_size=200), st.sampled_from(Algorithm))
def test_a_digest_reads_back_as_itself(content: bytes, algorithm: Algorithm) -> None:
    digest = Digest.of(content, algorithm)

    assert Digest.parse(str(digest)) == digest
    assert digest.encoded == hashlib.new(algorithm, content).hexdigest()
    assert len(digest.encoded) == HEX_LENGTH[algorithm]


def test_the_digest_of_nothing_is_the_known_one() -> None:
    assert str(Digest.of(b"")) == EMPTY
    assert Digest.of(b"").short == "e3b0c44298fc"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        ":" + "a" * 64,
        "a" * 64,
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha256:" + "A" * 64,
        "sha256:" + "g" * 64,
        "sha512:" + "a" * 64,
        "SHA256:" + "a" * 64,
        "sha256:" + "a" * 64 + "\n",
        " sha256:" + "a" * 64,
        "sha256:../../../../etc/passwd",
        "sha256:" + "a" * 32 + "/" + "a" * 31,
    ],
)
def test_text_that_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(DigestInvalid):
        Digest.parse(text)


@pytest.mark.parametrize("text", ["sha384:" + "a" * 96, "md5:" + "a" * 32, "blake3:" + "a" * 64, "sha256+b64:abc"])
def test_an_algorithm_that_is_not_computed_is_named(text: str) -> None:
    with pytest.raises(DigestUnsupported) as refused:
        Digest.parse(text)

    assert text in str(refused.value)
    assert refused.value.hint == "Lading takes sha256 and sha512 digests."


@given(st.binary(min_size=1, max_size=300), st.lists(st.integers(0, 300), max_size=5), st.sampled_from(Algorithm))
def test_a_verifier_passes_the_content_in_any_pieces(content: bytes, cuts: list[int], algorithm: Algorithm) -> None:
    verifier = Digest.of(content, algorithm).verifier(len(content))
    edges = [0, *sorted(min(cut, len(content)) for cut in cuts), len(content)]

    for start, end in pairwise(edges):
        verifier.update(memoryview(content)[start:end])

    assert verifier.received == len(content)
    verifier.finish()


def test_a_verifier_stops_at_the_first_byte_too_many() -> None:
    verifier = Digest.of(b"abc").verifier(3)
    verifier.update(b"abc")

    with pytest.raises(ContentTooLong) as refused:
        verifier.update(b"d")

    assert refused.value.size == 3


def test_a_verifier_tells_content_that_ends_early_from_content_that_is_wrong() -> None:
    early, wrong = Digest.of(b"abc").verifier(3), Digest.of(b"abc").verifier(3)
    early.update(b"ab")
    wrong.update(b"abd")

    with pytest.raises(ContentTooShort, match="ended after 2 of 3 bytes"):
        early.finish()
    with pytest.raises(DigestMismatch) as refused:
        wrong.finish()

    assert refused.value.received == Digest.of(b"abd")
