"""What the image and registry routes do beside transfers, on our own engine and on a Docker host alike.

Judges are docker's own command and the registries themselves.
"""

from __future__ import annotations

import io
import json
import sys
import tarfile
from urllib.parse import quote

import pytest

from tests.fakes.docker_archives import docker_archive, members
from tests.fakes.root_images import tar_of
from tests.peers import layouts, programs
from tests.peers.mission_place import ENVIRONMENTS, HUB_FINDS, Place

pytestmark = pytest.mark.peer("dockerd", "docker-registry", "htpasswd", "skopeo", "nginx")

BOTH = pytest.mark.parametrize("kind", ENVIRONMENTS)

# ── lists, names, history


@BOTH
def test_images_are_listed_described_named_and_removed(mission: Place, kind: str) -> None:
    image = mission.bring(kind, "listed/app:1")

    named = mission.ask("POST", mission.path(kind, "images/listed%2Fapp:1/tag"), {"repo": "listed/other", "tag": "2"})
    listed = mission.rows(mission.path(kind, "images?filter=listed/"))
    paged = mission.ask("GET", mission.path(kind, "images?page=1&limit=1")).body
    one = mission.ask("GET", mission.path(kind, f"images/{quote(image)}")).body
    history = mission.rows(mission.path(kind, "images/listed%2Fapp:1/history"))
    removed = mission.ask("DELETE", mission.path(kind, "images/listed%2Fother:2"))
    gone = mission.ask("GET", mission.path(kind, "images/listed%2Fother:2"))

    assert named.status == 201
    (found,) = listed
    assert found["id"] == image == one["id"]
    assert found["tags"] == ["listed/app:1", "listed/other:2"]
    assert found["created"] == "2026-01-02T03:04:05.000Z"
    assert {"items", "total"} <= set(paged)
    assert (one["platform"], one["config"]) == (
        "linux/amd64",
        {"Cmd": ["/bin/true"], "Env": ["A=b"], "Labels": {"label": "listed/app:1"}},
    )
    assert [step["createdBy"] for step in history] == ["step 1", "step 0"]
    assert (removed.status, gone.status, gone.body["error"]) == (200, 404, "Image not found: listed/other:2")


@BOTH
def test_an_image_in_the_middle_of_nowhere(mission: Place, kind: str) -> None:
    for method, rest, body in (
        ("GET", "images/not%2Fthere:1", None),
        ("GET", "images/not%2Fthere:1/history", None),
        ("GET", "images/not%2Fthere:1/export", None),
        ("POST", "images/not%2Fthere:1/tag", {"repo": "a/b"}),
        ("DELETE", "images/not%2Fthere:1", None),
    ):
        answer = mission.ask(method, mission.path(kind, rest), body)
        assert (answer.status, answer.body["code"]) == (404, "not_found"), (method, rest, answer)


@BOTH
def test_what_nobody_needs_is_pruned(mission: Place, kind: str) -> None:
    image = mission.bring(kind, "pruned/app:1")
    mission.bring(kind, "pruned/app:2")
    again = docker_archive(["pruned/app:1"], [tar_of({"new": kind.encode()})], label="new")
    assert mission.done("POST", mission.path(kind, "images/import"), again).status == 200

    pruned = mission.ask("POST", mission.path(kind, "prune/images"), {"dangling": True})

    assert pruned.status == 200
    assert set(pruned.body) == {"deleted", "spaceReclaimed"}
    assert mission.ask("GET", mission.path(kind, f"images/{quote(image)}")).status == 404
    assert mission.ask("GET", mission.path(kind, "images/pruned%2Fapp:2")).status == 200


# ── archives


@BOTH
def test_an_exported_image_is_taken_back_by_docker_itself(mission: Place, kind: str) -> None:
    mission.bring(kind, "out/app:1")

    archive = export(mission, kind, "out/app:1")
    told = mission.docker("load", input=archive)

    assert "out/app:1" in told
    manifest = json.loads(members(archive)["manifest.json"])
    assert manifest[0]["RepoTags"] == ["out/app:1"]


def export(mission: Place, kind: str, image: str) -> bytes:
    token = f"Authorization: Bearer {mission.service.token}"
    route = mission.path(kind, f"images/{quote(image, safe='')}/export")
    address = f"https://127.0.0.1:{mission.service.port}{route}"
    target = mission.folder / f"export-{kind}.tar"
    ca = str(mission.authority.certificate)
    programs.run("curl", "-fsS", "--cacert", ca, "-H", token, "-o", str(target), address)
    return target.read_bytes()


@pytest.mark.parametrize(
    ("kind", "form"),
    [*((kind, "docker") for kind in ENVIRONMENTS), ("embedded", "oci")],  # docker 20.10 knows its own archives alone
)
def test_an_archive_comes_at_once(mission: Place, kind: str, form: str) -> None:
    name = f"once/{form}-{kind}:1"
    archive = _oci_archive(mission, name) if form == "oci" else docker_archive([name], label=name)

    loaded = mission.done("POST", mission.path(kind, "images/import"), archive)

    assert (loaded.status, loaded.body["message"]) == (200, "Loaded 1 image")
    images = loaded.body["images"]
    assert isinstance(images, list)
    assert images[0]["name"] == name


def _oci_archive(mission: Place, name: str) -> bytes:
    folder = mission.folder / name.replace("/", "-").replace(":", "-")
    image = layouts.write_image(folder, [layouts.layer(name, 1000)])
    layouts.write_layout(folder, name, image)
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for each in sorted(folder.rglob("*")):
            tar.add(each, each.relative_to(folder), recursive=False)
    return held.getvalue()


@BOTH
def test_an_archive_comes_by_pieces(mission: Place, kind: str) -> None:
    name = f"pieces/{kind}:1"
    archive = docker_archive([name], [tar_of({"big": b"z" * 100_000})], label=name)
    begun = mission.ask("POST", mission.path(kind, "images/imports"))
    place, half = f"images/imports/{begun.body['id']}", len(archive) // 2

    first = mission.ask("PATCH", f"/api/{place}?offset=0", archive[:half])
    again = mission.ask("PATCH", f"/api/{place}?offset=0", archive[:half])
    asked = mission.ask("GET", f"/api/{place}")
    rest = mission.ask("PATCH", f"/api/{place}?offset={half}", archive[half:])
    loaded = mission.done("POST", mission.path(kind, f"{place}/commit"))
    gone = mission.ask("GET", f"/api/{place}")

    assert begun.status == 201
    assert (first.status, first.body["offset"]) == (200, half)
    assert (again.status, again.body["code"]) == (409, "offset")
    assert asked.body["offset"] == half
    assert rest.body["offset"] == len(archive)
    assert (loaded.status, loaded.body["status"]) == (200, "complete"), loaded
    assert gone.status == 404
    assert mission.ask("GET", mission.path(kind, f"images/{quote(name, safe='')}")).status == 200


@BOTH
def test_an_archive_that_is_cut_or_none(mission: Place, kind: str) -> None:
    whole = docker_archive([f"cut/{kind}:1"], [tar_of({"big": b"z" * 100_000})])
    for archive in (whole[: len(whole) // 2], b"this is no archive" * 100, b""):
        loaded = mission.done("POST", mission.path(kind, "images/import"), archive)
        assert (loaded.body["status"], loaded.status in {400, 500}) == ("error", True), loaded
    assert mission.ask("GET", mission.path(kind, f"images/cut%2F{kind}:1")).status == 404


# ── registries


def test_a_registry_is_looked_into(mission: Place) -> None:
    image = mission.bring("embedded", "looked/app:1")
    private = mission.registries["private"]
    mission.push("embedded", imageId=image, registryId=private, newTag="looked/app:1", tags=["2"])

    catalog = mission.rows(f"/api/registry/catalog?registry={private}")
    found = mission.rows(f"/api/registry/search?registry={private}&term=LOOK")
    tags = mission.rows(f"/api/registry/tags?registry={private}&repository=looked/app")
    removed = mission.ask("DELETE", f"/api/registry/image?registry={private}&repository=looked/app&reference=2")

    assert {"name": "looked/app"} in catalog
    assert found == [{"name": "looked/app"}]
    assert tags == [{"name": "1"}, {"name": "2"}]
    assert removed.status in {204, 409}, removed  # docker-registry 2.8 takes no tag away alone


def test_a_registry_without_a_catalog_is_searched_by_whole_names(mission: Place) -> None:
    image = mission.bring("embedded", "nameless/app:1")
    tokens = mission.registries["tokens"]
    mission.push("embedded", imageId=image, registryId=tokens, newTag="nameless/app:1")

    catalog = mission.ask("GET", f"/api/registry/catalog?registry={tokens}")
    found = mission.rows(f"/api/registry/search?registry={tokens}&term=nameless/app")
    nothing = mission.rows(f"/api/registry/search?registry={tokens}&term=not/there")

    assert (catalog.status, catalog.body["code"]) == (404, "no_catalog")
    assert found == [{"name": "nameless/app"}]
    assert nothing == []


def test_docker_hub_is_searched_as_docker_searches_it(mission: Place) -> None:
    hub = mission.registries["hub"]

    found = mission.rows(f"/api/registry/search?registry={hub}&term=nginx")
    nothing = mission.rows(f"/api/registry/search?registry={hub}&term=other")
    tags = mission.rows(f"/api/registry/tags?registry={hub}&repository=nginx")
    (mission.folder / "other").mkdir()
    surroundings = ["env", f"SSL_CERT_FILE={mission.authority.certificate}", f"LADING_DATA={mission.folder / 'other'}"]
    command = programs.run(*mission.service.within, *surroundings, sys.executable, "-m", "lading", "search", "nginx")
    judge = mission.docker("search", "--format", "{{.Name}} {{.Description}} {{.StarCount}}", "nginx")

    results = HUB_FINDS["results"]
    assert isinstance(results, list)
    assert found == [
        {"name": "library/nginx", "description": "A web server", "stars": 7, "official": True},
        {"name": "me/nginx", "description": "", "stars": 0, "official": False},
    ]
    assert nothing == []
    assert tags == [{"name": "latest"}]
    assert judge.splitlines()[0] == "nginx A web server 7"
    assert command == "library/nginx\nme/nginx\n"


def test_what_a_registry_still_allows_is_shown(mission: Place) -> None:
    counting = mission.registries["counting"]
    allowed = {"remaining": 37, "limit": 100, "seconds": 21600}

    tested = mission.ask("POST", "/api/registries/test", {"id": counting}).body
    shown = mission.ask("GET", f"/api/registries/{counting}").body

    assert (tested["success"], tested["rateLimit"], shown["rateLimit"]) == (True, allowed, allowed)
    assert mission.ask("GET", f"/api/registries/{mission.registries['private']}").body["rateLimit"] is None
