"""POST /auth: docker login asks whether a registry takes a login. Nothing is kept here: docker keeps it."""

from __future__ import annotations

from lading import errors
from lading.errors import InputInvalid, LadingError
from lading.fronts.docker_api.answers import json_answer
from lading.fronts.docker_api.asking import DockerRequest
from lading.fronts.docker_api.product import DockerProduct
from lading.fronts.docker_api.refusals import Failure, JobFailed
from lading.fronts.docker_api.transfer_refusals import login_told, reached_told
from lading.fronts.http.exchange import Answer
from lading.wire.docker_auth import LoginUnreadable, credential_of, registry_of

ANSWER_SECONDS = 15.0
"""How long the registry has to answer, as at Docker's engine."""


class LoginInvalid(InputInvalid):
    """A body that is no login."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule

    def __str__(self) -> str:
        return f"invalid login: {self.rule}"


def authorise(product: DockerProduct, request: DockerRequest) -> Answer:
    """Raises LoginInvalid, BodyUnreadable, JobFailed in the registry's words, Denied."""
    members = request.json()
    try:
        registry, credential = registry_of(members.get("serveraddress")), credential_of(members)
    except LoginUnreadable as error:
        raise LoginInvalid(str(error)) from None  # nothing of it is to be told
    environment = request.open(product).id
    try:
        with product.cancellation(ANSWER_SECONDS) as cancel:
            product.errands.log_in(request.actor, environment, registry, credential, cancel)
    except LadingError as error:
        failure = Failure.of_error(error)
        if isinstance(error, errors.AccessDenied):
            raise JobFailed(login_told(registry, failure)) from error
        if isinstance(error, errors.NetworkFailed | errors.TimedOut | errors.ProtocolBroken | errors.NotFound):
            raise JobFailed(reached_told(registry, failure)) from error
        raise
    return json_answer({"IdentityToken": "", "Status": "Login Succeeded"})
