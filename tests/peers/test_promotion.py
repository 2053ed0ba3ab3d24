"""A promoted image, and one that was copied within our registry, as other programs read it: the same digests, with all
that refers to it; and no byte has moved."""

from __future__ import annotations

import hashlib
import json
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.backends.database.repositories import DatabaseRecords, open_records
from lading.fronts.registry_api.serving import open_registry
from lading.services.access import LADING
from lading.services.promotion.promotion import Promoted, Promotions
from lading.services.repositories import decisions
from lading.services.repositories.repositories import Repositories
from lading.services.repositories.rules import WHOLE
from tests.fakes.environment_records import KeptTrail
from tests.fakes.records import MemoryLeases
from tests.peers import programs
from tests.peers.command import Lading
from tests.peers.layouts import INDEX, MANIFEST, layer, write_blob, write_image, write_layout


@dataclass(frozen=True)
class Own:
    """Our registry, in which team/app:1.0 is a signed image of two platforms."""

    host: str
    records: DatabaseRecords
    content: ContentFolder
    folder: Path
    lading: Lading
    digest: str

    def promote(self, target: str, tag: str) -> Promoted:
        repositories = Repositories(self.records, self.content, clock=time.time)
        return Promotions(repositories, self.records, KeptTrail()).promote(LADING, "team/app", "1.0", target, tag)

    def json(self, path: str) -> dict[str, object]:
        with urllib.request.urlopen(f"http://{self.host}/v2/{path}") as answer:
            found: dict[str, object] = json.load(answer)
        return found

    def blobs(self) -> dict[str, tuple[int, int]]:
        """Every file of content, and which one it is."""
        files = [path for path in (self.folder / "blobs").rglob("*") if path.is_file()]
        return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}

    def put_manifest(self, repository: str, manifest: object, media_type: str = MANIFEST) -> str:
        raw = json.dumps(manifest).encode()
        digest = f"sha256:{hashlib.sha256(raw).hexdigest()}"
        request = urllib.request.Request(
            f"http://{self.host}/v2/{repository}/manifests/{digest}", raw, {"Content-Type": media_type}, method="PUT"
        )
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 201
        return digest


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Own]:
    content = ContentFolder(tmp_path / "content", MemoryLeases())
    with (
        closing(content),
        closing(open_records(tmp_path / "lading.db")) as records,
        open_registry(records, content) as server,
    ):
        host = "{}:{}".format(*server.addresses[0])
        lading = Lading(tmp_path / "data")
        digest = signed_image(tmp_path / "layout", lading, host)
        made = Own(host, records, content, tmp_path / "content", lading, digest)
        sign(made)
        yield made


def signed_image(layout: Path, lading: Lading, host: str) -> str:
    """An index of two platforms, and beside it what cosign keeps under a tag."""
    images = [write_image(layout, [layer(name, 100_000)], name) for name in ("amd64", "arm64")]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": images}
    digest = write_layout(layout, "1.0", {"mediaType": INDEX} | write_blob(layout, json.dumps(index).encode()))
    write_layout(layout, "sig", write_image(layout, [layer("signature", 100)]))
    lading("copy", f"oci:{layout}:1.0", f"{host}/team/app:1.0")
    lading("copy", f"oci:{layout}:sig", f"{host}/team/app:{digest.replace(':', '-')}.sig")
    return digest


def sign(own: Own) -> None:
    """A referrer of the index, and one of that."""
    held = own.json(f"team/app/manifests/{own.digest.replace(':', '-')}.sig")
    body = {"schemaVersion": 2, "mediaType": MANIFEST, "config": held["config"], "layers": held["layers"]}
    about = {"mediaType": INDEX, "digest": own.digest, "size": len(json.dumps(own.json("team/app/manifests/1.0")))}
    first = own.put_manifest("team/app", body | {"subject": about, "artifactType": "application/x.signature"})
    about = {"mediaType": MANIFEST, "digest": first, "size": 1}
    own.put_manifest("team/app", body | {"subject": about, "artifactType": "application/x.countersignature"})


def check(own: Own, repository: str, tag: str) -> None:
    """It is there as it was, as skopeo and our own client see it."""
    name = f"{own.host}/{repository}:{tag}"
    inspected = programs.skopeo("inspect", "--tls-verify=false", "--format", "{{.Digest}}", f"docker://{name}")
    assert inspected.strip() == own.digest
    assert own.lading("digest", name).strip() == own.digest
    referrers = own.json(f"{repository}/referrers/{own.digest}")["manifests"]
    assert isinstance(referrers, list)
    assert referrers == own.json(f"team/app/referrers/{own.digest}")["manifests"]
    (signature,) = referrers
    assert own.json(f"{repository}/referrers/{signature['digest']}")["manifests"]
    cosign = f"{own.digest.replace(':', '-')}.sig"
    assert own.json(f"{repository}/manifests/{cosign}") == own.json(f"team/app/manifests/{cosign}")


@pytest.mark.peer("skopeo")
def test_a_promoted_image_is_read_with_its_signatures_and_no_byte_moved(own: Own, tmp_path: Path) -> None:
    before = own.blobs()

    promoted = own.promote("prod/app", "stable")

    assert (promoted.moved, len(promoted.carried.manifests)) == (True, 6)
    assert own.blobs() == before
    check(own, "prod/app", "stable")
    target = tmp_path / "copied"
    programs.skopeo("copy", "--all", "--src-tls-verify=false", f"docker://{own.host}/prod/app:stable", f"oci:{target}")
    assert own.lading("digest", f"oci:{target}").strip() == own.digest


@pytest.mark.peer("skopeo")
def test_a_copy_within_our_registry_moves_no_layer(own: Own) -> None:
    before = own.blobs()

    told = json.loads(own.lading("--format", "json", "copy", f"{own.host}/team/app:1.0", f"{own.host}/prod/copied:1.0"))

    assert own.blobs() == before
    check(own, "prod/copied", "1.0")
    totals = told["totals"]
    assert totals["mounted"] + totals["sent"] == totals["image"]
    assert totals["sent"] < 5000  # manifests: a registry is told of them, and of layers where they are


def test_a_copy_onto_an_immutable_tag_is_refused_with_the_reason(own: Own) -> None:
    own.promote("prod/app", "1.0")
    own.lading("copy", "--platform", "linux/amd64", f"{own.host}/team/app:1.0", f"{own.host}/prod/app:one")
    own.records.change("prod/app", decisions.set_rules([WHOLE]), time.time())

    refused = own.lading.run("copy", f"{own.host}/prod/app:one", f"{own.host}/prod/app:1.0")

    assert refused.returncode == 6
    assert "tag 1.0 of prod/app is immutable (rule ** of this repository)" in refused.stderr.decode()
