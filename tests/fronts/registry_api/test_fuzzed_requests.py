"""Whatever is asked, in whatever field: taken, or refused in the specification's form; never a failure of ours."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.backends.content_store.folder import ContentFolder
from lading.errors import LadingError
from lading.fronts.registry_api.queries import PAGE_LIMIT, TAGS_LIMIT, Query
from lading.fronts.registry_api.serving import registry_application
from lading.oci.digest import Digest
from lading.oci.reference import check_path, check_tag
from lading.wire.byte_ranges import RangeUnsatisfiable, part_of
from lading.wire.upload_session import ChunkInvalid, ChunkOutOfOrder, check_chunk
from tests.conformance.talking import CODES
from tests.fakes.people import PASSWORD, basic, people
from tests.fakes.records import MemoryLeases
from tests.fakes.registry_doors import Doors
from tests.fakes.repository_records import MemoryRecords
from tests.fronts.registry_api.asking import Asker, artifact, digest_of, index, manifest

LAYER = digest_of(b"layer")
PLAIN = ("v2", "r", "team/app", "tags", "list", "manifests", "blobs", "uploads", "referrers", "_catalog", "token", "v1")
ODD = ("", "..", "%2f", "%00", "%ff", "%2e%2e", "sha256:", "é", LAYER.replace("sha256", "sha512"))
WORDS = st.sampled_from([*PLAIN, *ODD, LAYER, digest_of(manifest())])
PATHS = st.lists(WORDS | st.text(max_size=5), max_size=7).map("/".join).map(lambda path: f"/{path}")
ROUTES = st.builds(
    lambda name, rest, last: f"/v2/{name}/{rest}{last}",
    st.sampled_from(["r", "team/app", "UPPER", "..", "%2e", "a" * 256]),
    st.sampled_from(["manifests/", "blobs/", "blobs/uploads/", "referrers/", "tags/list"]),
    WORDS | st.text(max_size=8),
)
NAMES = st.sampled_from(
    ["n", "last", "digest", "mount", "from", "tag", "artifactType", "digest-algorithm", "ns", "service", "scope", "%00"]
)
VALUES = WORDS | st.integers().map(str) | st.text(max_size=10)
QUERIES = st.lists(st.tuples(NAMES, VALUES).map("=".join), max_size=5).map("&".join) | st.text(max_size=20)
RANGES = st.builds("{}={}-{}".format, st.sampled_from(["bytes", "lines", ""]), VALUES, VALUES)
LOGINS = (
    st.sampled_from([basic("ada", PASSWORD), "Bearer lra1.x.y", "Bearer lad_x", "Basic !", "Bearer", ""]) | st.text()
)
HOSTS = st.builds(
    "{}{}".format,
    st.sampled_from(["127.0.0.1", "localhost", "registry.corp", "hub.corp", "evil.example", "[::1]", "[", "a b", ""]),
    st.sampled_from(["", ":5000", ":0", ":99999", ":", ':5000"', ":x"]) | st.text(max_size=4),
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "range": RANGES | st.text(max_size=20),
        "content-range": st.builds("{}-{}".format, VALUES, VALUES) | st.text(max_size=20),
        "content-type": st.text(max_size=30),
        "accept": st.text(max_size=20),
        "authorization": LOGINS,
        "host": HOSTS,
        "origin": st.sampled_from(["null", "https://evil.example", "http://127.0.0.1:5000", "x"]),
        "x-forwarded-proto": st.text(max_size=8),
        "x-forwarded-host": HOSTS,
    },
)
METHODS = st.sampled_from(["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "BREW"])
BODIES = st.sampled_from([b"", b"layer", b"{}", manifest(), index(), artifact(manifest(), "a/b")]) | st.binary(
    max_size=50
)


@dataclass(frozen=True)
class Places:
    """The same questions, asked of an open registry and of one with users."""

    open: Asker
    guarded: Asker


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    folder = tmp_path_factory.mktemp("fuzzed")
    with ExitStack() as stack:
        all_ = stack.enter_context(people(folder))
        all_.user("ada", "admin")
        content = stack.enter_context(closing(ContentFolder(folder / "content", MemoryLeases())))
        gate = Doors(all_, {"team/app"}, trusted=["127.0.0.1"]).gate()
        places = Places(
            Asker(registry_application(MemoryRecords(), content)),
            Asker(registry_application(MemoryRecords(), content, gate)),
        )
        places.open.put_image("r", "v1")
        yield places


REQUESTS = given(METHODS, PATHS | ROUTES, QUERIES, FIELDS, BODIES)


@settings(max_examples=400)
@REQUESTS
def test_every_request_has_an_answer(
    places: Places, method: str, path: str, query: str, fields: dict[str, str], body: bytes
) -> None:
    answered(places, method, path, query, fields, body)


@pytest.mark.proof
@settings(max_examples=20_000)
@REQUESTS
def test_very_many_requests_have_an_answer(
    places: Places, method: str, path: str, query: str, fields: dict[str, str], body: bytes
) -> None:
    answered(places, method, path, query, fields, body)


def answered(places: Places, method: str, path: str, query: str, fields: dict[str, str], body: bytes) -> None:
    for ask in (places.open, places.guarded):
        reply = ask(method, f"{path.replace('?', '')}?{query}", body, fields=fields)

        assert reply.status < 500
        assert not any(set(value) & set("\r\n\0") for _, value in reply.repeated)
        if reply.status >= 400 and method != "HEAD":
            assert {error["code"] for error in json.loads(reply.body)["errors"]} <= CODES


@given(st.integers(0, 10**6), RANGES | st.text())
def test_a_range_is_within_the_content_or_none(size: int, text: str) -> None:
    try:
        part = part_of(size, text)
    except RangeUnsatisfiable:
        return
    assert part is None or (part[0] >= 0 and part[1] > 0 and sum(part) <= size)


@given(st.integers(0, 10**6), st.builds("{}-{}".format, VALUES, VALUES) | st.text(), st.none() | st.integers(0, 100))
def test_a_chunk_is_taken_where_the_session_stands_or_not_at_all(offset: int, text: str, length: int | None) -> None:
    try:
        check_chunk(offset, text, length)
    except (ChunkInvalid, ChunkOutOfOrder):
        return
    first, _, last = text.strip().removeprefix("bytes").strip(" =").partition("/")[0].partition("-")
    assert int(first) == offset
    assert length in {None, int(last) - offset + 1}


@given(QUERIES | st.text())
def test_a_query_gives_what_it_promises_or_refuses(text: str) -> None:
    query = Query(text)
    with contextlib.suppress(LadingError):
        assert 0 <= query.page()[1] <= PAGE_LIMIT
    with contextlib.suppress(LadingError):
        tags = query.tags()
        assert len(tags) <= TAGS_LIMIT
        for tag in tags:
            check_tag(tag, tag)
    with contextlib.suppress(LadingError):
        digest = query.needed_digest()
        assert Digest.parse(str(digest)) == digest
    with contextlib.suppress(LadingError):
        query.check_algorithm()
    origin = query.path("from")
    if origin is not None:
        check_path(origin, origin)
