"""GitLab's API: the registry repositories of a group with all its projects, of a project, or of all one is a member of.

GET <gitlab>/api/v4/groups/<path>/registry/repositories      [{"path": "group/project/image"}]
GET <gitlab>/api/v4/projects/<path>/registry/repositories    404 above where it is no group
GET <gitlab>/api/v4/projects?membership=true                 [{"id": 1, "container_registry_access_level": …}]
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from lading.backends.registry_providers.asking import Api, Headers, objects, paths
from lading.errors import AccessDenied, NotFound

URL = "https://gitlab.com"
_PAGE = 100


def repositories(api: Api) -> Iterator[str]:
    """Raises as Directories.repositories."""
    headers = {"private-token": api.login.secret}
    base = f"{api.base(URL)}/api/v4"
    if api.login.path:
        yield from _under(api, base, headers)
        return
    first = f"{base}/projects?membership=true&simple=true&order_by=id&per_page={_PAGE}"
    for answer in api.pages(first, headers, lambda answer: answer.linked):
        for project in objects(answer.document):
            if isinstance(project.get("id"), int):
                yield from _of_one(api, f"{base}/projects/{project['id']}", headers)


def _under(api: Api, base: str, headers: Headers) -> Iterator[str]:
    path = quote(api.login.path, safe="")
    try:
        yield from _listed(api, f"{base}/groups/{path}", headers)
    except NotFound:
        yield from _listed(api, f"{base}/projects/{path}", headers)


def _of_one(api: Api, place: str, headers: Headers) -> Iterator[str]:
    """Projects whose registry is off, or not for this member, have none."""
    try:
        yield from _listed(api, place, headers)
    except (AccessDenied, NotFound):
        return


def _listed(api: Api, place: str, headers: Headers) -> Iterator[str]:
    for answer in api.pages(f"{place}/registry/repositories?per_page={_PAGE}", headers, lambda answer: answer.linked):
        yield from paths(each.get("path") for each in objects(answer.document))
