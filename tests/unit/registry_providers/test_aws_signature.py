"""The examples that Amazon publishes of its own signature (AWS Signature Version 4 test suite)."""

from __future__ import annotations

import pytest

from lading.backends.registry_providers.aws_signature import Key, Place, signed

KEY = Key("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
PLACE = Place("us-east-1", "service")
NOW = 1440938160.0
"""2015-08-30T12:36:00Z."""


@pytest.mark.parametrize(
    ("method", "signature"),
    [
        ("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),  # get-vanilla
        ("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),  # post-vanilla
    ],
)
def test_it_signs_as_amazon_does(method: str, signature: str) -> None:
    headers = signed(method, "https://example.amazonaws.com/", {}, b"", key=KEY, place=PLACE, now=NOW)

    assert headers["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={signature}"
    )
    assert headers["x-amz-date"] == "20150830T123600Z"


def test_a_temporary_keys_token_is_sent_and_signed() -> None:
    key = Key(KEY.id, KEY.secret, "a-session")
    headers = signed("GET", "https://example.amazonaws.com/", {}, b"", key=key, place=PLACE, now=NOW)

    assert headers["x-amz-security-token"] == "a-session"
    assert "SignedHeaders=host;x-amz-date;x-amz-security-token," in headers["authorization"]
    assert KEY.secret not in repr(key) + repr(headers)
    assert "a-session" not in repr(key)
