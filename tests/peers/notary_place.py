"""Debian's trust server and its client, and people who have our client, each with keys of their own."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lading.engine.cancel import Cancellation
from lading.main.wired import Wired
from lading.oci.reference import Reference
from lading.proof.tuf_keys import SigningKey, TrustKey
from lading.services.notary.keys import TrustKeys
from lading.services.notary.notary import NotaryTrust
from lading.services.notary.views import TrustedTag
from tests.fakes.certificates import Authority, Certificate
from tests.fakes.trust_repository import GUN, manifest
from tests.peers import programs

PASSPHRASE = "a long word"
REPOSITORY = Reference.parse(GUN).repository
NEVER = Cancellation()
ONE, TWO = manifest("one"), manifest("two")
DAY = 86_400


PASSPHRASES = {f"NOTARY_{role}_PASSPHRASE": PASSPHRASE for role in ("ROOT", "TARGETS", "SNAPSHOT", "DELEGATION")}


@contextlib.contextmanager
def notary_server(folder: Path, shown: Certificate | None) -> Iterator[str]:
    """The address of Debian's `notary-server`, which keeps everything in memory and signs with Ed25519; over plain HTTP
    where it has no certificate to show."""
    port = programs.free_port()
    over_tls = {"tls_cert_file": str(shown.certificate), "tls_key_file": str(shown.key)} if shown else {}
    settings = {
        "server": {"http_addr": f"127.0.0.1:{port}", **over_tls},
        "trust_service": {"type": "local"},
        "storage": {"backend": "memory"},
        "logging": {"level": "error"},
    }
    folder.mkdir(exist_ok=True)
    (folder / "server.json").write_text(json.dumps(settings))
    command = [str(programs.find("notary-server")), "-config", str(folder / "server.json")]
    with programs.process(command, folder / "log") as child:
        programs.wait_for_port(port, child, folder / "log")
        yield f"https://localhost:{port}" if shown else f"http://127.0.0.1:{port}"


class Notary:
    """The `notary` program with a trust folder of its own; `authority` is whose certificates it believes."""

    def __init__(
        self, address: str, folder: Path, monkeypatch: pytest.MonkeyPatch, authority: Authority | None = None
    ) -> None:
        self.address, self.folder = address, folder
        folder.mkdir(exist_ok=True)
        believed = {"SSL_CERT_FILE": str(authority.certificate)} if authority else {}
        for name, value in {**PASSPHRASES, **believed, "HOME": str(folder)}.items():
            monkeypatch.setenv(name, value)

    def run(self, *arguments: str, answer: str = "") -> str:
        command = [str(programs.find("notary")), "-s", self.address, "-d", str(self.folder / "trust")]
        return programs.run(*command, *arguments, input=answer.encode())

    def tags(self) -> dict[str, tuple[str, str]]:
        """Digest and role of every tag, as it lists them."""
        lines = [line.split() for line in self.run("list", GUN).splitlines()]
        return {words[0]: (words[1], words[3]) for words in lines if len(words) == 4 and len(words[1]) == 64}


@dataclass(frozen=True)
class Person:
    """Somebody with our client and a data folder of their own."""

    trust: NotaryTrust
    keys: TrustKeys
    folder: Path

    def key(self, name: str) -> TrustKey:
        """The public half of a new key of theirs."""
        return SigningKey(self.keys.make(name)).key

    def resolve(self, tag: str) -> TrustedTag:
        return self.trust.resolve(tagged(tag), NEVER)

    def tags(self) -> set[str]:
        return {each.tag for each in self.trust.inspect(REPOSITORY, NEVER).tags}


Opened = Callable[..., Person]
"""Somebody at the trust server of this address, by name."""


@contextlib.contextmanager
def people(folder: Path, authority: Authority) -> Iterator[Opened]:
    """Our client as the command line has it, with a data folder for each name."""
    with contextlib.ExitStack() as stack:

        def person(address: str, name: str = "owner", **variables: str) -> Person:
            own = folder / name
            own.mkdir(exist_ok=True)
            environment = {
                "HOME": str(own),
                "LADING_DATA": str(own),
                "LADING_TLS_CA": str(authority.certificate),
                "DOCKER_CONTENT_TRUST_SERVER": address,
                "DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE": PASSPHRASE,
                "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE": PASSPHRASE,
                **variables,
            }
            (own / "lading.db").touch()
            wired = Wired.start({name: value for name, value in environment.items() if value}, {})
            wired.begin()
            stack.callback(wired.close)
            return Person(wired.notary(), wired.trust_keys(), own)

        yield person


def tagged(tag: str) -> Reference:
    return Reference(REPOSITORY, tag)
