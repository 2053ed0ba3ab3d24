"""Our registry under a trust rule, as other programs meet it: each prints our sentence for what nobody signed, and
pulls what `lading sign` signed; its signatures stay where the image must stay."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fronts.rest_api.caller import PASSWORD, Answer, House, house, until
from tests.peers import programs
from tests.peers.command import Lading
from tests.peers.layouts import MANIFEST, layer, write_blob, write_image, write_layout
from tests.peers.programs import RunningDocker
from tests.peers.registry_clients import Client, DockerClient, Failed, LadingClient, PodmanClient, SkopeoClient

pytestmark = pytest.mark.peer("dockerd", "docker", "skopeo", "podman")

UNSIGNED = "is not signed as the repository {} asks for: nobody signed it"


@dataclass(frozen=True)
class Gated:
    """A registry with an admin, and the admin's command with a key pair whose public half is accepted as `team`."""

    house: House
    lading: Lading
    folder: Path

    @property
    def host(self) -> str:
        return self.house.running.address

    def push(self, name: str) -> str:
        """Its whole name."""
        layout = self.folder / name.replace("/", "-").replace(":", "-")
        write_layout(layout, "1", write_image(layout, [layer(name, 30_000)]))
        self.lading("copy", f"oci:{layout}:1", f"{self.host}/{name}")
        return f"{self.host}/{name}"

    def rule(self, repository: str, **rule: object) -> Answer:
        path = f"/api/repositories/{repository.replace('/', '%2F')}/trust"
        told = self.house.admin("PUT", path, {"mode": "enforce", "keys": ["team"], **rule})
        assert told.status == 200, told.text
        return told

    def sign(self, name: str, *options: str) -> None:
        self.lading("sign", name, "--key", str(self.folder / "team.key"), *options)


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gated]:
    folder = tmp_path_factory.mktemp("gated")
    lading = Lading(folder / "caller", (("LADING_TRUST_PASSPHRASE", "correct horse"),))
    lading("trust", "key", "generate", str(folder / "team"))
    with house(folder / "data") as running:
        lading("login", running.running.address, "-u", "admin", "--password-stdin", stdin=f"{PASSWORD}\n".encode())
        key = {"name": "team", "publicKey": (folder / "team.pub").read_text()}
        assert running.admin.post("/api/trust/keys", key).status == 201
        yield Gated(running, lading, folder)


@pytest.fixture(params=["docker", "skopeo", "podman", "lading"])
def client(request: pytest.FixtureRequest, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Client:
    if request.param == "docker":
        engine: RunningDocker = request.getfixturevalue("docker_engine")
        return DockerClient(engine, tmp_path)
    if request.param == "podman":
        return PodmanClient(tmp_path, tmp_path_factory.mktemp("p"))
    return SkopeoClient(tmp_path) if request.param == "skopeo" else LadingClient(tmp_path)


def refused(client: Client, name: str) -> str:
    with pytest.raises(Failed) as failure:
        client.pull(name)
    return failure.value.said


def test_clients_print_why_and_pull_what_is_signed(
    gated: Gated, client: Client, request: pytest.FixtureRequest
) -> None:
    repository = f"pulled/{request.node.callspec.params['client']}"
    name = gated.push(f"{repository}:1")
    client.login(gated.host, "admin", PASSWORD)
    gated.rule(repository)

    assert UNSIGNED.format(repository) in refused(client, name)

    gated.sign(name)
    assert client.pull(name) == gated.lading("digest", name).strip()


def test_an_image_is_pushed_and_signed_after_the_rule_was_made(
    gated: Gated, client: Client, request: pytest.FixtureRequest
) -> None:
    """Whoever pushes asks what is there, and whoever signs reads it, before it is signed."""
    repository = f"later/{request.node.callspec.params['client']}"
    gated.rule(repository)
    client.login(gated.host, "admin", PASSWORD)
    name = f"{gated.host}/{repository}:1"

    client.push(name)
    client.push(name)
    assert UNSIGNED.format(repository) in refused(client, name)
    gated.sign(name, "--sig")

    client.pull(name)


def test_no_client_gets_by_a_tag_what_was_signed_as_another(
    gated: Gated, client: Client, request: pytest.FixtureRequest
) -> None:
    repository = f"bound/{request.node.callspec.params['client']}"
    name = gated.push(f"{repository}:1")
    gated.sign(name)
    gated.lading("copy", name, f"{gated.host}/{repository}:2")
    gated.rule(repository, bindTag=True)
    client.login(gated.host, "admin", PASSWORD)

    client.pull(name)
    refused(client, f"{gated.host}/{repository}:2")


def test_docker_does_not_get_an_image_that_is_dressed_up_as_a_signature(
    gated: Gated, docker_engine: RunningDocker, tmp_path: Path
) -> None:
    """Its engine takes a layer for what its bytes are, whatever the manifest calls it. Of a manifest that it has had
    before it asks for the digest alone, so the two are not the same."""
    repository, signed = "dressed/app", gated.push("dressed/app:1")
    before, after = (dressed(gated, tmp_path, signed, tag) for tag in ("before", "after"))
    client = DockerClient(docker_engine, tmp_path)
    client.login(gated.host, "admin", PASSWORD)
    assert client.pull(f"{gated.host}/{repository}:before") == before

    gated.rule(repository)

    assert UNSIGNED.format(repository) in refused(client, f"{gated.host}/{repository}:after")
    assert UNSIGNED.format(repository) in refused(client, f"{gated.host}/{repository}@{after}")


def dressed(gated: Gated, folder: Path, subject: str, tag: str) -> str:
    """The digest of an image that says to be attached to the `subject`, in the same repository under `tag`."""
    layout = folder / tag
    plain = str(write_image(layout, [layer(tag, 30_000)])["digest"]).partition(":")[2]
    manifest = json.loads((layout / "blobs" / "sha256" / plain).read_text())
    manifest["layers"][0]["mediaType"] = "application/vnd.docker.signature.v1+json"
    manifest["subject"] = {"mediaType": MANIFEST, "digest": gated.lading("digest", subject).strip(), "size": 500}
    root = write_blob(layout, json.dumps(manifest).encode())
    write_layout(layout, "1", {"mediaType": MANIFEST} | root)
    gated.lading("copy", f"oci:{layout}:1", f"{subject.rpartition(':')[0]}:{tag}")
    return str(root["digest"])


def test_who_has_the_bytes_from_before_gives_them_no_name_that_is_refused(
    gated: Gated, docker_engine: RunningDocker, tmp_path: Path
) -> None:
    """They ask for the digest alone, and need no more."""
    first = gated.push("known/app:1")
    second = f"{gated.host}/known/app:2"
    gated.lading("copy", first, second)
    client = DockerClient(docker_engine, tmp_path)
    client.login(gated.host, "admin", PASSWORD)
    docker = ["env", f"HOME={tmp_path}", f"DOCKER_CONFIG={tmp_path}/.docker"]
    docker += [str(programs.find("docker")), "-H", f"unix://{docker_engine.socket}"]
    pulls: list[Callable[[str], str]] = [
        lambda image: programs.run(*docker, "pull", image),
        lambda image: gated.lading("pull", image),
    ]
    for pull in pulls:
        pull(first)
    gated.rule("known/app")

    try:
        for pull in pulls:
            with pytest.raises(AssertionError) as failure:
                pull(second)
            assert UNSIGNED.format("known/app") in str(failure.value)
    finally:
        programs.run(*docker, "rmi", first)


@contextmanager
def containerd(folder: Path) -> Iterator[Callable[..., str]]:
    """A containerd of its own, asked as admin by `ctr`: a command's words, then the image."""
    with tempfile.TemporaryDirectory(prefix="ctr-") as short:  # a socket's path is short
        place = Path(short, "s")
        config = folder / "containerd.toml"
        config.write_text(
            f'version = 2\nroot = "{folder}/root"\nstate = "{short}/state"\n[grpc]\naddress = "{place}"\n'
        )
        with programs.process([str(programs.find("containerd")), "-c", str(config)], folder / "log"):
            until(place.exists, "containerd listens")
            ctr = [str(programs.find("ctr")), "-a", str(place)]
            as_admin = ["--plain-http", "-u", f"admin:{PASSWORD}"]
            yield lambda *words: programs.run(*ctr, *words[:-1], *as_admin, words[-1])


@pytest.mark.peer("containerd", "ctr")
def test_containerd_asks_by_head_and_prints_why_it_is_refused(gated: Gated, tmp_path: Path) -> None:
    """It stops there, and its status line is all that it prints: with the bytes at hand it would need no more."""
    first, second = gated.push("containerd/app:1"), f"{gated.host}/containerd/app:2"
    gated.lading("copy", first, second)

    with containerd(tmp_path) as ctr:
        ctr("content", "fetch", first)
        gated.rule("containerd/app")
        for name in (first, second):
            with pytest.raises(AssertionError) as failure:
                ctr("content", "fetch", name)
            assert f"403 DENIED: {name.partition('/')[2]} {UNSIGNED.format('containerd/app')}" in str(failure.value)
        gated.sign(first)
        ctr("content", "fetch", second)


@pytest.mark.peer("containerd", "ctr")
def test_containerd_pushes_what_is_signed_later(gated: Gated, tmp_path: Path) -> None:
    """It looks first whether the manifest is there, with a token that opens pushing."""
    name = gated.push("containerd/later:1")

    with containerd(tmp_path) as ctr:
        ctr("content", "fetch", name)
        gated.rule("containerd/later")
        for _ in range(2):
            ctr("images", "push", name)


def test_skopeo_takes_the_image_with_its_signature(gated: Gated, tmp_path: Path) -> None:
    name = gated.push("skopeo/app:1")
    gated.rule("skopeo/app")
    gated.sign(name, "--sig")
    client = SkopeoClient(tmp_path)
    client.login(gated.host, "admin", PASSWORD)

    digest = client.pull(name)

    sig = f"{gated.host}/skopeo/app:{digest.replace(':', '-')}.sig"
    client.pull(sig)


def test_a_promotion_is_refused_and_then_allowed_with_its_signatures(gated: Gated, tmp_path: Path) -> None:
    name = gated.push("stage/app:1")
    gated.rule("live/app", signedAs=["stage/app"])
    promote = "/api/repositories/stage%2Fapp/promote"

    denied = gated.house.admin.post(promote, {"tag": "1", "to": "live/app"})
    assert denied.brief == (409, f"stage/app:1 {UNSIGNED.format('live/app')}")

    gated.sign(name, "--sig")
    assert gated.house.admin.post(promote, {"tag": "1", "to": "live/app"}).status == 200
    client = SkopeoClient(tmp_path)
    client.login(gated.host, "admin", PASSWORD)
    assert client.pull(f"{gated.host}/live/app:1") == gated.lading("digest", name).strip()
    (tag,) = [row for row in gated.house.admin.get("/api/repositories/live%2Fapp/tags").json if row["name"] == "1"]
    assert tag["signed"] is True


def test_a_copy_of_ours_takes_every_form_of_signature_along(gated: Gated, tmp_path: Path) -> None:
    name = gated.push("origin/app:1")
    gated.sign(name, "--sig")
    gated.rule("copied/app", signedAs=["origin/app"])

    gated.lading("copy", name, f"{gated.host}/copied/app:1")

    verdict = gated.house.admin.get("/api/repositories/copied%2Fapp/trust?tag=1").json["verdict"]
    assert verdict["trusted"] is True
    assert [(each["form"], each["accepted"]) for each in verdict["signatures"]] == [
        ("sigstore-bundle", True),
        ("cosign-sig", True),
    ]


def test_the_signature_of_an_immutable_image_is_deleted_by_nobody(gated: Gated, tmp_path: Path) -> None:
    name = gated.push("kept/app:1")
    gated.sign(name, "--sig")
    gated.house.admin("PUT", "/api/repositories/kept%2Fapp", {"rules": [{"tags": ["1"]}]})
    digest = gated.lading("digest", name).strip()
    sig = f"{gated.host}/kept/app:{digest.replace(':', '-')}.sig"
    client = SkopeoClient(tmp_path)
    client.login(gated.host, "admin", PASSWORD)
    environment = {"HOME": str(tmp_path), "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")}
    auth = [f"{key}={value}" for key, value in environment.items()]

    def deletion(image: str) -> str:
        skopeo = str(programs.find("skopeo"))
        with pytest.raises(AssertionError) as failure:
            programs.run("env", *auth, skopeo, "delete", "--tls-verify=false", f"docker://{image}")
        return str(failure.value)

    assert "belongs to it and cannot be deleted" in deletion(sig)
    tag = gated.house.admin("DELETE", f"/api/repositories/kept%2Fapp/tags/{sig.rpartition(':')[2]}")
    assert (tag.status, tag.json["code"]) == (409, "immutable")
    for referrer in referrers(gated, "kept/app", digest):
        assert "cannot be deleted" in deletion(f"{gated.host}/kept/app@{referrer}")
    gated.lading("verify", name, "--key", str(gated.folder / "team.pub"))


def referrers(gated: Gated, repository: str, digest: str) -> list[str]:
    verdict = gated.rule(repository).json
    assert verdict["rule"]["mode"] == "enforce"
    path = f"/api/repositories/{repository.replace('/', '%2F')}/trust?tag=1"
    signatures = gated.house.admin.get(path).json["verdict"]["signatures"]
    found = [each["digest"] for each in signatures if each["form"] == "sigstore-bundle"]
    assert found, json.dumps(signatures)
    assert digest not in found
    return found
