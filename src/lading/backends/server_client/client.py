"""Questions to a server, each one exchange: JSON in, JSON out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import quote, urlencode

from lading.backends.server_client.faults import NotLading, ServerUnreachable, refused
from lading.backends.server_client.following import Heard, followed
from lading.backends.server_client.sending_archives import sent_archive
from lading.errors import LadingError, NetworkFailed, TlsRefused, Unreachable
from lading.wire.json_answers import read_json
from lading.wire.message import BytesContent, Cancel, Content, Reader, Request, Response, Transport

Json = dict[str, object]
Query = Mapping[str, str | int | None]

ANSWER_SECONDS = 300.0
"""How long an answer may take: a list of a host that is far away is asked for there and then."""

STREAM_SECONDS = 60.0
"""The longest silence of a stream: a comment comes every 15 s."""

PAGE = 200
MOST_PAGES = 2_000

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""As a server makes the ids of jobs (interfaces §2): they become parts of paths, and of commands that people copy."""

TRIES = 5
"""For what may be asked twice without harm."""


def path_of(*parts: str) -> str:
    """`/api/…` of these parts, each whole whatever it holds."""
    return "/api/" + "/".join(quote(part, safe="") for part in parts)


class ServerClient:
    """`url` is scheme://host[:port][/path] as people write it, `token` the login there, None for no login; `new_id`
    makes the names under which a job that is asked for twice is one. Thread-safe."""

    def __init__(self, transport: Transport, url: str, token: str | None, new_id: Callable[[], str]) -> None:
        self.url = url
        self._transport, self._token, self._new_id = transport, token, new_id

    def ask(self, method: str, path: str, cancel: Cancel, *, query: Query | None = None, body: object = None) -> object:
        """The JSON of the answer, None where it has none. Raises ServerAnswered, ServerUnreachable, NotLading."""
        return self._json(self._sent(method, path, cancel, query=query, body=body))

    def get(self, path: str, cancel: Cancel, query: Query | None = None) -> Json:
        """An object. Raises as `ask` does."""
        found = self.ask("GET", path, cancel, query=query)
        if not isinstance(found, dict):
            raise NotLading(self.url, "an object")
        return found

    def rows(self, path: str, cancel: Cancel, query: Query | None = None) -> Sequence[Json]:
        """A whole list, a page at a time. Raises as `ask` does."""
        return list(self._rows(path, cancel, query or {}))

    def started(self, path: str, cancel: Cancel, *, query: Query | None = None, body: object = None) -> str:
        """The id of the job that this makes: one, however often it has to be asked for. Raises as `ask` does."""
        key = {"Idempotency-Key": self._new_id()}
        for left in reversed(range(TRIES)):
            try:
                made = self._json(self._sent("POST", path, cancel, query=query, body=body, headers=key))
            except ServerUnreachable:
                if not left:
                    raise
                cancel.wait(2.0 ** (TRIES - left) / 4)
                continue
            job = made.get("jobId") if isinstance(made, dict) else None
            if isinstance(job, str) and _UUID.fullmatch(job):
                return job
            break
        raise NotLading(self.url, "the id of a job")

    def follow(self, job: str, cancel: Cancel) -> Iterator[Heard]:
        """What a job tells, from its beginning to its end, over whatever breaks in between. Raises JobOutOfSight, and
        as `ask` does."""
        return followed(self, job, cancel)

    @contextmanager
    def stream(
        self, path: str, cancel: Cancel, *, query: Query | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[Reader | None]:
        """An answer as it comes; None where there is no more to come (204). Raises as `ask` does; reading raises
        NetworkFailed."""
        response = self._sent("GET", path, cancel, query=query, headers=headers, streamed=True)
        if response.stream is None:
            yield None
            return
        try:
            yield response.stream
        finally:
            response.stream.close()

    def load(self, archive: Callable[[int], bytes], cancel: Cancel, query: Query | None = None) -> str:
        """The id of the job that loads an archive, whose next so many bytes `archive` gives. Raises as `ask` does."""
        return sent_archive(self, archive, cancel, query or {})

    def append(self, path: str, piece: bytes, cancel: Cancel, query: Query) -> Json:
        """A piece of something that comes by pieces. Raises as `ask` does."""
        found = self._json(self._sent("PATCH", path, cancel, query=query, content=BytesContent(piece)))
        return found if isinstance(found, dict) else {}

    def login(self, name: str, password: str, called: str, cancel: Cancel) -> str:
        """The secret of a new API token of this user's, which is `called` so there. The session that made it ends.
        Raises as `ask` does."""
        answered = self._sent(
            "POST", path_of("auth", "login"), cancel, body={"username": name, "password": password}, known=False
        )
        cookie = {"Cookie": answered.headers.get("set-cookie", "").partition(";")[0]}
        made = self._json(
            self._sent("POST", path_of("auth", "tokens"), cancel, body={"name": called}, headers=cookie, known=False)
        )
        self._sent("POST", path_of("auth", "logout"), cancel, headers=cookie, known=False)
        secret = made.get("token") if isinstance(made, dict) else None
        if not isinstance(secret, str):
            raise NotLading(self.url, "a token")
        return secret

    def _rows(self, path: str, cancel: Cancel, query: Query) -> Iterator[Json]:
        for page in range(1, MOST_PAGES + 1):
            found = self.get(path, cancel, {**query, "page": page, "limit": PAGE})
            items = found.get("items")
            if not isinstance(items, list):
                raise NotLading(self.url, "a list")
            yield from (item for item in items if isinstance(item, dict))
            if found.get("next") is None:
                return
        raise NotLading(self.url, "a list that ends")

    def _sent(
        self,
        method: str,
        path: str,
        cancel: Cancel,
        *,
        query: Query | None = None,
        body: object = None,
        content: Content | None = None,
        headers: Mapping[str, str] | None = None,
        known: bool = True,
        streamed: bool = False,
    ) -> Response:
        """`known`: with our login. Raises as `ask` does."""
        told = {name: value for name, value in (query or {}).items() if value is not None}
        fields = {"Accept": "*/*", **(headers or {})}
        if known and self._token is not None:
            fields["Authorization"] = f"Bearer {self._token}"
        if body is not None:
            fields["Content-Type"] = "application/json"
            content = BytesContent(json.dumps(body).encode())
        request = Request(
            method,
            self.url + path + (f"?{urlencode(told)}" if told else ""),
            fields,
            content,
            streamed=streamed,
            answer_seconds=ANSWER_SECONDS,
            stall_seconds=STREAM_SECONDS,
        )
        with self.answering():
            response = self._transport.send(request, cancel)
        if response.status >= 400:
            raise refused(response.status, _read(response.body))
        if response.status >= 300:
            raise NotLading(self.url, "what was asked for, but sends elsewhere")
        return response

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Inside, what the network does is told of this server. Raises ServerUnreachable."""
        try:
            yield
        except (TlsRefused, Unreachable):
            raise
        except NetworkFailed as error:
            raise ServerUnreachable(self.url, str(error)) from error

    def _json(self, response: Response) -> object:
        if not response.body.strip():
            return None
        try:
            return read_json(response.body)
        except ValueError as error:
            raise NotLading(self.url, "JSON") from error


def _read(body: bytes) -> object:
    """An error's body; None where it is no JSON, as a proxy's is."""
    try:
        return read_json(body)
    except (ValueError, LadingError):
        return None
