"""Configured registries: their rows, trying them out, and looking into them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Response

from lading.fronts.rest_api.answers import Json, found_json, quota_json, registry_json, report_json
from lading.fronts.rest_api.bodies import RegistryBody, RegistryChange, RegistryTestBody
from lading.fronts.rest_api.dependencies import ActorNeeded, CancelNeeded, ProductNeeded, TrialCancelNeeded
from lading.fronts.rest_api.paging import ListNeeded
from lading.fronts.rest_api.product import Product
from lading.fronts.rest_api.shapes.places import (
    Name,
    ProviderTemplate,
    Registry,
    RegistryAddress,
    RegistryStanding,
    RegistryTestReport,
    RepositoryFound,
)
from lading.fronts.rest_api.told import array, listed, one
from lading.services.access import Actor, NotLoggedIn
from lading.services.json_values import iso
from lading.services.registries.forms import RegistryEdit, RegistryForm
from lading.services.registries.provider_view import template_json
from lading.services.registries.records import RegistryRow
from lading.wire.registry_urls import api_host

router = APIRouter(prefix="/api", tags=["registries"])

RegistryId = Annotated[int, Query(alias="registry", ge=1, description="The registry's id.")]
RepositoryPath = Annotated[str, Query(alias="repository", max_length=255, description="A repository's path.")]


@router.get("/registries", responses=listed(RegistryStanding))
def list_registries(
    product: ProductNeeded,
    actor: ActorNeeded,
    wanted: ListNeeded,
) -> object:
    """All configured registries; `rateLimit` is what each said last of how much it still allows."""
    rows, ends = product.registries.list(actor), product.registries.validities()
    return wanted.listed(rows, lambda row: [row.name, row.url], lambda row: _standing(product, actor, row, ends))


@router.get("/registries/providers", responses=array(ProviderTemplate))
def list_providers(product: ProductNeeded, actor: ActorNeeded) -> list[Json]:
    """The providers that a registry may be of: which fields each asks for, and where its login comes from."""
    return [template_json(template) for template in product.registries.templates(actor)]


@router.post("/registries", status_code=201, responses=one(Registry, 201))
def add_registry(product: ProductNeeded, actor: ActorNeeded, body: RegistryBody) -> Json:
    """Configure a registry."""
    return registry_json(product.registries.add(actor, _form(body)))


@router.post("/registries/test", responses=one(RegistryTestReport))
def try_registry(product: ProductNeeded, actor: ActorNeeded, cancel: TrialCancelNeeded, body: RegistryTestBody) -> Json:
    """Try a registry out step by step: a configured one by its id, or what a form holds."""
    form = _form(body) if body.url else None
    tried = product.browsing.test(actor, body.id, form, cancel)
    return report_json(tried.report) | {"rateLimit": quota_json(tried.quota)}


@router.get("/registries/{id}", responses=one(RegistryStanding))
def get_registry(product: ProductNeeded, actor: ActorNeeded, id: int) -> Json:  # noqa: A002  a row's own word
    """One configured registry; `rateLimit` is what it said last of how much it still allows."""
    row = product.registries.get(actor, id)
    return _standing(product, actor, row, product.registries.validities())


@router.put("/registries/{id}", responses=one(Registry))
@router.patch("/registries/{id}", responses=one(Registry), operation_id="patchRegistry")
def change_registry(product: ProductNeeded, actor: ActorNeeded, id: int, body: RegistryChange) -> Json:  # noqa: A002
    """Change what is sent; the rest stays. A new address needs the password again."""
    edit = RegistryEdit(
        body.name,
        body.url,
        body.username,
        body.password,
        body.tls,
        body.ca,
        body.is_default,
        relay=body.relay,
        provider=body.provider,
        fields=body.fields,
    )
    return _told(product, product.registries.change(actor, id, edit))


@router.delete("/registries/{id}", status_code=204)
def remove_registry(product: ProductNeeded, actor: ActorNeeded, id: int) -> Response:  # noqa: A002  a row's own word
    """Forget a registry and its login."""
    product.registries.remove(actor, id)
    return Response(status_code=204)


@router.post("/registries/{id}/default", responses=one(Registry))
def make_registry_default(product: ProductNeeded, actor: ActorNeeded, id: int) -> Json:  # noqa: A002
    """The one that is meant where nobody says."""
    return _told(product, product.registries.make_default(actor, id))


@router.get("/registry/address", responses=one(RegistryAddress))
def registry_address(product: ProductNeeded, actor: ActorNeeded) -> Json:
    """Where our own registry is; without a `url` at the host that you asked, on `port`."""
    if actor.user is None and not actor.grants:
        raise NotLoggedIn
    return product.registry_address.json


@router.get("/registry/catalog", responses=listed(Name))
def list_catalog(
    product: ProductNeeded,
    actor: ActorNeeded,
    cancel: CancelNeeded,
    registry: RegistryId,
    wanted: ListNeeded,
    response: Response,
) -> object:
    """The repositories of a registry, as it or its provider lists them; where neither does, `X-Listing: seen` says that
    these are the ones that images here are named after."""
    catalog = product.browsing.catalog(actor, registry, cancel)
    response.headers["X-Listing"] = "whole" if catalog.whole else "seen"
    return wanted.listed(catalog.names, _itself, _named)


@router.get("/registry/search", responses=listed(RepositoryFound))
def search_registry(
    product: ProductNeeded,
    actor: ActorNeeded,
    cancel: CancelNeeded,
    registry: RegistryId,
    term: Annotated[str, Query(max_length=255, description="Part of a path; the whole path where none are listed.")],
    wanted: ListNeeded,
) -> object:
    """Repositories whose path holds the term; of Docker Hub what its own search finds."""
    found = product.browsing.search(actor, registry, term, cancel)
    return wanted.listed(found, lambda each: [each.path], found_json)


@router.get("/registry/tags", responses=listed(Name))
def list_registry_tags(
    product: ProductNeeded,
    actor: ActorNeeded,
    cancel: CancelNeeded,
    registry: RegistryId,
    repository: RepositoryPath,
    wanted: ListNeeded,
) -> object:
    """The tags of a repository."""
    return wanted.listed(product.browsing.tags(actor, registry, repository, cancel), _itself, _named)


@router.delete("/registry/image", status_code=204)
def remove_registry_image(
    product: ProductNeeded,
    actor: ActorNeeded,
    cancel: CancelNeeded,
    registry: RegistryId,
    repository: RepositoryPath,
    reference: Annotated[str, Query(max_length=255, description="A tag; or a digest, with all tags that name it.")],
) -> Response:
    """Take a tag or an image out of a registry."""
    product.browsing.remove(actor, registry, repository, reference, cancel)
    return Response(status_code=204)


def _form(body: RegistryBody) -> RegistryForm:
    return RegistryForm(
        body.name,
        body.url,
        body.username,
        body.password,
        body.tls,
        body.ca,
        body.is_default,
        relay=body.relay,
        provider=body.provider,
        fields=body.fields,
    )


def _told(product: Product, row: RegistryRow) -> Json:
    return registry_json(row, product.registries.validities().get(row.id))


def _standing(product: Product, actor: Actor, row: RegistryRow, ends: Mapping[int, float]) -> Json:
    quota, used = product.browsing.quota(actor, row), product.registry_use.last(row.host)
    told = registry_json(row, ends.get(row.id)) | {"rateLimit": quota_json(quota), "lastUsedAt": iso(used)}
    hold = product.registry_holds.of(api_host(row.host))
    return told if hold is None else told | {"heldUntil": iso(product.clock() + hold.seconds)}


def _itself(name: str) -> tuple[str]:
    return (name,)


def _named(name: str) -> Json:
    return {"name": name}
