"""The /v2/ door: which function answers which path and method, and how errors are told. The gate says who may knock."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from lading.errors import LadingError
from lading.fronts.http.endpoints import EndpointUnknown, MethodRefused
from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.fronts.http.failures import log_failure
from lading.fronts.registry_api.content import ContentDoor, Count, Elsewhere
from lading.fronts.registry_api.gate import Entry, Gate, needed
from lading.fronts.registry_api.lists import ListDoor
from lading.fronts.registry_api.replies import error_answer, json_answer, placed
from lading.fronts.registry_api.uploads import UploadDoor
from lading.services.repositories.repositories import Repositories
from lading.services.repositories.uploads import RepositoryUploads
from lading.services.server.serving import SERVER
from lading.services.trust.gates import TrustGate
from lading.wire.registry_urls import (
    BlobAt,
    Catalog,
    ManifestAt,
    ReferrersOf,
    Root,
    Route,
    TagList,
    TokenService,
    UploadAt,
    UploadStart,
    match,
)

log = logging.getLogger("lading.registry")

Endpoint = Callable[[IncomingRequest], Answer]


class RegistryApi:
    """An Application for the byte server: the OCI distribution specification, version 1.1."""

    def __init__(
        self,
        repositories: Repositories,
        uploads: RepositoryUploads,
        gate: Gate,
        count: Count,
        *,
        trust: TrustGate | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self._gate = gate
        self._content = ContentDoor(repositories, count, trust, elsewhere)
        self._uploads = UploadDoor(repositories, uploads)
        self._lists = ListDoor(repositories)

    def __call__(self, request: IncomingRequest) -> Answer:
        """Raises what breaks a request off: ConnectionLost, Stalled, Cancelled."""
        try:
            return self._answer(request)
        except LadingError as error:
            answer = error_answer(error, bodiless=request.method == "HEAD")
            if answer is None:
                raise
            log_failure(log, request, error)
            return answer

    def _answer(self, request: IncomingRequest) -> Answer:
        route = match(request.path)
        if isinstance(route, TokenService):
            return self._token(request)
        if route is None:
            raise EndpointUnknown(request.path)
        entry = self._gate.admit(request, needed(route, request.method))
        methods = self._methods(route, entry)
        endpoint = methods.get(request.method)
        if endpoint is None:
            raise MethodRefused(request.method, tuple(methods))
        return placed(endpoint(request), self._gate.outside(request))

    def _token(self, request: IncomingRequest) -> Answer:
        """Before anybody is let in: whoever asks for a token has none."""
        answer = self._gate.token(request)
        if answer is None:
            raise EndpointUnknown(request.path)
        return answer

    def _methods(self, route: Route, entry: Entry) -> Mapping[str, Endpoint]:
        """The whole table of the door."""
        content, uploads, lists = self._content, self._uploads, self._lists
        match route:
            case Root():
                methods = _reading(lambda _: json_answer({}, fields=(("Server", SERVER),)))
            case Catalog():
                methods = _reading(lambda request: lists.repositories(request, route, entry))
            case TagList():
                methods = _reading(lambda request: lists.tags(request, route))
            case ReferrersOf():
                methods = _reading(lambda request: lists.referrers(request, route))
            case ManifestAt():
                methods = _reading(lambda request: content.get_manifest(request, route, entry))
                methods["PUT"] = lambda request: content.put_manifest(request, route, entry)
                methods["DELETE"] = lambda _: content.delete_manifest(route, entry)
            case BlobAt():
                methods = _reading(lambda request: content.get_blob(request, route))
                methods["DELETE"] = lambda _: content.delete_blob(route, entry)
            case UploadStart():
                methods = {"POST": lambda request: uploads.start(request, route, entry)}
            case UploadAt():
                methods = _reading(lambda _: uploads.status(route))
                methods["PATCH"] = lambda request: uploads.patch(request, route)
                methods["PUT"] = lambda request: uploads.put(request, route)
                methods["DELETE"] = lambda _: uploads.cancel(route)
            case _:  # TokenService, which was answered before
                methods = {}
        return methods


def _reading(endpoint: Endpoint) -> dict[str, Endpoint]:
    return {"GET": endpoint, "HEAD": endpoint}
