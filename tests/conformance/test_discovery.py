"""Content discovery: tags, repositories and referrers, in order and in pages."""

from __future__ import annotations

import json
import re
from typing import cast

import pytest

from lading.fronts.registry_api.lists import REFERRERS_BYTES
from lading.oci.media_types import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from tests.conformance.talking import Registry, Reply
from tests.fronts.registry_api.asking import artifact, descriptor, digest_of, index, manifest

TAGS = ["0", "A", "Z", "_", "a", "a-b", "a.b", "aa", "b", "v1.10", "v1.9", "z"]
"""In the order of their characters' numbers."""

SUBJECT = manifest()
SBOM, SIGNATURE = "application/vnd.example.sbom.v1", "application/vnd.example.signature.v1"


def tagged(registry: Registry, tags: list[str]) -> None:
    digest = registry.put_image("first")
    registry.put_manifest(f"{digest}?{'&'.join(f'tag={tag}' for tag in tags)}", manifest(), OCI_MANIFEST)
    registry.ask("DELETE", "manifests/first")


def listed(reply: Reply, member: str = "tags") -> list[str]:
    return cast("list[str]", reply.document[member])


def following(reply: Reply) -> str | None:
    """Where the next page is."""
    if "link" not in reply.headers:
        return None
    found = re.fullmatch(r'<([^<>]+)>; rel="next"', reply.headers["link"])
    assert found
    return found[1]


def walked(registry: Registry, target: str, member: str = "tags") -> list[list[str]]:
    """All pages, by their links."""
    pages, following_ = [], target
    while following_:
        reply = registry.ask("GET", following_)
        assert reply.status == 200
        pages.append(listed(reply, member))
        following_ = following(reply) or ""
    return pages


def test_tags_are_listed_in_order(registry: Registry) -> None:
    """Listing Tags · end-8a · MUST: 200 with name and tags, in lexical or ASCII order."""
    tagged(registry, TAGS[::-1])

    reply = registry.ask("GET", "tags/list")

    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.document == {"name": registry.repository, "tags": TAGS}
    assert "link" not in reply.headers


def test_no_tags_are_an_empty_list(registry: Registry) -> None:
    """Listing Tags · end-8a · MAY: the list is empty where there are no tags: [], never null."""
    registry.put_blob(b"{}", digest_of(b"{}"))

    assert b'"tags": []' in registry.ask("GET", "tags/list").body


@pytest.mark.parametrize("count", [1, 2, 5, 11, 12, 13, 1000])
def test_a_page_has_as_many_as_were_asked_for(registry: Registry, count: int) -> None:
    """Listing Tags · end-8b · MUST: `n` results where there are so many, the first of the list without `last`."""
    tagged(registry, TAGS)

    reply = registry.ask("GET", f"tags/list?n={count}")

    assert listed(reply) == TAGS[:count]
    assert ("link" in reply.headers) == (count < len(TAGS))


@pytest.mark.parametrize("count", [1, 2, 5, 7])
def test_links_lead_through_all_pages(registry: Registry, count: int) -> None:
    """Listing Tags · end-8b · MUST: Link is as in RFC 5988, with rel="next"; pages neither repeat nor leave out."""
    tagged(registry, TAGS)

    pages = walked(registry, f"/v2/{registry.repository}/tags/list?n={count}")

    assert [tag for page in pages for tag in page] == TAGS
    assert all(len(page) == count for page in pages[:-1])


@pytest.mark.parametrize("query", ["n=0", "n=0&last=a"])
def test_a_page_of_none_is_empty(registry: Registry, query: str) -> None:
    """Listing Tags · end-8b · MUST: with n=0 the list is empty, and there is no Link."""
    tagged(registry, TAGS)

    reply = registry.ask("GET", f"tags/list?{query}")

    assert b'"tags": []' in reply.body
    assert "link" not in reply.headers


@pytest.mark.parametrize("last", [*TAGS, "a-", "Y", "zz", ""])
def test_a_page_begins_after_a_tag(registry: Registry, last: str) -> None:
    """Listing Tags · end-8b · MUST: `last` is left out, and what comes after it listed; it need not be there itself."""
    tagged(registry, TAGS)
    after = [tag for tag in TAGS if tag > last]

    assert listed(registry.ask("GET", f"tags/list?last={last}")) == after
    assert listed(registry.ask("GET", f"tags/list?n=2&last={last}")) == after[:2]


@pytest.mark.parametrize("count", ["-1", "x", "1.5", ""])
def test_a_number_that_is_none(registry: Registry, count: str) -> None:
    """Listing Tags · end-8b · MUST: `n` is an integer; what is none is 400, and nothing at all is passed over."""
    tagged(registry, TAGS)

    assert registry.ask("GET", f"tags/list?n={count}").status == (400 if count else 200)


def test_repositories_are_listed_in_pages(registry: Registry) -> None:
    """Docker's registry API, Catalog · /v2/_catalog · practice: n, last and Link as for tags; [] and never null."""
    names = sorted([registry.repository, registry.another(), registry.another()])
    for name in names:
        registry.put_blob(b"{}", digest_of(b"{}"), name)

    every = [name for page in walked(registry, "/v2/_catalog?n=2", "repositories") for name in page]

    assert every == sorted(every)
    assert set(names) <= set(every)
    assert b'"repositories": []' in registry.ask("GET", "/v2/_catalog?last=zzz").body


# ── referrers


def referring(registry: Registry, *artifacts: bytes) -> None:
    registry.put_image("v1")
    for raw in artifacts:
        assert registry.put_manifest(digest_of(raw), raw, OCI_MANIFEST).status == 201


def referrers(registry: Registry, query: str = "") -> Reply:
    return registry.ask("GET", f"referrers/{digest_of(SUBJECT)}{query}")


def entries(reply: Reply) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", reply.document["manifests"])


@pytest.mark.parametrize("there", ["a manifest nobody names", "nothing", "no repository"])
def test_what_nobody_refers_to_has_an_empty_list(registry: Registry, there: str) -> None:
    """Listing Referrers · end-12a · MUST: 200 with an empty index, never 404, whatever the digest."""
    if there != "no repository":
        registry.put_image("v1")
    digest = digest_of(SUBJECT if there == "a manifest nobody names" else b"nothing")

    reply = registry.ask("GET", f"referrers/{digest}")

    assert reply.status == 200
    assert reply.headers["content-type"] == OCI_INDEX
    assert reply.document == {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}


def test_a_referrer_is_listed_as_it_is(registry: Registry) -> None:
    """Listing Referrers · end-12a · MUST: type, size, digest, artifactType and annotations of each referrer."""
    raw = artifact(SUBJECT, SBOM, annotations={"org.example.format": "json"})
    referring(registry, raw)

    assert entries(referrers(registry)) == [
        {
            **descriptor(raw, OCI_MANIFEST),
            "artifactType": SBOM,
            "annotations": {"org.example.format": "json"},
        }
    ]


def test_without_an_artifact_type_the_configs_type_is_told(registry: Registry) -> None:
    """Listing Referrers · end-12a · MUST: artifactType is the config's mediaType where the manifest has none."""
    raw = json.dumps(json.loads(SUBJECT) | {"subject": descriptor(SUBJECT, OCI_MANIFEST)}).encode()
    referring(registry, raw)

    assert [each["artifactType"] for each in entries(referrers(registry))] == [OCI_CONFIG]


@pytest.mark.parametrize("artifact_type", [SBOM, None])
def test_an_index_may_refer(registry: Registry, artifact_type: str | None) -> None:
    """Listing Referrers · end-12a · MUST: indexes are listed too; without artifactType of their own it is omitted."""
    registry.put_image("v1")
    more = {"artifactType": artifact_type} if artifact_type else {}
    raw = json.dumps(json.loads(index()) | {"subject": descriptor(SUBJECT, OCI_MANIFEST), **more}).encode()

    assert registry.put_manifest("list", raw, OCI_INDEX).headers["oci-subject"] == digest_of(SUBJECT)

    (entry,) = entries(referrers(registry))
    assert entry["mediaType"] == OCI_INDEX
    assert entry.get("artifactType") == artifact_type


def test_referrers_are_filtered_by_type(registry: Registry) -> None:
    """Listing Referrers · end-12b · SHOULD: artifactType filters, and OCI-Filters-Applied says so."""
    referring(
        registry, artifact(SUBJECT, SBOM), artifact(SUBJECT, SIGNATURE), artifact(SUBJECT, SIGNATURE, annotations={})
    )

    reply = referrers(registry, f"?artifactType={SIGNATURE}")

    assert reply.headers["oci-filters-applied"] == "artifactType"
    assert [each["artifactType"] for each in entries(reply)] == [SIGNATURE] * 2
    assert entries(referrers(registry, "?artifactType=a/none")) == []


def test_without_a_filter_none_is_told(registry: Registry) -> None:
    """Listing Referrers · end-12b · MUST: OCI-Filters-Applied only where a filter was asked for and applied."""
    referring(registry, artifact(SUBJECT, SBOM), artifact(SUBJECT, SIGNATURE))

    for query in ("", "?artifactType=", "?other=x"):
        reply = referrers(registry, query)
        assert len(entries(reply)) == 2
        assert "oci-filters-applied" not in reply.headers


@pytest.mark.parametrize("digest", ["sha256:abc", "v1", "sha256:" + "G" * 64, "md5:" + "a" * 32])
def test_referrers_of_no_digest_are_refused(registry: Registry, digest: str) -> None:
    """Listing Referrers · end-12a · MUST: a digest of invalid syntax is 400."""
    assert registry.ask("GET", f"referrers/{digest}").status == 400


def test_a_referrer_that_came_before_its_subject_is_listed(registry: Registry) -> None:
    """Enabling the Referrers API · end-12a · MUST: whatever has a subject is listed, in whatever order both came."""
    for blob in (b"{}", b"layer"):
        registry.put_blob(blob, digest_of(blob))
    raw = artifact(SUBJECT, SBOM)
    registry.put_manifest("sbom", raw, OCI_MANIFEST)
    assert len(entries(referrers(registry))) == 1

    registry.put_manifest("v1", SUBJECT, OCI_MANIFEST)

    assert [each["digest"] for each in entries(referrers(registry))] == [digest_of(raw)]


def test_a_referrer_that_is_deleted_is_not_listed(registry: Registry) -> None:
    """Listing Referrers · end-9, end-12a · MUST: each descriptor is of a manifest of this repository."""
    raw = artifact(SUBJECT, SBOM)
    referring(registry, raw)

    registry.ask("DELETE", f"manifests/{digest_of(raw)}")

    assert entries(referrers(registry)) == []


def test_referrers_are_each_repositorys_own(registry: Registry) -> None:
    """Listing Referrers · end-12a · MUST: descriptors are of manifests in the same repository."""
    referring(registry, artifact(SUBJECT, SBOM))

    other = registry.ask("GET", f"/v2/{registry.another()}/referrers/{digest_of(SUBJECT)}")

    assert entries(other) == []


def test_more_referrers_than_one_index_holds_come_in_pages(registry: Registry) -> None:
    """Listing Referrers · end-12a · MUST: a Link with rel="next" where one index does not hold them all."""
    long = {"long": "x" * (REFERRERS_BYTES // 2)}
    artifacts = [artifact(SUBJECT, SBOM, annotations=long | {"number": str(number)}) for number in range(5)]
    referring(registry, *artifacts)

    found, pages, target = [], 0, f"/v2/{registry.repository}/referrers/{digest_of(SUBJECT)}?artifactType={SBOM}"
    while target:
        reply = registry.ask("GET", target)
        assert reply.headers["oci-filters-applied"] == "artifactType"
        assert len(reply.body) < 2 * REFERRERS_BYTES
        found += [str(each["digest"]) for each in entries(reply)]
        pages, target = pages + 1, following(reply) or ""

    assert sorted(found) == sorted(map(digest_of, artifacts))
    assert pages > 1
