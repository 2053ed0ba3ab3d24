from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, Digest
from lading.oci.document import DocumentInvalid, Fields
from lading.oci.platform import Platform

HELLO = Digest.of(b"hello")
VALID: dict[str, object] = {"mediaType": "a/b", "digest": str(HELLO), "size": 5}


def read(members: dict[str, object]) -> Descriptor:
    return Descriptor.read(Fields(members, "layers[3]", DocumentInvalid))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"mediaType": None}, "mediaType"),
        ({"mediaType": ""}, "mediaType"),
        ({"digest": None}, "digest"),
        ({"digest": "sha256:0"}, "digest"),
        ({"size": None}, "size"),
        ({"size": -1}, "size"),
        ({"size": 5.0}, "size"),
        ({"urls": "https://host"}, "urls"),
        ({"annotations": {"a": 1}}, "annotations[a]"),
        ({"platform": "linux"}, "platform"),
        ({"platform": {"os": 1}}, "platform.os"),
        ({"data": "%"}, "data"),
        ({"data": base64.b64encode(b"hallo").decode()}, "data"),
        ({"data": base64.b64encode(b"hello!").decode()}, "data"),
        ({"data": ""}, "data"),
    ],
)
def test_a_bad_descriptor_names_its_field(change: dict[str, object], field: str) -> None:
    with pytest.raises(DocumentInvalid) as refused:
        read(VALID | change)

    assert refused.value.field == f"layers[3].{field}"


def test_embedded_content_is_the_content() -> None:
    descriptor = read(VALID | {"data": base64.b64encode(b"hello").decode()})

    assert descriptor.data == b"hello"
    assert descriptor.names(b"hello")
    assert not descriptor.names(b"hallo")


@given(
    st.builds(
        Descriptor,
        st.text(min_size=1, max_size=10),
        st.builds(Digest.of, st.binary(max_size=4), st.sampled_from(Algorithm)),
        st.integers(0, 2**63 - 1),
        platform=st.none() | st.just(Platform("linux", "arm", "v7", "6.1", ("a", "b"))),
        artifact_type=st.none() | st.text(min_size=1, max_size=5),
        annotations=st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
        urls=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    )
)
def test_a_descriptor_reads_back_as_itself(descriptor: Descriptor) -> None:
    assert read(descriptor.written()) == descriptor


@given(st.binary(max_size=30))
def test_a_descriptor_with_its_content_reads_back_as_itself(content: bytes) -> None:
    descriptor = Descriptor("a/b", Digest.of(content), len(content), data=content)

    assert read(descriptor.written()) == descriptor


def test_descriptors_compare_by_all_they_say_and_hash() -> None:
    plain = Descriptor("a/b", HELLO, 5)

    assert plain != Descriptor("a/b", HELLO, 5, annotations={"a": "b"})
    assert len({plain, Descriptor("a/b", HELLO, 5)}) == 1
