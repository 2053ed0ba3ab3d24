"""Content in a bucket while replicas are killed and the object store is busy or slow: nothing acknowledged is lost, and
whoever comes next goes on."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lading.backends.content_store.objects.bucket import SMALLEST_PART, Bucket
from lading.oci.media_types import OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST
from tests.fakes.scripted_server import ScriptedServer
from tests.fakes.troubled_store import TroubledStore, is_copy, is_part
from tests.fronts.registry_api.asking import descriptor, digest_of
from tests.peers.postgres_server import RunningPostgres
from tests.peers.s3_server import RunningS3
from tests.peers.service_process import PASSWORD, SECRET_KEY, Service, kill, until

pytestmark = pytest.mark.peer("weed", "postgres")

HALF = 2 * SMALLEST_PART


@dataclass
class Replica:
    """One server of several, as a client of its registry sees it: through a balancer, by one name."""

    service: Service
    token: str = ""
    answers: list[tuple[int, Mapping[str, str]]] = field(default_factory=list)

    def enter(self) -> None:
        """With a token that opens the others as well."""
        login = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
        asked = "/v2/token?scope=repository:team/app:pull,push"
        self.token = json.loads(self.ask("GET", asked, Authorization=f"Basic {login}")[2])["token"]

    def ask(self, method: str, path: str, body: bytes = b"", **fields: str) -> tuple[int, Mapping[str, str], bytes]:
        login = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        with closing(http.client.HTTPConnection("127.0.0.1", self.service.registry_port, timeout=90)) as connection:
            connection.request(method, path, body, {"Host": "localhost", **login, **fields})
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, found, answer.read()

    def begin(self) -> str:
        """An upload; where it is."""
        status, fields, _ = self.ask("POST", "/v2/team/app/blobs/uploads/")
        assert status == 202
        return fields["location"][fields["location"].index("/v2/") :]

    def patch(self, place: str, raw: bytes) -> int:
        """Its status."""
        return self.ask("PATCH", place, raw)[0]

    def offset(self, place: str) -> int:
        """How many bytes it says that it has."""
        status, fields, _ = self.ask("GET", place)
        assert status == 204
        last = int(fields["range"].partition("-")[2])
        return last + 1 if last else 0

    def commit(self, place: str, raw: bytes, digest: str) -> int:
        """Its status."""
        return self.ask("PUT", f"{place}?digest={digest}", raw)[0]

    def assert_holds(self, raw: bytes) -> None:
        status, _, body = self.ask("GET", f"/v2/team/app/blobs/{digest_of(raw)}")
        assert (status, body == raw) == (200, True)


@dataclass
class House:
    """Two servers on one PostgreSQL and one bucket, of which the first reaches it through `store`."""

    store: TroubledStore
    bucket: str
    first: Replica
    second: Replica


@dataclass(frozen=True)
class Shared:
    """What several servers have in common, and one of them."""

    settings: Mapping[str, str]
    bucket: str
    server: Service


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, s3: RunningS3, postgres: RunningPostgres) -> Iterator[Shared]:
    folder, address = tmp_path_factory.mktemp("shared"), s3.address()
    settings = {
        **s3.variables,
        "LADING_STORAGE": address,
        "LADING_DATABASE": postgres.empty(),
        "LADING_SECRET_KEY": SECRET_KEY,
    }
    server = Service(folder / "second", settings)
    server.data.mkdir()
    with server.running():
        yield Shared(settings, address, server)


@pytest.fixture
def house(tmp_path: Path, shared: Shared, s3: RunningS3, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The first is to be started by the test."""
    for name, value in s3.variables.items():
        monkeypatch.setenv(name, value)
    store = TroubledStore(f"127.0.0.1:{s3.port}")
    with ScriptedServer(store) as relay:
        troubled = {**shared.settings, "AWS_ENDPOINT_URL": f"http://{relay.authority}"}
        first = Service(tmp_path / "first", troubled, token=shared.server.token)
        first.data.mkdir()
        replica = Replica(shared.server)
        replica.enter()
        yield House(store, shared.bucket, Replica(first, replica.token), replica)


@pytest.fixture
def layer() -> bytes:
    """That nobody has pushed."""
    return os.urandom(4 * SMALLEST_PART + 4321)


def in_background(act: Callable[[], object]) -> threading.Thread:
    """A request whose server may die; what is said of that is nobody's business."""

    def run() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            act()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def segments(house: House) -> Collection[str]:
    """What lies in the bucket of uploads that have not ended."""
    return [entry.key for entry in Bucket.at(house.bucket).entries("uploads")]


def test_another_replica_goes_on_where_one_was_killed_in_the_middle_of_a_request(house: House, layer: bytes) -> None:
    """The first request is kept whole, of the second nothing: and the client is told so."""
    with house.first.service.running() as child:
        place = house.first.begin()
        assert house.first.patch(place, layer[:HALF]) == 202
        held = house.store.hold(is_part)
        sending = in_background(lambda: house.first.patch(place, layer[HALF:]))
        assert held.arrived.wait(60)
        kill(child)
        held.drop()
        sending.join()

    until(lambda: house.second.patch(place, b"") == 202, "its lock has lapsed")
    offset = house.second.offset(place)
    assert offset == HALF
    assert house.second.patch(place, layer[offset:]) == 202
    assert house.second.commit(place, b"", digest_of(layer)) == 201
    house.second.assert_holds(layer)
    assert not segments(house)


@pytest.mark.parametrize("answered", [False, True])
def test_a_commit_that_is_killed_beside_the_copy_is_made_by_another_replica(
    house: House, layer: bytes, answered: bool
) -> None:
    """Before the segment became the blob; or after, and before the row was written."""
    with house.first.service.running() as child:
        place = house.first.begin()
        assert house.first.patch(place, layer) == 202
        held = house.store.hold(is_copy, answered=answered)
        ending = in_background(lambda: house.first.commit(place, b"", digest_of(layer)))
        assert held.arrived.wait(60)
        kill(child)
        held.drop()
        ending.join()

    assert house.second.ask("HEAD", f"/v2/team/app/blobs/{digest_of(layer)}")[0] == 404
    until(lambda: house.second.commit(place, b"", digest_of(layer)) == 201, "its lock has lapsed")
    house.second.assert_holds(layer)
    assert not segments(house)


def push_image(replica: Replica, layer: bytes) -> int:
    """The status that ends it: 201, or that of what was refused; an image that is acknowledged is whole."""
    config = b'{"architecture":"amd64","os":"linux"}'
    for raw in (layer, config):
        status, fields, _ = replica.ask("POST", "/v2/team/app/blobs/uploads/")
        if status != 202:
            return status
        place = fields["location"][fields["location"].index("/v2/") :]
        if (status := replica.commit(place, raw, digest_of(raw))) != 201:
            return status
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(config, OCI_CONFIG),
        "layers": [descriptor(layer, OCI_LAYER_GZIP)],
    }
    put = replica.ask(
        "PUT", "/v2/team/app/manifests/1", json.dumps(manifest).encode(), **{"Content-Type": OCI_MANIFEST}
    )
    return put[0]


def test_a_busy_object_store_is_waited_for_and_then_told(house: House, layer: bytes) -> None:
    """Some seconds nobody notices. After more, everybody is told 503 and when to come again; then all is well."""
    kept = os.urandom(SMALLEST_PART + 1)
    with house.first.service.running():
        assert push_image(house.first, kept) == 201
        house.store.busy = True
        calm = threading.Timer(3.0, setattr, [house.store, "busy", False])
        calm.start()
        assert push_image(house.first, layer) == 201
        calm.join()
        assert house.store.refused

        place = house.first.begin()
        house.store.busy = True
        asked = [("PATCH", place, layer), ("GET", f"/v2/team/app/blobs/{digest_of(kept)}")]
        with ThreadPoolExecutor() as threads:  # each is tried for its time
            job = threads.submit(
                house.first.service.ask, "POST", "/api/prune/content", {}, {"Accept": "application/json"}
            )
            answers = list(threads.map(lambda each: house.first.ask(*each), asked))
        house.store.busy = False
        assert (job.result()[0], job.result()[1]["code"]) == (503, "unavailable")
        for status, fields, body in answers:
            assert (status, fields["retry-after"]) == (503, "5")
            assert "try again in a few seconds" in json.loads(body)["errors"][0]["message"]
        assert push_image(house.first, os.urandom(1000)) == 201
        house.first.assert_holds(layer)

        def told_back() -> bool:
            house.first.assert_holds(kept)
            return "answers again" in house.first.service.log.read_text()

        until(told_back, "the log says that it is back")

    told = house.first.service.log.read_text()
    assert "it answered 503" in told
    assert [told.count(said) for said in ("put off until it answers", "answers again: it was away for")] == [1, 1]
    assert "Traceback" not in told
    assert "only-for-tests" not in told


def test_a_slow_object_store_is_slow_and_nothing_else(house: House, layer: bytes) -> None:
    with house.first.service.running():
        house.store.delay = 0.3
        assert push_image(house.first, layer) == 201
        house.first.assert_holds(layer)
