"""Digests: the names content gives itself (image-spec, Digests), and the check that bytes deserve one."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

from lading.errors import ContentCorrupt, InputInvalid


class Algorithm(StrEnum):
    """The registered digest algorithms that Lading takes; the value is the prefix in a digest's text."""

    SHA256 = "sha256"
    SHA512 = "sha512"


HEX_LENGTH = {Algorithm.SHA256: 64, Algorithm.SHA512: 128}

_GRAMMAR = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")
_HEX = re.compile(r"[a-f0-9]+")


class DigestInvalid(InputInvalid):
    """Text that is no digest, or whose encoded part does not fit its algorithm."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(text, reason)
        self.text, self.reason = text, reason

    def __str__(self) -> str:
        return f"{self.text[:160]!r} is not a digest: {self.reason}"


class DigestUnsupported(InputInvalid):
    """A digest of an algorithm that Lading does not compute."""

    hint = "Lading takes sha256 and sha512 digests."

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"the digest algorithm of {self.text[:160]!r} is not supported"


class DigestMismatch(ContentCorrupt):
    """Bytes that hash to something other than the digest they were given under."""

    def __init__(self, expected: Digest, received: Digest) -> None:
        super().__init__(expected, received)
        self.expected, self.received = expected, received

    def __str__(self) -> str:
        return f"content given as {self.expected} hashes to {self.received}"


class ContentTooLong(ContentCorrupt):
    """More bytes than the content has."""

    def __init__(self, expected: Digest, size: int) -> None:
        super().__init__(expected, size)
        self.expected, self.size = expected, size

    def __str__(self) -> str:
        return f"content given as {self.expected} goes on past its {self.size} bytes"


class ContentTooShort(ContentCorrupt):
    """The bytes ended before the content did."""

    def __init__(self, expected: Digest, size: int, received: int) -> None:
        super().__init__(expected, size, received)
        self.expected, self.size, self.received = expected, size, received

    def __str__(self) -> str:
        return f"content given as {self.expected} ended after {self.received} of {self.size} bytes"


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """Algorithm and lower-case hex of some content; valid from birth and never converted to another algorithm."""

    algorithm: Algorithm
    encoded: str

    @classmethod
    def parse(cls, text: str) -> Digest:
        """From `sha256:…`. Raises DigestInvalid, DigestUnsupported (image-spec, descriptor.md, Digests)."""
        if not _GRAMMAR.fullmatch(text):
            raise DigestInvalid(text, "it should read algorithm:hex, like sha256:9f86d0…")
        prefix, _, encoded = text.partition(":")
        try:
            algorithm = Algorithm(prefix)
        except ValueError:
            raise DigestUnsupported(text) from None
        if len(encoded) != HEX_LENGTH[algorithm] or not _HEX.fullmatch(encoded):
            raise DigestInvalid(text, f"{algorithm} has {HEX_LENGTH[algorithm]} lower-case hex digits")
        return cls(algorithm, encoded)

    @classmethod
    def if_valid(cls, text: str) -> Digest | None:
        """As `parse`, of text that may well be something else: None where it is no digest that Lading computes."""
        try:
            return cls.parse(text)
        except (DigestInvalid, DigestUnsupported):
            return None

    @classmethod
    def of(cls, content: bytes | bytearray | memoryview, algorithm: Algorithm = Algorithm.SHA256) -> Digest:
        """The digest of these bytes."""
        return cls(algorithm, hashlib.new(algorithm, content).hexdigest())

    @property
    def short(self) -> str:
        """The first twelve hex digits: what people read aloud."""
        return self.encoded[:12]

    def verifier(self, size: int) -> Verifier:
        """A fresh check that the bytes passing by are this content of `size` bytes."""
        return Verifier(self, size)

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.encoded}"


class Verifier:
    """Hashes while bytes pass. Its state cannot be saved: whoever resumes feeds it the bytes already held."""

    __slots__ = ("_digest", "_hash", "_size", "received")

    def __init__(self, digest: Digest, size: int) -> None:
        self._digest, self._size = digest, size
        self._hash = hashlib.new(digest.algorithm)
        self.received = 0

    def update(self, chunk: bytes | bytearray | memoryview) -> None:
        """Take the next bytes. Raises ContentTooLong at the first one past `size`."""
        self.received += len(chunk)
        if self.received > self._size:
            raise ContentTooLong(self._digest, self._size)
        self._hash.update(chunk)

    def copy(self) -> Verifier:
        """The same check at this point, so that one may go on from here more than once."""
        twin = Verifier.__new__(Verifier)
        twin._digest, twin._size, twin.received = self._digest, self._size, self.received
        twin._hash = self._hash.copy()
        return twin

    @property
    def so_far(self) -> Digest:
        """The digest of the bytes received until now."""
        return Digest(self._digest.algorithm, self._hash.hexdigest())

    def finish(self) -> None:
        """Raises ContentTooShort, DigestMismatch."""
        if self.received < self._size:
            raise ContentTooShort(self._digest, self._size, self.received)
        encoded = self._hash.hexdigest()
        if encoded != self._digest.encoded:
            raise DigestMismatch(self._digest, Digest(self._digest.algorithm, encoded))
