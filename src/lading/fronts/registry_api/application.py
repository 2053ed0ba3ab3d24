"""The /v2/ door: which function answers which path and method, who may knock, and how errors are told.

It is open: whoever reaches it may read and write everything. So it listens on loopback only, and a browser that was
led there by a foreign page (by its own name for a loopback address, or with a form) is turned away.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from lading.errors import LadingError, StorageFailed
from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.fronts.registry_api.content import ContentDoor
from lading.fronts.registry_api.lists import ListDoor
from lading.fronts.registry_api.replies import EndpointUnknown, MethodRefused, error_answer, json_answer, refusal
from lading.fronts.registry_api.uploads import UploadDoor
from lading.services.repositories import Repositories
from lading.services.repository_uploads import RepositoryUploads
from lading.services.serving import SERVER
from lading.wire.guard import is_loopback
from lading.wire.registry_errors import STATUS, Code, Fault
from lading.wire.registry_urls import (
    BlobAt,
    Catalog,
    ManifestAt,
    ReferrersOf,
    Root,
    Route,
    TagList,
    UploadStart,
    match,
)

log = logging.getLogger("lading.registry")

Endpoint = Callable[[IncomingRequest], Answer]


class RegistryApi:
    """An Application for the byte server: the OCI distribution specification, version 1.1."""

    def __init__(self, repositories: Repositories, uploads: RepositoryUploads) -> None:
        self._content = ContentDoor(repositories)
        self._uploads = UploadDoor(repositories, uploads)
        self._lists = ListDoor(repositories)

    def __call__(self, request: IncomingRequest) -> Answer:
        """Raises what breaks a request off: ConnectionLost, Stalled, Cancelled."""
        if not _knocks_rightly(request):
            fault = Fault(Code.DENIED, "this registry is open, and therefore for programs on its own machine only")
            return refusal(STATUS[Code.DENIED], fault)
        try:
            return self._answer(request)
        except LadingError as error:
            answer = error_answer(error)
            if answer is None:
                raise
            if isinstance(error, StorageFailed):
                log.exception("%s %s", request.method, request.path)
            return answer

    def _answer(self, request: IncomingRequest) -> Answer:
        route = match(request.path)
        if route is None:
            raise EndpointUnknown(request.path)
        methods = self._methods(route)
        endpoint = methods.get(request.method)
        if endpoint is None:
            raise MethodRefused(request.method, tuple(methods))
        return endpoint(request)

    def _methods(self, route: Route) -> Mapping[str, Endpoint]:
        """The whole table of the door."""
        content, uploads, lists = self._content, self._uploads, self._lists
        match route:
            case Root():
                methods = _reading(lambda _: json_answer({}, fields=(("Server", SERVER),)))
            case Catalog():
                methods = _reading(lambda request: lists.repositories(request, route))
            case TagList():
                methods = _reading(lambda request: lists.tags(request, route))
            case ReferrersOf():
                methods = _reading(lambda request: lists.referrers(request, route))
            case ManifestAt():
                methods = _reading(lambda request: content.get_manifest(request, route))
                methods["PUT"] = lambda request: content.put_manifest(request, route)
                methods["DELETE"] = lambda _: content.delete_manifest(route)
            case BlobAt():
                methods = _reading(lambda request: content.get_blob(request, route))
                methods["DELETE"] = lambda _: content.delete_blob(route)
            case UploadStart():
                methods = {"POST": lambda request: uploads.start(request, route)}
            case _:  # UploadAt, the last of them
                methods = _reading(lambda _: uploads.status(route))
                methods["PATCH"] = lambda request: uploads.patch(request, route)
                methods["PUT"] = lambda request: uploads.put(request, route)
                methods["DELETE"] = lambda _: uploads.cancel(route)
        return methods


def _reading(endpoint: Endpoint) -> dict[str, Endpoint]:
    return {"GET": endpoint, "HEAD": endpoint}


def _knocks_rightly(request: IncomingRequest) -> bool:
    """The Host is a loopback name, and a page that asks, if one does, came from the same place."""
    host = request.headers.get("host", "localhost")
    origin = request.headers.get("origin")
    return is_loopback(host) and (origin is None or origin.partition("://")[2] == host)
