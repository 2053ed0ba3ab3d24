"""What is written to a repository, against a played registry: blobs, manifests and tags come, and go."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from lading.backends.registry_client.pushing import FROM_THE_START, REMEMBERED
from lading.backends.registry_client.repository import UntagUnsupported
from lading.engine.stores import (
    Condition,
    ContentUnknown,
    Mounter,
    Outcome,
    TagMoved,
    TagUnknown,
    TagUnproven,
)
from lading.errors import Cancelled, LadingError
from lading.oci.digest import Algorithm, Digest
from lading.oci.manifest import Manifest
from lading.oci.reference import Repository
from lading.wire.message import BytesContent, Response
from lading.wire.progress import State
from lading.wire.registry_errors import Code
from tests.fakes.played_registry import refusal
from tests.fakes.registry_client import HOST, INSECURE, PLAIN, Bench
from tests.fakes.tracks import Told
from tests.fakes.transport import Cut
from tests.unit.registry_client.writing import CONFIG, CONTENT, LAYER, MANIFEST, ROOT, push, tag

OTHER = Manifest.build(CONFIG, [])


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
