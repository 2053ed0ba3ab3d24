"""A registry with users, for tests of who is let in: how it is asked, and how its tokens are got."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from tests.fakes.people import PASSWORD, People, basic
from tests.fakes.registry_doors import Doors
from tests.fronts.registry_api.asking import Asker, Reply, digest_of

HOST = "127.0.0.1:5000"
REALM = f'realm="http://{HOST}/v2/token",service="{HOST}"'
FORM = "application/x-www-form-urlencoded"


@dataclass
class Place:
    """A registry with users, and a way to ask it."""

    ask: Asker
    doors: Doors

    @property
    def people(self) -> People:
        return self.doors.people

    def token(self, name: str | None, *scopes: str, **more: str) -> str:
        """What `name` gets for these scopes, by a GET."""
        return str(self.asked(name, *scopes, **more).document["token"])

    def asked(self, name: str | None, *scopes: str, password: str = PASSWORD, **more: str) -> Reply:
        query = urlencode([*(("scope", scope) for scope in scopes), *more.items()])
        login = {} if name is None else {"authorization": basic(name, password)}
        return self.ask("GET", f"/v2/token?{query}", fields=login)

    def posted(self, **form: str) -> Reply:
        return self.ask("POST", "/v2/token", urlencode(form).encode(), content_type=FORM)

    def bearing(self, token: str, method: str, target: str, body: bytes = b"") -> Reply:
        return self.ask(method, target, body, authorization=f"Bearer {token}")


def push(place: Place, repository: str, content: bytes = b"layer") -> str:
    token = place.token("ada", f"repository:{repository}:pull,push")
    target = f"/v2/{repository}/blobs/uploads/?digest={digest_of(content)}"
    assert place.bearing(token, "POST", target, content).status == 201
    return digest_of(content)
