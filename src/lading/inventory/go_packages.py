"""Modules that a Go program was built from, as the linker wrote them into it (Go, debug/buildinfo).

A header of 32 bytes, aligned to 16, at the start of section `.go.buildinfo`, or of the first writable data:

    0   "\\xff Go buildinf:"
    14  the size of a pointer          before Go 1.18
    15  flags: 1 big endian, 2 the strings follow
    16  Go 1.18 and later: nothing; before: the address of the version's string header, then the module text's
    32  Go 1.18 and later: the version, then the module text, each after its length as an unsigned varint

The module text stands between two marks of 16 bytes:

    path  the main package            dep  a module, its version, its checksum
    mod   the main module             =>   what stands in the place of the module above
    build KEY=VALUE                   a setting of the build
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from lading.inventory.evidence import EvidenceRead
from lading.inventory.evidence_json import word
from lading.inventory.executable import Executable
from lading.inventory.package import Package, PackageType

SECTIONS = frozenset({".go.buildinfo", "__go_buildinfo"})
"""What the section is called: in ELF, in Mach-O."""

STANDARD_LIBRARY = "stdlib"
"""The name that advisories have for Go's own packages; its version is the compiler's."""

MODULES_LIMIT = 20_000
"""The most modules taken from one program."""


@dataclass(frozen=True, slots=True)
class _Module:
    """`is_own`: of those who built the program, and perhaps never published."""

    path: str
    version: str
    is_own: bool = False


def read_go_modules(path: str, program: Executable) -> EvidenceRead:
    """The modules of a Go program, and Go's own library; nothing where the program is not Go's.

    The main module, and parts of it that are modules themselves, are among them where they have a version. Without one
    they are somebody's own work, as the application is that stands beside `node_modules`.
    """
    found = _build_information(program)
    if found is None:
        return EvidenceRead()
    compiler, text = found
    named = dict.fromkeys(_modules(text.splitlines()[:_LINES_LIMIT]))
    if standard := _standard_library(compiler):
        named[standard] = None
    modules = list(named)[:MODULES_LIMIT]
    packages = tuple(Package(PackageType.GOLANG, module.path, module.version, path) for module in modules)
    return EvidenceRead(packages, notes=_notes(len(named), standard))


def _notes(modules: int, standard: _Module | None) -> tuple[str, ...]:
    notes = ("it names too many modules",) if modules > MODULES_LIMIT else ()
    return notes if standard else (*notes, "it does not say which version of Go built it")


_MAGIC = b"\xff Go buildinf:"
_HEADER = 32
_ALIGNMENT = 16
_SEARCHED = 1024 * 1024
"""How far into the data the header is looked for, where no section has its name: the linker puts it first."""
_TEXT_LIMIT = 8 * 1024 * 1024
_LINES_LIMIT = 100_000
_MARK = 16
_BIG_ENDIAN = 1
_INLINE = 2
_Order = Literal["big", "little"]


def _build_information(program: Executable) -> tuple[str, str] | None:
    """The compiler's version and the module text."""
    place = next(iter(program.sections[name] for name in SECTIONS if name in program.sections), None)
    if place is None and not program.named:
        place = next((segment for segment in program.segments if segment.writable), None)
    if place is None:
        return None
    found = _header(program.part(place, _SEARCHED))
    if found is None:
        return None
    start = place.position + found
    header = program.content[start : start + _HEADER]
    if len(header) < _HEADER:
        return None
    if header[15] & _INLINE:
        return _inline(program.content, start + _HEADER)
    return _pointed(program, header)


def _header(searched: bytes) -> int | None:
    position = searched.find(_MAGIC)
    while position % _ALIGNMENT and position >= 0:
        position = searched.find(_MAGIC, position + 1)
    return position if position >= 0 else None


def _inline(content: bytes, position: int) -> tuple[str, str]:
    version, position = _counted(content, position)
    text, _ = _counted(content, position)
    return version.decode("utf-8", "replace"), _between_marks(text)


def _counted(content: bytes, position: int) -> tuple[bytes, int]:
    """The bytes after their length, and where they end. A length that lies gives what there is."""
    length, shift = 0, 0
    for byte in content[position : position + 10]:
        position += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    length = min(length, _TEXT_LIMIT, len(content))
    return content[position : position + length], position + length


def _pointed(program: Executable, header: bytes) -> tuple[str, str] | None:
    size = header[14]
    if size not in {4, 8}:
        return None
    order: _Order = "big" if header[15] & _BIG_ENDIAN else "little"
    pointers = [int.from_bytes(header[start : start + size], order) for start in (16, 16 + size)]
    version, text = (_string(program, pointer, size, order) for pointer in pointers)
    return version.decode("utf-8", "replace"), _between_marks(text)


def _string(program: Executable, address: int, size: int, order: _Order) -> bytes:
    """The string whose header, its address and its length, lies at `address`."""
    header = program.at(address, 2 * size)
    length = int.from_bytes(header[size:], order)
    return program.at(int.from_bytes(header[:size], order), length) if length <= _TEXT_LIMIT else b""


def _between_marks(text: bytes) -> str:
    marked = len(text) > 2 * _MARK and text[-_MARK - 1 : -_MARK] == b"\n"
    return text[_MARK:-_MARK].decode("utf-8", "replace") if marked else ""


def _modules(lines: list[str]) -> list[_Module]:
    """The main module and those it needs, each as what stands in its place where something does."""
    found: list[_Module] = []
    set_version = ""
    for line in lines:
        kind, _, rest = line.partition("\t")
        if kind in {"mod", "dep"}:
            found.append(replace(_module(rest), is_own=kind == "mod"))
        elif kind == "=>" and found:
            found[-1] = _instead(found[-1], _module(rest))
        elif found and kind == "build" and rest.startswith("-ldflags="):
            set_version = _set_version(rest[:_FLAGS_LIMIT], found[0].path)
    if found and found[0].is_own and _is_untold(found[0].version):
        found[0] = replace(found[0], version=set_version)
    return [module for module in found if module.path and (module.version or not module.is_own)]


def _is_untold(version: str) -> bool:
    """Whether nobody knows which release it is: of a work tree, or of a clone without its tags, which Go takes to be
    before all releases."""
    return not version or version.startswith("v0.0.0-")


def _module(rest: str) -> _Module:
    """What a line says of a module. One built from a work tree has no version: `(devel)`."""
    path, _, rest = rest.partition("\t")
    version = word(rest.partition("\t")[0])
    return _Module(word(path), "" if version == "(devel)" else version)


def _instead(module: _Module, other: _Module) -> _Module:
    """What `module` was replaced by. A folder has no name that anybody knows it by: it is the module, of no known
    version, and a part of the program itself where no version of it was ever asked for.
    """
    is_folder = other.path.startswith((".", "/", "\\")) or other.path[1:2] == ":"
    if not is_folder:
        return other
    return replace(module, version="", is_own=module.is_own or _is_untold(module.version))


def _set_version(flags: str, module: str) -> str:
    """The version that the build set in a variable, as releases do: in one of the main module's, else in one of a
    package made to keep it, such as k8s.io/component-base/version. Empty where it set none, or several different ones.
    """
    assigned = [found.groups() for found in _ASSIGNED.finditer(flags) if found[2].lower() in _VERSION_NAMES]
    own = {version for package, _, version in assigned if package == "main" or f"{package}/".startswith(f"{module}/")}
    found = own or {version for package, _, version in assigned if package.endswith("/version")}
    bare = {version.removeprefix("v") for version in found}
    return f"v{bare.pop()}" if len(bare) == 1 else ""


def _standard_library(compiler: str) -> _Module | None:
    """Go's own library. Release candidates are written as versions of modules are: go1.24rc1 is 1.24.0-rc.1."""
    found = _COMPILER.match(compiler)
    if found is None:
        return None
    before = f".0-{found[2]}.{found[3]}" if found[2] else ""
    return _Module(STANDARD_LIBRARY, found[1] + before)


_FLAGS_LIMIT = 64 * 1024
_COMPILER = re.compile(r"go(\d{1,4}(?:\.\d{1,4}){1,2})(?:(rc|beta)(\d{1,4}))?")
_VERSION_NAMES = frozenset({"version", "_version", "gitversion", "buildversion", "appversion", "releaseversion"})
_ASSIGNED = re.compile(
    r"-X[ =]{0,4}[\\\"']{0,4}([^\s\"'\\=]{1,300})\.([A-Za-z_]\w{0,60})="
    r"[\\\"']{0,4}(v?\d{1,9}\.\d{1,9}\.\d{1,9}[\w.+-]{0,100})",
    re.ASCII,
)
