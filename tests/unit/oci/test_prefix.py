"""Parts of registries: read in every spelling, and what lies in them."""

from __future__ import annotations

import pytest

from lading.oci.prefix import Prefix
from lading.oci.reference import Repository


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("ghcr.io", Prefix("ghcr.io")),
        ("https://index.docker.io/v1/", Prefix("docker.io")),
        ("http://localhost:5000/v2/", Prefix("localhost:5000")),
        ("quay.io/acme/team/", Prefix("quay.io", "acme/team")),
    ],
)
def test_a_part_is_read_as_it_is_written_anywhere(text: str, prefix: Prefix) -> None:
    assert Prefix.read(text) == prefix
    assert Prefix.read(str(prefix)) == prefix


@pytest.mark.parametrize(
    ("path", "held"), [("acme", True), ("acme/web", True), ("acmes/web", False), ("other/acme", False)]
)
def test_a_part_holds_what_lies_at_or_below_it(path: str, held: bool) -> None:
    assert Prefix("quay.io", "acme").holds(Repository("quay.io", path)) is held
    assert Prefix("quay.io").holds(Repository("quay.io", path))
    assert not Prefix("ghcr.io").holds(Repository("quay.io", path))
