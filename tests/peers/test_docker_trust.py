"""Docker's own trust commands: signers come and go in a repository that we keep, with keys that both of us use."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest

from lading.proof.tuf_build import Collection, changed, sign_tag
from lading.proof.tuf_key_files import NotaryKey
from lading.proof.tuf_keys import SigningKey
from lading.proof.tuf_refusals import SignerRevoked
from lading.proof.tuf_roles import RELEASES
from tests.fakes.certificates import Authority
from tests.fakes.trust_http import TrustService, listening
from tests.fakes.trust_repository import GUN, SERVER, TrustServer, manifest
from tests.peers import programs

pytestmark = pytest.mark.peer("docker")

PASSPHRASE = "a long word"
PROGRAMS = sorted({found for found in (programs.find("docker"), shutil.which("docker")) if found})
"""Debian's, and the newest that is installed: from Docker 29 on the trust commands are a plug-in of their own."""

NOW = time.time()


class DockerTrust:
    """`docker trust` with a home of its own, whose trust server is at `address`."""

    def __init__(self, program: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.program, self.home = program, home
        monkeypatch.chdir(home)  # keys are written to where one is
        for name, value in {
            "HOME": str(home),
            "DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE": PASSPHRASE,
            "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE": PASSPHRASE,
        }.items():
            monkeypatch.setenv(name, value)

    def run(self, *arguments: str, answer: str = "") -> str:
        return programs.run(self.program, "trust", *arguments, input=answer.encode())

    def seen(self) -> tuple[set[str], dict[str, list[str]]]:
        """The signers there are, and who signed each tag."""
        [found] = json.loads(self.run("inspect", GUN))
        tags = {tag["SignedTag"]: tag["Signers"] for tag in found["SignedTags"]}
        return {signer["Name"] for signer in found["Signers"]}, tags

    def signer(self, name: str) -> SigningKey:
        """Who signs with the key that Docker keeps for `name`."""
        files = [path.read_bytes() for path in self.home.glob(".docker/trust/private/*.key")]
        [key] = [key for key in (NotaryKey.parse(raw, PASSPHRASE) for raw in files) if key.role == name]
        return SigningKey(key.private)


@pytest.mark.parametrize("program", PROGRAMS)
def test_signers_come_sign_revoke_and_go(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "trust" not in programs.run(program, "--help"):
        pytest.skip("this docker command has no trust commands")
    service, authority = TrustService(TrustServer(keys=SERVER), NOW), Authority(tmp_path)
    docker = DockerTrust(program, tmp_path, monkeypatch)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    with listening(service, authority.context(authority.server("localhost"))) as address:
        monkeypatch.setenv("DOCKER_CONTENT_TRUST_SERVER", address)
        docker.run("key", "generate", "alice")
        docker.run("signer", "add", "--key", "alice.pub", "alice", GUN)
        assert docker.seen() == ({"alice"}, {})

        before = after = Collection(GUN, dict(service.server.files))
        for role, tag in (("targets/alice", "v1"), (RELEASES, "v1"), (RELEASES, "v2")):
            after = sign_tag(after, tag, manifest("one"), [docker.signer("alice")], NOW, role=role)
        service.publish(changed(before, after))
        assert docker.seen()[1]["v1"] == ["alice"]

        docker.run("revoke", "-y", f"{GUN}:v2")
        assert docker.seen() == ({"alice"}, {"v1": ["alice"]})
        assert set(service.server.walk(now=NOW).tags()) == {"v1"}
        memory = service.server.walk(now=NOW).memory

        docker.run("signer", "remove", "alice", GUN, answer="y\n")  # it asks: nobody else signed
        assert docker.seen() == (set(), {})
        with pytest.raises(SignerRevoked):
            service.server.walk(memory, now=NOW).find("v1")
        assert service.refusals == []
