"""The graph under a root: read once, children first, and no further than is sane."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.engine import graph as graphs
from lading.engine.arrival import Destination, SourceCorrupt
from lading.engine.content import SourceContent
from lading.engine.graph import DEPTH_LIMIT, Document, GraphRefused, read_document, walk
from lading.oci.descriptor import Descriptor
from lading.oci.digest import ContentTooLong, ContentTooShort, Digest, DigestMismatch
from lading.oci.manifest import Index, Manifest, ManifestInvalid, SchemaOneRefused, parse_manifest
from lading.oci.media_types import DOCKER_SCHEMA1, OCI_CONFIG, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST, is_document
from tests.fakes.images import put_image, put_index
from tests.fakes.memory import Lie, MemoryRegistry, MemoryStore
from tests.fakes.work import run_copy


class Reads:
    """Reads levels from a store and counts what was read."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.read: list[Digest] = []

    def __call__(self, descriptors: Sequence[Descriptor]) -> list[Document]:
        self.read += [descriptor.digest for descriptor in descriptors]
        return [read_document(SourceContent(self.store, descriptor), descriptor) for descriptor in descriptors]


def everything(_descriptor: Descriptor) -> bool:
    return True


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_graph_arrives_whole_with_children_before_parents(data: st.DataObject) -> None:
    source, target = MemoryStore(), MemoryStore()
    layers = [bytes([number]) * (number + 1) for number in range(6)]
    nodes = [
        put_image(source, [*data.draw(st.lists(st.sampled_from(layers), max_size=4)), f"own {number}".encode()])
        for number in range(data.draw(st.integers(1, 4)))
    ]
    for _ in range(data.draw(st.integers(0, 4))):
        nodes.append(put_index(source, data.draw(st.lists(st.sampled_from(nodes), min_size=1, max_size=4))))
    root = nodes[-1]

    (arrival,) = run_copy(source, root, [Destination("here", target, ("v1",))], lanes=data.draw(st.integers(1, 4)))

    assert arrival.error is None
    graph = walk([root], Reads(source), everything)
    assert set(target.blobs) == {*graph.manifests, *graph.blobs}
    assert len(target.pushed) == len(set(target.pushed))
    place = {digest: number for number, digest in enumerate(target.pushed)}
    for digest, document in graph.documents.items():
        assert all(place[child.digest] < place[digest] for child in document.children)


def test_each_manifest_is_read_once_however_often_it_is_named() -> None:
    store = MemoryStore()
    shared = put_image(store)
    root = put_index(store, [put_index(store, [shared]), shared, put_image(store, [b"other"])])
    reads = Reads(store)

    graph = walk([root], reads, everything)

    assert len(reads.read) == len(set(reads.read)) == 4
    assert list(graph.manifests)[-1] == root.digest
    assert [len(level) for level in graph.levels()] == [2, 1, 1]


def test_what_is_not_offered_is_left_out_with_all_that_only_it_needs() -> None:
    store = MemoryStore()
    one, two = put_image(store, [b"shared", b"one"]), put_image(store, [b"shared", b"two"])
    root = put_index(store, [one, two])

    graph = walk([root], Reads(store), lambda child: child.digest != two.digest)

    assert two.digest not in graph
    assert Digest.of(b"two") not in graph
    assert Digest.of(b"shared") in graph


def test_an_index_may_list_what_is_no_manifest() -> None:
    source, target = MemoryStore(), MemoryStore()
    layer = source.put(b"cache layer", OCI_LAYER_GZIP)
    root = put_index(source, [layer])

    (arrival,) = run_copy(source, root, [Destination("here", target, ("v1",))])

    assert arrival.error is None
    assert target.blobs[layer.digest] == b"cache layer"
    assert not is_document(layer.media_type)


def test_an_index_that_names_itself_is_refused() -> None:
    """No honest one can; a store that does not check its content may hold one."""
    itself = Descriptor(OCI_INDEX, Digest.of(b"itself"), 6)

    with pytest.raises(GraphRefused):
        walk([itself], lambda descriptors: [Index.build([itself]) for _ in descriptors], everything)


def test_a_circle_of_two_is_refused() -> None:
    one, two = (Descriptor(OCI_INDEX, Digest.of(name), 6) for name in (b"one", b"two"))
    documents = {one.digest: Index.build([two]), two.digest: Index.build([one])}

    with pytest.raises(GraphRefused):
        walk([one], lambda descriptors: [documents[each.digest] for each in descriptors], everything)


def test_nesting_has_an_end() -> None:
    store = MemoryStore()
    root = put_image(store)
    for _ in range(DEPTH_LIMIT):
        root = put_index(store, [root])

    with pytest.raises(GraphRefused, match="nested"):
        walk([root], Reads(store), everything)


def test_the_number_of_manifests_has_an_end() -> None:
    children = [Descriptor(OCI_MANIFEST, Digest.of(str(number).encode()), 6) for number in range(5000)]
    config = Descriptor(OCI_CONFIG, Digest.of(b"{}"), 2)
    root = Index.build(children)
    document = Manifest.build(config, [])

    def read(descriptors: Sequence[Descriptor]) -> list[Document]:
        return [root if descriptor.digest == root.descriptor().digest else document for descriptor in descriptors]

    with pytest.raises(GraphRefused, match=str(graphs.MANIFEST_COUNT_LIMIT)):
        walk([root.descriptor()], read, everything)


def test_more_manifests_than_fit_in_memory_are_refused_before_they_are_read() -> None:
    size = 4 * 1024 * 1024
    children = [Descriptor(OCI_MANIFEST, Digest.of(str(number).encode()), size) for number in range(17)]
    root = Index.build(children)
    levels: list[int] = []

    def read(descriptors: Sequence[Descriptor]) -> list[Document]:
        levels.append(len(descriptors))
        return [root for _ in descriptors]

    with pytest.raises(GraphRefused, match=str(graphs.MANIFEST_BYTES_LIMIT)):
        walk([root.descriptor()], read, everything)

    assert levels == [1]


@pytest.mark.parametrize(("extra", "error"), [(0, DigestMismatch), (5, ContentTooLong), (-5, ContentTooShort)])
def test_a_manifest_is_checked_whoever_gave_it(extra: int, error: type[Exception]) -> None:
    store = MemoryStore(verified=True)
    root = put_image(store)
    store.reading[root.digest].append(Lie(extra))

    with pytest.raises(error):
        Reads(store)([root])


def test_a_manifest_longer_than_any_may_be_is_not_read() -> None:
    store = MemoryStore()
    huge = Descriptor(OCI_MANIFEST, Digest.of(b"x"), 5 * 1024 * 1024)

    with pytest.raises(GraphRefused):
        Reads(store)([huge])
    assert store.opened == []


@pytest.mark.parametrize(
    ("raw", "media_type", "error"),
    [
        (b"{}", OCI_MANIFEST, ManifestInvalid),
        (b"not json", OCI_MANIFEST, ManifestInvalid),
        (b'{"schemaVersion": 1}', DOCKER_SCHEMA1, SchemaOneRefused),
    ],
)
def test_what_cannot_be_read_as_a_manifest_moves_nothing(raw: bytes, media_type: str, error: type[Exception]) -> None:
    source, target = MemoryStore(), MemoryStore()
    root = source.put(raw, media_type)

    with pytest.raises(error):
        run_copy(source, root, [Destination("here", target, ("v1",))])
    assert target.pushed == []


def test_a_child_that_lies_is_the_sources_fault() -> None:
    source, target = MemoryRegistry("origin.test").repository("app"), MemoryStore()
    child = put_image(source)
    root = put_index(source, [child])
    source.reading[child.digest].append(Lie())

    with pytest.raises(SourceCorrupt) as caught:
        run_copy(source, root, [Destination("here", target, ("v1",))])
    assert caught.value.digest == child.digest


def test_embedded_content_is_not_fetched() -> None:
    source, target = MemoryStore(), MemoryStore()
    config = Descriptor(OCI_CONFIG, Digest.of(b"{}"), 2, data=b"{}")
    manifest = Manifest.build(config, [source.put(b"layer", OCI_LAYER_GZIP)])
    root = manifest.descriptor()
    source.blobs[root.digest], source.held[root.digest] = manifest.raw, root

    (arrival,) = run_copy(source, root, [Destination("here", target, ("v1",))])

    assert arrival.error is None
    assert target.blobs[config.digest] == b"{}"
    assert parse_manifest(target.blobs[root.digest]) == manifest
