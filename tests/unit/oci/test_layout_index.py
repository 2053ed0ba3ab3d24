from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.archive import CONTAINERD_NAME, REF_NAME, ArchiveInvalid
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.layout_index import EMPTY, bare, entry_name, find, forget, is_named, mention, named, point, read_index
from lading.oci.media_types import OCI_MANIFEST
from lading.oci.platform import Platform


def image(text: str, **annotations: str) -> Descriptor:
    return Descriptor(OCI_MANIFEST, Digest.of(text.encode()), len(text), annotations=annotations)


ONE, TWO = image("one"), image("two")


def entry(descriptor: Descriptor, ref_name: str | None = None, containerd: str | None = None) -> Descriptor:
    said = {REF_NAME: ref_name, CONTAINERD_NAME: containerd}
    annotations = {key: value for key, value in said.items() if value is not None}
    return Descriptor(descriptor.media_type, descriptor.digest, descriptor.size, annotations=annotations)


@pytest.mark.parametrize(
    ("ref_name", "containerd", "name"),
    [
        (None, None, str(ONE.digest)),
        ("", None, str(ONE.digest)),
        ("1.0", None, "1.0"),
        ("1.0", "docker.io/library/app:1.0", "docker.io/library/app:1.0"),
        (None, "docker.io/library/app:1.0", "docker.io/library/app:1.0"),
        ("app:1.0", "docker.io/library/app:1.0", "app:1.0"),
        ("localhost:5000/a/b:1", None, "localhost:5000/a/b:1"),
    ],
)
def test_an_entry_is_called_what_its_tool_called_it(ref_name: str | None, containerd: str | None, name: str) -> None:
    called = entry(ONE, ref_name, containerd)

    assert entry_name(called) == name
    assert is_named(called) is (name != str(ONE.digest))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("docker.io/library/app:1.0", ONE),
        ("app:1.0", ONE),
        ("1.0", ONE),
        ("localhost:5000/a/b:2", TWO),
        ("2", TWO),
        (str(ONE.digest), ONE),
        ("app", None),
        ("app:2.0", None),
        ("3", None),
        ("", None),
        (str(Digest.of(b"three")), None),
    ],
)
def test_an_image_is_found_by_what_people_call_it(name: str, found: Descriptor | None) -> None:
    entries = (entry(ONE, "1.0", "docker.io/library/app:1.0"), entry(TWO, "localhost:5000/a/b:2"))

    match = find(entries, name)

    assert (match and bare(match)) == found


def test_a_name_that_two_images_answer_to_is_refused_unless_one_answers_better() -> None:
    entries = (entry(ONE, "a:1"), entry(TWO, "b:1"), entry(TWO, "x"), entry(ONE, "x"))

    assert find(entries, "a:1") == entries[0]
    for name in ("1", "x"):
        with pytest.raises(ArchiveInvalid, match="2 different images"):
            find(entries, name)
    assert find((entry(ONE, "a:1"), entry(ONE, "b:1")), "1") in (entry(ONE, "a:1"), entry(ONE, "b:1"))


def test_a_name_moves_and_goes() -> None:
    raw = point(point(point(EMPTY, "app:1", ONE), "app:2", ONE), "app:1", TWO)

    assert read_index(raw) == (named(ONE, "app:2"), named(TWO, "app:1"))
    assert read_index(forget(raw, "app:2")) == (named(TWO, "app:1"),)
    assert forget(raw, "app:3") is raw


def test_a_whole_reference_is_written_for_containerd_too() -> None:
    assert named(ONE, "app:1").annotations == {REF_NAME: "app:1", CONTAINERD_NAME: "docker.io/library/app:1"}
    assert named(ONE, "1.0").annotations == {REF_NAME: "1.0"}
    assert named(ONE, str(ONE.digest)).annotations == {}


def test_an_entry_says_nothing_that_belonged_to_another_index() -> None:
    child = Descriptor(OCI_MANIFEST, ONE.digest, 3, platform=Platform("linux", "amd64"), annotations={"a": "b"})

    assert bare(child) == ONE
    assert named(child, "1") == entry(ONE, "1")


def test_what_refers_is_mentioned_once() -> None:
    raw = mention(mention(EMPTY, ONE), ONE)

    assert read_index(raw) == (ONE,)
    assert mention(point(EMPTY, "1", ONE), ONE) == point(EMPTY, "1", ONE)
    assert read_index(forget(raw, str(ONE.digest))) == ()


def test_what_other_tools_wrote_is_kept() -> None:
    kept = entry(ONE, "kept").written() | {"x-note": [1]}
    written = {
        "schemaVersion": 2,
        "annotations": {"tool": "other"},
        "manifests": [kept],
        "x-extra": {"b": 1, "a": 2},
    }

    edited = json.loads(point(json.dumps(written).encode(), "new", TWO))

    assert edited["manifests"][0] == kept
    assert {key: edited[key] for key in ("annotations", "x-extra")} == {
        key: written[key] for key in ("annotations", "x-extra")
    }


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{}", b'{"schemaVersion":2,"manifests":[{}]}', b'{"schemaVersion":3,"manifests":[]}']
)
def test_an_index_that_breaks_the_rules_is_refused(raw: bytes) -> None:
    with pytest.raises(ArchiveInvalid) as refused:
        read_index(raw)

    assert refused.value.field == "index.json"


texts = st.sampled_from(["1", "2", "app:1", "docker.io/library/app:1", "q.io/a/b:1", "latest"])


@given(st.lists(st.tuples(texts, st.sampled_from([ONE, TWO])), max_size=8))
def test_every_name_holds_what_it_was_pointed_at_last(moves: list[tuple[str, Descriptor]]) -> None:
    raw = EMPTY
    for name, descriptor in moves:
        raw = point(raw, name, descriptor)

    held = {entry_name(entry): entry.digest for entry in read_index(raw)}
    assert held == {name: descriptor.digest for name, descriptor in moves}
    assert len(read_index(raw)) == len(held)
