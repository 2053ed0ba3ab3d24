"""Clients that are sent to an object store for what is large: who may read it, with the range that they want."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.fronts.registry_api.content import SENT_ON, SENT_ON_SECONDS
from lading.fronts.registry_api.serving import registry_application
from lading.oci.digest import Digest
from tests.fakes.records import MemoryLeases
from tests.fakes.repository_records import MemoryRecords
from tests.fronts.registry_api.asking import Asker, manifest

LARGE = bytes(SENT_ON)


@dataclass
class Signing:
    """Fulfils Elsewhere, and remembers for how long."""

    seconds: list[float] = field(default_factory=list)

    def signed_url(self, digest: Digest, seconds: float) -> str:
        self.seconds.append(seconds)
        return f"https://s3.example.com/images/{digest.encoded}?X-Amz-Signature=abc"


@pytest.fixture
def signing() -> Signing:
    return Signing()


@pytest.fixture
def ask(tmp_path: Path, signing: Signing) -> Iterator[Asker]:
    with closing(ContentFolder(tmp_path / "content", MemoryLeases())) as content:
        yield Asker(registry_application(MemoryRecords(), content, elsewhere=signing))


@pytest.mark.parametrize("fields", [{}, {"range": "bytes=5-9"}])
def test_who_wants_a_large_blob_is_sent_on(ask: Asker, signing: Signing, fields: dict[str, str]) -> None:
    digest = ask.put_blob("team/app", LARGE)

    told = ask("GET", f"/v2/team/app/blobs/{digest}", fields=fields)

    assert (told.status, told.body) == (307, b"")
    encoded = digest.partition(":")[2]
    assert told.headers["location"] == f"https://s3.example.com/images/{encoded}?X-Amz-Signature=abc"
    assert told.headers["cache-control"] == "no-store"
    assert told.headers["docker-content-digest"] == digest
    assert signing.seconds == [SENT_ON_SECONDS]


def test_a_head_a_small_blob_and_a_manifest_are_answered_here(ask: Asker, signing: Signing) -> None:
    large, small = ask.put_blob("team/app", LARGE), ask.put_blob("team/app", LARGE[1:])
    image = ask.put_image("team/app", "1", LARGE)

    assert ask("HEAD", f"/v2/team/app/blobs/{large}").headers["content-length"] == str(len(LARGE))
    assert ask("GET", f"/v2/team/app/blobs/{small}").body == LARGE[1:]
    assert ask("GET", f"/v2/team/app/manifests/{image}").body == manifest(LARGE)
    assert not signing.seconds


def test_what_the_repository_does_not_hold_is_signed_for_nobody(ask: Asker, signing: Signing) -> None:
    digest = ask.put_blob("team/app", LARGE)
    ask.put_blob("other/app", b"{}")

    assert ask("GET", f"/v2/other/app/blobs/{digest}").status == 404
    assert not signing.seconds
