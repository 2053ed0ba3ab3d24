"""Azure Container Registry: a refresh token of hours for a service principal.

    POST https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token   grant_type=client_credentials
    POST https://<registry>/oauth2/exchange                             grant_type=access_token&service=<registry>

The registry sees a token of Entra's and never the principal's secret.
https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md
"""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

from lading.backends.registry_providers.asking import Api
from lading.services.registries.minting import Minted
from lading.services.registries.providers import TENANT

LOGIN_URL = "https://login.microsoftonline.com"
SCOPE = "https://containerregistry.azure.net/.default"
USERNAME = "00000000-0000-0000-0000-000000000000"
"""What the registry calls whoever brings a token."""

LIFE = 3 * 60 * 60.0
"""Seconds that a refresh token is good for where it does not say."""

LONGEST = 30 * 24 * 60 * 60.0


def mint(api: Api) -> Minted:
    """Raises as Minting.mint."""
    login, tenant = api.login, api.login.fields[TENANT]
    given = api.post_form(
        f"{api.base(LOGIN_URL)}/{quote(tenant, safe='')}/oauth2/v2.0/token",
        {
            "grant_type": "client_credentials",
            "client_id": login.username,
            "client_secret": login.secret,
            "scope": SCOPE,
        },
    ).text("access_token")
    began = api.clock()
    service = login.endpoint.host
    asked = {"grant_type": "access_token", "service": service, "tenant": tenant, "access_token": given}
    token = api.post_form(f"{api.registry}/oauth2/exchange", asked).text("refresh_token")
    return Minted(USERNAME, token, began + _life(token, began))


def _life(token: str, now: float) -> float:
    """From the token's own `exp`, which is only believed of a life that can be: nobody but the registry checks it."""
    body = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        left = float(claims["exp"]) - now
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError):
        return LIFE
    return left if 0 < left <= LONGEST else LIFE
