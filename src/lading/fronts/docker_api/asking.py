"""One request as the routes read it: its parameters, its version, and who asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from lading.errors import InputInvalid
from lading.fronts.docker_api.product import DockerProduct
from lading.fronts.http.exchange import Answer, Body, IncomingRequest
from lading.services.access import Actor
from lading.services.environments.guarded_environment import GuardedEnvironment
from lading.wire.docker_query import Form
from lading.wire.docker_urls import ApiVersion
from lading.wire.json_answers import read_json
from lading.wire.message import Cancel

BODY_LIMIT = 1024 * 1024
"""Of a body that is a form or JSON, in bytes."""

_FORM = "application/x-www-form-urlencoded"
_PIECE = 64 * 1024


class RequestTooLong(InputInvalid):
    """A form or a JSON body beyond `BODY_LIMIT`."""

    def __str__(self) -> str:
        return f"http: request body too large: a form or JSON has at most {BODY_LIMIT} bytes"


class BodyUnreadable(InputInvalid):
    """A body that is no JSON object."""

    def __str__(self) -> str:
        return "invalid JSON: the body is one object"


@dataclass(frozen=True)
class DockerRequest:
    """`name` is what stands in the path, decoded; `version` decides the shapes of the answer."""

    incoming: IncomingRequest
    version: ApiVersion
    name: str
    actor: Actor

    @property
    def cancel(self) -> Cancel:
        """Over when the client is."""
        return self.incoming.cancel

    @property
    def body(self) -> Body:
        """What it sends."""
        return self.incoming.body

    def header(self, name: str) -> str:
        """Empty where there is none; `name` is lower case."""
        return self.incoming.headers.get(name, "")

    @cached_property
    def query(self) -> Form:
        """What stands after the question mark alone: for requests whose body is an archive. Raises FormInvalid."""
        return Form(self.incoming.query)

    @cached_property
    def form(self) -> Form:
        """The body's parameters, where it is a form, before the query's. Raises FormInvalid, RequestTooLong."""
        kind = self.header("content-type").partition(";")[0].strip().lower()
        given = self._read().decode("utf-8", "replace") if kind == _FORM else ""
        return Form(given, self.incoming.query)

    def json(self) -> dict[str, object]:
        """The body, read as an object whatever its type is called; empty where there is none. Raises RequestTooLong,
        BodyUnreadable."""
        content = self._read()
        if not content.strip():
            return {}
        try:
            members = read_json(content)
        except ValueError as error:
            raise BodyUnreadable from error
        if not isinstance(members, dict):
            raise BodyUnreadable
        return members

    def open(self, product: DockerProduct) -> GuardedEnvironment:
        """The environment, as the one who asks sees it. Raises NotLoggedIn, Denied, RowUnknown."""
        return product.open(self.actor)

    def _read(self) -> bytes:
        if self.body.length is not None and self.body.length > BODY_LIMIT:
            raise RequestTooLong
        received, piece = bytearray(), memoryview(bytearray(_PIECE))
        while count := self.body.readinto(piece):
            received += piece[:count]
            if len(received) > BODY_LIMIT:
                raise RequestTooLong
        return bytes(received)


Endpoint = Callable[[DockerProduct, DockerRequest], Answer]
"""What answers a route."""
