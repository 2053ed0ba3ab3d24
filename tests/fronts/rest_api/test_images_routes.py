"""The images of an environment over the API: seen, named, exported, imported and removed."""

from __future__ import annotations

import pytest

from lading.services.work.imports import MOST_ARRIVING
from tests.fakes.docker_archives import docker_archive, members
from tests.fronts.rest_api.caller import House


def test_an_image_is_listed_and_described(house: House) -> None:
    identity = house.load("seen/app:1", label="seen")
    (listed,) = house.admin.get("/api/images?filter=seen/app").json
    details = house.admin.get("/api/images/seen%2Fapp%3A1").json

    assert set(listed) == {"id", "tags", "digests", "created", "size", "labels", "platforms"}
    assert (listed["id"], listed["tags"], listed["labels"]) == (identity, ["seen/app:1"], {"label": "seen"})
    assert listed["created"].endswith("Z")
    marks = {"uniqueSize", "severity", "locked", "signed"}
    assert set(details) == {*listed, *marks, "digest", "platform", "layers", "config"}
    assert details["platform"] == "linux/amd64"


@pytest.mark.parametrize(
    "spelled", ["{digest}", "{hex}", "named%2Fapp:1", "named/app:1", "named%2Fapp%3A1", "named%2fapp"]
)
def test_an_image_is_found_by_id_and_by_name(house: House, spelled: str) -> None:
    identity = house.load("named/app:1", "named/app:latest", label="named")
    path = spelled.format(digest=identity.replace(":", "%3A"), hex=identity.removeprefix("sha256:")[:12])

    assert house.admin.get(f"/api/images/{path}").json["id"] == identity
    steps = house.admin.get(f"/api/images/{path}/history").json
    assert set(steps[0]) == {"id", "created", "createdBy", "size", "comment"}


def test_a_name_may_end_like_a_route(house: House) -> None:
    """A slash that belongs to the name is written %2F."""
    for name in ("odd/history", "odd/export", "odd/tag", "imports/odd", "import"):
        identity = house.load(name, label=name)
        assert house.admin.get(f"/api/images/{name.replace('/', '%2F')}").json["id"] == identity, name
        assert house.admin("DELETE", f"/api/images/{name.replace('/', '%2F')}").status == 200, name


def test_a_percent_sign_is_one_sign(house: House) -> None:
    answer = house.admin.get("/api/images/a%252Fb")
    assert (answer.status, "a%2Fb" in answer.json["error"]) == (400, True)


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/api/images/unknown:1", 404, "Image not found: unknown:1"),
        ("/api/images/UPPER", 400, "'UPPER' is not an image reference: the repository 'UPPER' must be lower case"),
        ("/api/images/", 400, "'' is not an image reference: the name is empty"),
        ("/api/images?env=99", 404, "Environment not found"),
        ("/api/images?env=x", 400, "env must be a whole number"),
        ("/api/images?env=0", 400, "env must be at least 1"),
        ("/api/nothing", 404, "Not found"),
        ("/api/jobs/", 404, "Not found"),
    ],
)
def test_what_is_not_there_or_not_understood_is_one_clear_error(
    house: House, path: str, status: int, error: str
) -> None:
    assert house.admin.get(path).brief == (status, error)


def test_an_image_gets_further_names_and_loses_them(house: House) -> None:
    identity = house.load("tagged:1", label="tagged")
    tagged = house.admin.post("/api/images/tagged:1/tag", {"repo": "registry.test/team/app", "tag": "v2"})
    plain = house.admin.post("/api/images/tagged:1/tag", {"repo": "second"})
    wrong = house.admin.post("/api/images/tagged:1/tag", {"repo": "Second"})
    missing = house.admin.post("/api/images/tagged:1/tag", {})
    names = house.admin.get("/api/images?filter=" + identity).json[0]["tags"]
    removed = house.admin("DELETE", "/api/images/second")
    several = house.admin("DELETE", f"/api/images/{identity}")
    forced = house.admin("DELETE", f"/api/images/{identity}?force=true")

    assert (tagged.status, tagged.json) == (201, {"tag": "registry.test/team/app:v2"})
    assert (plain.status, plain.json) == (201, {"tag": "second:latest"})
    assert (wrong.status, missing.status) == (400, 400)
    assert sorted(names) == ["registry.test/team/app:v2", "second:latest", "tagged:1"]
    assert removed.json["deleted"]
    assert set(removed.json) == {"deleted", "spaceReclaimed"}
    assert several.status == 409
    assert forced.status == 200
    assert house.admin.get("/api/images?filter=" + identity).json == []


def test_an_export_is_an_archive_that_is_imported_again(house: House) -> None:
    identity = house.load("out/app:1", label="out")
    exported = house.admin.get("/api/images/out%2Fapp:1/export")
    missing = house.admin.get("/api/images/nothing:1/export")
    house.admin("DELETE", "/api/images/out%2Fapp:1")
    archive = exported.body
    again = house.admin("POST", "/api/images/import", raw=archive, headers={"Accept": "application/json"})

    assert exported.headers["content-type"] == "application/x-tar"
    assert exported.headers["content-disposition"] == 'attachment; filename="app_1.tar"'
    assert "manifest.json" in members(archive)
    assert missing.status == 404
    assert again.status == 200
    assert again.json["status"] == "complete"
    assert [(image["name"]) for image in again.json["images"]] == ["out/app:1"]
    assert house.admin.get("/api/images/out%2Fapp:1").json["labels"] == {"label": "out"}
    assert identity.startswith("sha256:")


def test_an_archive_comes_by_pieces_and_goes_on_where_it_stopped(house: House) -> None:
    archive = docker_archive(["pieces:1"], label="pieces")
    begun = house.admin.post("/api/images/imports")
    path = f"/api/images/imports/{begun.json['id']}"
    half = len(archive) // 2
    first = house.admin("PATCH", f"{path}?offset=0", raw=archive[:half])
    wrong = house.admin("PATCH", f"{path}?offset=0", raw=archive[:half])
    asked = house.admin.get(path)
    second = house.admin("PATCH", f"{path}?offset={half}", raw=archive[half:])
    elsewhere = house.user("elsewhere", "admin").get(path)
    committed = house.admin.post(f"{path}/commit", None, Accept="application/json")

    assert (begun.status, begun.json["offset"]) == (201, 0)
    assert first.json["offset"] == asked.json["offset"] == half
    assert (wrong.status, wrong.json["code"]) == (409, "offset")
    assert second.json["offset"] == len(archive)
    assert elsewhere.brief == (404, "Import not found")
    assert (committed.status, committed.json["status"]) == (200, "complete")
    assert house.admin.get("/api/images/pieces:1").status == 200
    assert house.admin.get(path).status == 404


def test_a_piece_that_is_too_long_is_refused(house: House) -> None:
    path = f"/api/images/imports/{house.admin.post('/api/images/imports').json['id']}"
    answer = house.admin("PATCH", f"{path}?offset=0", raw=bytes(16 * 1024 * 1024 + 1))

    assert answer.brief == (400, "A piece holds at most 16777216 bytes")
    assert house.admin("DELETE", path).status == 204
    assert house.admin.get(path).status == 404


@pytest.mark.parametrize("by_pieces", [False, True])
def test_what_is_no_archive_is_said_and_not_kept(house: House, by_pieces: bool) -> None:
    path, wanted = "/api/images/import", {"Accept": "application/json"}
    if by_pieces:
        begun = f"/api/images/imports/{house.admin.post('/api/images/imports').json['id']}"
        house.admin("PATCH", f"{begun}?offset=0", raw=b"no tar" * 1000)
        answer = house.admin.post(f"{begun}/commit", None, **wanted)
    else:
        answer = house.admin("POST", path, raw=b"no tar" * 1000, headers=wanted)
    job = house.admin.get(f"/api/jobs/{answer.headers['x-job-id']}").json

    assert answer.status in {400, 500}
    assert answer.json["status"] == "error"
    assert answer.json["error"]
    assert house.admin.get(f"/api/images/imports/{job['importId']}").brief == (404, "Import not found")


def test_one_user_has_only_so_many_archives_arriving(house: House) -> None:
    operator = house.user("carrier", "operator")
    begun = [operator.post("/api/images/imports") for _ in range(MOST_ARRIVING)]
    assert {answer.status for answer in begun} == {201}

    assert operator.post("/api/images/imports").brief == (409, "20 of your archives have not been loaded yet")
    assert house.admin.post("/api/images/imports").status == 201
    operator("DELETE", f"/api/images/imports/{begun[0].json['id']}")
    assert operator.post("/api/images/imports").status == 201


@pytest.mark.parametrize("by_pieces", [False, True])
def test_an_import_with_the_same_key_is_the_same_job(house: House, by_pieces: bool) -> None:
    archive = docker_archive([f"key-{by_pieces}:1".lower()], label="key")
    key = {"Idempotency-Key": f"import-{by_pieces}", "Accept": "application/json"}
    if by_pieces:
        path = f"/api/images/imports/{house.admin.post('/api/images/imports').json['id']}"
        house.admin("PATCH", f"{path}?offset=0", raw=archive)
        answers = [house.admin("POST", f"{path}/commit", headers=key) for _ in range(2)]
    else:
        answers = [house.admin("POST", "/api/images/import", raw=archive, headers=key) for _ in range(2)]
    another = house.admin("POST", "/api/images/import", raw=docker_archive(["x:1"], label="y"), headers=key)

    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].headers["x-job-id"] == answers[1].headers["x-job-id"]
    assert answers[0].json == answers[1].json
    assert (another.status, another.json["code"]) == (409, "idempotency_key")


def test_prune_takes_what_has_no_name(house: House) -> None:
    old = house.load("pruned:1", label="old")
    house.load("pruned:1", label="new")
    answer = house.admin.post("/api/prune/images")
    typed = house.admin.post("/api/prune/images", {"dangling": "perhaps"})

    assert answer.status == 200
    assert set(answer.json) == {"deleted", "spaceReclaimed"}
    assert house.admin.get(f"/api/images/{old}").status == 404
    assert typed.status == 400
