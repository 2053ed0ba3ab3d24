"""What the /v2/ door lists: what refers to an image, tags and repositories."""

from __future__ import annotations

from lading.oci.media_types import OCI_INDEX
from tests.fronts.registry_api.asking import Asker, artifact, descriptor, digest_of, manifest


def test_referrers_are_listed_and_filtered(ask: Asker) -> None:
    subject = ask.put_image("r", "v1")
    signature = artifact(manifest(), "application/x.signature", annotations={"by": "me"})
    inventory = artifact(manifest(), "application/x.sbom")
    assert ask("GET", f"/v2/r/referrers/{subject}").document["manifests"] == []

    for raw in (signature, inventory):
        reply = ask.put_manifest("r", digest_of(raw), raw)
        assert (reply.status, reply.headers["oci-subject"]) == (201, subject)

    everything = ask("GET", f"/v2/r/referrers/{subject}")
    assert everything.headers["content-type"] == OCI_INDEX
    assert "oci-filters-applied" not in everything.headers
    assert len(everything.document["manifests"]) == 2  # type: ignore[arg-type]
    some = ask("GET", f"/v2/r/referrers/{subject}?artifactType=application/x.signature")
    assert some.headers["oci-filters-applied"] == "artifactType"
    assert some.document["manifests"] == [
        descriptor(signature, "application/vnd.oci.image.manifest.v1+json")
        | {"artifactType": "application/x.signature", "annotations": {"by": "me"}}
    ]


def test_a_subject_need_not_be_there(ask: Asker) -> None:
    ask.put_blob("r", b"{}")
    absent = digest_of(b"absent")
    raw = artifact(b"absent", "application/x.signature")

    assert ask.put_manifest("r", digest_of(raw), raw).headers["oci-subject"] == absent
    assert ask("GET", f"/v2/none/referrers/{absent}").document["manifests"] == []
    assert ask("GET", "/v2/r/referrers/sha256:abc").code == "DIGEST_INVALID"


def test_tags_come_in_order_and_in_pages(ask: Asker) -> None:
    for tag in ("b", "c", "a"):
        ask.put_image("r", tag)

    assert ask("GET", "/v2/r/tags/list").document == {"name": "r", "tags": ["a", "b", "c"]}
    first = ask("GET", "/v2/r/tags/list?n=2")
    assert first.document["tags"] == ["a", "b"]
    assert first.headers["link"] == '</v2/r/tags/list?n=2&last=b>; rel="next"'
    second = ask("GET", "/v2/r/tags/list?n=2&last=b")
    assert (second.document["tags"], "link" in second.headers) == (["c"], False)
    none = ask("GET", "/v2/r/tags/list?n=0")
    assert (none.document["tags"], "link" in none.headers) == ([], False)
    assert ask("GET", "/v2/r/tags/list?n=x").code == "UNSUPPORTED"
    assert ask("GET", "/v2/none/tags/list").code == "NAME_UNKNOWN"


def test_repositories_come_in_order_and_in_pages(ask: Asker) -> None:
    for name in ("b/c", "a", "b"):
        ask.put_image(name, "v1")

    assert ask("GET", "/v2/_catalog").document == {"repositories": ["a", "b", "b/c"]}
    page = ask("GET", "/v2/_catalog?n=1&last=a")
    assert page.document == {"repositories": ["b"]}
    assert page.headers["link"] == '</v2/_catalog?n=1&last=b>; rel="next"'
