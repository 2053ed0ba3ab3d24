from __future__ import annotations

import pytest

from lading.services.blotting import without_secrets


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("the token lad_abcDEF-123_x was shown", "the token *** was shown"),
        ("https://ann:secret@registry.corp/v2/", "https://***@registry.corp/v2/"),
        ("{'Authorization': 'Basic YW5uOnNlY3JldA=='}", "{'Authorization': 'Basic ***'}"),
        ('"Bearer eyJh.bGci-Oi_J9"', '"Bearer ***"'),
        ("Cookie: session=abc123; theme=dark", "Cookie: session=***; theme=dark"),
        ("GET /setup?token=abc123&x=1", "GET /setup?token=***&x=1"),
        ("pushed team/app:1 to registry.corp:5000", "pushed team/app:1 to registry.corp:5000"),
        (
            "ann@example.com wrote to https://registry.corp/@team",
            "ann@example.com wrote to https://registry.corp/@team",
        ),
    ],
)
def test_what_looks_like_a_secret_is_blotted_out_and_nothing_else(text: str, kept: str) -> None:
    assert without_secrets(text) == kept
