"""Archives in and out by Docker's API: load, save, import."""

from __future__ import annotations

import json
import tarfile
import threading
from contextlib import closing
from io import BytesIO

import pytest

from lading.fronts.docker_api.application import DockerApi
from lading.fronts.docker_api.following import QUIET_SECONDS
from lading.fronts.http.exchange import IncomingRequest, Peer
from lading.services.access import Actor, Grant
from lading.services.audit.records import AuditFilter
from lading.services.identity.authentication import OPEN
from tests.fakes.docker_archives import docker_archive, members
from tests.fakes.places import NEVER
from tests.fronts.docker_api.door import Door, Reply, denied, docker_product
from tests.fronts.docker_api.transfers import Told, lines
from tests.fronts.docker_api.upstream import until
from tests.fronts.registry_api.asking import GivenBody

LAYERS = [b"first layer " * 60_000, b"second layer " * 60_000]
NONE = "sha256:" + "0" * 64


def root_tar() -> bytes:
    held = BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        member = tarfile.TarInfo("etc/motd")
        member.size = 5
        tar.addfile(member, BytesIO(b"hello"))
    return held.getvalue()


def load(door: Door, archive: bytes, **query: str | list[str]) -> Told:
    return lines(door("POST", "/images/load", archive, {"Content-Type": "application/x-tar"}, query))


@pytest.mark.parametrize("query", [{}, {"quiet": "1"}, {"quiet": "true"}])
def test_a_quiet_load_says_what_was_loaded(door: Door, query: dict[str, str]) -> None:
    told = load(door, docker_archive(["a:1", "b.example/c:2"]), **query)

    assert sorted(line["stream"] for line in told) == ["Loaded image: a:1\n", "Loaded image: b.example/c:2\n"]


def test_a_load_that_may_speak_tells_of_layers(door: Door) -> None:
    told = load(door, docker_archive(["a:1"], LAYERS), quiet="0")

    assert told[-1] == {"stream": "Loaded image: a:1\n"}
    layers = [line for line in told if line.get("status") == "Loading layer"]
    assert len({line["id"] for line in layers}) == 2
    assert all("progressDetail" in line for line in layers)


def test_an_image_without_a_name_is_told_by_its_id(door: Door) -> None:
    told = load(door, docker_archive([]))

    said = told[0]["stream"]
    assert said.startswith("Loaded image ID: sha256:")
    assert door.get(f"/images/{said.removeprefix('Loaded image ID: ').strip()}/json").json["RepoTags"] == []


@pytest.mark.parametrize("archive", [b"", b"no archive", docker_archive(["a:1"])[:700]])
def test_what_is_no_archive_is_told_in_the_stream(door: Door, archive: bytes) -> None:
    told = load(door, archive)

    assert told[-1]["error"] == told[-1]["errorDetail"]["message"] != ""
    assert door.get("/images/json").json == []


class AskedFor(GivenBody):
    """Knows whether the client was told to send it."""

    invited = False

    def invite(self) -> None:
        self.invited = True


@pytest.mark.parametrize(("actor", "invited"), [(OPEN, True), (Actor("looker", (), 7), False)])
def test_an_archive_is_asked_for_before_anything_is_told(door: Door, actor: Actor, invited: bool) -> None:
    body = AskedFor(b"", length=None)
    request = IncomingRequest("POST", "/images/load", "", {}, body, Peer.local(1000, 7), NEVER)

    with closing(DockerApi(docker_product(door.product, lambda _: actor))(request)):
        assert body.invited is invited


class Slow(GivenBody):
    """Gives somebody time to say something before its end."""

    over = False

    def readinto(self, buffer: memoryview, /) -> int:
        count = super().readinto(buffer)
        if not count:
            threading.Event().wait(2 * QUIET_SECONDS)
            self.over = True
        return count


def test_in_tls_nothing_is_told_while_the_archive_is_read(door: Door) -> None:
    """Reading and writing at once is more than a TLS connection stands."""
    body, peer = Slow(docker_archive(["a:1"], LAYERS), length=None), Peer("192.0.2.1", 5)
    headers = {"host": "builder.corp"}
    request = IncomingRequest("POST", "/images/load", "quiet=0", headers, body, peer, NEVER, secure=True)

    with closing(DockerApi(docker_product(door.product, lambda _: OPEN))(request)) as answer:
        told = iter(answer.content)
        first = next(told)
        assert body.over
        assert json.loads(first)["status"] == "Loading layer"
        assert [json.loads(line) for line in told][-1] == {"stream": "Loaded image: a:1\n"}


def test_who_may_not_load_is_told_by_a_status(door: Door) -> None:
    door.who[:] = [Actor("looker", (Grant(frozenset({"images:view"})),), 7)]

    assert door("POST", "/images/load", docker_archive(["a:1"])).told == denied("images:import")


def test_what_is_saved_can_be_loaded(door: Door) -> None:
    door.load_archive(docker_archive(["a:1"], LAYERS))
    first = door.get("/images/a:1/json").json["Id"]

    saved = door.get("/images/get", names=["a:1"])
    door.clear()

    assert (saved.status, saved.headers["content-type"]) == (200, "application/x-tar")
    assert load(door, saved.body) == [{"stream": "Loaded image: a:1\n"}]
    assert door.get("/images/a:1/json").json["Id"] == first


def test_several_images_are_one_archive(door: Door) -> None:
    door.load_archive(docker_archive(["a:1"], LAYERS))
    door.load_archive(docker_archive(["b:2"], LAYERS, label="other"))

    saved = members(door.get("/images/get", names=["a:1", "b"]).body)

    entries = json.loads(saved["manifest.json"])
    assert {name for entry in entries for name in entry["RepoTags"]} == {"a:1", "b:2"}
    assert "index.json" in saved


def test_one_image_is_saved_by_its_path(door: Door) -> None:
    door.load("a.example/b/c:1")

    assert "manifest.json" in members(door.get("/images/a.example/b/c:1/get").body)


def test_what_is_not_here_is_not_saved(door: Door) -> None:
    assert door.get("/images/get", names=["nothing"]).told == (404, "No such image: nothing")
    assert door.get("/images/nothing/get").told == (404, "No such image: nothing")
    assert door.get("/images/get").status == 400


def test_a_platform_that_the_image_lacks_is_not_saved(door: Door) -> None:
    door.load("a:1")

    reply = door.get("/images/a:1/get", platform='{"os":"linux","architecture":"s390x"}')

    assert reply.status == 404
    assert "linux/s390x" in reply.told[1]


def test_a_save_that_is_not_read_to_its_end_was_given_up(door: Door) -> None:
    door.load_archive(docker_archive(["a:1"], [b"x" * 30_000_000]))
    with closing(door.connection()) as connection:
        connection.request("GET", "/images/a:1/get")
        connection.getresponse().read(1000)
    wanted = AuditFilter(action="export")

    def ended() -> bool:
        return any(row.entry.result == "cancelled" for row in door.product.database.audit.page(wanted, 0, 5).rows)

    until(ended)


def made(door: Door, body: bytes = b"", **query: str | list[str]) -> Reply:
    return door("POST", "/images/create", body, {"Content-Type": "text/plain"}, {"fromSrc": "-", **query})


def test_a_root_file_system_becomes_an_image(door: Door) -> None:
    told = lines(made(door, root_tar(), repo="made:1", changes=["ENV A=b", 'CMD ["run"]'], message="by hand"))

    image = door.get("/images/made:1/json").json
    assert told == [{"status": image["Id"]}]
    assert (image["Config"]["Env"], image["Config"]["Cmd"]) == (["A=b"], ["run"])
    assert door.get("/images/made:1/history").json[0]["Comment"] == "by hand"


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"repo": "made"}, "made:latest"),
        ({"repo": "made", "tag": "2"}, "made:2"),
        ({"repo": "made:1", "tag": "2"}, "made:2"),
    ],
)
def test_the_name_of_an_import(door: Door, query: dict[str, str], name: str) -> None:
    lines(made(door, root_tar(), **query))

    assert door.get("/images/json").json[0]["RepoTags"] == [name]


def test_an_import_needs_no_name(door: Door) -> None:
    image = lines(made(door, root_tar()))[0]["status"]

    assert door.get(f"/images/{image}/json").json["RepoTags"] == []


@pytest.mark.parametrize(
    ("query", "status", "message"),
    [
        ({"fromSrc": "http://127.0.0.1/x.tar"}, 400, "Lading imports what it is sent, and fetches no URL"),
        ({"repo": f"made@{NONE}"}, 400, "cannot import digest reference"),
        ({"repo": "Made"}, 400, "invalid reference format"),
        ({"changes": "FROM x"}, 400, "from is not a valid change command"),
        ({"changes": "ENV"}, 400, "the change 'ENV' "),
    ],
)
def test_an_import_that_cannot_be(door: Door, query: dict[str, str], status: int, message: str) -> None:
    found, text = made(door, root_tar(), **query).told

    assert (found, text.startswith(message)) == (status, True)
    assert door.get("/images/json").json == []
