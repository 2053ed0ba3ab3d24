"""Machines with keys, a registry, and a trust server, all in this process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from tests.fakes.service_folder import ServiceFolder
from tests.fakes.trust_http import TrustService

PASSPHRASE = "correct horse battery"
SECRETS = {
    "DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE": "of the root",
    "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE": "of the others",
}


@dataclass(frozen=True)
class Registry:
    """A registry of ours on loopback with two images, app:1 and app:2."""

    host: str

    @property
    def app(self) -> str:
        return f"{self.host}/team/app"


@dataclass(frozen=True)
class Place:
    """A machine with the owner's keys, and the trust server of team/app."""

    lading: ServiceFolder
    app: str
    trust: TrustService
    folder: Path

    def signed(self) -> dict[str, list[str]]:
        """Who signed each tag, as `inspect` tells it."""
        found = self.lading.json("trust", "inspect", self.app)
        return {tag["tag"]: tag["signers"] for tag in found["signedTags"]}

    def other(self, name: str, **environment: str) -> ServiceFolder:
        """The machine of somebody else."""
        data = self.folder / name / "data"
        data.mkdir(parents=True)
        return replace(self.lading, data=data, environment={**self.lading.environment, **environment})

    def pair(self, name: str) -> str:
        """A new key pair in files; the prefix of both."""
        prefix = str(self.folder / name)
        self.lading("trust", "key", "generate", name, "--out", prefix)
        return prefix
