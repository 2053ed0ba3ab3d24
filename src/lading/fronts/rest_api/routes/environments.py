"""Environments: their rows, and trying them out."""

from __future__ import annotations

from fastapi import APIRouter, Response

from lading.fronts.rest_api.answers import Json, agent_json, environment_json, report_json
from lading.fronts.rest_api.bodies import EnvironmentBody
from lading.fronts.rest_api.dependencies import ActorNeeded, CancelNeeded, ProductNeeded
from lading.fronts.rest_api.paging import ListNeeded
from lading.fronts.rest_api.product import Product
from lading.fronts.rest_api.shapes.places import Environment, TestReport
from lading.fronts.rest_api.told import listed, one
from lading.services.environments.environment import ConnectionType
from lading.services.environments.forms import EnvironmentForm
from lading.services.environments.records import EnvironmentRow
from lading.services.hub.hub import AgentPresence

router = APIRouter(prefix="/api/environments", tags=["environments"])


@router.get("", responses=listed(Environment))
def list_environments(
    product: ProductNeeded,
    actor: ActorNeeded,
    wanted: ListNeeded,
) -> object:
    """The environments that you may see."""
    rows = product.environments.list(actor)
    edge = any(row.connection_type is ConnectionType.HAWSER_EDGE for row in rows)
    agents = {each.environment: each for each in product.agents.presences(actor)} if edge else {}
    return wanted.listed(rows, lambda row: [row.name], lambda row: _json(row, agents.get(row.id)))


@router.post("", status_code=201, responses=one(Environment, 201))
def add_environment(product: ProductNeeded, actor: ActorNeeded, body: EnvironmentBody) -> Json:
    """Configure an environment."""
    return _shown(product, product.environments.add(actor, _form(body)))


@router.get("/{id}", responses=one(Environment))
def get_environment(product: ProductNeeded, actor: ActorNeeded, id: int) -> Json:  # noqa: A002  a row's own word
    """One environment."""
    return _shown(product, product.environments.get(actor, id))


@router.put("/{id}", responses=one(Environment))
@router.patch("/{id}", responses=one(Environment), operation_id="patchEnvironment")
def change_environment(product: ProductNeeded, actor: ActorNeeded, id: int, body: EnvironmentBody) -> Json:  # noqa: A002
    """Change what is sent; the rest stays."""
    return _shown(product, product.environments.change(actor, id, _form(body)))


@router.delete("/{id}", status_code=204)
def remove_environment(product: ProductNeeded, actor: ActorNeeded, id: int) -> Response:  # noqa: A002
    """Forget an environment; what is there stays there."""
    product.environments.remove(actor, id)
    return Response(status_code=204)


@router.post("/{id}/default", responses=one(Environment))
def make_environment_default(product: ProductNeeded, actor: ActorNeeded, id: int) -> Json:  # noqa: A002
    """The one that is meant where nobody says."""
    return _shown(product, product.environments.make_default(actor, id))


@router.post("/{id}/test", responses=one(TestReport))
def try_environment(product: ProductNeeded, actor: ActorNeeded, cancel: CancelNeeded, id: int) -> Json:  # noqa: A002
    """Try an environment out, step by step."""
    return report_json(product.environments.test(actor, id, cancel))


def _shown(product: Product, row: EnvironmentRow) -> Json:
    edge = row.connection_type is ConnectionType.HAWSER_EDGE
    return _json(row, product.agents.presence(row.id) if edge else None)


def _json(row: EnvironmentRow, agent: AgentPresence | None) -> Json:
    """One at the edge tells of its agent; null where that is away."""
    told = environment_json(row)
    if row.connection_type is ConnectionType.HAWSER_EDGE:
        told["agent"] = None if agent is None else agent_json(agent)
    return told


def _form(body: EnvironmentBody) -> EnvironmentForm:
    return EnvironmentForm(
        name=body.name,
        connection_type=None if body.connection_type is None else body.connection_type.value,
        socket_path=body.socket_path,
        host=body.host,
        port=body.port,
        protocol=body.protocol,
        tls_ca=body.tls_ca,
        tls_cert=body.tls_cert,
        tls_key=body.tls_key,
        tls_skip_verify=body.tls_skip_verify,
        hawser_token=body.hawser_token,
        is_default=body.is_default,
    )
