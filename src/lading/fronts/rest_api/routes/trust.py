"""Whose signatures count in our own registry: accepted keys, and the trust rules of repositories."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from lading.fronts.rest_api.answers import Json
from lading.fronts.rest_api.dependencies import ActorNeeded, ProductNeeded
from lading.fronts.rest_api.paging import ListNeeded
from lading.fronts.rest_api.product import Product
from lading.fronts.rest_api.routes.repositories import Name
from lading.fronts.rest_api.shapes.trust import RepositoryTrust, TrustKey
from lading.fronts.rest_api.told import listed, one
from lading.fronts.rest_api.trust_bodies import TrustBody, TrustKeyBody
from lading.services.access import Actor
from lading.services.repositories.trust import trust_json
from lading.services.trust.keys import trust_key_json
from lading.services.trust.signature_json import verdict_json

router = APIRouter(prefix="/api", tags=["trust"])

Tag = Annotated[str | None, Query(description="A tag of it: what the rule says of that.")]


@router.get("/trust/keys", responses=listed(TrustKey))
def list_keys(product: ProductNeeded, actor: ActorNeeded, wanted: ListNeeded) -> object:
    """The public keys that trust rules may name."""
    return wanted.listed(product.trust_keys.list(actor), lambda row: [row.name, row.key_id], trust_key_json)


@router.post("/trust/keys", status_code=201, responses=one(TrustKey, 201))
def add_key(product: ProductNeeded, actor: ActorNeeded, body: TrustKeyBody) -> Json:
    """Accept a public key: ECDSA P-256 or Ed25519, in PEM. It counts nowhere until a rule names it."""
    return trust_key_json(product.trust_keys.add(actor, body.form()))


@router.get("/trust/keys/{id}", responses=one(TrustKey))
def get_key(product: ProductNeeded, actor: ActorNeeded, id: int) -> Json:  # noqa: A002  a row's own word
    """One accepted key."""
    return trust_key_json(product.trust_keys.get(actor, id))


@router.delete("/trust/keys/{id}", status_code=204)
def remove_key(product: ProductNeeded, actor: ActorNeeded, id: int) -> Response:  # noqa: A002  a row's own word
    """Accept it no longer; refused while a rule names it."""
    product.trust_keys.remove(actor, id)
    return Response(status_code=204)


@router.get("/repositories/{repository}/trust", responses=one(RepositoryTrust))
def get_trust(product: ProductNeeded, actor: ActorNeeded, repository: Name, tag: Tag = None) -> Json:
    """Its trust rule; with `tag` what that says of it now, signature by signature."""
    return _told(product, actor, repository, tag)


@router.put("/repositories/{repository}/trust", responses=one(RepositoryTrust))
def set_trust(product: ProductNeeded, actor: ActorNeeded, repository: Name, body: TrustBody, tag: Tag = None) -> Json:
    """The whole rule, in place of what it was; it counts at once. A repository that is not there is made."""
    product.repository_trust.set_rule(actor, repository, body.rule())
    return _told(product, actor, repository, tag)


def _told(product: Product, actor: Actor, repository: str, tag: str | None) -> Json:
    trust = product.repository_trust.rule(actor, repository)
    verdict = None if tag is None else product.repository_trust.verdict(actor, repository, tag)
    return {
        "rule": None if trust is None else trust_json(trust),
        "verdict": None if verdict is None else verdict_json(verdict, product.clock()),
    }
