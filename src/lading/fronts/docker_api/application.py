"""The Docker Engine API: which function answers which route, in whose words, and with which fields."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from lading.errors import Cancelled, LadingError
from lading.fronts.docker_api import (
    absent,
    authorising,
    creating,
    distributing,
    events,
    inspecting,
    listing,
    loading,
    naming,
    pushing,
    removing,
    saving,
    searching,
    system,
)
from lading.fronts.docker_api.answers import message
from lading.fronts.docker_api.asking import DockerRequest, Endpoint
from lading.fronts.docker_api.product import DockerProduct
from lading.fronts.docker_api.refusals import ForeignCaller, PageUnknown, refusal
from lading.fronts.http.exchange import Answer, IncomingRequest
from lading.fronts.http.failures import log_failure
from lading.fronts.http.ours import is_led
from lading.services.access import NotLoggedIn
from lading.wire.docker_door import NEWEST, Route, match, negotiate
from lading.wire.http_framing import RequestRefused
from lading.wire.message import ConnectionLost, Stalled

log = logging.getLogger("lading.docker")

ENDPOINTS: Mapping[Route, Endpoint] = {
    Route.VERSION: system.version,
    Route.INFO: system.information,
    Route.EVENTS: events.events,
    Route.USAGE: system.usage,
    Route.AUTHORISE: authorising.authorise,
    Route.DISTRIBUTION: distributing.distribution,
    Route.LIST: listing.images,
    Route.SEARCH: searching.search,
    Route.PULL_OR_IMPORT: creating.create,
    Route.LOAD: loading.load,
    Route.SAVE: saving.save,
    Route.SAVE_ONE: saving.save_one,
    Route.PUSH: pushing.push,
    Route.INSPECT: inspecting.image,
    Route.HISTORY: inspecting.history,
    Route.TAG: naming.tag,
    Route.REMOVE: removing.remove,
    Route.PRUNE: removing.prune,
    **absent.ENDPOINTS,
}
"""Every route but `_ping`, which is answered before anybody is asked who comes."""

_PROMPTING = {Route.PULL_OR_IMPORT, Route.SEARCH}
"""Where the docker command answers 401 with a question for a name and password, and waits for them also where nobody
can type. No dockerd says 401 there; what is written is the same."""


class DockerApi:
    """An Application for the byte server, for any number of threads."""

    def __init__(self, product: DockerProduct) -> None:
        facts = product.facts
        self._product = product
        self._fields = (
            ("Api-Version", str(NEWEST)),
            ("Docker-Experimental", "false"),
            ("Ostype", facts.native.os),
            ("Server", f"Docker/{facts.version} ({facts.native.os})"),
        )

    def __call__(self, request: IncomingRequest) -> Answer:
        """Raises what breaks a request off: Cancelled, RequestRefused, and ConnectionLost and Stalled of the client."""
        answer = self._answered(request)
        if answer.status == 401 and (call := match(request.method, request.path)) and call.route in _PROMPTING:
            answer = replace(answer, status=403)
        return replace(answer, headers=(*self._fields, *answer.headers))

    def _answered(self, request: IncomingRequest) -> Answer:
        try:
            return self._answer(request)
        except (Cancelled, RequestRefused):
            raise
        except LadingError as error:
            if isinstance(error, ConnectionLost | Stalled) and error.host == str(request.peer):
                raise
            log_failure(log, request, error)
            return refusal(error)
        except Exception:
            log.exception("%s %s", request.method, request.path)
            return message(500, "Lading made a mistake; its log says which")

    def _answer(self, request: IncomingRequest) -> Answer:
        """Raises LadingError."""
        self._check_origin(request)
        call = match(request.method, request.path)
        if call is None:
            raise PageUnknown
        version = negotiate(call.version)
        if call.route is Route.PING:
            return system.ping(request.method)
        actor = self._product.doorkeeper(request)
        if actor.nobody:
            raise NotLoggedIn
        return ENDPOINTS[call.route](self._product, DockerRequest(request, version, call.name, actor))

    def _check_origin(self, request: IncomingRequest) -> None:
        """No page leads a browser to a unix socket. Where we speak TLS, none leads it here by another name either: our
        certificate does not hold for that. Raises ForeignCaller."""
        if request.peer.uid is not None:
            return
        host, names = request.headers.get("host", ""), self._product.names
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        led = not names.permits_origin(origin, host) or is_led(origin, site, request.method)
        if led or not (request.secure or names.permits_host(host)):
            raise ForeignCaller
