"""Google Artifact Registry: a token of one hour for a service account's key, and the images of a project.

    POST https://oauth2.googleapis.com/token    grant_type=…jwt-bearer&assertion=<RS256 by the key>   (RFC 7523)
    GET  https://artifactregistry.googleapis.com/v1/projects/P/locations/L/repositories[/R/packages]

The key names an address for tokens itself; it is not asked there, or whoever wrote the key could send us anywhere.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote

from lading.backends.registry_providers.asking import Answer, Api, bearer, objects, paths
from lading.services.registries.minting import Minted
from lading.services.registries.provider_fields import ProviderFieldInvalid, service_account
from lading.services.registries.providers import API_URL, Provider
from lading.wire.registry_urls import api_host

TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105  an address
LIST_URL = "https://artifactregistry.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
LIFE = 3600
"""Seconds that are asked for: the most that Google gives."""

USERNAME = "oauth2accesstoken"
"""What the registry calls whoever brings a token."""

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_PAGE = 1000


def mint(api: Api) -> Minted:
    """Raises as Minting.mint."""
    began = api.clock()
    url = f"{api.base('')}/token" if API_URL in api.login.fields else TOKEN_URL
    answer = api.post_form(url, {"grant_type": _GRANT, "assertion": _assertion(api.login.secret, began)})
    said = answer.members.get("expires_in")
    life = float(said) if isinstance(said, int | float) and 0 < said <= LIFE else float(LIFE)
    return Minted(USERNAME, answer.text("access_token"), began + life)


def _assertion(key_text: str, now: float) -> str:
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415  heavy, and of few registries
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415  as above

    service_account(key_text)  # refuses what is none
    key: Mapping[str, str] = json.loads(key_text)
    try:
        private = serialization.load_pem_private_key(key["private_key"].encode(), None)
    except (ValueError, TypeError) as error:
        raise ProviderFieldInvalid(Provider.GOOGLE, "password", "holds a private_key that cannot be read") from error
    if not isinstance(private, rsa.RSAPrivateKey):
        raise ProviderFieldInvalid(Provider.GOOGLE, "password", "holds a private_key that is not RSA")
    header = {"alg": "RS256", "typ": "JWT"} | ({"kid": key["private_key_id"]} if key.get("private_key_id") else {})
    begins = int(now)
    claims = {"iss": key["client_email"], "scope": SCOPE, "aud": TOKEN_URL, "iat": begins, "exp": begins + LIFE}
    text = f"{_encoded(json.dumps(header).encode())}.{_encoded(json.dumps(claims).encode())}"
    return f"{text}.{_encoded(private.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def repositories(api: Api) -> Iterator[str]:
    """Images under the project, or the repository of it, that the registry is configured for; without a path, under the
    key's own project. Raises as Directories.repositories."""
    headers = bearer(mint(api).secret)
    project, _, repository = api.login.path.partition("/")
    project = project or _project(api.login.secret)
    location = api_host(api.login.endpoint.host).partition(".")[0].removesuffix("-docker")
    base = f"{api.base(LIST_URL)}/v1/projects/{quote(project, safe='')}/locations/{quote(location, safe='')}"
    names = [repository.partition("/")[0]] if repository else list(_repositories(api, base, headers))
    for name in names:
        for answer in _pages(api, f"{base}/repositories/{quote(name, safe='')}/packages", headers):
            packages = (_last(each) for each in objects(answer.members.get("packages")))
            yield from paths(f"{project}/{name}/{package}" for package in packages if package)


def _repositories(api: Api, base: str, headers: Mapping[str, str]) -> Iterator[str]:
    """Those that hold images."""
    for answer in _pages(api, f"{base}/repositories", headers):
        for each in objects(answer.members.get("repositories")):
            if each.get("format") == "DOCKER" and _last(each):
                yield _last(each)


def _pages(api: Api, url: str, headers: Mapping[str, str]) -> Iterator[Answer]:
    first = f"{url}?pageSize={_PAGE}"

    def following(answer: Answer) -> str | None:
        token = answer.members.get("nextPageToken")
        return f"{first}&pageToken={quote(token, safe='')}" if isinstance(token, str) and token else None

    return api.pages(first, headers, following)


def _last(each: Mapping[str, object]) -> str:
    """`projects/p/locations/l/repositories/r/packages/a%2Fb` is called a/b."""
    name = each.get("name")
    return unquote(name.rpartition("/")[2]) if isinstance(name, str) else ""


def _project(key_text: str) -> str:
    project = json.loads(key_text).get("project_id")
    if not isinstance(project, str) or not project:
        raise ProviderFieldInvalid(Provider.GOOGLE, "url", "names no project, and neither does the key")
    return project
