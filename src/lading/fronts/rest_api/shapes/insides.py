"""What images are made of and share, where else they are, and two of them compared."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from lading.inventory.package import PackageType
from lading.inventory.severity import Severity


class ImageLayer(TypedDict):
    """A step of an image's making, and the layer that it made. What a Docker host does not say is null."""

    digest: Annotated[str | None, "Compressed, as registries know it. Null of an empty step, and at Docker hosts."]
    diffId: Annotated[str | None, "Uncompressed."]
    size: Annotated[int | None, "Bytes: compressed, at Docker hosts unpacked. Null where nobody knows."]
    createdBy: Annotated[str, "The step, as its Dockerfile has it; empty where nobody knows."]
    created: str | None
    comment: str
    shared: Annotated[
        int | None,
        "How many other images of the environment and tags of our own registry have this layer, of those that you may "
        "see. This image under further names is no other. Null where nobody knows, as at Docker hosts.",
    ]
    empty: Annotated[bool | None, "Whether the step made no layer. Null where the host leaves that open."]


class ImageLayers(TypedDict):
    """An image of one platform, from its base up."""

    id: str
    platform: str
    platforms: Annotated[list[str], "Of the image, as far as they are here."]
    layers: list[ImageLayer]
    total: Annotated[int | None, "Bytes of its layers, each once. Null where one of them is not known."]
    unique: Annotated[int | None, "Bytes of those that nothing else has. Null where nobody knows."]


class ImagePlace(TypedDict):
    """Somewhere that an image may be."""

    kind: Literal["repository", "environment"]
    name: Annotated[str, "Of the repository or environment."]
    environmentId: int | None
    reference: Annotated[str | None, "What it is called there. Null where it has no name, or is not there."]
    imageId: Annotated[str | None, "Its id there. Null where it is not there."]
    state: Annotated[
        Literal["here", "absent", "unknown"], "`unknown`: the host did not answer in time, and nobody asked it before."
    ]
    seenAt: Annotated[str | None, "When its host was asked. Null where that is now, or never was."]


class ComparedImage(TypedDict):
    """One of two images."""

    id: str
    name: str
    platform: str
    platforms: list[str]
    created: str | None
    size: Annotated[int | None, "Bytes of its layers, each once."]


class ComparedLayer(TypedDict):
    """A layer of one of two images, or of both."""

    digest: str | None
    diffId: str | None
    size: int | None
    createdBy: str


class ComparedLayers(TypedDict):
    """Layers of both, of the second alone, and of the first alone; each list from the base up."""

    same: list[ComparedLayer]
    added: list[ComparedLayer]
    removed: list[ComparedLayer]


class ComparedSetting(TypedDict):
    """A setting that differs: `before` the first image's, `after` the second's. Null where it has none."""

    name: str
    before: str | None
    after: str | None


class ComparedPackage(TypedDict):
    """A package of one image."""

    type: PackageType
    name: str
    version: str


class ChangedPackage(TypedDict):
    """A package that is in both, in other versions."""

    type: PackageType
    name: str
    before: list[str]
    after: list[str]


class ComparedPackages(TypedDict):
    """What is installed in the second alone, in the first alone, in both in other versions, and how many are the same
    in both."""

    added: list[ComparedPackage]
    removed: list[ComparedPackage]
    changed: list[ChangedPackage]
    same: int


class ComparedFinding(TypedDict):
    """A vulnerability of a package."""

    id: str
    severity: Severity
    package: str
    version: str
    fixedVersion: str | None


class ComparedFindings(TypedDict):
    """What the same scanner found in the first alone, in the second alone, and in both; the worst first."""

    scanner: str
    fixed: list[ComparedFinding]
    new: list[ComparedFinding]
    same: list[ComparedFinding]


class ImageComparison(TypedDict):
    """Two images of an environment, on one platform."""

    a: ComparedImage
    b: ComparedImage
    same: Annotated[bool, "Whether both are one image."]
    layers: ComparedLayers
    config: list[ComparedSetting]
    packages: Annotated[ComparedPackages | None, "Null where one of them has not been read: a scan does that."]
    findings: Annotated[
        ComparedFindings | None, "Null where no scanner has looked at both, or you may not see what it found."
    ]


class GridLayer(TypedDict):
    """A layer of a repository; `size` is null where the repository does not hold it, as foreign ones."""

    digest: str
    size: int | None


class GridTag(TypedDict):
    """A tag, and which layers it has, over all its platforms: places in the list of layers."""

    tag: str
    digest: str
    pointedAt: str | None
    has: list[int]


class LayerGrid(TypedDict):
    """Which tags of a repository share which layers. Those that the most tags have come first; of very many layers the
    rest is left out."""

    layers: list[GridLayer]
    tags: Annotated[list[GridTag], "The newest first."]
    moreTags: Annotated[int, "How many tags there are besides."]
    moreLayers: Annotated[int, "How many layers these tags have besides."]
