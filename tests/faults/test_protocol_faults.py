"""Registries that answer, but not as the specification says (push-pull-engines §6.3, Protocol; §2.6, quirks)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lading.errors import LadingError, Side
from lading.fronts.cli.failures import exit_code
from tests.fakes.scripted_server import Asked, Ending, Reply
from tests.fakes.troubled_registry import Play, Trick, TroubledRegistry, afterwards, changed, fields, hang_up, instead
from tests.faults.transfers import LAYER, NAME, TAG, World, clear, folder_store, image, stocked, world

ALWAYS = 1000


def status(code: int) -> Trick:
    """Do as asked, and answer another status."""
    return changed(lambda reply: replace(reply, status=code))


def location(spell: Callable[[World, str], str], here: World) -> Trick:
    """Write Location another way."""

    def change(reply: Reply) -> Reply:
        spelled = [(name, spell(here, value) if name == "location" else value) for name, value in reply.fields]
        return replace(reply, fields=spelled)

    return changed(change)


def pushed(registry: TroubledRegistry, here: World, layers: Sequence[bytes] = (LAYER,)) -> LadingError | None:
    """Push an image; where it worked, all of it is there."""
    source, root = image(layers)
    error = here.push(source, root).error
    if error is None:
        assert registry.tags(NAME) == {TAG: root.digest}
        assert set(registry.blobs(NAME)) == set(source.blobs) - {root.digest}
    return error


SPELLINGS: dict[str, Callable[[World, str], str]] = {
    "absolute": lambda here, path: f"http://{here.host}{path}",
    "relative to the host": lambda here, path: path,
    "relative to the scheme": lambda here, path: f"//{here.host}{path}",
    "relative to the path": lambda here, path: "./" + path.rpartition("/")[2],
    "with more in its query": lambda here, path: f"{path}&_token=a%2Fb%3D&x=y",
    "with blanks around": lambda here, path: f"  {path} ",
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_a_location_is_understood_however_it_is_spelled(spell: Callable[[World, str], str]) -> None:
    registry = TroubledRegistry()
    with world(registry) as here:
        for door in ("start", "patch", "status"):
            registry.trouble(door, location(spell, here), times=ALWAYS)
        here.knows(chunk_limit=40_000)
        registry.trouble("put", hang_up(1000, Ending.RST))
        assert pushed(registry, here) is None
        queries = [asked.query for asked in here.server.asked if asked.method == "PATCH"]

    assert all("_state=" in query for query in queries)  # what a registry keeps in its URL comes back to it


def test_no_location_is_one_clear_error() -> None:
    registry = TroubledRegistry()
    registry.trouble("start", fields(location=None), times=ALWAYS)
    with world(registry) as here:
        error = pushed(registry, here)
    assert error is not None
    assert clear(error)
    assert "without a Location" in str(error)
    assert (error.side, exit_code(error), registry.tags(NAME)) == (Side.TARGET, 1, {})


def _ranged(reply: Reply, prefix: str) -> Reply:
    spelled = [(name, prefix + value.partition("-")[2] if name == "range" else value) for name, value in reply.fields]
    return replace(reply, fields=spelled)


def _charset(reply: Reply) -> Reply:
    spelled = [(name, value + "; charset=utf-8" if name == "content-type" else value) for name, value in reply.fields]
    return replace(reply, fields=spelled)


GOES_ON: dict[str, tuple[str, Trick]] = {
    "202 to the last PUT": ("put", status(202)),
    "200 to the last PUT": ("put", status(200)),
    "204 to the last PUT": ("put", status(204)),
    "201 to a PATCH": ("patch", status(201)),
    "204 to a PATCH": ("patch", status(204)),
    "200 to the start": ("start", status(200)),
    "201 to the manifest without a digest": ("point", fields(docker_content_digest=None)),
    "200 to the manifest": ("point", status(200)),
    "no Range after a PATCH": ("patch", fields(range=None)),
    "Range with its unit": ("patch", changed(lambda reply: _ranged(reply, "bytes=0-"))),
    "no Range at the start": ("start", fields(range=None)),
    "a smallest chunk above ours": ("start", fields(oci_chunk_min_length="60000")),
    "no digest in the tag's HEAD": ("find", fields(docker_content_digest=None)),
    "a digest that is none": ("find", fields(docker_content_digest="latest")),
    "text/plain in the tag's HEAD": ("find", fields(content_type="text/plain")),
    "text/plain in the manifest": ("manifest", fields(content_type="text/plain")),
    "a type with a charset": ("find", changed(_charset)),
    "cookies": ("start", fields(set_cookie="sid=1; Path=/; HttpOnly")),
}


@pytest.mark.parametrize(("door", "trick"), GOES_ON.values(), ids=GOES_ON)
def test_a_push_understands(door: str, trick: Trick) -> None:
    registry = TroubledRegistry()
    registry.trouble(door, trick, times=ALWAYS)
    with world(registry) as here:
        here.knows(chunk_limit=40_000)
        assert pushed(registry, here) is None
        assert all("cookie" not in asked.headers for asked in here.server.asked)
        patches = [asked.length for asked in here.server.asked if asked.method == "PATCH"]
    assert min(patches) >= (60_000 if door == "start" and "smallest" in _name_of(trick) else 1)


def _name_of(trick: Trick) -> str:
    return next(name for name, (_, known) in GOES_ON.items() if known is trick)


def test_a_refused_mount_is_the_upload_itself() -> None:
    registry = TroubledRegistry()
    with world(registry) as here:
        assert pushed(registry, here) is None
        starts = [asked.query for asked in here.server.asked if asked.method == "POST"]
    assert all(query.startswith("mount=") for query in starts)
    assert len(starts) == 2  # config and layer


@pytest.mark.parametrize("code", [400, 404, 405, 501])
def test_where_mounts_are_refused_uploads_are_begun_without(code: int) -> None:
    registry = TroubledRegistry()

    def no_mounts(asked: Asked, play: Play) -> Reply:
        return Reply(code) if "mount=" in asked.query else play(asked)

    registry.trouble("start", no_mounts, times=ALWAYS)
    with world(registry) as here:
        assert pushed(registry, here) is None
        assert not here.profiles.of(here.host).mounts


def test_a_registry_that_knows_no_patch_gets_whole_puts() -> None:
    registry = TroubledRegistry()
    registry.registry.patches = False
    with world(registry) as here:
        assert pushed(registry, here) is None
    assert registry.visits["patch"] == 0


def test_416_with_a_range_says_where_the_registry_stands() -> None:
    registry = TroubledRegistry()

    def half(asked: Asked, play: Play) -> Reply:
        """Keep only the first half of this chunk, and complain of the next."""
        asked.receive(asked.length // 2)
        asked.stop()
        play(asked)
        return Reply(202, _standing(play, asked, 40_000), read=0)

    registry.trouble("patch", half)
    with world(registry) as here:
        here.knows(chunk_limit=40_000)
        assert pushed(registry, here) is None
        ranges = [asked.headers.get("content-range") for asked in here.server.asked if asked.method == "PATCH"]
    assert "20000-59999" in ranges


def _standing(play: Play, asked: Asked, claimed: int) -> list[tuple[str, str]]:
    """What an upload's URL would be if all had been kept."""
    return [("location", asked.target), ("range", f"0-{claimed - 1}")]


@pytest.mark.parametrize("value", ["0-0", None, "bytes 0-0", "nonsense"])
def test_a_doubtful_range_after_a_loss_costs_a_fresh_upload_and_never_a_wrong_blob(value: str | None) -> None:
    registry = TroubledRegistry()
    registry.trouble("put", hang_up(len(LAYER) // 2, Ending.RST))
    registry.trouble("status", fields(range=value), times=ALWAYS)
    with world(registry) as here:
        assert pushed(registry, here) is None


def test_a_range_beyond_what_was_sent_is_not_believed() -> None:
    registry = TroubledRegistry()
    registry.trouble("patch", fields(range="0-99999999"))
    with world(registry) as here:
        here.knows(chunk_limit=40_000)
        assert pushed(registry, here) is None


def test_chunks_that_went_astray_are_noticed() -> None:
    """An Artifactory kept only the last chunk and said 201 (rust-oci-client#179)."""
    registry = TroubledRegistry()
    registry.trouble("look", changed(lambda reply: replace(reply, declared=22_400)), times=ALWAYS)
    with world(registry) as here:
        here.knows(chunk_limit=40_000)
        error = pushed(registry, here)

    assert error is not None
    assert clear(error)
    assert "does not hold all of it" in str(error)
    assert (error.side, registry.tags(NAME)) == (Side.TARGET, {})


ENDS: dict[str, tuple[str, Trick]] = {
    "another digest for the manifest": ("point", fields(docker_content_digest="sha256:" + "0" * 64)),
    "another digest when the tag is read back": (
        "find",
        fields(docker_content_digest="sha256:" + "0" * 64),
    ),
    "a commit that is not there afterwards": ("put", instead(Reply(202))),
    "a manifest that is not there afterwards": ("point", instead(Reply(201))),
}


@pytest.mark.parametrize(("door", "trick"), ENDS.values(), ids=ENDS)
def test_a_push_that_is_not_proven_is_no_success(door: str, trick: Trick) -> None:
    registry = TroubledRegistry()
    registry.trouble(door, trick, times=ALWAYS)
    with world(registry) as here:
        source, root = image()
        error = here.push(source, root).error

    assert error is not None
    assert clear(error)
    assert (error.side, exit_code(error)) == (Side.TARGET, 1), str(error)


def test_a_wrong_digest_for_the_tag_is_noticed_by_the_pull(tmp_path: Path) -> None:
    registry = TroubledRegistry()
    stocked(registry)
    registry.trouble("find", fields(docker_content_digest="sha256:" + "0" * 64), times=ALWAYS)
    with world(registry) as here, folder_store(tmp_path / "content") as store:
        with pytest.raises(LadingError) as caught:
            here.pull(store)
        assert list(store.tags()) == []
    assert caught.value.side is Side.SOURCE


@pytest.mark.parametrize(
    ("listed", "tags"),
    [
        (None, []),
        ([], []),
        (["v1", "v2"], ["v1", "v2"]),
        (["sha256:" + "0" * 64, "v1", 5, "-bad"], ["v1"]),
    ],
)
def test_odd_lists_of_tags_are_understood(listed: object, tags: list[str]) -> None:
    registry = TroubledRegistry()
    registry.trouble("list", instead(Reply(body=json.dumps({"name": NAME, "tags": listed}).encode())))
    with world(registry) as here:
        assert list(here.repository().tags()) == tags


@pytest.mark.parametrize(
    "link",
    [
        '</v2/team/app/tags/list?last=v1>; rel="next"',
        "</v2/team/app/tags/list?last=v1>; rel=next",
        "<list?last=v1>;rel='next'",
        '/v2/team/app/tags/list?last=v1; rel="next"',
        'http://HOST/v2/team/app/tags/list?last=v1; rel="next"',
        '<http://HOST/v2/team/app/tags/list?last=v1>; title="more"; rel="next"',
        '</other>; rel="prev", </v2/team/app/tags/list?last=v1>; rel="next"',
    ],
)
def test_the_next_page_is_found_however_it_is_linked(link: str) -> None:
    registry = TroubledRegistry()
    with world(registry) as here:
        pages = (
            instead(Reply(200, [("Link", link.replace("HOST", here.host))], b'{"tags": ["v1"]}')),
            instead(Reply(body=b'{"tags": ["v2"]}')),
        )
        registry.trouble("list", *pages)
        assert list(here.repository().tags()) == ["v1", "v2"]
        assert here.server.asked[-1].query == "last=v1"


def test_a_next_page_elsewhere_or_seen_before_ends_the_list() -> None:
    registry = TroubledRegistry()
    registry.trouble(
        "list", instead(Reply(200, [("Link", '</v2/team/app/tags/list?n=1000>; rel="next"')], b'{"tags": ["v1"]}'))
    )
    with world(registry) as here:
        assert set(here.repository().tags()) <= {"v1"}
    assert len(here.server.asked) <= 3


def test_a_commit_that_was_answered_with_502_is_not_sent_again() -> None:
    registry = TroubledRegistry()
    registry.trouble("put", afterwards(Reply(502)), times=ALWAYS)
    with world(registry) as here:
        assert pushed(registry, here) is None
    assert registry.visits["put"] == 2  # config and layer
