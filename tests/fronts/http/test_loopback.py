"""Which hosts are this machine alone."""

from __future__ import annotations

import pytest

from lading.fronts.http.loopback import is_loopback


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("LOCALHOST:5000", True),
        ("localhost.:80", True),
        ("a.b.localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9:1", True),
        ("[::1]:5000", True),
        ("", False),
        ("0.0.0.0", False),
        ("[::]", False),
        ("128.0.0.1", False),
        ("127.0.0.1.example.com", False),
        ("notlocalhost", False),
        ("localhost@example.com", False),
        ("localhost:5000:1", False),
        ("example.com", False),
    ],
)
def test_only_names_that_cannot_be_made_to_lead_elsewhere_are_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) == loopback
