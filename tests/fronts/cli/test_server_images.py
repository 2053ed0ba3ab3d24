"""Images of a server by commands elsewhere: compared, imported, untagged, pushed with all tags, listed part by part."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.services.embedded.samples import sample_archive
from tests.fakes.docker_archives import docker_archive
from tests.fakes.service_folder import ServiceFolder
from tests.fronts.rest_api import caller

AMD64 = Platform("linux", "amd64")
ONE, TWO = "compare/one:1", "compare/two:1"
BASE, FIRST, SECOND = (word * 300 for word in (b"base", b"first", b"second"))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[caller.House]:
    with caller.house(tmp_path_factory.mktemp("house")) as running:
        for name, own in ((ONE, FIRST), (TWO, SECOND)):
            archive = docker_archive([name], [BASE, own], label=name)
            headers = {"Accept": "application/json"}
            assert running.admin("POST", "/api/images/import", raw=archive, headers=headers).status == 200
        yield running


@pytest.fixture
def away(tmp_path: Path, house: caller.House) -> ServiceFolder:
    token = house.admin.post("/api/auth/tokens", {"name": tmp_path.name}).json["token"]
    (tmp_path / "data").mkdir()
    surroundings = {"LADING_SERVER": house.running.api, "LADING_TOKEN": token, "HOME": str(tmp_path / "home")}
    return ServiceFolder(tmp_path / "data", surroundings)


def test_two_images_are_compared_there_as_here(away: ServiceFolder, tmp_path: Path) -> None:
    here = ServiceFolder(away.data, {"HOME": str(tmp_path / "home")})
    for name, own in ((ONE, FIRST), (TWO, SECOND)):
        (tmp_path / "image.tar").write_bytes(docker_archive([name], [BASE, own], label=name))
        here("load", f"{tmp_path}/image.tar")

    far, near = (each("diff", ONE, TWO, "--format", "json").json for each in (away, here))
    said = away("diff", ONE, TWO).out

    for told in (far, near):
        assert {name: [layer["diffId"] for layer in layers] for name, layers in told["layers"].items()} == {
            "same": [str(Digest.of(BASE))],
            "added": [str(Digest.of(SECOND))],
            "removed": [str(Digest.of(FIRST))],
        }
    assert far["config"] == near["config"] == [{"name": "Labels.label", "before": ONE, "after": TWO}]
    assert "1 layer shared" in said
    assert f"Labels.label: {ONE} → {TWO}" in said


def test_a_root_file_system_becomes_an_image_of_the_server(
    away: ServiceFolder, house: caller.House, tmp_path: Path
) -> None:
    with tarfile.open(tmp_path / "root.tar", "w") as tar:
        member = tarfile.TarInfo("etc/hello")
        member.size = 5
        tar.addfile(member, io.BytesIO(b"hello"))

    away("import", f"{tmp_path}/root.tar", "made/root:1", "--platform", "linux/arm64")

    found = house.admin.get("/api/images/made%2Froot:1").json
    assert (found["tags"], found["platform"], len(found["layers"])) == (["made/root:1"], "linux/arm64", 1)
    assert ServiceFolder(away.data, {"HOME": str(tmp_path)})("images", "--format", "json").json == []


def test_names_are_taken_there_but_for_the_last(away: ServiceFolder, house: caller.House) -> None:
    house.load("names/app:1", "names/app:2", label="names")

    taken = away("untag", "names/app:1", "-q").out
    last = away.run("untag", "names/app:2")

    assert taken == "names/app:1\n"
    assert (last.code, "lading rmi names/app:2" in last.err) == (6, True)
    assert house.admin.get("/api/images/names%2Fapp:2").json["tags"] == ["names/app:2"]


def test_all_tags_of_a_repository_are_pushed_and_taken_from_the_registry(
    away: ServiceFolder, house: caller.House
) -> None:
    house.load("all/app:1", "all/app:2", label="all")
    house.load("all/apple:3", label="other")
    target = f"{house.running.address}/sent/app"
    house.own_registry()

    pushed = away("push", "-a", "all/app", target, "--format", "json").json
    away("untag", "--remote", f"{target}:1")

    assert [[name.partition("@")[0] for name in each["references"]] for each in pushed] == [
        [f"{target}:1"],
        [f"{target}:2"],
    ]
    assert [row["name"] for row in house.admin.get("/api/repositories/sent%2Fapp/tags").json] == ["2"]
    assert away.run("push", "-a", "all/none", target).code == 5


def test_what_is_installed_is_listed_by_the_server(away: ServiceFolder, house: caller.House) -> None:
    archive = sample_archive("bill/app:1", "hello", AMD64)
    house.admin("POST", "/api/images/import", raw=archive, headers={"Accept": "application/json"})

    document = json.loads(away("sbom", "bill/app:1").out)

    assert (document["bomFormat"], document["metadata"]["component"]["name"]) == ("CycloneDX", "bill/app:1")
    assert away.run("sbom", "bill/none:1").code == 5
