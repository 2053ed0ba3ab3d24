"""What a process and its inventory child say to each other, over a socket that both inherit from nobody else.

    process                                        child
    ASK    position, length, algorithm, and a file ──>
                                                   <── PROGRESS  bytes of the file read so far, again and again
                                                   <── READ      the layer: compressed JSON      (one of the two ends
                                                   <── FAILED    a sentence without the layer      the conversation)

The child has read hostile bytes when it answers, so what it says is bounded here and parsed strictly by its reader.
"""

from __future__ import annotations

import socket
import struct
import zlib
from dataclasses import dataclass
from enum import Enum

from lading.oci.digest import Algorithm

ANSWER_LIMIT = 64 * 1024 * 1024
"""The longest answer, in bytes, before and after it is unpacked: 500,000 owned paths are some 40 MB."""

_LEVEL = 1  # zlib: the paths of a distribution shrink to a fifth, at 100 MB/s
_ASK = struct.Struct(">qq8s")
_HEAD = struct.Struct(">cQ")
_WHOLE = -1


class AnswerInvalid(Exception):
    """A child said what no child of ours says."""


class Gone(Exception):
    """The other process ended, or closed its end."""


class AnswerKind(Enum):
    """What an answer is."""

    PROGRESS = b"p"
    READ = b"r"
    FAILED = b"f"


@dataclass(frozen=True, slots=True)
class Answer:
    """One thing a child says. `content` is as the kind has it, still packed."""

    kind: AnswerKind
    content: bytes

    @property
    def count(self) -> int:
        """Of PROGRESS: bytes read so far. Raises AnswerInvalid."""
        if len(self.content) != 8:
            raise AnswerInvalid("a count of a wrong length")
        return int.from_bytes(self.content, "big")


@dataclass(frozen=True, slots=True)
class Asked:
    """A layer to read: `length` bytes of a file from `position`, or all that comes through a pipe (None)."""

    position: int
    length: int | None
    algorithm: Algorithm


def ask(to: socket.socket, asked: Asked, file: int) -> None:
    """Hands the file over with it. Raises Gone."""
    length = _WHOLE if asked.length is None else asked.length
    try:
        socket.send_fds(to, [_ASK.pack(asked.position, length, asked.algorithm.encode())], [file])
    except OSError as error:
        raise Gone from error


def next_asked(of: socket.socket) -> tuple[Asked, int] | None:
    """The next layer and its file, which is the caller's to close; None where nobody asks any more."""
    try:
        message, files, _, _ = socket.recv_fds(of, _ASK.size, 1)
        message += received(of, _ASK.size - len(message)) if message else b""
    except (OSError, Gone):
        return None
    if not message or not files:
        return None
    position, length, algorithm = _ASK.unpack(message)
    return Asked(position, None if length == _WHOLE else length, Algorithm(algorithm.rstrip(b"\0").decode())), files[0]


def tell(to: socket.socket, answer: Answer) -> None:
    """Raises OSError where nobody listens."""
    to.sendall(_HEAD.pack(answer.kind.value, len(answer.content)) + answer.content)


def next_answer(of: socket.socket) -> Answer:
    """Waits for the whole of one. Raises Gone, AnswerInvalid, TimeoutError."""
    kind, length = _HEAD.unpack(received(of, _HEAD.size))
    if length > ANSWER_LIMIT:
        raise AnswerInvalid(f"an answer of {length} bytes")
    try:
        return Answer(AnswerKind(kind), received(of, length))
    except ValueError as error:
        raise AnswerInvalid("an answer of an unknown kind") from error


def received(of: socket.socket, length: int) -> bytes:
    """Exactly so many bytes. Raises Gone, TimeoutError."""
    content = bytearray(length)
    space = memoryview(content)
    while space:
        try:
            count = of.recv_into(space)
        except TimeoutError:
            raise
        except OSError as error:
            raise Gone from error
        if not count:
            raise Gone
        space = space[count:]
    return bytes(content)


def packed(content: bytes) -> bytes:
    """As READ has it, and as it is kept."""
    return zlib.compress(content, _LEVEL)


def unpacked(content: bytes) -> bytes:
    """Raises AnswerInvalid where it is damaged or longer than any answer."""
    undoing = zlib.decompressobj()
    try:
        plain = undoing.decompress(content, ANSWER_LIMIT)
    except zlib.error as error:
        raise AnswerInvalid("it does not unpack") from error
    if not undoing.eof:
        raise AnswerInvalid("it is cut off or too long")
    return plain
