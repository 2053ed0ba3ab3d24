"""`lading trust` beside docker's trust commands and Notary's client, at Notary's server and at ours: each believes the
others."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.main.wired import Wired
from tests.fakes.certificates import Authority
from tests.fakes.service_folder import ServiceFolder
from tests.peers import layouts
from tests.peers.notary_place import notary_server
from tests.peers.service_process import PASSWORD, Service
from tests.peers.trust_clients import DOCKERS, PASSPHRASE, TrustClients

pytestmark = pytest.mark.peer("docker", "notary", "notary-server")


@dataclass(frozen=True)
class Server:
    """A registry at `host`, and the trust server for the names below it: Notary's own, or the registry itself, which
    then asks for logins and speaks TLS."""

    host: str
    authority: Authority
    folder: Path
    notary: str | None = None

    def lading(self, name: str) -> ServiceFolder:
        """The program on a machine of its own."""
        data = self.folder / name / "data"
        data.mkdir(parents=True)
        variables = {"LADING_TRUST_PASSPHRASE": PASSPHRASE, "LADING_TLS_CA": str(self.authority.certificate)}
        if self.notary is not None:
            return ServiceFolder(data, {**variables, "LADING_TRUST_SERVER": self.notary})
        folder = ServiceFolder(data, variables)
        folder("login", self.host, "-u", "admin", "--password-stdin", stdin=PASSWORD)
        return folder

    def clients(self, name: str, docker: str = DOCKERS[0]) -> TrustClients:
        """The programs of others on another."""
        home = self.folder / name / "home"
        home.mkdir(parents=True)
        login = None if self.notary else ("admin", PASSWORD)
        address = self.notary or f"https://{self.host}"
        return TrustClients(docker, home, address, self.authority.certificate, self.host, login)


@pytest.fixture(scope="module", params=["notary-server", "lading"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    authority = Authority(folder)
    with contextlib.ExitStack() as stack:
        if request.param == "lading":
            served = authority.server("localhost")
            settings = {"LADING_TLS_CERT": str(served.certificate), "LADING_TLS_KEY": str(served.key)}
            service = Service(folder / "served", settings, token="none is needed")
            stack.enter_context(service.running())
            made = Server(f"localhost:{service.registry_port}", authority, folder)
        else:
            application = Wired.start({}, {"data": str(folder / "served"), "registry-port": 0})
            stack.callback(application.close)
            registry = stack.enter_context(application.open_registry())
            made = Server(
                registry.address,
                authority,
                folder,
                stack.enter_context(notary_server(folder, authority.server("localhost"))),
            )
        layout, pusher = folder / "layout", made.lading("pusher")
        for tag in ("v1", "v2"):
            layouts.write_layout(layout, tag, layouts.write_image(layout, [layouts.layer(tag, 1000)]))
            pusher("copy", f"oci:{layout}:{tag}", f"{made.host}/first:{tag}")
        yield made


@pytest.fixture
def gun(server: Server, tmp_path: Path) -> str:
    """A repository of this test's own, with the tags v1 and v2."""
    name = f"{server.host}/team/{re.sub('[^a-z0-9]+', '-', tmp_path.name).strip('-')}"
    pusher = server.lading(tmp_path.name)
    for tag in ("v1", "v2"):
        pusher("copy", f"{server.host}/first:{tag}", f"{name}:{tag}")
    return name


def told(lading: ServiceFolder, gun: str) -> tuple[set[str], dict[str, list[str]]]:
    """The signers there are, and who signed each tag, as our command tells it."""
    found = lading.json("trust", "inspect", gun)
    tags = {tag["tag"]: sorted(tag["signers"]) for tag in found["signedTags"]}
    return {signer["name"] for signer in found["signers"]}, tags


@pytest.mark.parametrize("docker", DOCKERS)
def test_docker_and_notary_see_what_our_commands_sign(server: Server, gun: str, docker: str) -> None:
    ours, theirs = server.lading(f"a{docker}"), server.clients(f"b{docker}", docker)

    signed = {tag: ours.json("trust", "sign", f"{gun}:{tag}")["digest"] for tag in ("v1", "v2")}

    assert theirs.seen(gun) == told(ours, gun) == (set(), {"v1": ["Repo Admin"], "v2": ["Repo Admin"]})
    assert theirs.listed(gun) == {tag: digest.removeprefix("sha256:") for tag, digest in signed.items()}
    for role in ("snapshot", "timestamp"):  # root and targets below
        ours("trust", "key", "rotate", gun, role)
    ours("trust", "revoke", f"{gun}:v1")
    assert theirs.seen(gun) == told(ours, gun) == (set(), {"v2": ["Repo Admin"]})


@pytest.mark.parametrize("docker", DOCKERS)
def test_signers_that_we_add_are_dockers_and_go_again(server: Server, gun: str, docker: str, tmp_path: Path) -> None:
    """The key of a client bundle is the signer's: docker loads the one half, and we name the other."""
    owner, alice = server.lading(f"c{docker}"), server.clients(f"d{docker}", docker)
    bundle = Authority(tmp_path, "Authority of bundles").client("alice")
    bundle.key.chmod(0o600)
    hers = server.lading(f"e{docker}")
    hers("trust", "key", "load", str(bundle.key), "--name", "alice")
    alice.trust("key", "load", "--name", "alice", str(bundle.key))

    owner("trust", "sign", f"{gun}:v2")
    owner("trust", "signer", "add", "alice", gun, "--key", str(bundle.certificate))
    hers("trust", "sign", f"{gun}:v1")

    assert alice.seen(gun) == told(owner, gun) == ({"alice"}, {"v1": ["alice"], "v2": ["Repo Admin"]})
    alice.trust("sign", f"{gun}:v2")  # what the owner signed: so docker needs no engine that has the image
    assert alice.seen(gun) == told(owner, gun) == ({"alice"}, {"v1": ["alice"], "v2": ["alice"]})
    alice.trust("revoke", "-y", f"{gun}:v1")
    assert told(hers, gun) == ({"alice"}, {"v2": ["alice"]})
    owner("trust", "signer", "remove", "alice", gun, "--yes")
    assert alice.seen(gun) == told(owner, gun) == (set(), {"v2": ["Repo Admin"]})


@pytest.mark.parametrize("docker", DOCKERS)
def test_signers_that_docker_adds_sign_with_our_command(server: Server, gun: str, docker: str, tmp_path: Path) -> None:
    owner, alice = server.clients(f"f{docker}", docker), server.lading(f"g{docker}")
    alice("trust", "key", "generate", "alice", "--out", str(tmp_path / "alice"))
    alice("trust", "key", "load", str(tmp_path / "alice.key"), "--name", "alice")
    owner.trust("signer", "add", "--key", str(tmp_path / "alice.pub"), "alice", gun)

    signed = alice.json("trust", "sign", f"{gun}:v1")

    assert (set(signed["roles"]), signed["initialised"]) == ({"targets/alice", "targets/releases"}, False)
    assert owner.seen(gun) == told(alice, gun) == ({"alice"}, {"v1": ["alice"]})
    assert alice.run("trust", "signer", "remove", "alice", gun, "--yes").code == 2
    owner.trust("signer", "remove", "alice", gun, answer="y\n")  # with -f docker 28 removes nobody, and exits 0
    assert told(alice, gun) == (set(), {})


def test_who_signed_with_docker_signs_on_with_the_same_keys_and_back(server: Server, gun: str) -> None:
    docker, ours = server.clients("h"), server.lading("i")
    docker.notary("init", "-p", gun)
    docker.notary("key", "rotate", gun, "snapshot", "-r")

    ours("trust", "key", "load", *map(str, docker.keys))
    ours("trust", "sign", f"{gun}:v1")
    ours("trust", "key", "rotate", gun, "root")
    ours("trust", "key", "rotate", gun, "targets")

    assert docker.seen(gun) == told(ours, gun) == (set(), {"v1": ["Repo Admin"]})
    new = {key["keyId"] for key in ours.json("trust", "key", "ls")} - {path.stem for path in docker.keys}
    assert len(new) == 2
    for key in new:
        ours("trust", "key", "export", key, "--out", str(docker.keys[0].parent))
    docker.notary("addhash", "-p", gun, "v2", "3", "--sha256", "b" * 64)
    assert told(ours, gun) == (set(), {"v1": ["Repo Admin"], "v2": ["Repo Admin"]})


def test_a_signer_of_some_tags_releases_no_other_to_docker(server: Server, gun: str, tmp_path: Path) -> None:
    owner, bob, docker = server.lading("j"), server.lading("k"), server.clients("l")
    bob("trust", "key", "generate", "bob", "--out", str(tmp_path / "bob"))
    bob("trust", "key", "load", str(tmp_path / "bob.key"), "--name", "bob")
    owner("trust", "sign", f"{gun}:v1")
    owner("trust", "signer", "add", "bob", gun, "--key", str(tmp_path / "bob.pub"), "--tags", "v2")

    bob("trust", "sign", f"{gun}:v2")

    assert bob.run("trust", "sign", f"{gun}:v1").code == 2
    assert told(owner, gun)[1] == {"v1": ["Repo Admin"], "v2": ["bob"]}
    assert docker.seen(gun)[1] == {"v1": ["Repo Admin"]}
