"""A provider asked over HTTP: what it says of itself, how codes are redeemed, and where claims are found."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

import pytest

from lading.backends.openid.discovery import AGAIN_SECONDS, FRESH_SECONDS
from lading.backends.openid.provider import Client, OpenIdProvider, found
from lading.backends.openid.refusals import ClientRefused, PlainTextProvider, ProviderUnreadable
from lading.engine.cancel import Cancellation
from lading.errors import LadingError, ProtocolBroken
from lading.services.identity.identity_provider import CodeShown, Doubt, Identity, IdentityDoubtful, LoginWanted
from lading.services.identity.identity_records import Subject
from lading.wire.message import ConnectFailed
from tests.fakes.people import SetClock
from tests.fakes.signed_identities import CLIENT, ISSUER, NOW, PlayedProvider, answer, claims, public, rsa, signed
from tests.fakes.transport import PlayedTransport

SHOWN = CodeShown("the-code", "https://lading.corp/back", "n", "v" * 43)


class Scene:
    """One provider, and one client of it."""

    def __init__(self, secret: str | None = "s:e/c", groups: str = "groups") -> None:
        self.played = PlayedProvider(token=signed(claims(), rsa("one")))
        self.transport, self.clock = PlayedTransport(self.played), SetClock(NOW)
        client = Client(ISSUER, CLIENT, secret, ("profile",), groups)
        self.provider = OpenIdProvider(client, self.transport, self.clock, self.clock)

    def says(self, **changed: object) -> None:
        self.played.token = signed(claims(**changed), rsa("one"))

    def identity(self, shown: CodeShown = SHOWN) -> Identity:
        with Cancellation() as cancel:
            return self.provider.identity(shown, cancel)

    def url(self) -> str:
        with Cancellation() as cancel:
            return self.provider.login_url(LoginWanted("https://lading.corp/back", "st", "no", "ch"), cancel)

    @property
    def paths(self) -> list[str]:
        return [line.partition("/realms/house")[2] for line in self.transport.lines]


def test_a_browser_is_sent_with_everything_that_protects_a_login() -> None:
    parts = urlsplit(Scene().url())

    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{ISSUER}/auth"
    assert parse_qs(parts.query) == {
        "kind": ["house"],
        "response_type": ["code"],
        "client_id": [CLIENT],
        "redirect_uri": ["https://lading.corp/back"],
        "scope": ["openid profile"],
        "state": ["st"],
        "nonce": ["no"],
        "code_challenge": ["ch"],
        "code_challenge_method": ["S256"],
    }


def test_a_code_is_redeemed_with_its_verifier() -> None:
    scene = Scene()
    scene.says(preferred_username="Ada", email="ada@corp.test", groups=["ops", 7, ""])

    identity = scene.identity()

    assert identity == Identity(Subject(ISSUER, "s-1"), ("Ada", "ada@corp.test"), frozenset({"ops"}))
    assert scene.played.forms == [
        {
            "grant_type": "authorization_code",
            "code": "the-code",
            "redirect_uri": "https://lading.corp/back",
            "code_verifier": "v" * 43,
        }
    ]
    login = scene.transport.asked[1].authorization
    assert login is not None
    assert base64.b64decode(login.removeprefix("Basic ")).decode() == "lading:s%3Ae%2Fc"
    assert scene.paths == ["/.well-known/openid-configuration", "/token", "/keys"]


def test_a_secret_goes_into_the_form_where_only_that_is_taken() -> None:
    scene = Scene()
    scene.played.document["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    scene.says(preferred_username="ada", groups=[])
    scene.identity()

    assert scene.played.forms[0]["client_secret"] == "s:e/c"
    assert scene.transport.asked[1].authorization is None


def test_a_client_without_a_secret_names_itself() -> None:
    scene = Scene(secret=None)
    scene.says(preferred_username="ada", groups=[])
    scene.identity()

    assert scene.played.forms[0]["client_id"] == CLIENT
    assert "client_secret" not in scene.played.forms[0]
    assert scene.transport.asked[1].authorization is None


def test_what_the_token_does_not_say_is_asked_of_userinfo() -> None:
    scene = Scene()
    scene.played.userinfo = {"sub": "s-1", "preferred_username": "ada", "groups": "ops", "iss": "https://evil.test"}

    identity = scene.identity()

    assert identity == Identity(Subject(ISSUER, "s-1"), ("ada",), frozenset({"ops"}))
    assert scene.transport.asked[-1].authorization == "Bearer opens-me"


def test_userinfo_of_another_person_is_not_taken() -> None:
    scene = Scene()
    scene.played.userinfo = {"sub": "s-2", "groups": ["ops"]}

    with pytest.raises(IdentityDoubtful) as failed:
        scene.identity()
    assert failed.value.doubt is Doubt.SUBJECT


def test_groups_may_be_further_in() -> None:
    scene = Scene(groups="realm_access.roles")
    scene.says(preferred_username="ada", realm_access={"roles": ["ops"]})

    assert scene.identity().groups == {"ops"}
    assert found({"https://corp.test/groups": ["a"]}, "https://corp.test/groups") == ["a"]
    assert found({"a": "b"}, "a.b.c") is None


def test_a_new_key_is_fetched_and_not_for_every_token() -> None:
    scene = Scene()
    scene.says(preferred_username="ada", groups=[])
    scene.identity()
    scene.played.keys = [public(rsa("new"))]
    scene.played.token = signed(claims(preferred_username="ada", groups=[]), rsa("new"))

    with pytest.raises(IdentityDoubtful):
        scene.identity()
    scene.clock.now += AGAIN_SECONDS
    scene.identity()
    scene.identity()

    assert scene.paths.count("/keys") == 2
    assert scene.paths.count("/.well-known/openid-configuration") == 1


def test_what_a_provider_says_of_itself_is_believed_for_an_hour() -> None:
    scene = Scene()
    scene.url()
    scene.url()
    scene.clock.now += FRESH_SECONDS
    scene.url()

    assert scene.paths == ["/.well-known/openid-configuration"] * 2


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"issuer": f"{ISSUER}/"}, "its issuer is not exactly"),
        ({"issuer": "https://evil.test"}, "its issuer is not exactly"),
        ({"token_endpoint": None}, "it has no token_endpoint"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "it has no authorization_endpoint"),
        ({"jwks_uri": "https://[::1"}, "it has no jwks_uri"),
        ({"userinfo_endpoint": 7}, "it has no userinfo_endpoint"),
    ],
)
def test_what_says_something_else_of_itself_is_no_provider(changed: dict[str, object], said: str) -> None:
    scene = Scene()
    scene.played.document |= changed

    with pytest.raises(ProviderUnreadable, match=said):
        scene.url()


def test_no_code_goes_where_there_is_no_tls() -> None:
    scene = Scene()
    scene.played.document["token_endpoint"] = "http://sign-on.corp/token"

    with pytest.raises(PlainTextProvider):
        scene.identity()
    assert scene.paths == ["/.well-known/openid-configuration"]


def test_the_way_to_another_host_says_who_named_it() -> None:
    """So that the transport goes to no private network for it."""
    scene = Scene()
    scene.played.document["token_endpoint"] = "https://169.254.169.254/token"
    refused = ConnectFailed("169.254.169.254", "refused")
    scene.transport.trouble("POST", refused)

    with pytest.raises(ConnectFailed):
        scene.identity()
    assert scene.transport.asked[-1].request.referred_by == "sign-on.corp"


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        (answer({"error": "invalid_grant"}, 400), IdentityDoubtful),
        (answer({"error": "invalid_client"}, 401), ClientRefused),
        (answer({"error": "unauthorized_client"}, 400), ClientRefused),
        (answer("no", 403), ClientRefused),
        (answer({}, 500), LadingError),
        (answer({"error": "<script>"}, 401), ClientRefused),
        (answer([]), ProtocolBroken),
        (answer({"id_token": 7}), ProviderUnreadable),
    ],
)
def test_a_refusal_is_told_as_whose_fault_it_is(refusal: object, error: type[LadingError]) -> None:
    scene = Scene()
    scene.played.refusal = refusal  # type: ignore[assignment]  # a response, by its table

    with pytest.raises(error) as failed:
        scene.identity()
    assert "<script>" not in str(failed.value)
    assert "s:e/c" not in repr(failed.value)


@pytest.mark.parametrize(("says", "said", "taken"), [(False, None, True), (True, None, False), (True, ISSUER, True)])
def test_a_provider_that_names_itself_has_to(says: bool, said: str | None, taken: bool) -> None:
    scene = Scene()
    scene.says(preferred_username="ada", groups=[])
    scene.played.document["authorization_response_iss_parameter_supported"] = says
    shown = CodeShown("the-code", SHOWN.redirect, "n", "v", said)

    if taken:
        assert scene.identity(shown).subject.subject == "s-1"
    else:
        with pytest.raises(IdentityDoubtful):
            scene.identity(shown)


def test_another_providers_answer_is_not_redeemed() -> None:
    scene = Scene()

    with pytest.raises(IdentityDoubtful) as failed:
        scene.identity(CodeShown("the-code", SHOWN.redirect, "n", "v", "https://evil.test"))
    assert failed.value.doubt is Doubt.SENDER
    assert "/token" not in scene.paths


def test_no_secret_is_in_what_is_printed() -> None:
    scene = Scene()

    assert "s:e/c" not in repr(Client(ISSUER, CLIENT, "s:e/c"))
    assert "the-code" not in repr(SHOWN)
    assert scene.transport.asked == []
