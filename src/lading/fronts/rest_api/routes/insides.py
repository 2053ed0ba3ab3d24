"""What is inside images: layers, who shares them, where else an image is, two of them compared."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from lading.fronts.rest_api.answers import Json
from lading.fronts.rest_api.dependencies import ActorNeeded, CancelNeeded, ImageName, ProductNeeded
from lading.fronts.rest_api.routes.repositories import Name
from lading.fronts.rest_api.routes.transfers import EnvironmentId
from lading.fronts.rest_api.shapes.insides import ImageComparison, ImageLayers, ImagePlace, LayerGrid
from lading.fronts.rest_api.told import array, file, one
from lading.oci.platform import Platform
from lading.services.browsing.insides_view import difference_json, grid_json, layers_json, place_json
from lading.services.scans.exports import MEDIA_TYPES, ScanFormat, json_text

router = APIRouter(prefix="/api")

BILL = MEDIA_TYPES[ScanFormat.CYCLONEDX]

PlatformWord = Annotated[
    str | None,
    Query(max_length=200, description="os/architecture[/variant]; without it, the environment's own, else one of its."),
]
Compared = Annotated[str, Query(max_length=4096, description="A name or an id.")]


@router.get("/images/compare", tags=["images"], responses=one(ImageComparison))
def compare_images(
    product: ProductNeeded,
    actor: ActorNeeded,
    cancel: CancelNeeded,
    environment: EnvironmentId = None,
    a: Compared = "",
    b: Compared = "",
    platform: PlatformWord = None,
) -> Json:
    """Two images of an environment on one platform: layers, settings, and as far as both were scanned packages and
    findings. What is new in `b` is added."""
    wanted = _platform(platform)
    with product.removals.told(actor, environment):
        found = product.insides.compare(actor, environment, a, b, platform=wanted, cancel=cancel)
    return difference_json(found)


@router.get("/images/{image:path}/layers", tags=["images"], responses=one(ImageLayers))
def image_layers(
    product: ProductNeeded,
    actor: ActorNeeded,
    cancel: CancelNeeded,
    image: ImageName,
    environment: EnvironmentId = None,
    platform: PlatformWord = None,
) -> Json:
    """The steps and layers of an image from its base up, and how many others share each."""
    with product.removals.told(actor, environment):
        return layers_json(product.insides.layers(actor, environment, image, _platform(platform), cancel))


@router.get("/images/{image:path}/places", tags=["images"], responses=array(ImagePlace))
def image_places(
    product: ProductNeeded,
    actor: ActorNeeded,
    cancel: CancelNeeded,
    image: ImageName,
    environment: EnvironmentId = None,
) -> list[Json]:
    """Where the image is, by its digests: tags of our own registry, and environments. No host is waited for longer than
    two seconds."""
    with product.removals.told(actor, environment):
        return [place_json(each) for each in product.whereabouts.places(actor, environment, image, cancel)]


@router.get("/images/{image:path}/sbom", tags=["images"], response_class=Response, responses=file(BILL))
def image_sbom(
    product: ProductNeeded,
    actor: ActorNeeded,
    cancel: CancelNeeded,
    image: ImageName,
    environment: EnvironmentId = None,
    platform: PlatformWord = None,
) -> Response:
    """What is installed in an image, as CycloneDX 1.6. Layers that nobody has read before are read now: asked again, it
    goes on where the last request ended."""
    with product.removals.told(actor, environment):
        document = product.insides.bill(actor, environment, image, _platform(platform), cancel)
    return Response(json_text(document), media_type=BILL)


@router.get("/repositories/{repository}/layers", tags=["repositories"], responses=one(LayerGrid))
def repository_layers(product: ProductNeeded, actor: ActorNeeded, repository: Name) -> Json:
    """Which of its newest tags share which layers."""
    return grid_json(product.layer_grids.of(actor, repository))


def _platform(word: str | None) -> Platform | None:
    """Raises PlatformInvalid."""
    return Platform.parse(word) if word else None
