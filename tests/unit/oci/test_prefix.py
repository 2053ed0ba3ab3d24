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
        ("HTTPS://registry.test/v2", Prefix("registry.test")),
        ("https://quay.io/acme", Prefix("quay.io", "acme")),
        ("https://registry.test/v2/acme", Prefix("registry.test", "v2/acme")),
        ("registry.test/v2", Prefix("registry.test", "v2")),
        ("registry.test/v1/", Prefix("registry.test", "v1")),
        ("index.docker.io/v1/", Prefix("docker.io")),
        ("docker.io/v2", Prefix("docker.io", "v2")),
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
