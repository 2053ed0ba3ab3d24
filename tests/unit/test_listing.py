"""`lading ls HOST`: which of the two ways is asked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lading.engine.cancel import Cancellation
from lading.errors import AccessDenied, LadingError, RateLimited
from lading.main.listing import ListingProbe
from lading.services.registries.minting import ProviderLogin
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel
from tests.fakes.logins import Probe

ANN = Credential("ann", "token")


class Listed:
    """Fulfils Directories."""

    def __init__(self, failure: LadingError | None = None) -> None:
        self.failure = failure
        self.asked: list[ProviderLogin] = []

    def repositories(self, login: ProviderLogin, cancel: Cancel) -> Iterator[str]:
        self.asked.append(login)
        yield "acme/app"
        if self.failure is not None:
            raise self.failure


def listing(host: str, credential: Credential | None, listed: Listed) -> list[str]:
    probe = Probe()
    there = ListingProbe(probe, lambda: listed, lambda _repository: credential, Endpoint, Cancellation)
    return list(there.repositories(host))


@pytest.mark.parametrize(
    ("host", "credential", "asked"),
    [
        ("ghcr.io", ANN, True),
        ("ghcr.io", None, False),
        ("r.example:5000", ANN, False),
        ("1.dkr.ecr.eu.amazonaws.com", ANN, True),
        ("1.dkr.ecr.eu.amazonaws.com", Credential("AWS", "password"), False),
        ("eu-docker.pkg.dev", Credential("_json_key", '{"private_key": ""}'), True),
        ("eu-docker.pkg.dev", Credential("oauth2accesstoken", "token"), False),
        ("docker.io", ANN, True),
        ("docker.io", None, False),
        ("me.azurecr.io", ANN, False),
    ],
)
def test_a_provider_is_asked_with_a_login_that_it_knows(host: str, credential: Credential | None, asked: bool) -> None:
    listed = Listed()

    names = listing(host, credential, listed)

    assert bool(listed.asked) is asked
    assert (names == ["acme/app"]) is asked


def test_where_the_provider_refuses_the_catalog_is_asked() -> None:
    assert listing("ghcr.io", ANN, Listed(AccessDenied())) == list(Probe().repositories("ghcr.io"))


def test_a_limited_rate_is_no_reason_to_ask_elsewhere() -> None:
    with pytest.raises(RateLimited):
        listing("ghcr.io", ANN, Listed(RateLimited()))
