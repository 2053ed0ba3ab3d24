from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from lading.backends.registry_providers.amazon import mint as amazon_mint
from lading.backends.registry_providers.asking import Api
from lading.backends.registry_providers.minting import ProviderMinting
from lading.backends.registry_providers.refusals import AnswerUnreadable, ProviderRefused
from lading.engine.cancel import Cancellation
from lading.errors import LadingError
from lading.services.registries.minting import Minted, ProviderLogin
from lading.services.registries.provider_fields import ProviderFieldInvalid
from lading.services.registries.providers import Provider
from lading.wire.authorize import PlainTextLogin
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel, Request, Response
from lading.wire.registry_errors import TooManyRequests
from tests.fakes.clock import WaitingClock
from tests.fakes.played_providers import (
    CLIENT,
    CLIENT_SECRET,
    KEY_ID,
    NULL_USER,
    SECRET_KEY,
    SESSION,
    TENANT,
    service_key,
)
from tests.fakes.scripted_server import Reply
from tests.unit.registry_providers.conftest import NOW, World

SECRETS = (SECRET_KEY, SESSION, CLIENT_SECRET)


def mint(world: World, login: ProviderLogin, waiting: WaitingClock | None = None) -> Minted:
    pause = (waiting or WaitingClock()).pause
    return ProviderMinting(world.apis).mint(login, Cancellation(pause=pause))


def amazon(world: World, key: str = SECRET_KEY, **fields: str) -> ProviderLogin:
    return world.login(Provider.AMAZON, "/aws", KEY_ID, key, **{"region": "eu-central-1", **fields})


def azure(world: World, secret: str = CLIENT_SECRET) -> ProviderLogin:
    return world.login(Provider.AZURE, "/entra", CLIENT, secret, tenant=TENANT)


def test_amazon_gives_a_login_of_hours_for_a_key(world: World) -> None:
    world.providers.life = 12 * 3600.0

    minted = mint(world, amazon(world))

    assert (minted.username, minted.expires) == ("AWS", NOW + 12 * 3600)
    assert (minted.username, minted.secret) in world.providers.minted
    assert minted.secret not in repr(minted)


def test_amazon_takes_a_temporary_key_with_its_token(world: World) -> None:
    assert mint(world, amazon(world, sessionToken=SESSION)).username == "AWS"
    with pytest.raises(ProviderRefused, match="ExpiredTokenException"):
        mint(world, amazon(world, sessionToken="an older one"))


def test_google_gives_a_token_of_an_hour_for_a_service_account(world: World) -> None:
    minted = mint(world, world.login(Provider.GOOGLE, "/google", secret=world.key))

    assert (minted.username, minted.expires) == ("oauth2accesstoken", NOW + 3600)


def test_azure_gives_the_registrys_own_token_until_it_says(world: World) -> None:
    world.providers.life = 10_800.0

    minted = mint(world, azure(world))

    assert minted.username == NULL_USER
    assert minted.expires == pytest.approx(NOW + 10_800)
    assert world.providers.asked.keys() == {f"/entra/{TENANT}/oauth2/v2.0/token", "/oauth2/exchange"}


def test_another_ones_key_is_refused_with_the_providers_reason(world: World) -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    wrong = [
        amazon(world, "another-secret-key"),
        azure(world, "another-secret"),
        world.login(Provider.GOOGLE, "/google", secret=service_key(stranger)),
    ]
    refused = []
    for login in wrong:
        with pytest.raises(ProviderRefused) as caught:
            mint(world, login)
        refused.append(caught.value.reason)

    assert refused == ["InvalidSignatureException", "invalid_client", "invalid_grant"]


def test_a_limited_rate_is_waited_for_where_that_is_short(world: World) -> None:
    waiting = WaitingClock()
    throttled = Reply(400, body=b'{"__type": "ThrottlingException"}')
    world.providers.limits += [Reply(429, [("retry-after", "3")]), throttled]

    assert mint(world, amazon(world), waiting).username == "AWS"
    assert waiting.waited == [3.0, 2.0]


def test_a_rate_that_stays_limited_is_reported(world: World) -> None:
    world.providers.limits += [Reply(400, body=b'{"__type": "ThrottlingException"}')] * 10

    with pytest.raises(TooManyRequests):
        mint(world, amazon(world))


def test_a_limited_rate_is_reported_where_it_lasts(world: World) -> None:
    world.providers.limits.append(Reply(429, [("retry-after", "3600")]))

    with pytest.raises(TooManyRequests) as caught:
        mint(world, amazon(world))
    assert caught.value.seconds == 3600


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"authorizationData": [{"authorizationToken": "QVdT", "expiresAt": 1}]}',
        b"[" * 100_000,
    ],
)
def test_an_odd_answer_is_no_login(world: World, body: bytes) -> None:
    world.providers.limits.append(Reply(200, body=body))

    with pytest.raises(AnswerUnreadable):
        mint(world, amazon(world))


def test_a_host_that_names_no_region_needs_the_field(world: World) -> None:
    with pytest.raises(ProviderFieldInvalid, match="region"):
        mint(world, amazon(world, region=""))


def test_a_key_is_not_sent_in_plain_http_to_elsewhere(world: World) -> None:
    login = ProviderLogin(
        Provider.AZURE,
        Endpoint("r.azurecr.io"),
        "",
        CLIENT,
        CLIENT_SECRET,
        {"tenant": TENANT, "apiUrl": "http://x.example"},
    )

    with pytest.raises(PlainTextLogin):
        mint(world, login)


def test_no_secret_is_in_what_an_error_says(world: World) -> None:
    for login in (amazon(world, "another-secret-key"), azure(world, "another-secret")):
        with pytest.raises(LadingError) as caught:
            mint(world, login)
        shown = f"{caught.value!s} {caught.value!r} {login!r} {caught.value.raw}"
        assert not any(secret in shown for secret in (*SECRETS, "another-secret"))


def test_a_registry_at_amazon_is_asked_where_its_host_says(world: World) -> None:
    """In China the API has another domain."""
    login = ProviderLogin(
        Provider.AMAZON, Endpoint("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"), "", KEY_ID, SECRET_KEY
    )
    asked: list[str] = []

    class Watching:
        def send(self, request: Request, cancel: Cancel, passed: Callable[[int], None] = print) -> Response:
            asked.append(request.url)
            return Response(200, body=b"{}")

    api = Api(Watching(), login, Cancellation(), world.clock, lambda: 0.0)

    with pytest.raises(AnswerUnreadable):
        amazon_mint(api)
    assert asked == ["https://api.ecr.cn-north-1.amazonaws.com.cn/"]
