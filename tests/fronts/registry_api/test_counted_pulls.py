"""What counts as a pull: a GET of a manifest that was answered with it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from lading.backends.content_store.folder import ContentFolder
from lading.fronts.registry_api.serving import registry_application
from lading.oci.digest import Digest
from tests.fakes.records import MemoryLeases
from tests.fakes.repository_records import MemoryRecords
from tests.fronts.registry_api.asking import Asker


def test_a_get_of_a_manifest_counts_and_nothing_else_does(tmp_path: Path) -> None:
    counted: list[tuple[str, str | Digest, Digest]] = []

    def count(repository: str, reference: str | Digest, digest: Digest) -> None:
        counted.append((repository, reference, digest))

    with closing(ContentFolder(tmp_path / "content", MemoryLeases())) as content:
        ask = Asker(registry_application(MemoryRecords(), content, count=count))
        digest = ask.put_image("team/app", "v1")
        for method, path in (
            ("HEAD", "manifests/v1"),
            ("HEAD", f"manifests/{digest}"),
            ("GET", "manifests/none"),
            ("GET", "tags/list"),
            ("GET", f"referrers/{digest}"),
            ("GET", f"blobs/{digest}"),
        ):
            ask(method, f"/v2/team/app/{path}")
        assert counted == []

        assert ask("GET", "/v2/team/app/manifests/v1").status == 200
        assert ask("GET", f"/v2/team/app/manifests/{digest}").status == 200

        damaged = content.tree.blob(Digest.parse(ask.put_image("team/app", "v2", b"another")))
        damaged.chmod(0o600)
        damaged.write_bytes(b"x")
        assert ask("GET", "/v2/team/app/manifests/v2").status == 503

    image = Digest.parse(digest)
    assert counted == [("team/app", "v1", image), ("team/app", image, image)]
