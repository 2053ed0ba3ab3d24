"""Behind a proxy: whole URLs that lead back through it, where it is trusted; paths alone where it is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lading.oci.media_types import OCI_MANIFEST
from tests.conformance.conftest import Served
from tests.conformance.talking import Registry, with_query
from tests.fronts.registry_api.asking import digest_of, manifest

TOLD = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "hub.corp:8443", "X-Forwarded-Prefix": "/images"}
OUTSIDE = "https://hub.corp:8443/images"
CONTENT = b"content"
DIGEST = digest_of(CONTENT)


@pytest.fixture
def proxied(trusting: Served) -> Iterator[Registry]:
    """What is asked through a proxy that is trusted."""
    with Registry(trusting.address, trusting.login, TOLD) as connected:
        yield connected


def test_every_location_leads_through_a_trusted_proxy(proxied: Registry) -> None:
    """POST then PUT · end-4a, end-5, end-6, end-7a, end-13 · MAY: Location is absolute, as older clients need it."""
    begun = proxied.begin()
    patched = proxied.ask("PATCH", begun.location, CONTENT)
    status = proxied.ask("GET", patched.location)
    ended = proxied.ask("PUT", with_query(status.location, digest=DIGEST), b"")
    proxied.put_image("v1")
    pushed = proxied.put_manifest("v2", manifest(), OCI_MANIFEST)

    for reply in (begun, patched, status, ended, pushed):
        assert reply.headers["location"].startswith(f"{OUTSIDE}/v2/{proxied.repository}/")
    assert ended.headers["location"] == f"{OUTSIDE}/v2/{proxied.repository}/blobs/{DIGEST}"


def test_every_link_leads_through_a_trusted_proxy(proxied: Registry) -> None:
    """Listing Tags · end-8b · MUST: Link leads to the next page, for the client."""
    digest = proxied.put_image("v1")
    proxied.put_manifest(f"{digest}?tag=v2", manifest(), OCI_MANIFEST)

    reply = proxied.ask("GET", "tags/list?n=1")

    assert reply.headers["link"] == f'<{OUTSIDE}/v2/{proxied.repository}/tags/list?n=1&last=v1>; rel="next"'


@pytest.mark.parametrize("host", ["evil.example/x", 'evil".example', "a b", "user@evil.example"])
def test_what_is_no_host_is_passed_over(trusting: Served, host: str) -> None:
    """POST then PUT · end-4a · practice: only what a URL can hold is put into one."""
    with Registry(trusting.address, trusting.login, TOLD | {"X-Forwarded-Host": host}) as registry:
        location = registry.begin().headers["location"]

    assert location.startswith(f"/v2/{registry.repository}/")


def test_a_stranger_moves_no_location(registry: Registry) -> None:
    """POST then PUT · end-4a · MAY: Location is relative; what a client that is no trusted proxy says moves nothing."""
    registry.put_image("v1")

    reply = registry.ask("POST", "blobs/uploads/", b"", TOLD)

    assert reply.headers["location"].startswith(f"/v2/{registry.repository}/blobs/uploads/")
