"""docker-py's images, from end to end, with the same assertions at Lading and at dockerd."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from docker.errors import APIError, ImageNotFound, NotFound
from docker.models.images import Image

from tests.peers import docker_door, programs
from tests.peers.docker_command import DockerCommand
from tests.peers.docker_door import Engines

pytestmark = pytest.mark.peer("dockerd", "docker", "docker-registry", "skopeo")


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory, docker_engine: programs.RunningDocker) -> Iterator[Engines]:
    with docker_door.engines(tmp_path_factory.mktemp("door"), docker_engine) as both:
        yield both


@pytest.fixture(params=["dockerd", "lading"])
def client(request: pytest.FixtureRequest, engines: Engines, tmp_path: Path) -> Iterator[docker.DockerClient]:
    """One without images."""
    url = getattr(engines, request.param)
    docker_door.emptied(DockerCommand(docker_door.newest(), url, tmp_path / "home"))
    client = docker.DockerClient(base_url=url, version="auto")
    try:
        yield client
    finally:
        client.close()


def test_pull_gives_the_image_that_is_then_listed_and_got(client: docker.DockerClient, engines: Engines) -> None:
    name = engines.images.name("app")
    pulled = client.images.pull(name, tag="1")
    assert pulled.tags == [f"{name}:1"]
    assert pulled.attrs["RepoDigests"][0].startswith(f"{name}@sha256:")
    assert client.images.get(f"{name}:1").id == pulled.id
    assert client.images.get(_id(pulled)).id == pulled.id
    assert client.images.get(pulled.short_id).id == pulled.id
    assert client.images.get(pulled.attrs["RepoDigests"][0]).id == pulled.id
    assert [each.id for each in client.images.list()] == [pulled.id]
    assert pulled.labels == {"org.example.team": "blue", "tier": "web"}


def test_pull_of_all_tags_gives_each(client: docker.DockerClient, engines: Engines) -> None:
    name = engines.images.name("app")
    pulled = client.images.pull(name, all_tags=True)
    assert {tag for image in pulled for tag in image.tags} == {f"{name}:1", f"{name}:2"}


def test_lists_are_filtered(client: docker.DockerClient, engines: Engines) -> None:
    name = engines.images.name("app")
    client.images.pull(name, all_tags=True)
    assert len(client.images.list(name=name)) == 2
    assert len(client.images.list(name=f"{name}:2")) == 1
    assert len(client.images.list(filters={"label": "tier=web"})) == 2
    assert client.images.list(filters={"label": ["tier=none"]}) == []
    assert client.images.list(filters={"dangling": True}) == []
    assert len(client.images.list(filters={"reference": f"{name}:1"})) == 1
    with pytest.raises(APIError):
        client.images.list(filters={"colour": "blue"})


def test_what_is_not_there_is_not_found(client: docker.DockerClient, engines: Engines) -> None:
    with pytest.raises(ImageNotFound):
        client.images.get("nothing")
    with pytest.raises(NotFound):
        client.images.pull(engines.images.name("app"), tag="none")
    with pytest.raises(ImageNotFound):
        client.images.remove("nothing")
    with pytest.raises(ImageNotFound):
        client.api.history("nothing")  # type: ignore[no-untyped-call]  # the stubs leave it out


def test_a_pull_streams_its_lines(client: docker.DockerClient, engines: Engines) -> None:
    lines = list(client.api.pull(engines.images.name("app"), tag="1", stream=True, decode=True))
    assert lines[0] == {"status": "Pulling from team/app", "id": "1"}
    layers = {line["id"] for line in lines if line.get("status") == "Pull complete"}
    assert len(layers) == 2
    assert lines[-1]["status"].startswith("Status: Downloaded newer image for ")
    assert any(line.get("status", "").startswith("Digest: sha256:") for line in lines)


def test_a_push_streams_its_lines_and_ends_with_the_digest(client: docker.DockerClient, engines: Engines) -> None:
    copied = engines.images.name("from-py")
    assert client.images.pull(engines.images.name("app"), tag="1").tag(copied, tag="3") is True
    lines = list(client.images.push(copied, tag="3", stream=True, decode=True))
    assert lines[0] == {"status": f"The push refers to repository [{copied}]"}
    (aux,) = [line["aux"] for line in lines if "aux" in line]
    assert aux["Tag"] == "3"
    assert aux["Digest"].startswith("sha256:")
    assert aux["Size"] > 0
    assert any(line.get("status", "") == f"3: digest: {aux['Digest']} size: {aux['Size']}" for line in lines)
    whole = client.images.push(copied, tag="3")
    assert [json.loads(line) for line in whole.splitlines()][-1]["aux"] == aux


def test_a_push_tells_its_error_in_the_stream(client: docker.DockerClient, engines: Engines) -> None:
    lines = list(client.images.push(engines.images.name("nothing"), tag="1", stream=True, decode=True))
    assert "errorDetail" in lines[-1]
    assert lines[-1]["error"] == lines[-1]["errorDetail"]["message"]


def test_a_login_given_with_a_transfer_is_used(client: docker.DockerClient, tmp_path: Path) -> None:
    with programs.docker_registry(tmp_path / "locked", htpasswd=("ann", "secret word")) as locked:
        name = f"{locked.host}/team/app"
        client.images.load(_archive(client, tmp_path))
        client.images.get("made:1").tag(name, tag="1")
        right, wrong = ({"username": "ann", "password": word} for word in ("secret word", "another"))
        refused = list(client.images.push(name, tag="1", stream=True, decode=True, auth_config=wrong))
        assert "error" in refused[-1]
        lines = list(client.images.push(name, tag="1", stream=True, decode=True, auth_config=right))
        assert any("aux" in line for line in lines), lines
        assert client.images.get_registry_data(f"{name}:1", auth_config=right).id.startswith("sha256:")
        with pytest.raises(APIError):
            client.images.get_registry_data(f"{name}:1", auth_config=wrong)
        assert client.login("ann", "secret word", registry=f"http://{locked.host}", reauth=True)["Status"] == (
            "Login Succeeded"
        )
        with pytest.raises(APIError):
            client.login("ann", "another", registry=f"http://{locked.host}", reauth=True)


def test_registry_data_is_told_without_a_pull(client: docker.DockerClient, engines: Engines) -> None:
    found = client.images.get_registry_data(engines.images.name("multi:1"))
    assert found.id.startswith("sha256:")
    platforms = {each["architecture"] for each in found.attrs["Platforms"]}
    assert platforms == {"amd64", "arm64"}
    assert client.images.list() == []


def test_save_and_load_keep_names(client: docker.DockerClient, engines: Engines) -> None:
    name = engines.images.name("app")
    image = client.images.pull(name, tag="1")
    saved = b"".join(image.save(named=True))
    client.images.remove(f"{name}:1")
    assert client.images.list() == []
    (loaded,) = client.images.load(saved)
    assert loaded.tags == [f"{name}:1"]


def test_history_names_every_step(client: docker.DockerClient, engines: Engines) -> None:
    steps = client.images.pull(engines.images.name("app"), tag="1").history()
    assert [step["CreatedBy"] for step in steps] == ['CMD ["serve"]', "COPY file1 /", "COPY file0 /"]
    assert steps[0]["Size"] == 0
    assert steps[0]["Comment"] == "says what runs"
    assert steps[0]["Tags"] == [engines.images.name("app:1")]
    assert steps[1]["Id"] == "<missing>"
    assert all(step["Size"] > 0 for step in steps[1:])


def test_removal_says_what_went(client: docker.DockerClient, engines: Engines) -> None:
    name = engines.images.name("app")
    client.images.pull(name, tag="1").tag("other", tag="9")
    with pytest.raises(APIError) as refused:
        client.api.remove_image(_id(client.images.get(f"{name}:1")))
    assert refused.value.status_code == 409
    assert client.api.remove_image("other:9") == [{"Untagged": "other:9"}]
    gone = client.api.remove_image(f"{name}:1")
    assert gone[0] == {"Untagged": f"{name}:1"}
    assert any("Deleted" in line for line in gone)


def test_an_import_is_an_image_of_one_layer(client: docker.DockerClient, tmp_path: Path) -> None:
    tar = docker_door.root_file_system(tmp_path / "root.tar")
    client.api.import_image_from_data(tar.read_bytes(), repository="made", tag="1")
    image = client.images.get("made:1")
    assert len(image.attrs["RootFS"]["Layers"]) == 1


def test_prune_takes_images_without_a_name(client: docker.DockerClient, tmp_path: Path) -> None:
    tar = docker_door.root_file_system(tmp_path / "root.tar").read_bytes()
    client.api.import_image_from_data(tar)
    client.api.import_image_from_data(tar + bytes(512), repository="kept", tag="1")
    assert len(client.images.list(filters={"dangling": True})) == 1
    pruned = client.images.prune()
    assert any("Deleted" in line for line in pruned["ImagesDeleted"])
    assert [image.tags for image in client.images.list()] == [["kept:1"]]
    assert client.images.prune() == {"ImagesDeleted": None, "SpaceReclaimed": 0}


def test_the_engine_tells_who_it_is(client: docker.DockerClient) -> None:
    assert client.ping() is True
    assert client.version()["ApiVersion"]
    info = client.info()
    assert info["OSType"] == "linux"
    assert info["IndexServerAddress"] == "https://index.docker.io/v1/"
    assert isinstance(info["Images"], int)
    assert "LayersSize" in client.df()
    assert client.containers.list(all=True) == []
    assert client.volumes.list() == []


def test_events_tell_of_images(client: docker.DockerClient, engines: Engines) -> None:
    name = engines.images.name("app")
    events = client.events(decode=True, filters={"type": "image"})
    try:
        client.images.pull(name, tag="1")
        client.api.tag(f"{name}:1", "other", "9")
        client.api.remove_image("other:9")
        heard = [next(events) for _ in range(3)]
    finally:
        events.close()
    assert [event["Action"] for event in heard] == ["pull", "tag", "untag"]
    assert heard[0]["Actor"]["ID"] == f"{name}:1"
    assert all(event["Type"] == "image" and event["timeNano"] > 0 for event in heard)


def _id(image: Image) -> str:
    """The stubs think there may be none."""
    assert image.id
    return image.id


def _archive(client: docker.DockerClient, folder: Path) -> bytes:
    """A saved image named made:1."""
    tar = docker_door.root_file_system(folder / "root.tar").read_bytes()
    client.api.import_image_from_data(tar, repository="made", tag="1")
    held = io.BytesIO()
    for piece in client.images.get("made:1").save(named="made:1"):
        held.write(piece)
    return held.getvalue()
