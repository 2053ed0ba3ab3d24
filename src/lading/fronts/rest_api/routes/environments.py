"""Environments: their rows, and trying them out."""

from __future__ import annotations

from fastapi import APIRouter, Response

from lading.fronts.rest_api.answers import Json, environment_json, report_json
from lading.fronts.rest_api.bodies import EnvironmentBody
from lading.fronts.rest_api.dependencies import ActorNeeded, CancelNeeded, ProductNeeded
from lading.fronts.rest_api.paging import ListNeeded
from lading.services.environment_forms import EnvironmentForm

router = APIRouter(prefix="/api/environments", tags=["environments"])


@router.get("")
def list_environments(
    product: ProductNeeded,
    actor: ActorNeeded,
    wanted: ListNeeded,
) -> object:
    """The environments that you may see."""
    return wanted.listed(product.environments.list(actor), lambda row: [row.name], environment_json)


@router.post("", status_code=201)
def add_environment(product: ProductNeeded, actor: ActorNeeded, body: EnvironmentBody) -> Json:
    """Configure an environment."""
    return environment_json(product.environments.add(actor, _form(body)))


@router.get("/{id}")
def get_environment(product: ProductNeeded, actor: ActorNeeded, id: int) -> Json:  # noqa: A002  a row's own word
    """One environment."""
    return environment_json(product.environments.get(actor, id))


@router.put("/{id}")
@router.patch("/{id}")
def change_environment(product: ProductNeeded, actor: ActorNeeded, id: int, body: EnvironmentBody) -> Json:  # noqa: A002
    """Change what is sent; the rest stays."""
    return environment_json(product.environments.change(actor, id, _form(body)))


@router.delete("/{id}", status_code=204)
def remove_environment(product: ProductNeeded, actor: ActorNeeded, id: int) -> Response:  # noqa: A002
    """Forget an environment; what is there stays there."""
    product.environments.remove(actor, id)
    return Response(status_code=204)


@router.post("/{id}/default")
def make_environment_default(product: ProductNeeded, actor: ActorNeeded, id: int) -> Json:  # noqa: A002
    """The one that is meant where nobody says."""
    return environment_json(product.environments.make_default(actor, id))


@router.post("/{id}/test")
def try_environment(product: ProductNeeded, actor: ActorNeeded, cancel: CancelNeeded, id: int) -> Json:  # noqa: A002
    """Try an environment out, step by step."""
    return report_json(product.environments.test(actor, id, cancel))


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
