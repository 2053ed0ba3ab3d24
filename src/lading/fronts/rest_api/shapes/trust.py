"""Trust rules of our own repositories, the keys that they accept, and what they say of a tag."""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from lading.fronts.rest_api.shapes.signatures import SignatureVerdict, TrustMode


class TrustKey(TypedDict):
    """A public key that trust rules may name."""

    id: int
    name: str
    keyId: Annotated[str, "The SHA-256 of the key, in hexadecimal."]
    type: Literal["ecdsa-p256", "ed25519"]
    createdAt: str
    createdBy: str


class TrustRule(TypedDict):
    """Whose signatures the images of a repository need before anybody gets them."""

    mode: TrustMode
    keys: Annotated[list[str], "Names of accepted keys."]
    notary: Annotated[bool, "Whether the repository's trust collection (Notary v1) counts as one of the signers."]
    rootKeys: Annotated[list[str], "Root keys that the collection must be signed by; none: whichever it has."]
    threshold: Annotated[int, "How many different signers there must be."]
    bindTag: Annotated[bool, "The tag must be signed as well, where somebody asks by tag."]
    maxAgeDays: int | None
    signedAs: Annotated[list[str], "Repositories that signatures may be made for, besides this one."]


class RepositoryTrust(TypedDict):
    """A repository's rule, and what it says of the tag that was asked for."""

    rule: TrustRule | None
    verdict: SignatureVerdict | None
