"""The child's half: layers are unpacked, hashed, walked and catalogued here, one after the other, until nobody asks.

Nothing is written, nothing is run, and whatever a layer does to this process, the one that asked goes on.
"""

from __future__ import annotations

import hashlib
import json
import socket
from collections.abc import Callable
from contextlib import closing

from lading.backends.inventories.confinement import confine
from lading.backends.inventories.given_file import GivenFile
from lading.backends.inventories.messages import (
    ANSWER_LIMIT,
    Answer,
    AnswerKind,
    Asked,
    next_asked,
    packed,
    tell,
)
from lading.backends.inventories.rpm_sqlite import header_blobs
from lading.errors import LadingError
from lading.inventory.cataloger import LayerCataloger
from lading.inventory.evidence_kinds import evidence_kinds
from lading.inventory.layer_json import layer_json
from lading.inventory.tar_walk import LayerWalk
from lading.oci.digest import Digest
from lading.wire.message import Reader

_PIECE = 256 * 1024
_KINDS = evidence_kinds(header_blobs)

Unpack = Callable[[Reader], Reader]
"""The stream without its compression, whatever that is. Its readinto raises LadingError where it is damaged."""


def serve(asking: socket.socket, unpack: Unpack) -> None:
    """Returns when the other end is closed."""
    confine()
    while (asked := next_asked(asking)) is not None:
        try:
            tell(asking, _answer(asking, *asked, unpack))
        except OSError:  # who asked has gone
            return


def _answer(asking: socket.socket, asked: Asked, file: int, unpack: Unpack) -> Answer:
    def told(count: int) -> None:
        tell(asking, Answer(AnswerKind.PROGRESS, count.to_bytes(8, "big")))

    try:
        with closing(GivenFile(file, asked.position, asked.length, told)) as given:
            content = _read(unpack(given), asked)
    except LadingError as error:
        return _failed(str(error))
    except MemoryError:
        return _failed("reading it takes more memory than any layer may")
    except OSError:  # who asked has gone
        raise
    except Exception as error:  # noqa: BLE001 - a defect of ours that a layer found: told, and the layer is not read
        return _failed(f"it cannot be understood ({type(error).__name__})")
    if len(content) > ANSWER_LIMIT:
        return _failed(f"what is in it takes {len(content)} bytes to say; {ANSWER_LIMIT} are allowed")
    return Answer(AnswerKind.READ, packed(content))


def _failed(reason: str) -> Answer:
    return Answer(AnswerKind.FAILED, reason.encode(errors="replace"))


def _read(layer: Reader, asked: Asked) -> bytes:
    """The layer's inventory, as it is kept."""
    cataloger = LayerCataloger(_KINDS)
    walk = LayerWalk(cataloger)
    hashing = hashlib.new(asked.algorithm)
    size = 0
    buffer = memoryview(bytearray(_PIECE))
    while count := layer.readinto(buffer):
        hashing.update(buffer[:count])
        walk.update(buffer[:count])
        size += count
    walk.finish()
    inventory = cataloger.finish(Digest(asked.algorithm, hashing.hexdigest()), size)
    return json.dumps(layer_json(inventory), separators=(",", ":")).encode()
