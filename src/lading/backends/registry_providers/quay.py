"""Quay's API: the repositories of namespaces; private ones with an OAuth application's token, which a robot's is not.

GET https://quay.io/api/v1/repository?namespace=acme&public=true
{"repositories": [{"namespace": "acme", "name": "app"}], "next_page": "…"}
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from lading.backends.registry_providers.asking import Answer, Api, bearer, objects, parted, paths
from lading.services.registries.providers import API_TOKEN, NAMESPACES


def repositories(api: Api) -> Iterator[str]:
    """Namespace by namespace. Raises as Directories.repositories."""
    login = api.login
    headers = bearer(login.fields[API_TOKEN]) if API_TOKEN in login.fields else {}
    own = login.path.partition("/")[0] or login.username.partition("+")[0]
    for namespace in parted(login.fields.get(NAMESPACES, "")) or parted(own):
        first = f"{api.base(api.registry)}/api/v1/repository?{urlencode({'namespace': namespace, 'public': 'true'})}"

        def following(answer: Answer, first: str = first) -> str | None:
            page = answer.members.get("next_page")
            return f"{first}&{urlencode({'next_page': page})}" if isinstance(page, str) and page else None

        for answer in api.pages(first, headers, following):
            found = objects(answer.members.get("repositories"))
            yield from paths(f"{each.get('namespace')}/{each.get('name')}" for each in found)
