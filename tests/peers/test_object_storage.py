"""`lading serve` whose content is in a bucket of a real S3 server: what real programs push lies there and comes back,
and what looks after content does so there."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import obstore
import pytest
from obstore.store import S3Store

from tests.docs.pages import ROOT, blocks
from tests.fakes.advisory_files import advisory, folder_of
from tests.fakes.docker_archives import docker_archive
from tests.fakes.root_images import tar_of
from tests.peers import layouts, programs
from tests.peers.command import Lading
from tests.peers.postgres_server import RunningPostgres
from tests.peers.programs import RunningDocker
from tests.peers.registry_clients import Client, DockerClient, LadingClient, PodmanClient, SkopeoClient
from tests.peers.s3_server import BUCKET, KEY, SECRET, RunningS3
from tests.peers.service_process import PASSWORD, SECRET_KEY, Json, Service, until

pytestmark = pytest.mark.peer("weed", "postgres", "dockerd", "docker", "skopeo", "podman")

NAMES = ("docker", "skopeo", "podman", "lading")
LARGE = 1_500_000
"""Bytes of a layer for which clients are sent on, where that is set."""

JSON = {"Accept": "application/json"}
SITE = "usr/local/lib/python3.11/site-packages"
VULNERABLE = tar_of({f"{SITE}/demo-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"})


@dataclass(frozen=True)
class Place:
    """A server, and the bucket that its content is in."""

    service: Service
    address: str
    s3: RunningS3
    redirects: bool

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.service.registry_port}"

    def lading(self) -> Lading:
        """The command beside the server, set as it is."""
        return Lading(self.service.data, tuple(self.service.settings.items()))

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """What a person has set who does not know where content is."""
        return tuple((name, value) for name, value in self.service.settings.items() if name != "LADING_STORAGE")

    def objects(self, folder: str) -> Mapping[str, bytes]:
        """What lies in this folder of the bucket, by the rest of its key: asked without us."""
        store = S3Store(
            BUCKET,
            prefix=urlsplit(self.address).path.strip("/"),
            endpoint=self.s3.variables["AWS_ENDPOINT_URL"],
            access_key_id=KEY,
            secret_access_key=SECRET,
            region="us-east-1",
            client_options={"allow_http": True},
        )
        found = [meta["path"] for page in obstore.list(store, folder) for meta in page]
        return {path.removeprefix(f"{folder}/"): bytes(obstore.get(store, path).bytes()) for path in found}

    def ask(self, method: str, path: str, **fields: str) -> tuple[int, Mapping[str, str], bytes]:
        """One request at the registry, by a token for its repository; no redirect is followed."""
        login = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
        repository = path.removeprefix("/v2/").partition("/blobs/")[0]
        asking = f"/v2/token?scope=repository:{repository}:pull"
        token = json.loads(_asked(self.host, "GET", asking, {"Authorization": f"Basic {login}"})[2])["token"]
        return _asked(self.host, method, path, {"Authorization": f"Bearer {token}", **fields})


def _asked(host: str, method: str, path: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
    with closing(http.client.HTTPConnection(host, timeout=60)) as connection:
        connection.request(method, path, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


SQLITE = pytest.param("sqlite", marks=pytest.mark.proof(reason="with redirects the rows are in SQLite as well"))


@pytest.fixture(scope="module", params=[SQLITE, "postgres", "redirects"])
def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, s3: RunningS3, postgres: RunningPostgres
) -> Iterator[Place]:
    """Its rows in SQLite or PostgreSQL; or one that sends clients on to the bucket. It knows an advisory."""
    folder, address = tmp_path_factory.mktemp("stored"), s3.address()
    settings = {**s3.variables, "LADING_STORAGE": address}
    if request.param == "postgres":
        settings |= {"LADING_DATABASE": postgres.empty(), "LADING_SECRET_KEY": SECRET_KEY}
    if request.param == "redirects":
        settings |= {"LADING_STORAGE_REDIRECT": "true"}
    place = Place(Service(folder / "data", settings), address, s3, request.param == "redirects")
    records = folder_of(folder / "advisories", advisory("PYSEC-1", aliases=["CVE-2099-0001"]))
    place.lading()("advisories", "import", str(records))
    with place.service.running():
        yield place


@pytest.fixture
def clients(docker_engine: RunningDocker, tmp_path: Path, place: Place) -> Iterator[dict[str, Client]]:
    """Each logged in, with a home of its own."""
    homes = {name: tmp_path / name for name in NAMES}
    for home in homes.values():
        home.mkdir()
    with tempfile.TemporaryDirectory(prefix="podman-", ignore_cleanup_errors=True) as short:
        clients: dict[str, Client] = {
            "docker": DockerClient(docker_engine, homes["docker"]),
            "skopeo": SkopeoClient(homes["skopeo"]),
            "podman": PodmanClient(homes["podman"], Path(short)),
            "lading": LadingClient(homes["lading"]),
        }
        for client in clients.values():
            client.login(place.host, "admin", PASSWORD)
        yield clients


def assert_sound(place: Place) -> None:
    """Every object is what its name says, and nothing lies there that is not ours to keep."""
    for name, content in place.objects("blobs").items():
        algorithm, _, encoded = name.partition("/")
        assert hashlib.new(algorithm, content).hexdigest() == encoded
    assert not place.objects("partial")
    assert not place.objects("uploads")


def test_what_each_pushes_lies_in_the_bucket_and_all_pull_it(place: Place, clients: dict[str, Client]) -> None:
    pushed = {name: client.push(f"{place.host}/team/{name}:1") for name, client in clients.items()}

    for name, digest in pushed.items():
        assert {reader: each.pull(f"{place.host}/team/{name}:1") for reader, each in clients.items()} == dict.fromkeys(
            NAMES, digest
        )
    assert {digest.replace(":", "/") for digest in pushed.values()} <= set(place.objects("blobs"))
    assert_sound(place)
    assert not (place.service.data / "content").exists()


def test_large_layers_come_back_wherever_clients_are_sent(
    place: Place, clients: dict[str, Client], tmp_path: Path
) -> None:
    """Straight through us, or by a signed address: what leads there is in no log."""
    pushed = layouts.five_layers(tmp_path / "layout", size=LARGE)
    laptop = Lading(tmp_path / "lading" / "data")
    laptop("-q", "copy", f"oci:{tmp_path / 'layout'}:v1", f"{place.host}/team/large:1")

    assert {name: each.pull(f"{place.host}/team/large:1") for name, each in clients.items()} == dict.fromkeys(
        NAMES, pushed
    )
    assert_sound(place)
    told = place.service.log.read_text()
    assert not [word for word in ("X-Amz-", "Signature", SECRET, "Traceback") if word in told]


def test_a_range_of_a_large_layer_is_given_or_is_to_be_had_elsewhere(place: Place, tmp_path: Path) -> None:
    content = layouts.layer("ranged", LARGE)
    layout = tmp_path / "layout"
    layouts.write_layout(layout, "v1", layouts.write_image(layout, [content]))
    laptop = Lading(tmp_path / "laptop")
    laptop("login", place.host, "-u", "admin", "--password-stdin", stdin=PASSWORD.encode())
    laptop("-q", "copy", f"oci:{layout}:v1", f"{place.host}/team/ranged:1")
    blob = f"/v2/team/ranged/blobs/sha256:{hashlib.sha256(content[0]).hexdigest()}"

    head = place.ask("HEAD", blob)
    assert (head[0], head[1]["content-length"]) == (200, str(len(content[0])))
    status, fields, body = place.ask("GET", blob, Range="bytes=1000-1999")
    if place.redirects:
        assert (status, fields["cache-control"]) == (307, "no-store")
        there = urlsplit(fields["location"])
        assert f"{there.scheme}://{there.netloc}" == place.s3.variables["AWS_ENDPOINT_URL"]
        status, fields, body = _asked(there.netloc, "GET", f"{there.path}?{there.query}", {"Range": "bytes=1000-1999"})
        assert _asked(there.netloc, "GET", there.path, {})[0] == 403
        assert _asked(place.host, "GET", blob, {})[0] == 401
    assert (status, fields["content-range"], body) == (
        206,
        f"bytes 1000-1999/{len(content[0])}",
        content[0][1000:2000],
    )


def test_an_image_of_our_own_is_pulled_scanned_removed_and_collected(place: Place) -> None:
    """All of it from the bucket, and in the end nothing of it is there."""
    service, name, digest = place.service, "team/scanned:1", f"sha256/{hashlib.sha256(VULNERABLE).hexdigest()}"
    registry = service.registry(place.host, username="admin", password=PASSWORD)
    there = f"{place.host}/{name}"
    assert service.ask("PUT", "/api/settings/scanner", {"scanner": "osv"})[0] == 200
    service.load(docker_archive([there], [VULNERABLE]))
    pushed = service.ask("POST", "/api/images/push", {"imageId": there, "registryId": registry}, JSON)
    assert pushed[0] == 200, pushed

    pulled = service.ask("POST", "/api/images/pull", {"image": there, "scanAfterPull": True}, JSON)
    assert pulled[0] == 200, pulled
    status, scans = service.text("GET", f"/api/images/scan?image={there}")
    assert (status, json.loads(scans)[0]["coverage"]["packages"]) == (200, 1)

    only_local = f"local/{place.address.split('/')[3]}:1"
    service.load(docker_archive([only_local], [VULNERABLE + b"\0" * 1024]))
    layer = f"sha256/{hashlib.sha256(VULNERABLE + bytes(1024)).hexdigest()}"
    before = set(place.objects("blobs"))
    assert service.ask("DELETE", f"/api/images/{only_local.replace('/', '%2F')}?force=true")[0] == 200
    service.ask("POST", "/api/prune/content", {}, JSON)
    after = set(place.objects("blobs"))
    assert layer in before
    assert layer not in after
    assert after < before
    assert digest in after


def test_figures_count_the_bucket_and_no_disk(place: Place) -> None:
    place.service.load(docker_archive(["team/counted:1"]))
    status, told = place.service.ask("GET", "/api/storage")
    assert status == 200
    assert (told["free"], told["capacity"]) == (None, None)
    asked = json.loads(Lading(place.service.data, place.keys)("repository", "storage", "--format", "json"))
    assert asked["free"] is None


def test_a_lock_and_a_rule_of_retention_hold(place: Place, clients: dict[str, Client]) -> None:
    skopeo, service = clients["skopeo"], place.service
    kept = skopeo.push(f"{place.host}/team/kept:1")
    for tag in ("old-2", "old-3"):
        skopeo.push(f"{place.host}/team/kept:{tag}")
    rules: Json = {"rules": [{"tags": ["old-*"], "keepNewest": 1}]}
    assert service.ask("PUT", "/api/repositories/team%2Fkept/retention", rules)[0] == 200
    assert service.ask("POST", "/api/repositories/team%2Fkept/retention/run", {}, JSON)[1]["tags"] == 1
    place.lading()("lock", "team/kept:1")

    with pytest.raises(AssertionError, match="immutable"):
        clients["docker"].push(f"{place.host}/team/kept:1")
    assert skopeo.pull(f"{place.host}/team/kept:1") == kept


def counted(place: Place, folder: Path) -> None:
    """Returns when the rows have every pull so far: all are written together, some seconds later, and one more here."""
    layouts.five_layers(folder / "layout", size=1000)
    laptop, last = Lading(folder / "laptop"), f"{place.host}/team/last:1"
    laptop("login", place.host, "-u", "admin", "--password-stdin", stdin=PASSWORD.encode())
    laptop("-q", "copy", f"oci:{folder / 'layout'}:v1", last)
    laptop("-q", "pull", last)
    until(lambda: place.service.ask("GET", "/api/repositories/team%2Flast")[1]["pulledAt"] is not None, "it is counted")


def test_the_doctor_asks_the_bucket_and_a_backup_leaves_it_out(place: Place, tmp_path: Path) -> None:
    counted(place, tmp_path)
    lading = place.lading()
    doctor = lading.run("doctor").stdout.decode()
    assert f"{place.address} answers" in doctor, doctor
    sent_on = f"clients are sent on to {place.s3.variables['AWS_ENDPOINT_URL']}, which takes addresses"
    assert (sent_on in doctor) == place.redirects, doctor

    refused = lading.run("backup", str(tmp_path / "whole"))
    lading("backup", str(tmp_path / "rows"), "--no-content")

    collected = Lading(place.service.data, place.keys).run("gc")
    apart = ("LADING_DATABASE", "LADING_SECRET_KEY")
    back = Lading(tmp_path / "back", tuple(each for each in lading.environment if each[0] not in apart))
    back("restore", str(tmp_path / "rows"))
    assert json.loads(back("repository", "ls", "--format", "json")) == json.loads(
        lading("repository", "ls", "--format", "json")
    )

    assert f"the content of these names is in {place.address}" in collected.stderr.decode()
    assert refused.returncode not in {0, 1}
    told = refused.stderr.decode()
    assert f"the content is in {place.address}, and is not put into a backup" in told
    assert "--no-content" in told
    assert not place.redirects or (tmp_path / "rows").exists()


@pytest.mark.parametrize(
    ("changed", "place", "told"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "a-secret-that-is-wrong"}, f"s3://{BUCKET}/x", "it answered 403 Forbidden"),
        ({}, "s3://no-such-bucket/x", "it answered 404 Not Found (NoSuchBucket)"),
        ({}, "s3://IMAGES/x", "'s3://IMAGES/x' names no bucket"),
    ],
)
def test_a_bucket_that_does_not_answer_as_it_should_is_one_clear_error(
    tmp_path: Path, s3: RunningS3, changed: Mapping[str, str], place: str, told: str
) -> None:
    """One that does not answer at all is waited for (test_waiting_starts.py)."""
    settings = {**s3.variables, **changed, "LADING_STORAGE": place}

    done = Lading(tmp_path / "data", tuple(settings.items())).run("serve", "--port", "0", "--registry-port", "0")

    said = done.stderr.decode()
    assert done.returncode == (1 if "answered" in told else 2)
    assert told in said
    assert said.startswith("error: ")
    assert not [secret for secret in (settings["AWS_SECRET_ACCESS_KEY"], "Traceback", "X-Amz") if secret in said]


def test_a_server_begins_as_the_page_says(tmp_path: Path, s3: RunningS3) -> None:
    """docs/how-to/object-storage.md, with the address and the key of this server."""
    (block,) = [each for each in blocks(ROOT / "docs/how-to/object-storage.md") if each.language == "sh"]
    given = {
        "https://s3.example.com": s3.variables["AWS_ENDPOINT_URL"],
        "a-secret": SECRET,
        "s3://images": s3.address(),
    }
    text = block.text
    for there, here in given.items():
        assert there in text
        text = text.replace(there, here)
    port = programs.free_port()
    command = f"{sys.executable} -m lading --data {tmp_path}/data serve --port {port} --registry-port 0"

    with programs.process(["sh", "-c", text.replace("lading serve", f"exec {command}")], tmp_path / "log") as child:
        programs.wait_for_port(port, child, tmp_path / "log")


def test_clients_are_sent_on_to_nowhere_else(tmp_path: Path) -> None:
    done = Lading(tmp_path / "data").run("serve", "--port", "0", "--registry-port", "0", "--storage-redirect")

    assert done.returncode == 2
    assert "the content is in the data folder" in done.stderr.decode()


def test_content_moves_to_a_bucket_as_the_page_says(tmp_path: Path, s3: RunningS3) -> None:
    """And not without being told: `blobs` and `referrers` of the data folder are put there by the store's own means."""
    address = s3.address()
    service = Service(tmp_path / "data", {"LADING_DOCKER_API": "off"})
    with service.running():
        service.load(docker_archive(["app:1"]))
    service.settings = {**service.settings, **s3.variables, "LADING_STORAGE": address}
    with service.running(ready=False) as child:
        refused = child.wait(60)
    put_files(tmp_path / "data/content", s3, address)
    shutil.rmtree(tmp_path / "data/content")
    service.settings = {**service.settings, "LADING_STORAGE_MOVED_FROM": "folder"}
    with service.running(), closing(service.connection()) as connection:
        connection.request("GET", "/api/images/app:1/export", headers={"Authorization": f"Bearer {service.token}"})
        answer = connection.getresponse()
        exported = answer.status, len(answer.read())

    assert refused == 6
    assert "the names here stand for content in the data folder, and not in s3://" in service.log.read_text()
    assert exported[0] == 200
    assert exported[1] > 1000


def put_files(content: Path, s3: RunningS3, address: str) -> None:
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    store = S3Store(
        bucket,
        prefix=prefix,
        endpoint=s3.variables["AWS_ENDPOINT_URL"],
        access_key_id=s3.variables["AWS_ACCESS_KEY_ID"],
        secret_access_key=s3.variables["AWS_SECRET_ACCESS_KEY"],
        region=s3.variables["AWS_REGION"],
        client_options={"allow_http": True},
    )
    for kind in ("blobs", "referrers"):
        for path in (content / kind).rglob("*"):
            if path.is_file():
                obstore.put(store, str(path.relative_to(content)), path.read_bytes())
