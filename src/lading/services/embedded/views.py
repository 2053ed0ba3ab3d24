"""An image of our own engine as the values that environments answer: its summary, its parts, its details."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lading.engine.stores import ContentUnknown
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.image_config import ImageConfig
from lading.oci.instants import parse_instant
from lading.oci.manifest import Manifest
from lading.oci.media_types import is_image_config, is_index
from lading.oci.platform import Platform, subject_of_attestation
from lading.services.content.stores import OwnStore
from lading.services.descriptions import Description, Variant, describe
from lading.services.descriptions import Step as DescribedStep
from lading.services.embedded.lookup import Held
from lading.services.environment_images import Details, Part, PartKind, Step, Summary
from lading.services.platforms import PlatformMissing
from lading.services.reading import read_manifest
from lading.wire.json_answers import read_json

Sizes = Mapping[Digest, int]
"""Bytes of content that is here, by its digest."""


class EmbeddedView:
    """One image, read once. `native` is the platform that is meant where nobody names one."""

    def __init__(self, image: Held, own: OwnStore, native: Platform) -> None:
        self.image, self._own, self._native = image, own, native
        self.description = _described(image.root, own)

    def variant(self, platform: Platform | None = None, part: Digest | None = None) -> Variant:
        """The image for `platform`, or the one that `part` belongs to; else this machine's, else one that is here.

        Raises PlatformMissing.
        """
        return chosen_variant(self.description, self._native, platform, part)

    @property
    def labels(self) -> Mapping[str, str]:
        """Of the first platform that is here."""
        here = (variant.config for variant in self.description.variants if variant.complete and variant.config)
        return next((dict(config.execution.labels) for config in here), {})

    @property
    def created(self) -> float | None:
        """Seconds since 1970."""
        return _seconds(self.description.created)

    def summary(self) -> Summary:
        """As a line of a list."""
        image, description = self.image, self.description
        here = [variant for variant in description.variants if variant.complete]
        return Summary(
            id=str(image.root.digest),
            names=tuple(map(str, image.tags)),
            digests=tuple(f"{repository}@{image.root.digest}" for repository in image.repositories),
            created=self.created,
            size=description.size,
            labels=self.labels,
            platforms=tuple(str(variant.platform) for variant in here if variant.platform),
            root=image.root,
            parts=self.parts(),
            moved=image.moved,
        )

    def details(self, variant: Variant) -> Details:
        """With what this platform's image is made of."""
        document = document_of(variant.config)
        settings, version = document.get("config"), document.get("docker_version")
        return Details(
            summary=self.summary(),
            platform=str(variant.platform or ""),
            layers=tuple(str(layer.digest) for layer in variant.manifest.layers) if variant.manifest else (),
            config=dict(settings) if isinstance(settings, dict) else {},
            digest=self.image.root.digest,
            document=document,
            diff_ids=tuple(map(str, variant.config.diff_ids)) if variant.config else (),
            comment=_comment(variant.config, document),
            docker_version=version if isinstance(version, str) else "",
        )

    def parts(self) -> tuple[Part, ...]:
        """The platforms' images, then what is attested of them."""
        return (
            *map(self._image, self.description.variants),
            *map(self._attestation, self.description.attached),
        )

    def layers(self) -> tuple[Digest, ...]:
        """Of all its platforms that are here, the newest first, each once."""
        here = [variant.manifest for variant in self.description.variants if variant.manifest]
        found = dict.fromkeys(layer.digest for manifest in here for layer in reversed(manifest.layers))
        return tuple(digest for digest in found if self._own.present(digest))

    def sizes(self) -> Sizes:
        """Everything of the image that is here, each piece once."""
        found = dict(self._present([self.image.root]))
        for variant in self.description.variants:
            found.update(self._sizes(variant.descriptor, variant.manifest))
        for attached in self.description.attached:
            found.update(self._sizes(attached, self._manifest(attached)))
        return found

    def contents(self) -> Iterator[Digest]:
        """All that it consists of, here or not, as far as its manifests that are here say."""
        description = self.description
        yield self.image.root.digest
        for descriptor, manifest in (
            *((variant.descriptor, variant.manifest) for variant in description.variants),
            *((attached, self._manifest(attached)) for attached in description.attached),
        ):
            yield descriptor.digest
            yield from (child.digest for child in manifest.children) if manifest else ()

    def _image(self, variant: Variant) -> Part:
        sizes = self._sizes(variant.descriptor, variant.manifest)
        content = sum(sizes.values())
        return Part(variant.descriptor, _kind(variant), variant.platform, variant.complete, content, blobs=sizes)

    def _attestation(self, attached: Descriptor) -> Part:
        manifest = self._manifest(attached)
        sizes = self._sizes(attached, manifest)
        whole = manifest is not None and all(child.digest in sizes for child in manifest.children)
        subject = subject_of_attestation(attached)
        return Part(attached, PartKind.ATTESTATION, attached.platform, whole, sum(sizes.values()), subject, sizes)

    def _sizes(self, descriptor: Descriptor, manifest: Manifest | None) -> Sizes:
        return self._present([descriptor, *(manifest.children if manifest else ())])

    def _present(self, descriptors: Iterable[Descriptor]) -> Sizes:
        return {each.digest: each.size for each in descriptors if self._own.present(each.digest)}

    def _manifest(self, descriptor: Descriptor) -> Manifest | None:
        try:
            manifest = read_manifest(self._own, descriptor)
        except ContentUnknown:
            return None
        return manifest if isinstance(manifest, Manifest) else None


def chosen_variant(
    description: Description, native: Platform, platform: Platform | None, part: Digest | None
) -> Variant:
    """As EmbeddedView.variant chooses it; `native` is this machine's platform. Raises PlatformMissing."""
    if platform is not None:
        return description.serving(platform)
    for variant in description.variants:
        if part is not None and part in (variant.descriptor.digest, _config_of(variant)):
            return variant
    try:
        return description.variant(native)
    except PlatformMissing:
        variants = description.variants
        here = (variant for variant in variants if variant.complete)
        return next(here, variants[0] if variants else Variant(description.root, None))


def told_step(step: DescribedStep) -> Step:
    """A step of an image of a store as environments tell it."""
    layer = step.layer
    identity, size = (str(layer.digest), layer.size) if layer else ("", 0)
    return Step(identity, _seconds(step.created), step.label, size, step.comment, empty=layer is None)


def _described(root: Descriptor, own: OwnStore) -> Description:
    """An index that is not here any more, lost or just removed, has nothing: no list fails for one image."""
    name = str(root.digest)
    try:
        return describe(name, own, root, own.present)
    except ContentUnknown:
        return Description(name, own.name, root, ())


def document_of(config: ImageConfig | None) -> Mapping[str, object]:
    """The whole image config as it stands there; empty where it is not here."""
    document = read_json(config.raw) if config is not None else None
    return document if isinstance(document, dict) else {}


def _kind(variant: Variant) -> PartKind:
    """What is not here is taken for what its index says of it."""
    if variant.manifest is not None:
        return PartKind.IMAGE if is_image_config(variant.manifest.config.media_type) else PartKind.UNKNOWN
    listed = variant.descriptor
    unsaid = is_index(listed.media_type) or listed.artifact_type is not None or listed.platform is None
    return PartKind.UNKNOWN if unsaid else PartKind.IMAGE


def _comment(config: ImageConfig | None, document: Mapping[str, object]) -> str:
    """Docker's older engines wrote one for the image; else its last step's."""
    said = document.get("comment")
    if isinstance(said, str) and said:
        return said
    return config.history[-1].comment if config is not None and config.history else ""


def _config_of(variant: Variant) -> Digest | None:
    return variant.manifest.config.digest if variant.manifest else None


def _seconds(text: str | None) -> float | None:
    return parse_instant(text) if text else None
