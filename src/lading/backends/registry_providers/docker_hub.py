"""Docker Hub's own API: the repositories of a user and of the organisations they are in.

    POST https://hub.docker.com/v2/auth/token            {"identifier": …, "secret": …}
    GET  https://hub.docker.com/v2/user/orgs
    GET  https://hub.docker.com/v2/namespaces/<name>/repositories    {"results": [{"name": …}], "next": <URL>}

Without a login the public ones of the namespaces that are named.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

from lading.backends.registry_providers.asking import Answer, Api, Headers, bearer, objects, parted, paths
from lading.errors import AccessDenied, NotFound
from lading.services.registries.providers import NAMESPACES
from lading.wire.message import BytesContent, Request

URL = "https://hub.docker.com"
_PAGE = 100


def repositories(api: Api) -> Iterator[str]:
    """Namespace by namespace. Raises as Directories.repositories."""
    base = f"{api.base(URL)}/v2"
    headers = _logged_in(api, base) if api.login.secret else {}
    for namespace in _namespaces(api, base, headers):
        first = f"{base}/namespaces/{quote(namespace, safe='')}/repositories?page_size={_PAGE}"
        for answer in api.pages(first, headers, _next):
            yield from paths(f"{namespace}/{each.get('name')}" for each in objects(answer.members.get("results")))


def _logged_in(api: Api, base: str) -> Headers:
    body = json.dumps({"identifier": api.login.username, "secret": api.login.secret}).encode()
    headers = {"content-type": "application/json", "accept": "application/json"}
    return bearer(api.ask(Request("POST", f"{base}/auth/token", headers, BytesContent(body))).text("access_token"))


def _namespaces(api: Api, base: str, headers: Headers) -> Iterator[str]:
    named = parted(api.login.fields.get(NAMESPACES, ""))
    if named:
        yield from named
        return
    if not api.login.username:
        return
    yield api.login.username.lower()
    try:
        for answer in api.pages(f"{base}/user/orgs?page_size={_PAGE}", headers, _next):
            yield from paths(each.get("orgname") for each in objects(answer.members.get("results")))
    except (AccessDenied, NotFound):  # an organisation's own token is in none
        return


def _next(answer: Answer) -> str | None:
    following = answer.members.get("next")
    return following if isinstance(following, str) and following else None
