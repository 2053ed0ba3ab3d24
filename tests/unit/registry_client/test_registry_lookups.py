"""What a repository is asked: its tags, its content and who refers to it, against a played registry."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lading.backends.registry_client.client import CatalogAbsent
from lading.backends.registry_client.referring import ReferrerUnlisted
from lading.backends.registry_client.repository import RepositoryAbsent
from lading.engine.stores import (
    ContentUnknown,
    Outcome,
)
from lading.errors import LadingError, NotFound
from lading.oci.descriptor import Descriptor
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import OCI_INDEX, OCI_MANIFEST
from lading.oci.reference import Repository, fallback_tag
from lading.wire.message import BytesContent, ConnectionLost, Reader, Request, Response
from lading.wire.registry_errors import Code, Fault, PermissionDenied, RegistryFailed, render
from tests.fakes.registry_client import HOST, Bench
from tests.unit.registry_client.writing import CONFIG, CONTENT, LAYER, MANIFEST, ROOT, push, tag


def read(reader: Reader) -> bytes:
    found, buffer = bytearray(), bytearray(64)
    while count := reader.readinto(memoryview(buffer)):
        found += buffer[:count]
    reader.close()
    return bytes(found)


@pytest.mark.parametrize("code", [Code.NAME_UNKNOWN, Code.UNKNOWN])
def test_a_repository_that_is_not_there_is_told_in_a_sentence(code: Code) -> None:
    body = render([Fault(code, "repository name not known to registry")])
    bench = Bench(answer=lambda *_: Response(404, {}, body))

    with pytest.raises(RepositoryAbsent) as absent:
        list(bench.repository("acme/gone").tags())

    assert str(absent.value) == f"{HOST} has no repository acme/gone"
    assert "answered 404" in (absent.value.raw or "")


@pytest.mark.parametrize("status", [404, 405])
def test_a_registry_that_lists_no_repositories_is_told_in_a_sentence(status: int) -> None:
    bench = Bench(answer=lambda *_: Response(status))

    with pytest.raises(CatalogAbsent, match=f"{HOST} does not list its repositories"):
        list(bench.client.repositories(HOST))


def test_tags_come_page_by_page() -> None:
    bench = Bench()
    repository = bench.repository()
    tag(bench, repository, *"abcde")

    assert list(repository.tags()) == list("abcde")
    assert list(repository.tags("b")) == list("cde")
    assert bench.transport.lines[-1] == "GET /v2/a/tags/list?last=d"


def test_pages_in_circles_end() -> None:
    def circling(request: Request, _body: bytes, _whole: bool) -> Response:
        return Response(200, {"link": '</v2/a/tags/list?last=x>; rel="next"'}, b'{"tags": ["x"]}')

    assert list(Bench(answer=circling).repository().tags()) == ["x", "x"]


def test_the_catalog_comes_page_by_page() -> None:
    bench = Bench()
    for path in "abc":
        push(bench, bench.repository(path))

    assert list(bench.client.repositories(HOST)) == ["a", "b", "c"]


# ── reading


def test_a_blob_is_read_whole_or_in_part() -> None:
    bench = Bench()
    repository = bench.repository()
    push(bench, repository)

    assert read(repository.open(LAYER)) == CONTENT
    assert read(repository.open(LAYER, 150)) == CONTENT[150:]
    assert read(repository.open(LAYER, 10, 20)) == CONTENT[10:30]
    assert read(repository.open(LAYER, 190, 50)) == CONTENT[190:]


def test_a_manifest_is_read_and_checked() -> None:
    bench = Bench()
    repository = bench.repository()
    tag(bench, repository, "1")

    assert read(repository.open(ROOT)) == MANIFEST.raw
    assert read(repository.open(ROOT, 5, 7)) == MANIFEST.raw[5:12]


@pytest.mark.parametrize("descriptor", [LAYER, ROOT])
def test_what_is_not_there_is_unknown(descriptor: Descriptor) -> None:
    repository = Bench().repository()

    assert not repository.has(descriptor)
    with pytest.raises(ContentUnknown):
        repository.open(descriptor)
    with pytest.raises(NotFound):
        repository.resolve(descriptor.digest)


@pytest.mark.parametrize(("status", "error"), [(403, PermissionDenied), (500, RegistryFailed)])
def test_a_refused_read_says_why(status: int, error: type[LadingError]) -> None:
    bench = Bench()
    bench.transport.trouble("GET", *[Response(status)] * 9)

    with pytest.raises(error):
        bench.repository().open(LAYER)


# ── referrers

SIGNATURE = Manifest.build(CONFIG, [], subject=ROOT, artifact_type="x/signature", annotations={"by": "ann"})


SBOM = Manifest.build(CONFIG, [], subject=ROOT, artifact_type="x/sbom")


@pytest.mark.parametrize("listed", [True, False])
def test_referrers_are_found_whoever_keeps_the_list(listed: bool) -> None:
    bench = Bench()
    bench.registry.lists_referrers = listed
    repository = bench.repository()

    for manifest in (SIGNATURE, SBOM, SBOM):
        repository.push(manifest.descriptor(), BytesContent(manifest.raw), bench.track, bench.cancel)

    found = {referrer.digest: referrer for referrer in repository.referrers(ROOT.digest)}
    assert set(found) == {SIGNATURE.descriptor().digest, SBOM.descriptor().digest}
    assert found[SIGNATURE.descriptor().digest].artifact_type == "x/signature"
    assert (fallback_tag(ROOT.digest) in bench.registry.repositories["a"].tags) is not listed
    assert [one.artifact_type for one in repository.referrers(ROOT.digest, "x/sbom")] == ["x/sbom"]


def test_the_list_we_keep_carries_annotations() -> None:
    bench = Bench()
    bench.registry.lists_referrers = False
    repository = bench.repository()

    repository.push(SIGNATURE.descriptor(), BytesContent(SIGNATURE.raw), bench.track, bench.cancel)

    [listed] = repository.referrers(ROOT.digest)
    assert dict(listed.annotations) == {"by": "ann"}
    assert repository.resolve(fallback_tag(ROOT.digest)).media_type == OCI_INDEX


def test_a_list_that_keeps_nothing_is_given_up() -> None:
    registry = Bench().registry
    registry.lists_referrers = False

    def forgetful(request: Request, body: bytes, whole: bool) -> Response:
        listed = fallback_tag(ROOT.digest) in request.url
        return Response(404 if request.method != "PUT" else 201) if listed else registry(request, body, whole)

    bench = Bench(answer=forgetful)

    with pytest.raises(ReferrerUnlisted, match="however often it is added"):
        bench.repository().push(SIGNATURE.descriptor(), BytesContent(SIGNATURE.raw), bench.track, bench.cancel)


def test_referrers_pushed_together_are_all_listed() -> None:
    bench = Bench()
    bench.registry.lists_referrers = False
    repository, start = bench.repository(), threading.Barrier(6)
    manifests = [Manifest.build(CONFIG, [], subject=ROOT, annotations={"n": str(number)}) for number in range(6)]

    def attach(manifest: Manifest) -> None:
        start.wait(60)
        repository.push(manifest.descriptor(), BytesContent(manifest.raw), bench.track, bench.cancel)

    with ThreadPoolExecutor(6) as lanes:
        list(lanes.map(attach, manifests))

    assert {one.digest for one in repository.referrers(ROOT.digest)} == {one.descriptor().digest for one in manifests}


def test_an_index_without_a_subject_touches_no_list() -> None:
    bench = Bench()
    index = Index.build([ROOT])

    bench.repository().push(index.descriptor(), BytesContent(index.raw), bench.track, bench.cancel)

    assert bench.transport.methods == "PUT"


def test_names_and_abilities() -> None:
    repository = Bench().repository("team/app")

    assert repository.name == f"{HOST}/team/app"
    assert (repository.verified, repository.verifies) == (False, False)
    assert repository.repository == Repository(HOST, "team/app")


def test_docker_hub_is_asked_where_it_answers() -> None:
    bench = Bench()

    bench.repository("library/alpine", host="docker.io").has(LAYER)

    assert bench.transport.asked[0].request.url.startswith("https://registry-1.docker.io/v2/library/alpine/")


def test_an_answer_lost_after_the_commit_costs_a_head() -> None:
    registry = Bench().registry

    def swallows_commits(request: Request, body: bytes, whole: bool) -> Response:
        response = registry(request, body, whole)
        if request.method == "PUT":
            raise ConnectionLost(HOST, "after the commit")
        return response

    bench = Bench(answer=swallows_commits)

    assert push(bench, bench.repository()) is Outcome.SENT
    assert bench.transport.methods == "POST HEAD"  # the fake keeps no exchange that was not answered
    assert registry.received == len(CONTENT)


def test_media_types_of_manifests_are_kept() -> None:
    bench = Bench()
    repository = bench.repository()
    tag(bench, repository, "1")

    assert repository.resolve("1").media_type == OCI_MANIFEST
