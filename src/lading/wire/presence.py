"""Whether a repository holds a blob (distribution-spec, Checking if content exists in the registry)."""

from __future__ import annotations

from lading.oci.digest import Digest
from lading.wire.locations import follow
from lading.wire.message import Conversation, Request
from lading.wire.registry_errors import refused
from lading.wire.registry_urls import BlobAt, url
from lading.wire.retry import TRANSIENT


def presence(origin: str, path: str, digest: Digest, size: int) -> Conversation[bool | None]:
    """Whether the repository holds the blob, whole; None where the answer leaves it open (some answer 403 or 405)."""
    head = Request("HEAD", url(origin, BlobAt(path, digest)), {"accept-encoding": "identity"})
    request, response = yield from follow(head)
    if response.status in TRANSIENT:
        raise refused(request, response)
    if response.status == 404:
        return False
    if response.status != 200:
        return None
    return response.headers.get("content-length", str(size)) == str(size)
