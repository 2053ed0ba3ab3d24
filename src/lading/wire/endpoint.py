"""How one registry host is reached and what has been learned of it: values that the client, the services and the
database share."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from lading.oci.digest import Digest
from lading.oci.reference import Repository


class Tls(StrEnum):
    """How a host's connection is protected (interfaces §2, registries)."""

    VERIFY = "verify"
    SKIP = "skip"
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How one host is reached: files are paths to PEM; `insecure` allows plain HTTP where TLS does not answer.

    The three fields that end in `pem` are PEM itself, as a row of the database holds it, and count beside the files.
    `socket` is the path of a unix socket on which it listens, without TLS. It stands here and in no URL, so no answer
    of anybody can send us to one.
    """

    host: str
    tls: Tls = Tls.VERIFY
    insecure: bool = False
    ca_file: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None
    socket: str | None = None
    ca_pem: str | None = None
    client_certificate_pem: str | None = None
    client_key_pem: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Profile:
    """What a host has shown of itself, kept between runs; every default is the specification's own behaviour.

    `scheme` is what answered last. `realm` and `service` are its token service, so the first 401 can be skipped.
    `chunk_limit` is the longest body in bytes it takes in one request (None: any). `mounts` is False where a mount
    request is an error rather than an upload's start, `mounts_itself` where asking from the repository itself does not
    tell whether the blob is there. `patches` is False where only a whole PUT works. `resumes` is False where an upload
    cut in its body is gone.
    """

    scheme: str | None = None
    realm: str | None = None
    service: str | None = None
    chunk_limit: int | None = None
    patches: bool = True
    mounts: bool = True
    mounts_itself: bool = True
    resumes: bool = True


class Profiles(Protocol):
    """What has been learned of hosts, shared by all processes that use one data folder."""

    def of(self, host: str) -> Profile:
        """The defaults where nothing is known."""

    def learn(self, host: str, profile: Profile) -> None:
        """Replaces what was known."""


class Uploads(Protocol):
    """Uploads begun and not ended, so that another process can go on with them. Kept beside the store, per account."""

    def of(self, repository: Repository, digest: Digest) -> str | None:
        """The session's URL as the registry gave it last."""

    def begun(self, repository: Repository, digest: Digest, url: str) -> None:
        """Goes on at `url`."""

    def ended(self, repository: Repository, digest: Digest) -> None:
        """Committed, refused or gone: nothing to go on with. Harmless where none was known."""
