"""What the URL of a configured registry means."""

from __future__ import annotations

import pytest

from lading.services.registries.forms import RegistryPlace
from lading.wire.endpoint import Tls


@pytest.mark.parametrize(
    ("url", "host", "path", "tls"),
    [
        ("registry.test", "registry.test", "", None),
        ("https://registry.test/v2/", "registry.test", "", Tls.VERIFY),
        ("HTTP://registry.test/v2", "registry.test", "", Tls.HTTP),
        ("registry.test/v2", "registry.test", "v2", None),
        ("registry.test/acme/team/", "registry.test", "acme/team", None),
        ("https://index.docker.io/v1/", "docker.io", "", Tls.VERIFY),
        ("index.docker.io/v1", "docker.io", "", None),
    ],
)
def test_a_path_is_the_part_of_the_registry_that_is_meant(url: str, host: str, path: str, tls: Tls | None) -> None:
    assert RegistryPlace.parse(url) == RegistryPlace(host, path, tls)
