"""Rows of a server as commands of another machine list and change them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.oci.platform import Platform
from lading.services.embedded.samples import sample_archive
from tests.fakes.service_folder import PASSWORD, ServiceFolder
from tests.fronts.rest_api import caller


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[caller.House]:
    with caller.house(tmp_path_factory.mktemp("house")) as running:
        yield running


@pytest.fixture
def away(tmp_path: Path, house: caller.House) -> ServiceFolder:
    """The program of an admin elsewhere."""
    token = house.admin.post("/api/auth/tokens", {"name": tmp_path.name}).json["token"]
    (tmp_path / "data").mkdir()
    return ServiceFolder(tmp_path / "data", {"LADING_SERVER": house.running.api, "LADING_TOKEN": token})


def test_a_registry_is_added_changed_tried_and_removed(away: ServiceFolder, house: caller.House) -> None:
    url = f"http://{house.running.address}"

    away("registry", "add", "own", url, "-u", "admin", "--password-stdin", stdin=PASSWORD)
    away("registry", "set", "own", "--name", "ours", "--default")
    tested = away("registry", "test", "ours").out
    listed = away("registry", "ls").out.splitlines()
    shown = away.json("registry", "show", "ours")
    wrong = away.run("registry", "add", "other", "not an address")
    away("registry", "rm", "ours")

    assert all(line.startswith("ok") for line in tested.splitlines())
    assert listed[1].split()[1:] == ["ours", url, "generic", "admin", "yes", "http", "*", "-"]
    assert (shown["username"], shown["hasCredentials"]) == ("admin", True)
    assert wrong.code == 2
    assert away("registry", "ls", "-q").out == ""


def test_what_a_registry_holds_is_listed(away: ServiceFolder, house: caller.House, tmp_path: Path) -> None:
    (tmp_path / "hello.tar").write_bytes(sample_archive("demo/hello:1", "hello", Platform("linux", "amd64")))
    away("push", f"archive:{tmp_path}/hello.tar", f"{house.running.address}/listed/hello:1")
    row = house.admin.get(f"/api/registries/{house.own_registry()}").json["name"]

    assert "listed/hello" in away("ls", house.running.address).out.split()
    assert away("ls", f"{house.running.address}/listed/hello", "-q").out.strip().endswith("/listed/hello:1")
    assert "listed/hello" in away("search", f"{house.running.address}/listed").out.split()
    assert away.run("ls", "elsewhere.example/app").code == 5
    assert "listed/hello" in away("registry", "catalog", row, "-q").out.split()
    assert away("registry", "catalog", row, "listed").out.split() == ["REPOSITORY", "listed/hello"]
    assert away("registry", "tags", row, "listed/hello").out.split() == ["TAG", "1"]
    house.admin("DELETE", f"/api/registries/{house.own_registry()}")
    away("repository", "rm", "listed/hello")


def test_the_token_of_an_agent_is_made_and_taken_back(away: ServiceFolder, house: caller.House) -> None:
    away("environment", "add", "attic", "--type", "hawser-edge")
    line = away("environment", "token", "attic", "--expires", "1d").out
    stock = away("environment", "token", "attic", "--stock").out
    listed = away("environment", "agents").out.splitlines()[1].split()
    away("environment", "token", "attic", "--revoke")
    again = away.run("environment", "token", "attic", "--revoke")
    elsewhere = away.run("environment", "token", "attic", "--server", "https://other.example")
    away("environment", "rm", "attic")

    assert line.startswith(f"lading agent --server {house.running.api} --token ")
    assert stock.startswith("docker run ")
    assert listed[:2] == ["attic", "-"]
    assert listed[-1] == "never"
    assert (again.code, elsewhere.code) == (5, 2)


def test_an_environment_is_added_changed_tried_and_removed(away: ServiceFolder, tmp_path: Path) -> None:
    made = away.json("environment", "add", "host", f"unix://{tmp_path}/none.sock")
    away("environment", "set", "host", f"unix://{tmp_path}/other.sock", "--name", "build")
    tested = away.run("environment", "test", "build")
    listed = away("environment", "ls", "-q").out.split()
    away("environment", "default", "build")
    default = [row["name"] for row in away.json("environment", "ls") if row["isDefault"]]
    back = next(name for name in listed if name != "build")
    away("environment", "default", back)
    away("environment", "rm", "build")

    assert made["connectionType"] == "socket"
    assert "FAIL" in tested.out
    assert "error: build cannot be worked with: connect failed" in tested.err
    assert tested.code == 10
    assert "build" in listed
    assert default == ["build"]
    assert away("environment", "ls", "-q").out.split() == [back]


def test_a_user_is_added_changed_and_removed(away: ServiceFolder, house: caller.House) -> None:
    away("user", "add", "bob", "--role", "viewer", "--password-stdin", stdin=PASSWORD)
    house.login("bob")
    away("user", "set", "bob", "--role", "operator", "--inactive")
    row = next(line.split() for line in away("user", "ls").out.splitlines() if " bob " in line)
    away("user", "reset", "bob", "--password-stdin", stdin="battery staple horse")
    house.login("bob", "battery staple horse")
    roles = away("user", "roles", "-q").out.split()
    unknown = away.run("user", "set", "nobody", "--active")
    away("user", "rm", "bob")

    assert row[2:5] == ["operator", "no", "yes"]
    assert {"admin", "operator", "publisher", "viewer"} <= set(roles)
    assert unknown.code == 5
    assert "bob" not in away("user", "ls", "-q").out.split()


def test_tokens_are_listed_and_removed_and_none_is_made(away: ServiceFolder, house: caller.House) -> None:
    form = {"name": "ci", "scopes": ["registries:view"], "expiresIn": 86_400}
    bearer = caller.Caller(house.running.api).bearing(house.admin.post("/api/auth/tokens", form).json["token"])
    seen = bearer.get("/api/registries").status
    row = next(row for row in away.json("token", "ls", "--user", "admin") if row["name"] == "ci")
    shown = away.json("token", "show", str(row["id"]))
    away("token", "rm", str(row["id"]))
    refused = away.run("token", "add", "more", "--user", "admin")

    assert (seen, bearer.get("/api/registries").status) == (200, 401)
    assert shown["scopes"] == ["registries:view"]
    assert away.run("token", "show", str(row["id"])).code == 5
    assert away.run("token", "ls", "--user", "nobody").code == 5
    assert (refused.code, "lading token add works on this machine alone" in refused.err) == (2, True)


def test_a_repository_is_listed_named_anew_and_removed(
    away: ServiceFolder, house: caller.House, tmp_path: Path
) -> None:
    (tmp_path / "hello.tar").write_bytes(sample_archive("demo/hello:1", "hello", Platform("linux", "amd64")))
    away("push", f"archive:{tmp_path}/hello.tar", f"{house.running.address}/team/app:1")
    listed = away("repository", "ls", "-q").out.split()
    tags = away.json("repository", "tags", "team/app")
    away("repository", "visibility", "team/app", "public")
    promoted = away("repository", "promote", "team/app:1", "team/released").out
    away("repository", "rename", "team/app", "team/web")
    shown = away.json("repository", "show", "team/web")
    away("repository", "rm", "team/web")

    assert listed == ["team/app"]
    assert [row["name"] for row in tags] == ["1"]
    assert promoted.strip() == "team/released:1   is team/app:1 now"
    assert shown["visibility"] == "public"
    assert away("repository", "ls", "-q").out.split() == ["team/released"]


def test_tags_are_locked_and_let_go_of(away: ServiceFolder, house: caller.House, tmp_path: Path) -> None:
    (tmp_path / "hello.tar").write_bytes(sample_archive("demo/hello:1", "hello", Platform("linux", "amd64")))
    (tmp_path / "rules.json").write_text('[{"tags": ["v*"]}]')
    source, target = f"archive:{tmp_path}/hello.tar", f"{house.running.address}/locked/app:1"
    away("push", source, target)

    locked = away("lock", "locked/app:1").out
    refused = away.run("repository", "rm", "locked/app")
    released = away("unlock", "locked/app:1", "--reason", "mended", "--for", "2h", "--format", "json").json
    away("lock", "locked/app", "--release-after", "30d")
    rules = away.json("repository", "rules", "locked/app")["rules"]
    away("unlock", "locked/app", "--reason", "over")
    missing = away.run("unlock", "locked/app", "--reason", "over")
    replaced = away("repository", "rules", "locked/app", "--set", f"{tmp_path}/rules.json").out
    wrong = away.run("lock", "locked/app", "--release-after", "soon")
    (last,) = away.json("audit", "tail", "-n", "1", "--what", "repository")
    away("repository", "rm", "locked/app")

    assert locked.startswith("locked/app:1   locked")
    assert refused.code == 6
    assert (released["reason"], released["username"]) == ("mended", "admin")
    assert [each["tags"] for each in rules] == [["1"], ["**"]]
    assert (missing.code, wrong.code) == (5, 2)
    assert "v*" in replaced
    assert last["entityName"] == "locked/app"


def test_rules_of_retention_are_written_and_taken_away(away: ServiceFolder) -> None:
    away("policy", "set", "dev/*", "--keep-newest", "3", "--untagged-after", "7d")
    away("policy", "set", "web/app", "--keep-tags", "v*", "--keep-pushed", "30d")
    away("policy", "set", "web/app", "--keep-tags", "v*", "--keep-pushed", "60d")
    listed = away.json("policy", "ls")
    away("policy", "rm", "dev/*")
    away("policy", "rm", "web/app")
    missing = away.run("policy", "rm", "web/app")
    wrong = away.run("policy", "set", "web/app", "--keep-pushed", "soon")

    assert [(row["for"], row.get("keepNewest"), row.get("keepPushedDays")) for row in listed] == [
        ("dev/*", 3, None),
        ("web/app", None, 60),
    ]
    assert (missing.code, wrong.code) == (5, 2)
    assert away.json("policy", "ls") == []
    away("repository", "rm", "web/app")


def test_the_trail_is_read_exported_and_verified(away: ServiceFolder, tmp_path: Path) -> None:
    away("registry", "add", "seen", "registry.example")
    last = away.json("audit", "tail", "-n", "1")[0]
    found = away("audit", "tail", "--action", "create", "--what", "registry", "-q").out.split()
    lines = away("audit", "export", "--form", "jsonl").out.splitlines()
    away("audit", "export", "--form", "csv", "-o", str(tmp_path / "trail.csv"))
    verified = away("audit", "verify").out
    away("registry", "rm", "seen")

    assert (last["action"], last["entityName"], last["username"]) == ("create", "seen", "admin")
    assert str(last["id"]) in found
    assert len(lines) >= len(found)
    assert (tmp_path / "trail.csv").read_text().startswith('"id",')
    assert "every seal as it was" in verified
    assert away.run("audit", "tail", "-f").code == 2
