"""The words that the API's description has for signatures are those that the services have."""

from __future__ import annotations

from typing import get_args, get_type_hints

from lading.fronts.rest_api.shapes.signatures import SignatureForm, TrustMode
from lading.fronts.rest_api.shapes.trust import TrustKey
from lading.proof.signing_keys import KeyKind
from lading.services.trust import trust
from lading.services.trust_modes import Mode


def test_the_described_words_are_the_services() -> None:
    assert get_args(TrustMode) == tuple(Mode)
    assert get_args(SignatureForm) == tuple(trust.SignatureForm)
    assert set(get_args(get_type_hints(TrustKey)["type"])) == set(KeyKind)
