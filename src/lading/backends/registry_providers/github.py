"""GitHub's API: the container packages of the token's owner, or of whoever the registry is configured for.

GET https://api.github.com/user/packages?package_type=container
GET https://api.github.com/orgs/<name>/packages?…       404 where it is no organisation
GET https://api.github.com/users/<name>/packages?…
[{"name": "app", "owner": {"login": "acme"}}]           Link: <…>; rel="next"
"""

from __future__ import annotations

from collections.abc import Iterator

from lading.backends.registry_providers.asking import Api, Headers, bearer, objects, paths
from lading.errors import NotFound

URL = "https://api.github.com"
_PAGE = 100


def repositories(api: Api) -> Iterator[str]:
    """Raises as Directories.repositories."""
    headers = {
        **bearer(api.login.secret),
        "accept": "application/vnd.github+json",
        "x-github-api-version": "2022-11-28",
    }
    owner = api.login.path.partition("/")[0]
    if not owner:
        yield from _packages(api, "user", headers)
        return
    try:
        yield from _packages(api, f"orgs/{owner}", headers)
    except NotFound:
        yield from _packages(api, f"users/{owner}", headers)


def _packages(api: Api, whose: str, headers: Headers) -> Iterator[str]:
    first = f"{api.base(URL)}/{whose}/packages?package_type=container&per_page={_PAGE}"
    for answer in api.pages(first, headers, lambda answer: answer.linked):
        for each in objects(answer.document):
            owner = each.get("owner")
            login = owner.get("login") if isinstance(owner, dict) else None
            if isinstance(login, str):
                yield from paths([f"{login}/{each.get('name')}"])
