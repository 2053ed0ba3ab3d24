"""Signatures of images, and what a trust policy makes of them."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

SignatureForm = Literal["sigstore-bundle", "cosign-sig", "notation", "notary"]

TrustMode = Literal["off", "report", "enforce"]


class Signature(TypedDict):
    """A signature beside an image. What it says of itself is told only where somebody who is accepted made it."""

    form: SignatureForm
    digest: Annotated[str | None, "Of what holds it; null where it lies at a trust server."]
    signer: Annotated[str | None, "As the policy calls them."]
    keyId: str | None
    repository: str | None
    tag: str | None
    signedAt: str | None
    accepted: bool
    reason: Annotated[str | None, "Why it does not count; null where it does."]


class SignatureVerdict(TypedDict):
    """What was found of one image at one name, and what its rule makes of that."""

    reference: str
    digest: str | None
    mode: TrustMode
    trusted: Annotated[bool | None, "Null: no rule is about it, and nothing was looked at; or see `error`."]
    signers: Annotated[list[str], "Whose signatures count."]
    signatures: list[Signature]
    checkedAt: str
    error: NotRequired[Annotated[str, "Why nobody could be asked."]]


class ImageSignatures(TypedDict):
    """What is known of an image's signatures, at each of its names."""

    items: list[SignatureVerdict]
