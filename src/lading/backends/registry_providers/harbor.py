"""Harbor's API: the repositories of all projects that the login may see, or of one.

    GET https://<registry>/api/v2.0[/projects/<name>]/repositories?page=1&page_size=100     [{"name": "project/app"}]

It sets a cookie, and refuses what comes back with one: we keep none.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

from lading.backends.registry_providers.asking import Api, basic, objects, paths

_PAGE = 100
"""The most that it gives at a time."""


def repositories(api: Api) -> Iterator[str]:
    """Raises as Directories.repositories."""
    login = api.login
    headers = basic(login.username, login.secret) if login.secret else {}
    project = login.path.partition("/")[0]
    where = f"/projects/{quote(project, safe='')}" if project else ""
    first = f"{api.base(api.registry)}/api/v2.0{where}/repositories?page=1&page_size={_PAGE}"
    for answer in api.pages(first, headers, lambda answer: answer.linked):
        yield from paths(each.get("name") for each in objects(answer.document))
