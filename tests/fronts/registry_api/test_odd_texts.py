"""Texts of strangers' manifests that would break a header, a row or a page: they break nothing, over a real connection
and in real databases."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.backends.database.postgres import open_postgres
from lading.backends.database.repositories import DatabaseRecords, open_records
from lading.fronts.registry_api.serving import open_registry
from lading.oci.media_types import OCI_CONFIG, OCI_INDEX, OCI_LAYER_GZIP, OCI_MANIFEST
from tests.fakes.records import MemoryLeases
from tests.fronts.registry_api.asking import descriptor, digest_of
from tests.peers.postgres_server import RunningPostgres

ODD = [
    "a/b\r\nSet-Cookie: x=1",
    "a/b\0c",
    "a/b\nc",
    "\0",
    "\r\n\r\n",
    "a/b\u2028c\x7f\x1b[31m",
    '"><script>',
    "é/ü",
    "😀",
]


@dataclass(frozen=True)
class Told:
    """An answer, as a client reads it."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Registry:
    """One that listens."""

    host: str
    port: int

    def __call__(self, method: str, target: str, body: bytes = b"", media_type: str = OCI_MANIFEST) -> Told:
        with closing(http.client.HTTPConnection(self.host, self.port, timeout=30)) as connection:
            connection.request(method, target, body, {"Content-Type": media_type})
            reply = connection.getresponse()
            return Told(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())

    def put_blob(self, content: bytes) -> None:
        assert self("POST", f"/v2/r/blobs/uploads/?digest={digest_of(content)}", content).status == 201


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.peer("postgres"))])
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder: Path = tmp_path_factory.mktemp("odd")
    if request.param == "postgres":
        server: RunningPostgres = request.getfixturevalue("postgres")
        records = DatabaseRecords(open_postgres(server.prepared()))
    else:
        records = open_records(folder / "lading.db")
    with (
        closing(records),
        closing(ContentFolder(folder / "content", MemoryLeases())) as content,
        open_registry(records, content) as listening,
    ):
        registry = Registry(*listening.addresses[0])
        registry.put_blob(b"{}")
        registry.put_blob(b"layer")
        yield registry


def document(**more: object) -> bytes:
    base = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(b"{}", OCI_CONFIG)}
    return json.dumps({**base, "layers": [descriptor(b"layer", OCI_LAYER_GZIP)], **more}).encode()


@pytest.mark.parametrize("text", ODD)
def test_an_odd_artifact_type_is_listed_and_filtered_by_and_breaks_no_header(registry: Registry, text: str) -> None:
    subject = document(annotations={"subject": text})
    raw = document(artifactType=text, subject=descriptor(subject, OCI_MANIFEST), annotations={text: text})

    put = registry("PUT", f"/v2/r/manifests/{digest_of(raw)}", raw)
    got = registry("GET", f"/v2/r/manifests/{digest_of(raw)}")
    listed = registry("GET", f"/v2/r/referrers/{digest_of(subject)}")
    filtered = registry("GET", f"/v2/r/referrers/{digest_of(subject)}?artifactType={quote(text)}")
    others = registry("GET", f"/v2/r/referrers/{digest_of(subject)}?artifactType={quote('a/b')}")

    assert (put.status, put.headers["oci-subject"]) == (201, digest_of(subject))
    assert (got.body, got.headers["content-type"]) == (raw, OCI_MANIFEST)
    for each, found in ((listed, [digest_of(raw)]), (filtered, [digest_of(raw)]), (others, [])):
        assert (each.status, each.headers["content-type"]) == (200, OCI_INDEX)
        assert [entry["digest"] for entry in json.loads(each.body)["manifests"]] == found
    assert filtered.headers["oci-filters-applied"] == "artifactType"
    assert not {"set-cookie"} & {*put.headers, *got.headers, *listed.headers, *filtered.headers}


@pytest.mark.parametrize("text", ODD)
@pytest.mark.parametrize("where", ["mediaType", "config", "layer", "manifest"])
def test_an_odd_media_type_is_kept_or_refused(registry: Registry, text: str, where: str) -> None:
    raw = {
        "mediaType": document(mediaType=text),
        "config": document(config=descriptor(b"{}", text)),
        "layer": document(layers=[descriptor(b"layer", text)]),
        "manifest": json.dumps(
            {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor(b"layer", text)]}
        ).encode(),
    }[where]

    put = registry("PUT", f"/v2/r/manifests/{digest_of(raw)}", raw, OCI_INDEX if where == "manifest" else OCI_MANIFEST)
    got = registry("GET", f"/v2/r/manifests/{digest_of(raw)}")

    assert put.status == (400 if where == "mediaType" else 201)
    assert got.status == (404 if where == "mediaType" else 200)
    assert got.headers["content-type"] in {OCI_MANIFEST, OCI_INDEX, "application/json"}
    if where == "mediaType":
        assert json.loads(put.body)["errors"][0]["code"] == "MANIFEST_INVALID"


@pytest.mark.parametrize("text", ODD)
def test_odd_places_in_lists_and_queries_are_answered(registry: Registry, text: str) -> None:
    odd = quote(text)

    for target in (
        f"/v2/r/tags/list?n=1&last={odd}",
        f"/v2/_catalog?n=1&last={odd}",
        f"/v2/r/referrers/{digest_of(b'')}?artifactType={odd}&last={odd}",
    ):
        assert registry("GET", target).status == 200
    assert registry("GET", f"/v2/r/tags/list?n={odd}").status == 400
    assert registry("PUT", f"/v2/r/manifests/v1?tag={odd}", document()).status == 400
    assert registry("POST", f"/v2/r/blobs/uploads/?digest={odd}", b"").status == 400
    assert registry("POST", f"/v2/r/blobs/uploads/?mount={digest_of(b'none')}&from={odd}").status == 202
