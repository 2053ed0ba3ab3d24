"""What a copy reads of its source before anything moves: manifests, once each, and what speaks of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol, runtime_checkable

from lading.engine.arrival import SourceCorrupt
from lading.engine.cancel import Cancellation
from lading.engine.content import WRONG_BYTES, SourceContent, WatchedContent, at_source, is_held
from lading.engine.graph import (
    MANIFEST_COUNT_LIMIT,
    NOTHING,
    Document,
    Graph,
    GraphRefused,
    beyond_limits,
    read_document,
    walk,
)
from lading.engine.narrow import offer_of
from lading.engine.reach import read_all
from lading.engine.referrers import Question, questions
from lading.engine.stores import ContentUnknown, Referrers, Source
from lading.engine.together import each
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.image_config import ConfigInvalid, ImageConfig
from lading.oci.manifest import MANIFEST_LIMIT, Manifest
from lading.oci.media_types import is_foreign_layer, is_image_config
from lading.oci.platform import is_attestation

NESTING_LIMIT = 4
"""A signature of an SBOM of an image is three; further on nobody looks."""


@dataclass(frozen=True, slots=True)
class Company:
    """All that comes along with an image: its referrers with what hangs on them, and those named but not there."""

    graph: Graph = NOTHING
    missing: tuple[Descriptor, ...] = ()


@runtime_checkable
class NearerSource(Source, Protocol):
    """A store that can be asked whether it holds something and then read."""

    def has(self, descriptor: Descriptor) -> bool:
        """As a Target has it."""


class CompanyRefused(GraphRefused):
    """More speaks of the image than Lading reads."""

    hint = "Without its referrers, which speak of the image, it can be moved."
    command = "--no-referrers leaves behind what speaks of the image."

    def __init__(self, root: Digest, excess: str) -> None:
        super().__init__(root, f"with what speaks of it, it has {excess}")


class SourceReading:
    """Reads from the source, or from a target that holds the manifest already and is a checked source itself."""

    def __init__(self, source: Source, nearer: Iterable[NearerSource], lanes: int, cancel: Cancellation) -> None:
        self._source, self._nearer = source, tuple(nearer)
        self._lanes, self._cancel = lanes, cancel
        self._documents: dict[Digest, Document] = {}

    def graph(self, root: Descriptor) -> Graph:
        """All that is to move of this root. Raises GraphRefused, SourceCorrupt, ContentUnknown."""
        return walk([root], self._read_level, offer_of(self._source))

    def elsewhere(self, graph: Graph) -> tuple[Descriptor, ...]:
        """Layers whose licence keeps them off registries, and that this source does not hold (image-spec, layer.md).

        They stay where their `urls` say; nobody needs them from us.
        """
        foreign = [blob for blob in graph.blobs.values() if blob.urls and is_foreign_layer(blob.media_type)]
        return tuple(blob for blob in foreign if not is_held(self._source, blob))

    def company(self, image: Sequence[Descriptor], referrers: Referrers) -> Company:
        """The referrers of these manifests, and theirs.

        A referrer that is listed and not there (an old fallback tag) is told, not an error. Raises CompanyRefused.
        """
        found: dict[Digest, Descriptor] = {}
        missing: list[Descriptor] = []
        seen = {descriptor.digest for descriptor in image}
        subjects = [descriptor.digest for descriptor in image if not is_attestation(descriptor)]
        for _ in range(NESTING_LIMIT):
            asked = [question for subject in subjects for question in questions(referrers, subject)]
            listed = each(asked, _some, self._lanes, self._stop)
            fresh = {d.digest: d for answer in listed for d in answer if d.digest not in seen}
            if excess := beyond_limits(self._documents.values(), fresh.values()):
                raise CompanyRefused(image[0].digest, excess)
            there = each(list(fresh.values()), self._is_there, self._lanes, self._stop)
            missing += [d for d, held in zip(fresh.values(), there, strict=True) if not held]
            seen |= fresh.keys()
            subjects = [digest for digest, held in zip(fresh, there, strict=True) if held]
            found |= {digest: fresh[digest] for digest in subjects}
        return Company(walk(list(found.values()), self._read_level, lambda _child: True), tuple(missing))

    def labels(self, graph: Graph) -> Mapping[Digest, str]:
        """For each layer the history line that made it, where looking costs no request: in a checked source."""
        labels: dict[Digest, str] = {}
        if self._source.verified:
            for document in graph.documents.values():
                if isinstance(document, Manifest) and is_image_config(document.config.media_type):
                    labels |= self._labels_of(document)
        return labels

    def _labels_of(self, manifest: Manifest) -> dict[Digest, str]:
        config = manifest.config
        if config.size > MANIFEST_LIMIT:
            return {}
        try:
            with at_source():
                raw = read_all(SourceContent(self._source, config).open(), config.size)
            lines = ImageConfig.parse(raw).layer_labels
        except (ContentUnknown, ConfigInvalid):
            return {}
        return {layer.digest: line for layer, line in zip(manifest.layers, lines, strict=False)}

    def _read_level(self, descriptors: Sequence[Descriptor]) -> Sequence[Document]:
        return each(descriptors, self._document, self._lanes, self._stop)

    def _document(self, descriptor: Descriptor) -> Document:
        if descriptor.digest not in self._documents:
            self._documents[descriptor.digest] = self._fetch(descriptor)
        return self._documents[descriptor.digest]

    def _fetch(self, descriptor: Descriptor) -> Document:
        for nearer in self._nearer:
            if nearer.has(descriptor):
                return read_document(SourceContent(nearer, descriptor), descriptor)
        self._cancel.check()
        try:
            with at_source():
                return read_document(WatchedContent(SourceContent(self._source, descriptor), self._cancel), descriptor)
        except WRONG_BYTES as error:
            raise SourceCorrupt(descriptor.digest, self._source.name, str(error)) from error

    def _is_there(self, descriptor: Descriptor) -> bool:
        try:
            self._document(descriptor)
        except ContentUnknown:
            return False
        return True

    def _stop(self) -> None:
        self._cancel.cancel()


def _some(question: Question) -> tuple[Descriptor, ...]:
    """Its answer, and of one without an end no more than shows that it is too long."""
    return tuple(islice(question(), MANIFEST_COUNT_LIMIT + 1))
