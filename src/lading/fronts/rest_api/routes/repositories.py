"""Repositories of our own registry: who may read them, what is protected in them, their tags."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote

from fastapi import APIRouter, Path, Response
from pydantic import AfterValidator

from lading.fronts.rest_api.answers import Json
from lading.fronts.rest_api.dependencies import ActorNeeded, ProductNeeded
from lading.fronts.rest_api.paging import ListNeeded
from lading.fronts.rest_api.repository_bodies import (
    ReleaseBody,
    RenameBody,
    RepositoryBody,
    WideRulesBody,
    rules_of,
    wide_rules_of,
)
from lading.fronts.rest_api.retention_bodies import wide_retention_of
from lading.fronts.rest_api.shapes.repositories import RegistryRules, Release, Repository, RepositoryTag
from lading.fronts.rest_api.told import listed, one
from lading.services.repositories.guarded_repositories import RepositoryForm
from lading.services.repositories.retention_rules import retention_json
from lading.services.repositories.rules import rule_json
from lading.services.repositories.view import release_json, repository_json, tag_json

router = APIRouter(prefix="/api", tags=["repositories"])

Name = Annotated[str, Path(description="Its path, with slashes as %2F."), AfterValidator(unquote)]


@router.get("/repositories", responses=listed(Repository))
def list_repositories(
    product: ProductNeeded,
    actor: ActorNeeded,
    wanted: ListNeeded,
) -> object:
    """The repositories that you may see, in order of name."""
    found = product.repositories.page(actor, wanted.text, *wanted.span)
    rows = product.repositories.rows(actor, found.names)
    return wanted.answer([repository_json(row) for row in rows], found.total)


@router.get("/repositories/{repository}", responses=one(Repository))
def get_repository(product: ProductNeeded, actor: ActorNeeded, repository: Name) -> Json:
    """One repository."""
    return repository_json(product.repositories.get(actor, repository))


@router.put("/repositories/{repository}", responses=one(Repository))
def change_repository(product: ProductNeeded, actor: ActorNeeded, repository: Name, body: RepositoryBody) -> Json:
    """Change what is sent; the rest stays. A repository that is not there is made."""
    return repository_json(product.repositories.change(actor, repository, _form(body), body.reason, new=True))


@router.patch("/repositories/{repository}", responses=one(Repository))
def patch_repository(product: ProductNeeded, actor: ActorNeeded, repository: Name, body: RepositoryBody) -> Json:
    """Change what is sent; the rest stays. It has to be there."""
    return repository_json(product.repositories.change(actor, repository, _form(body), body.reason))


@router.delete("/repositories/{repository}", status_code=204)
def remove_repository(product: ProductNeeded, actor: ActorNeeded, repository: Name) -> Response:
    """Remove it with all that it holds; refused while a tag in it is protected."""
    product.repositories.remove(actor, repository)
    return Response(status_code=204)


@router.post("/repositories/{repository}/rename", responses=one(Repository))
def rename_repository(product: ProductNeeded, actor: ActorNeeded, repository: Name, body: RenameBody) -> Json:
    """Call it something else; its rules come along. Refused while a tag in it may not be removed."""
    return repository_json(product.repositories.rename(actor, repository, body.to))


@router.get("/repositories/{repository}/tags", responses=listed(RepositoryTag))
def list_tags(
    product: ProductNeeded,
    actor: ActorNeeded,
    repository: Name,
    wanted: ListNeeded,
) -> object:
    """Its tags in order, with what protects them, and whether they are signed as its trust rule asks."""
    found = product.repositories.tag_page(actor, repository, wanted.text, *wanted.span)
    rows = product.repositories.tag_rows(actor, repository, found.names)
    signed = product.repository_trust.signed(actor, repository, rows)
    return wanted.answer([tag_json(row, signed.get(row.row.tag.name)) for row in rows], found.total)


@router.delete("/repositories/{repository}/tags/{tag}", status_code=204)
def remove_tag(product: ProductNeeded, actor: ActorNeeded, repository: Name, tag: Name) -> Response:
    """Remove a tag; refused while a rule protects it."""
    product.repositories.remove_tag(actor, repository, tag)
    return Response(status_code=204)


@router.post("/repositories/{repository}/tags/{tag}/release", responses=one(Release))
def release_tag(product: ProductNeeded, actor: ActorNeeded, repository: Name, tag: Name, body: ReleaseBody) -> Json:
    """Let go of a protected tag: until then, or once."""
    until = None if body.until is None else body.until.timestamp()
    return release_json(product.repositories.release(actor, repository, tag, body.reason, until))


@router.delete("/repositories/{repository}/tags/{tag}/release", status_code=204)
def take_back_release(product: ProductNeeded, actor: ActorNeeded, repository: Name, tag: Name) -> Response:
    """Its rules alone count again."""
    product.repositories.take_back(actor, repository, tag)
    return Response(status_code=204)


@router.get("/settings/repositories", responses=one(RegistryRules))
def get_rules(product: ProductNeeded, actor: ActorNeeded) -> Json:
    """The rules of the whole registry: what protects tags, and what lets go of them."""
    return {
        "rules": [rule_json(rule) for rule in product.repositories.wide_rules(actor)],
        "retention": [retention_json(rule) for rule in product.retention.wide_rules(actor)],
    }


@router.put("/settings/repositories", responses=one(RegistryRules))
def set_rules(product: ProductNeeded, actor: ActorNeeded, body: WideRulesBody) -> Json:
    """All rules of the whole registry, in place of those there were; what is not sent stays."""
    rules = None if body.rules is None else wide_rules_of(body.rules)
    retention = None if body.retention is None else wide_retention_of(body.retention)
    answer: Json = {}
    if rules is not None:
        product.repositories.set_wide_rules(actor, rules)
        answer |= {"rules": [rule_json(rule) for rule in rules]}
    if retention is not None:
        product.retention.set_wide_rules(actor, retention)
        answer |= {"retention": [retention_json(rule) for rule in retention]}
    return answer or get_rules(product, actor)


def _form(body: RepositoryBody) -> RepositoryForm:
    rules = None if body.rules is None else rules_of(body.rules)
    trust = None if body.trust is None else body.trust.rule()
    return RepositoryForm(body.visibility, body.immutable, rules, trust)
