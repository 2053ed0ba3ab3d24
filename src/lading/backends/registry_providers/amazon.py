"""Amazon ECR: a login of 12 hours for an access key, and the repositories of an account in one region.

POST https://api.ecr.<region>.amazonaws.com/       X-Amz-Target: …V20150921.GetAuthorizationToken
{"authorizationData": [{"authorizationToken": base64("AWS:…"), "expiresAt": 1700000000.0}]}
X-Amz-Target: …V20150921.DescribeRepositories      {"maxResults": 1000, "nextToken": …}
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator

from lading.backends.registry_providers.asking import PAGE_LIMIT, Answer, Api, objects, paths
from lading.backends.registry_providers.aws_signature import Key, Place, signed
from lading.backends.registry_providers.refusals import AnswerUnreadable
from lading.services.registries.minting import Minted
from lading.services.registries.provider_fields import ProviderFieldInvalid
from lading.services.registries.providers import REGION, SESSION_TOKEN, Provider
from lading.wire.message import BytesContent, Request

_HOST = re.compile(r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\..+")
_TARGET = "AmazonEC2ContainerRegistry_V20150921."
_PAGE = 1000
"""As many repositories as it gives at a time."""


def mint(api: Api) -> Minted:
    """Raises as Minting.mint."""
    answer = _call(api, "GetAuthorizationToken", {})
    given = next(objects(answer.members.get("authorizationData")), None)
    token, expires = (given or {}).get("authorizationToken"), (given or {}).get("expiresAt")
    if not isinstance(token, str) or not isinstance(expires, int | float):
        raise AnswerUnreadable(answer.request.url, "it has no authorizationToken that ends")
    try:
        username, colon, password = base64.b64decode(token, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        username, colon, password = "", "", ""
    if not colon or not password:
        raise AnswerUnreadable(answer.request.url, "its authorizationToken is no login")
    return Minted(username, password, float(expires))


def repositories(api: Api) -> Iterator[str]:
    """In the provider's order. Raises as Directories.repositories."""
    match = _HOST.fullmatch(api.login.endpoint.host)
    asked: dict[str, object] = {"maxResults": _PAGE} | ({"registryId": match["account"]} if match else {})
    for _ in range(PAGE_LIMIT):
        answer = _call(api, "DescribeRepositories", asked)
        yield from paths(each.get("repositoryName") for each in objects(answer.members.get("repositories")))
        following = answer.members.get("nextToken")
        if not isinstance(following, str) or not following or following == asked.get("nextToken"):
            return
        asked["nextToken"] = following


def _call(api: Api, action: str, asked: dict[str, object]) -> Answer:
    login = api.login
    match = _HOST.fullmatch(login.endpoint.host)
    region = login.fields.get(REGION) or (match["region"] if match else None)
    if region is None:
        raise ProviderFieldInvalid(Provider.AMAZON, REGION, "is missing, and the registry's host names none")
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    url = f"{api.base(f'https://api.ecr.{region}.{domain}')}/"
    body = json.dumps(asked).encode()
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": _TARGET + action}
    key = Key(login.username, login.secret, login.fields.get(SESSION_TOKEN))
    place = Place(region, "ecr")
    sent = signed("POST", url, headers, body, key=key, place=place, now=api.clock())
    return api.ask(Request("POST", url, sent, BytesContent(body)))
