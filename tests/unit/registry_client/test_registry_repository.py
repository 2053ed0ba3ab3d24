"""One repository as the engine sees it, against a played registry."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from lading.backends.registry_client.client import CatalogAbsent
from lading.backends.registry_client.pushing import FROM_THE_START, REMEMBERED
from lading.backends.registry_client.referring import ReferrerUnlisted
from lading.backends.registry_client.repository import RegistryRepository, RepositoryAbsent, UntagUnsupported
from lading.engine.stores import (
    Condition,
    ContentUnknown,
    Mounter,
    Outcome,
    TagMoved,
    TagUnknown,
    TagUnproven,
)
from lading.errors import Cancelled, LadingError, NotFound
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, Digest
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from lading.oci.reference import Repository, fallback_tag
from lading.wire.message import BytesContent, ConnectionLost, Reader, Request, Response
from lading.wire.progress import State
from lading.wire.registry_errors import Code, Fault, PermissionDenied, RegistryFailed, render
from tests.fakes.played_registry import refusal
from tests.fakes.registry_client import HOST, INSECURE, PLAIN, Bench, layer
from tests.fakes.tracks import Told
from tests.fakes.transport import Cut

CONTENT = bytes(range(200))
LAYER = layer(CONTENT)
CONFIG = Descriptor(OCI_CONFIG, Digest.of(b"{}"), 2)
MANIFEST = Manifest.build(CONFIG, [LAYER])
ROOT = MANIFEST.descriptor()
OTHER = Manifest.build(CONFIG, [])


def push(bench: Bench, repository: RegistryRepository, content: bytes = CONTENT) -> Outcome:
    return repository.push(layer(content), BytesContent(content), bench.track, bench.cancel)


def tag(
    bench: Bench, repository: RegistryRepository, *tags: str, condition: Condition = "any"
) -> dict[str, LadingError | None]:
    return dict(repository.tag(ROOT, BytesContent(MANIFEST.raw), tags, condition, bench.cancel))


def read(reader: Reader) -> bytes:
    found, buffer = bytearray(), bytearray(64)
    while count := reader.readinto(memoryview(buffer)):
        found += buffer[:count]
    reader.close()
    return bytes(found)


# ── pushing


def test_a_cold_push_costs_what_the_specification_allows() -> None:
    bench = Bench()
    repository = bench.repository()

    with pytest.raises(TagUnknown):
        repository.resolve("1")
    push(bench, repository)
    repository.push(CONFIG, BytesContent(b"{}"), bench.track, bench.cancel)
    assert tag(bench, repository, "1") == {"1": None}

    assert bench.transport.methods == "HEAD POST PUT POST PUT PUT HEAD"


def test_a_push_that_was_done_before_costs_one_head() -> None:
    bench = Bench()
    repository = bench.repository()
    tag(bench, repository, "1")
    before = len(bench.transport.asked)

    assert repository.resolve("1") == ROOT
    assert len(bench.transport.asked) == before + 1


def test_an_existing_blob_costs_one_request() -> None:
    bench = Bench()
    repository = bench.repository()
    push(bench, repository)

    assert push(bench, repository) is Outcome.EXISTS
    assert bench.transport.methods == "POST PUT POST"


def test_a_blob_is_mounted_from_a_sibling_in_the_same_registry() -> None:
    bench = Bench()
    push(bench, bench.repository("base"))
    repository = bench.repository("app")
    origins = [Repository("other.example", "base"), Repository(HOST, "base")]

    outcome = repository.mount(LAYER, BytesContent(CONTENT), origins, bench.track, bench.cancel)

    assert outcome is Outcome.MOUNTED
    assert bench.track.told[-1].state is State.MOUNTED
    assert bench.track.told[-1].detail == f"{HOST}/base"
    assert isinstance(repository, Mounter)


def test_a_piece_tells_how_it_fares() -> None:
    bench = Bench()
    bench.transport.trouble("PUT", Cut(70))

    push(bench, bench.repository())

    states = [State.CHECKING, State.MOVING, State.RETRYING, State.MOVING, State.COMMITTING]
    assert bench.track.states == states
    assert [told.detail for told in bench.track.told if told.state is State.RETRYING] == ["a lost connection"]
    assert bench.track.told[-1].current == len(CONTENT)


def test_a_manifest_is_pushed_by_its_digest_for_one_request() -> None:
    bench = Bench()

    outcome = bench.repository().push(ROOT, BytesContent(MANIFEST.raw), bench.track, bench.cancel)

    assert outcome is Outcome.SENT
    assert bench.transport.lines == [f"PUT /v2/a/manifests/{ROOT.digest}"]


def test_a_cancelled_push_asks_nothing_more() -> None:
    bench = Bench()
    bench.cancel.cancel()

    with pytest.raises(Cancelled):
        push(bench, bench.repository())
    assert bench.transport.asked == []


def test_what_the_host_shows_serves_the_next_blob() -> None:
    bench = Bench()
    bench.registry.mounts = False
    repository = bench.repository()

    push(bench, repository)
    push(bench, repository, b"another")

    assert bench.transport.methods == "POST HEAD POST PUT HEAD POST PUT"
    assert not bench.profiles.of(HOST).mounts


def test_sixteen_lanes_push_at_once() -> None:
    bench = Bench()
    repository = bench.repository()
    contents = [bytes([number]) * 50 for number in range(16)]

    with ThreadPoolExecutor(16) as lanes:
        outcomes = list(lanes.map(lambda content: push(bench, repository, content), contents))

    assert outcomes == [Outcome.SENT] * 16
    assert bench.registry.repositories["a"].blobs == {Digest.of(content): content for content in contents}


# ── another process


def test_another_process_goes_on_where_this_one_was_killed() -> None:
    content = bytes(REMEMBERED + 100)
    killed = Bench()
    killed.transport.trouble("PUT", Cut(REMEMBERED), KilledHere())
    with pytest.raises(KilledHere):
        push(killed, killed.repository(), content)

    later = Bench(registry=killed.registry, uploads=killed.uploads)
    assert push(later, later.repository(), content) is Outcome.SENT

    assert killed.registry.received == len(content)
    assert later.transport.methods == "GET PUT HEAD"
    assert later.track.told[-1].kept == REMEMBERED
    assert later.uploads.of(Repository(HOST, "a"), Digest.of(content)) is None


def test_where_the_registry_forgot_what_another_process_sent_that_is_said() -> None:
    content = bytes(REMEMBERED + 100)
    killed = Bench()
    killed.registry.forgets = True
    killed.transport.trouble("PUT", Cut(REMEMBERED), KilledHere())
    with pytest.raises(KilledHere):
        push(killed, killed.repository(), content)

    later = Bench(registry=killed.registry, uploads=killed.uploads)
    push(later, later.repository(), content)

    assert Told(State.RETRYING, 0, 0, FROM_THE_START) in later.track.told
    assert later.track.states == [State.CHECKING, State.RETRYING, State.MOVING, State.COMMITTING]


class KilledHere(LadingError):
    """Nothing goes on after this."""


def test_a_small_upload_is_not_worth_remembering() -> None:
    bench = Bench()
    bench.transport.trouble("PUT", Cut(70), KilledHere())

    with pytest.raises(KilledHere):
        push(bench, bench.repository())
    assert bench.uploads.of(Repository(HOST, "a"), LAYER.digest) is None


# ── tags


def test_every_tag_is_put_and_proven() -> None:
    bench = Bench()
    tags = [f"t{number}" for number in range(10)]

    assert tag(bench, bench.repository(), *tags) == dict.fromkeys(tags)
    assert bench.transport.methods == " ".join(["PUT HEAD"] * 10)
    assert bench.registry.repositories["a"].tags == dict.fromkeys(tags, ROOT.digest)


@pytest.mark.parametrize(
    ("holds", "condition", "moved"),
    [
        (None, "absent", True),
        (None, OTHER.descriptor().digest, False),
        (OTHER, "absent", False),
        (OTHER, OTHER.descriptor().digest, True),
        (OTHER, Digest.of(b"third"), False),
        (MANIFEST, "absent", True),
    ],
)
def test_a_condition_is_looked_at_before_the_tag_moves(
    holds: Manifest | None, condition: Condition, moved: bool
) -> None:
    bench = Bench()
    repository = bench.repository()
    if holds is not None:
        repository.tag(holds.descriptor(), BytesContent(holds.raw), ["1"], "any", bench.cancel)

    error = tag(bench, repository, "1", condition=condition)["1"]

    assert isinstance(error, TagMoved) is not moved
    held = bench.registry.repositories["a"].tags.get("1")
    assert (held == ROOT.digest) is moved


def test_a_tag_that_is_right_already_is_not_written_again_under_a_condition() -> None:
    bench = Bench()
    repository = bench.repository()
    tag(bench, repository, "1")

    assert tag(bench, repository, "1", condition="absent") == {"1": None}
    assert bench.transport.methods == "PUT HEAD HEAD"


def test_a_tag_that_answers_something_else_is_unproven() -> None:
    bench = Bench()
    bench.transport.trouble("HEAD", Response(404))

    assert isinstance(tag(bench, bench.repository(), "1")["1"], TagUnproven)


def test_a_tag_that_is_refused_leaves_the_others() -> None:
    bench = Bench()
    bench.transport.trouble("PUT", Response(403))

    results = tag(bench, bench.repository(), "1", "2")

    assert sorted(type(error).__name__ for error in results.values()) == ["NoneType", "PermissionDenied"]


def test_a_sha512_manifest_is_proven_by_the_registrys_sha256() -> None:
    bench = Bench()
    long = MANIFEST.descriptor(Algorithm.SHA512)

    results = bench.repository().tag(long, BytesContent(MANIFEST.raw), ["1"], "any", bench.cancel)

    assert results == {"1": None}


def test_untagging_leaves_the_manifest() -> None:
    bench = Bench()
    repository = bench.repository()
    tag(bench, repository, "1")

    repository.untag("1")

    assert repository.resolve(ROOT.digest) == ROOT
    with pytest.raises(TagUnknown):
        repository.untag("1")


def test_a_registry_that_deletes_by_digest_only_says_so() -> None:
    bench = Bench()
    bench.registry.untags = False
    repository = bench.repository()
    tag(bench, repository, "1")

    with pytest.raises(UntagUnsupported, match="cannot remove the tag 1 alone"):
        repository.untag("1")
    assert bench.registry.repositories["a"].tags


def test_a_registry_that_answers_the_first_question_with_400_is_no_port_for_tls() -> None:
    first = Bench(endpoint=PLAIN)
    tag(first, first.repository(), "1")
    later = Bench(registry=first.registry, profiles=first.profiles, endpoint=INSECURE)
    later.transport.trouble("DELETE", refusal(Code.DIGEST_INVALID))

    with pytest.raises(UntagUnsupported):
        later.repository().untag("1")
    assert later.transport.methods == "DELETE"


def test_deleting_takes_the_tags_along() -> None:
    bench = Bench()
    repository = bench.repository()
    tag(bench, repository, "1", "2")

    repository.delete(ROOT.digest)

    assert list(repository.tags()) == []
    with pytest.raises(ContentUnknown):
        repository.delete(ROOT.digest)


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
