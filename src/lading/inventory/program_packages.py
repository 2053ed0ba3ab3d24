"""Programs and libraries that name what they were built from: Go's all do, Rust's where they were built to be audited.

They are known by their first bytes and opened once for both languages; most have neither section and are done.
Libraries are a kind of their own: nearly all of them come from C, and the longest there are, of neural networks, have
more bytes than are read of anything.
"""

from __future__ import annotations

from lading.inventory import go_packages, rust_packages
from lading.inventory.evidence import Evidence, EvidenceRead, may_be_program
from lading.inventory.evidence_invalid import noted
from lading.inventory.executable import BEGINNINGS, read_executable
from lading.inventory.go_packages import read_go_modules
from lading.inventory.rust_packages import read_crates

PROGRAM_LIMIT = 256 * 1024 * 1024
"""The longest program read, in bytes: many of Go's have more than a hundred million."""


def is_library(path: str) -> bool:
    """Whether a library may lie there, to be loaded by programs."""
    return _is_called_library(path) and may_be_program(path)


def is_program(path: str) -> bool:
    """Whether a program may lie there."""
    return not _is_called_library(path) and may_be_program(path)


@noted
def read_program(path: str, content: bytes) -> EvidenceRead:
    """What a program says it was built from; nothing where it is no program, or does not say."""
    program = read_executable(content, go_packages.SECTIONS | rust_packages.SECTIONS)
    if program is None:
        return EvidenceRead()
    modules, crates = read_go_modules(path, program), read_crates(path, program)
    return EvidenceRead(modules.packages + crates.packages, notes=modules.notes + crates.notes)


EVIDENCE = (
    Evidence("program", is_program, read_program, PROGRAM_LIMIT, BEGINNINGS, programs=True),
    Evidence("library", is_library, read_program, PROGRAM_LIMIT, BEGINNINGS, seldom=True),
)

_LIBRARIES = (".so", ".dll", ".dylib", ".pyd", ".node")


def _is_called_library(path: str) -> bool:
    """By its suffix; after that of Linux a version may stand."""
    return path.endswith(_LIBRARIES) or ".so." in path[path.rfind("/") + 1 :]
