"""Policies and what they said; exceptions, and OpenVEX in and out (interfaces §2, scans)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime

from lading.fronts.rest_api.answers import Json
from lading.fronts.rest_api.dependencies import ActorNeeded, ProductNeeded
from lading.fronts.rest_api.gate_bodies import ExceptionBody, PolicyBody
from lading.fronts.rest_api.paging import Filter, Limit, ListNeeded, PageNumber, paged, window
from lading.fronts.rest_api.shapes.gates import ExceptionsImported, OpenVex, Policy, VerdictRow, VulnerabilityException
from lading.fronts.rest_api.told import listed, one
from lading.services.gates.exceptions import exception_json
from lading.services.gates.policies import verdict_row_json
from lading.services.gates.policy_forms import policy_json
from lading.services.gates.records import ExceptionRow, VerdictQuery

router = APIRouter(prefix="/api", tags=["gates"])


@router.get("/policies", responses=listed(Policy))
def list_policies(product: ProductNeeded, actor: ActorNeeded, wanted: ListNeeded) -> object:
    """All policies."""
    return wanted.listed(product.policies.list(actor), lambda row: [row.name, row.action], policy_json)


@router.post("/policies", status_code=201, responses=one(Policy, 201))
def add_policy(product: ProductNeeded, actor: ActorNeeded, body: PolicyBody) -> Json:
    """A policy on what may be pulled, pushed or promoted; it stops nothing unless its mode is enforce."""
    return policy_json(product.policies.add(actor, body.form()))


@router.get("/policies/verdicts", responses=listed(VerdictRow))
def list_verdicts(
    product: ProductNeeded,
    actor: ActorNeeded,
    policy: Annotated[int | None, Query(ge=1, description="Only of this policy.")] = None,
    environment: Annotated[int | None, Query(alias="env", ge=1, description="Only of this environment.")] = None,
    allowed: Annotated[bool | None, Query(description="Whether the policy was content.")] = None,
    filter: Filter = "",  # noqa: A002  the API's word
    page: PageNumber = None,
    limit: Limit = None,
) -> object:
    """What policies said of images that came and went, the newest first."""
    environments = None if environment is None else frozenset({environment})
    wanted = VerdictQuery(policy, environments, allowed, filter)
    found = product.policies.verdicts(actor, wanted, *window(page, limit))
    return paged([verdict_row_json(row) for row in found.rows], found.total, page, limit)


@router.get("/policies/{id}", responses=one(Policy))
def get_policy(product: ProductNeeded, actor: ActorNeeded, id: int) -> Json:  # noqa: A002  a row's own word
    """One policy."""
    return policy_json(product.policies.get(actor, id))


@router.put("/policies/{id}", responses=one(Policy))
def change_policy(product: ProductNeeded, actor: ActorNeeded, id: int, body: PolicyBody) -> Json:  # noqa: A002
    """The whole policy, in place of what it was; it counts for what is judged from now on."""
    return policy_json(product.policies.change(actor, id, body.form()))


@router.delete("/policies/{id}", status_code=204)
def remove_policy(product: ProductNeeded, actor: ActorNeeded, id: int) -> Response:  # noqa: A002  a row's own word
    """Forget a policy; its verdicts stay."""
    product.policies.remove(actor, id)
    return Response(status_code=204)


@router.get("/exceptions", responses=listed(VulnerabilityException))
def list_exceptions(product: ProductNeeded, actor: ActorNeeded, wanted: ListNeeded) -> object:
    """All exceptions, those that are over too."""

    def names(row: ExceptionRow) -> list[str]:
        return [row.vulnerability, row.image, row.package_url, row.reason, row.author]

    return wanted.listed(product.exceptions.list(actor), names, exception_json)


@router.post("/exceptions", status_code=201, responses=one(VulnerabilityException, 201))
def add_exception(product: ProductNeeded, actor: ActorNeeded, body: ExceptionBody) -> Json:
    """Answer for a vulnerability: findings stay, marked, and count no more until the exception is over."""
    return exception_json(product.exceptions.add(actor, body.form()))


@router.get("/exceptions/openvex", responses=one(OpenVex))
def export_exceptions(product: ProductNeeded, actor: ActorNeeded) -> JSONResponse:
    """All exceptions that stand now, as one OpenVEX document."""
    name = 'attachment; filename="lading.openvex.json"'
    return JSONResponse(product.exceptions.document(actor), headers={"Content-Disposition": name})


@router.post("/exceptions/openvex", status_code=201, responses=one(ExceptionsImported, 201))
def import_exceptions(
    product: ProductNeeded,
    actor: ActorNeeded,
    document: Annotated[dict[str, object], Body()],
    expires: Annotated[AwareDatetime | None, Query(description="Until when what it says counts.")] = None,
) -> Json:
    """Take over what an OpenVEX document says; one with an id that was here before replaces what that one said."""
    imported = product.exceptions.take(actor, document, None if expires is None else expires.timestamp())
    return {
        "id": imported.document.id,
        "author": imported.document.author,
        "exceptions": [exception_json(row) for row in imported.rows],
        "leftOut": list(imported.document.left_out),
    }


@router.get("/exceptions/{id}", responses=one(VulnerabilityException))
def get_exception(product: ProductNeeded, actor: ActorNeeded, id: int) -> Json:  # noqa: A002  a row's own word
    """One exception."""
    return exception_json(product.exceptions.get(actor, id))


@router.put("/exceptions/{id}", responses=one(VulnerabilityException))
def change_exception(product: ProductNeeded, actor: ActorNeeded, id: int, body: ExceptionBody) -> Json:  # noqa: A002
    """The whole exception, in place of what it was; whoever changes it is its author."""
    return exception_json(product.exceptions.change(actor, id, body.form()))


@router.delete("/exceptions/{id}", status_code=204)
def remove_exception(product: ProductNeeded, actor: ActorNeeded, id: int) -> Response:  # noqa: A002  a row's own word
    """Take an exception back: findings count again."""
    product.exceptions.remove(actor, id)
    return Response(status_code=204)
