"""Asking `lading serve` over its API: a whole product over a folder and SQLite, on real sockets, in this process."""

from __future__ import annotations

import http.client
import json
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lading.main.service import ServedProduct, served_product
from lading.oci.platform import Platform
from lading.settings import Settings
from tests.fakes.docker_archives import docker_archive
from tests.fronts.rest_api import conformance
from tests.peers import programs

JSON = "application/json"
EVENTS = "text/event-stream"

PASSWORD = "correct horse battery"
WAIT_SECONDS = 30.0
"""The longest a test waits before it fails."""

WHOLE_SECONDS = 120.0
"""The longest that one answer may take from its beginning to its end: a job's stream ends with the job."""

NOWHERE = Path("/nowhere")
"""Where no web app was built."""

UNAUTHORIZED = {"error": "Unauthorized", "message": "Authentication required"}
DENIED = {"error": "Permission denied"}


def until(true: Callable[[], bool], what: str) -> None:
    """Returns when it is true; fails after so long."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < deadline, f"not in {WAIT_SECONDS:g} s: {what}"
        programs.select_nothing(0.02)


def address(api: str) -> tuple[str, int]:
    """Where a URL's server listens."""
    parts = urllib.parse.urlsplit(api)
    return parts.hostname or "", parts.port or 0


@dataclass(frozen=True)
class Answer:
    """One answer, its body read; header names are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Any:  # every test knows what it asked for, and fails where it is something else
        return json.loads(self.body)

    @property
    def brief(self) -> tuple[int, object]:
        """Status, and the `error` of a body that has one."""
        told = self.json
        return self.status, told.get("error") if isinstance(told, dict) else told

    @property
    def cookie(self) -> str:
        """As a browser would send it back."""
        return self.headers["set-cookie"].partition(";")[0]


@dataclass(frozen=True)
class Caller:
    """Asks at `api`, with these headers each time. What is answered has to be what the API's description says."""

    api: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def __call__(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        form: Mapping[str, str] | None = None,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """`body` goes as JSON, `form` as a page's form, `raw` as it is; the path goes as it is too."""
        kind, sent = _body(body, form, raw)
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.api).netloc, timeout=WAIT_SECONDS)
        with closing(connection):
            connection.request(method, path, sent, {**kind, **self.headers, **(headers or {})})
            answer = connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            read = _whole(answer, f"{method} {path}")
            conformance.check(method, path, answer.status, fields.get("content-type", ""), read)
            return Answer(answer.status, fields, read)

    def get(self, path: str, **headers: str) -> Answer:
        return self("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def post(self, path: str, body: object = None, **headers: str) -> Answer:
        return self("POST", path, body, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def bearing(self, token: str) -> Caller:
        """The same with a token."""
        return replace(self, headers={"Authorization": f"Bearer {token}"})


def _whole(answer: http.client.HTTPResponse, asked: str) -> bytes:
    """A stream that is kept alive may be without end, though no single read of it waits for long."""
    deadline, length, content = time.monotonic() + WHOLE_SECONDS, answer.length, bytearray()
    while piece := answer.read1(64 * 1024):
        content += piece
        assert time.monotonic() < deadline, f"no end within {WHOLE_SECONDS:g} s of {asked}: …{bytes(content[-1000:])!r}"
    if length is not None and len(content) < length:  # piece by piece it is not looked at
        raise http.client.IncompleteRead(bytes(content), length - len(content))
    return bytes(content)


def _body(body: object, form: Mapping[str, str] | None, raw: bytes | None) -> tuple[dict[str, str], bytes | None]:
    if form is not None:
        return {"Content-Type": "application/x-www-form-urlencoded"}, urllib.parse.urlencode(form).encode()
    if raw is not None:
        return {"Content-Type": "application/octet-stream"}, raw
    if body is not None:
        return {"Content-Type": "application/json"}, json.dumps(body).encode()
    return {}, None


@dataclass(frozen=True)
class House:
    """A product that runs, and its admin."""

    running: ServedProduct
    admin: Caller

    @property
    def nobody(self) -> Caller:
        """Who shows nothing."""
        return Caller(self.running.api)

    def user(self, name: str, *roles: str) -> Caller:
        """A new user with these roles, logged in."""
        known = {role["name"]: role["id"] for role in self.admin.get("/api/roles").json}
        form = {"username": name, "password": PASSWORD, "roles": [known[role] for role in roles]}
        made = self.admin.post("/api/users", form)
        assert made.status == 201, made.text
        return self.login(name)

    def login(self, name: str, password: str = PASSWORD) -> Caller:
        return logged_in(self.running.api, name, password)

    def role(self, name: str, *grants: Mapping[str, object]) -> str:
        """A new role; its name."""
        made = self.admin.post("/api/roles", {"name": name, "grants": list(grants)})
        assert made.status == 201, made.text
        return name

    def load(self, *names: str, label: str = "x") -> str:
        """An image under these names in our own engine; its id."""
        archive = docker_archive(names, label=label)
        loaded = self.admin("POST", "/api/images/import", raw=archive, headers={"Accept": "application/json"})
        assert loaded.status == 200, loaded.text
        return str(loaded.json["images"][0]["id"])

    def own_registry(self, name: str = "own") -> int:
        """Our own registry as a configured one, with a token of the admin's; its id. Asked for again, the same."""
        rows = {row["name"]: row["id"] for row in self.admin.get("/api/registries").json}
        if name in rows:
            return int(rows[name])
        token = self.admin.post("/api/auth/tokens", {"name": name}).json["token"]
        form = {"name": name, "url": f"http://{self.running.address}", "username": "admin", "password": token}
        made = self.admin.post("/api/registries", form)
        assert made.status == 201, made.text
        return int(made.json["id"])


def logged_in(api: str, name: str = "admin", password: str = PASSWORD, **headers: str) -> Caller:
    """With the cookie of a new session."""
    answer = Caller(api).post("/api/auth/login", {"username": name, "password": password}, **headers)
    assert answer.status == 200, answer.text
    return Caller(api, {"Cookie": answer.cookie})


def set_up(running: ServedProduct) -> Caller:
    """The admin, through the set-up link as a browser goes."""
    assert running.setup is not None
    token = running.setup.partition("token=")[2]
    form = {"token": token, "username": "admin", "password": PASSWORD, "again": PASSWORD}
    answer = Caller(running.api)("POST", "/setup", form=form)
    assert answer.status == 303, answer.text
    return Caller(running.api, {"Cookie": answer.cookie})


@contextmanager
def unset(folder: Path, **settings: Any) -> Iterator[ServedProduct]:  # the settings' own types
    """A product that nobody has set up yet; `web` among the settings is where its web app is, nowhere by itself."""
    web: Path = settings.pop("web", NOWHERE)
    given = Settings(folder, **{"port": 0, "registry_port": 0, **settings})
    with served_product(given, Platform("linux", "amd64"), web) as running:
        yield running


@contextmanager
def house(folder: Path, **settings: Any) -> Iterator[House]:
    """A product with an admin."""
    with unset(folder, **settings) as running:
        yield House(running, set_up(running))


def done(caller: Caller, job: str) -> dict[str, object]:
    """The job, once it has ended: its stream ends then. Fails where that takes longer than WHOLE_SECONDS."""
    assert caller.get(f"/api/jobs/{job}", Accept=EVENTS).status == 200
    found: dict[str, object] = caller.get(f"/api/jobs/{job}").json
    return found
