"""Docker's trust commands and Notary's own client, each with a home of its own, at a trust server with TLS."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.peers import programs

PASSPHRASE = "a long word"

DOCKERS = sorted({found for found in (programs.find("docker"), shutil.which("docker")) if found})
"""Debian's, and the newest that is installed: from Docker 29 on the trust commands are a plug-in of their own."""

PASSPHRASES = {
    "DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE": PASSPHRASE,
    "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE": PASSPHRASE,
    **{f"NOTARY_{role}_PASSPHRASE": PASSPHRASE for role in ("ROOT", "TARGETS", "SNAPSHOT", "DELEGATION")},
}


@dataclass(frozen=True)
class TrustClients:
    """Somebody who has docker and notary; both keep keys and what they saw in the same folder of `home`. `login` is
    name and password at the registry, where one is needed."""

    docker: str
    home: Path
    server: str
    authority: Path
    registry: str
    login: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        if self.login is not None:
            config = self.home / ".docker" / "config.json"
            config.parent.mkdir(parents=True)
            config.write_text(json.dumps({"auths": {self.registry: {"auth": self._basic}}}))

    def run(self, *command: str, answer: str = "") -> str:
        """What it prints; it must go well."""
        done = self._done(command, answer)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout.decode()}{done.stderr.decode()}"
        return done.stdout.decode()

    def fails(self, *command: str) -> str:
        """What it prints on both streams; it must not go well."""
        done = self._done(command, "")
        assert done.returncode != 0, done.stdout.decode()
        return done.stdout.decode() + done.stderr.decode()

    def trust(self, *arguments: str, answer: str = "") -> str:
        """`docker trust`."""
        return self.run(self.docker, "trust", *arguments, answer=answer)

    def seen(self, gun: str) -> tuple[set[str], dict[str, list[str]]]:
        """The signers there are, and who signed each tag, as docker tells it."""
        [found] = json.loads(self.trust("inspect", gun))
        tags = {tag["SignedTag"]: sorted(tag["Signers"]) for tag in found["SignedTags"]}
        return {signer["Name"] for signer in found["Signers"]}, tags

    def listed(self, gun: str) -> dict[str, str]:
        """The digest of every tag, in hexadecimal digits, as notary lists them."""
        lines = [line.split() for line in self.notary("list", gun).splitlines()]
        return {words[0]: words[1] for words in lines if len(words) == 4 and len(words[1]) == 64}

    def notary(self, *arguments: str, answer: str = "") -> str:
        """Notary's own client."""
        trust = self.home / ".docker" / "trust"
        return self.run(str(programs.find("notary")), "-s", self.server, "-d", str(trust), *arguments, answer=answer)

    @property
    def keys(self) -> list[Path]:
        """The private keys that docker keeps."""
        return sorted(self.home.glob(".docker/trust/private/*.key"))

    def _done(self, command: tuple[str, ...], answer: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            command, input=answer.encode(), capture_output=True, timeout=120, check=False, cwd=self.home, env=self._own
        )

    @property
    def _basic(self) -> str:
        return base64.b64encode(":".join(self.login or ()).encode()).decode()

    @property
    def _own(self) -> Mapping[str, str]:
        login = {"NOTARY_AUTH": self._basic} if self.login else {}
        return {
            **login,
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "SSL_CERT_FILE": str(self.authority),
            "DOCKER_CONTENT_TRUST_SERVER": self.server,
            **PASSPHRASES,
        }
