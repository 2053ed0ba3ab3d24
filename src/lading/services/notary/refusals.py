"""Why content trust by Notary v1 cannot do what was asked, beyond what is wrong with the metadata itself."""

from __future__ import annotations

from collections.abc import Collection

from lading.errors import InputInvalid, NetworkFailed, NotFound, Refused, Side
from lading.oci.digest import Digest
from lading.proof.tuf_refusals import TrustRefused
from lading.services.notary.keys import KeptKey

HUB_SERVER = "notary.docker.io"
"""Docker Hub's trust server."""


class TrustServerUnreachable(NetworkFailed):
    """The trust server does not answer, so nobody can say what is signed."""

    code = "trust_unreachable"
    why = "Content trust is on: what cannot be checked is not taken."

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(host, reason)
        self.host, self.reason = host, reason
        self.hint = "Look whether it runs and can be reached, or name another trust server."
        if host == HUB_SERVER:
            self.hint = (
                "Docker switches its trust server off on 8 December 2026: sign with a key pair instead, "
                "or take images of Docker Hub under a rule of their own in the trust policy."
            )

    def __str__(self) -> str:
        return f"the trust server {self.host} cannot be reached: {self.reason}"


class TrustServerAbsent(NotFound):
    """The host that was asked keeps no trust metadata: most registries have no trust server of their own."""

    code = "trust_server_absent"
    hint = "Name a trust server in the setting trust-server, or a key pair to sign with in trust-key."
    command = (
        "Name a trust server in the setting trust-server, or a key pair to sign with in trust-key; "
        "--disable-content-trust does without, for one command"
    )

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host

    def __str__(self) -> str:
        return f"{self.host} has no trust server, so nothing can be signed there"


class DigestUnsigned(TrustRefused):
    """An image was named by its digest alone, and no tag is signed as that."""

    code = "trust_unsigned"

    def __init__(self, gun: str, digest: Digest) -> None:
        super().__init__(gun, "targets", digest)
        self.digest = digest

    def __str__(self) -> str:
        return f"no tag of {self.gun} is signed as {self.digest}"


class SignerUnknown(InputInvalid):
    """The repository has no signer of that name."""

    code = "trust_signer"

    def __init__(self, gun: str, name: str, known: Collection[str]) -> None:
        super().__init__(gun, name, tuple(sorted(known)))
        self.gun, self.name = gun, name
        self.hint = f"Its signers are: {', '.join(sorted(known))}." if known else "It has no signers at all."

    def __str__(self) -> str:
        return f"{self.gun} has no signer {self.name!r}"


class SignerReserved(InputInvalid):
    """`releases` is no person: what every signer signs lies there."""

    code = "trust_signer"
    hint = "Choose another name for the signer."

    def __str__(self) -> str:
        return "a signer cannot be called releases"


class LastSigner(Refused):
    """Without this signer nobody vouches for what is released."""

    side = Side.CALLER
    code = "trust_last_signer"
    hint = "Let another signer sign the tags first, or insist."
    command = "Let another signer sign the tags first, or insist with --yes"

    def __init__(self, gun: str, name: str) -> None:
        super().__init__(gun, name)
        self.gun, self.name = gun, name

    def __str__(self) -> str:
        return f"{self.name} alone signed what is released in {self.gun}: without that signer, no tag of it is signed"


class TrustPassphraseMissing(InputInvalid):
    """A key's passphrase is needed, nobody set it, and nobody can be asked."""

    code = "passphrase_missing"
    hint = "Set the passphrase of the root key, or of the repositories' keys."
    command = (
        "Set LADING_TRUST_ROOT_PASSPHRASE or LADING_TRUST_REPOSITORY_PASSPHRASE (docker's DOCKER_CONTENT_TRUST_… count "
        "too), or LADING_TRUST_PASSPHRASE for both; each may be …_FILE"
    )

    def __init__(self, key: KeptKey) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return f"{self.key} needs its passphrase"
