"""`lading ls` and `search` at a server: what its configured registries hold, and its own."""

from __future__ import annotations

from urllib.parse import urlsplit

from lading.errors import NotFound
from lading.fronts.cli.far.moving import hosts_of
from lading.fronts.cli.far.server import Columns, Row, number, refuse_flags, server_of, word
from lading.fronts.cli.invocation import Invocation
from lading.oci.reference import HUB, Reference, canonical_registry, is_registry
from lading.wire.message import Cancel

_OURS_ALONE = ("insecure", "tls-ca", "username", "password")
OWN: Row = {}
"""In place of a configured registry: the server's own."""


class NotConfiguredThere(NotFound):
    """The server asks only registries that it is configured with."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host
        self.hint = f"lading registry add NAME {host}"

    def __str__(self) -> str:
        return f"the server has no registry {self.host}"


def ls(invocation: Invocation, *, place: str) -> None:
    """The tags of a repository, or the repositories of a registry."""
    refuse_flags(invocation, *_OURS_ALONE)
    server, host = server_of(invocation), place.rstrip("/")
    with invocation.cancellable() as cancel:
        if is_registry(host) and "/" not in host:
            row = registry_row(invocation, canonical_registry(host), cancel)
            path = "/api/repositories" if row is OWN else "/api/registry/catalog"
            found = server.rows(path, cancel, None if row is OWN else {"registry": number(row, "id")})
            _print(invocation, found, "repositories", f"{host}/")
            return
        repository = Reference.parse(place).repository
        row = registry_row(invocation, repository.registry, cancel)
        if row is OWN:
            found = server.rows(f"/api/repositories/{repository.path.replace('/', '%2F')}/tags", cancel)
        else:
            query: dict[str, str | int | None] = {"registry": number(row, "id"), "repository": repository.path}
            found = server.rows("/api/registry/tags", cancel, query)
    _print(invocation, found, "tags", f"{repository.familiar}:")


def search(invocation: Invocation, *, text: str) -> None:
    """Without a host Docker Hub is searched."""
    refuse_flags(invocation, *_OURS_ALONE)
    first, _, rest = text.partition("/")
    host, term = (first, rest) if rest and is_registry(first) else (HUB, text)
    with invocation.cancellable() as cancel:
        row = registry_row(invocation, canonical_registry(host), cancel)
        if row is OWN:
            found = server_of(invocation).rows("/api/repositories", cancel, {"filter": term})
        else:
            query: dict[str, str | int | None] = {"registry": number(row, "id"), "term": term}
            found = server_of(invocation).rows("/api/registry/search", cancel, query)
    _print(invocation, found, "repositories", "" if host == HUB else f"{host}/")


def registry_row(invocation: Invocation, host: str, cancel: Cancel) -> Row:
    """The row of this host, or OWN. Raises NotConfiguredThere."""
    server = server_of(invocation)
    if host in hosts_of(server.registry(cancel), server.url):
        return OWN
    for row in server.rows("/api/registries", cancel):
        url = word(row, "url")
        named = urlsplit(url).netloc if "://" in url else url.partition("/")[0]
        if canonical_registry(named) == host:
            return row
    raise NotConfiguredThere(host)


def _print(invocation: Invocation, found: object, kind: str, start: str) -> None:
    """One name a line, as scripts read it."""
    rows = [{**row, "reference": f"{start}{word(row, 'name')}"} for row in found] if isinstance(found, list) else []
    invocation.console.say(f"{kind}: {len(rows)}")
    if invocation.form in {None, "table"}:
        for row in rows:
            invocation.console.print(word(row, "reference" if invocation.console.wishes.quiet else "name"))
        return
    Columns((), lambda row: (word(row, "name"),), lambda row: word(row, "reference")).print(invocation, rows)
