"""Base64 in the one spelling that every content has (RFC 4648, 3.5 and 4): the standard alphabet, padded, and no bits
set that mean nothing. So no changed byte goes unseen."""

from __future__ import annotations

import base64
import binascii

from lading.oci.document import Fields


class NotBase64(ValueError):
    """The end of a sentence that begins with what is not; whoever reads a text says of what."""


def in_base64(content: bytes) -> str:
    """As it is written."""
    return base64.b64encode(content).decode("ascii")


def from_base64(text: str) -> bytes:
    """Raises NotBase64."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NotBase64("is not base64") from None
    if in_base64(content) != text:
        raise NotBase64("is not base64 as it must be spelled")
    return content


def base64_of(fields: Fields, name: str) -> bytes:
    """The bytes of a field. Raises what the document raises."""
    try:
        return from_base64(fields.required_text(name))
    except NotBase64 as error:
        fields.refuse(name, str(error))
