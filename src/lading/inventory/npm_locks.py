"""Lock files of npm, yarn and pnpm: what was to be installed, where nothing is (npm documentation, package-lock.json;
yarnpkg/berry lockfile; pnpm lockfile specification 5 to 9).

A lock file speaks only where there is no `node_modules` in its folder of the image or in one above
(`superseded_locks`): what is installed is the truth, and a lock file names tools for development and other platforms as
well. What a lock file itself marks as for development or optional is left out; yarn's and newer pnpm's do not mark it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from lading.inventory.evidence import Evidence, EvidenceRead
from lading.inventory.evidence_invalid import EvidenceInvalid, noted
from lading.inventory.evidence_json import WORD_LIMIT, json_object, members, word
from lading.inventory.npm_names import npm_package
from lading.inventory.package import Package

LOCK_LIMIT = 32 * 1024 * 1024
"""The longest lock file read, in bytes."""

PACKAGES_LIMIT = 50_000
"""The most packages taken from one lock file."""


def is_lock(path: str) -> bool:
    """Whether a path is that of a project's lock file. A package that carries its own is not installed by it."""
    return path.endswith(_LOCKS) and path.rpartition("/")[2] in _LOCKS and "node_modules/" not in path


def superseded_locks(evidence: Iterable[str]) -> frozenset[str]:
    """Those of an image's evidence paths that are lock files of what is installed: where Node would look for it, in
    their own folder or in one above."""
    paths = list(evidence)
    installed = {path[: path.index("node_modules/")] for path in paths if "node_modules/" in path}
    return frozenset(path for path in paths if is_lock(path) and not installed.isdisjoint(_folders(path)))


def _folders(path: str) -> Iterator[str]:
    """The folders that a path lies in, each with its slash; the root is empty."""
    parts = path.split("/")[:-1]
    return ("/".join([*parts[:count], ""]) for count in range(len(parts) + 1))


@noted
def read_lock(path: str, content: bytes) -> EvidenceRead:
    """The packages that a lock file wants installed, each version once."""
    name = path.rpartition("/")[2]
    named = _NAMED[name](content)
    found: dict[tuple[str, str], Package] = {}
    for package in (npm_package(word(said), word(version), path) for said, version in named):
        if package is not None:
            found.setdefault((f"{package.namespace}/{package.name}", package.version), package)
        if len(found) >= PACKAGES_LIMIT:
            return EvidenceRead(tuple(found.values()), notes=(f"it names more than {PACKAGES_LIMIT} packages",))
    return EvidenceRead(tuple(found.values()))


_Named = Iterator[tuple[object, object]]
"""Names and versions as they stand in a file."""


def _package_lock(content: bytes) -> _Named:
    """npm's, forms 1 to 3: form 2 says everything twice, and the newer half is read."""
    lock = json_object(content)
    if isinstance(lock.get("packages"), dict):
        return _by_folder(members(lock["packages"]))
    return _nested(members(lock.get("dependencies")))


def _by_folder(packages: Mapping[str, object]) -> _Named:
    for folder, entry in packages.items():
        package = members(entry)
        if "node_modules/" in folder and not any(package.get(mark) is True for mark in _LEFT_OUT):
            yield package.get("name") or folder.rpartition("node_modules/")[2], package.get("version")


def _nested(dependencies: Mapping[str, object]) -> _Named:
    """The oldest form nests what is installed inside a package. JSON's own nesting is bounded, so this is."""
    waiting = [dependencies]
    while waiting:
        for name, entry in waiting.pop().items():
            package = members(entry)
            if not any(package.get(mark) is True for mark in _LEFT_OUT):
                yield _aliased(name, word(package.get("version")))
                waiting.append(members(package.get("dependencies")))


def _aliased(name: str, version: str) -> tuple[str, str]:
    """An alias has what it stands for as its version: `npm:lodash@4.17.11`."""
    if not version.startswith("npm:"):
        return name, version
    name, _, version = version.removeprefix("npm:").rpartition("@")
    return name, version


def _yarn_lock(content: bytes) -> _Named:
    """Yarn's, the classic form and berry's: a line of wanted ranges, then its members, two blanks further in.

    `resolution` of berry names the package that an alias stands for; packages of the project itself are `workspace:`.
    """
    name = version = ""
    for line in [*_lines(content), "end:"]:
        if not line[0].isspace():
            if version:
                yield name, version
            name, version = _yarn_name(line), ""
        elif found := _YARN_VERSION.match(line):
            version = found[1]
        elif found := _YARN_RESOLUTION.match(line):
            name = "" if found[2].startswith(("workspace:", "link:", "portal:")) else found[1]


def _yarn_name(line: str) -> str:
    found = _YARN_NAME.match(line)
    if found is None or found[2].startswith("workspace:"):
        return ""
    aliased = _YARN_ALIAS.match(found[2])
    return aliased[1] if aliased else found[1]


def _pnpm_lock(content: bytes) -> _Named:
    """pnpm's: the keys of `packages`, two blanks in. Forms 5 to 8 mark what is for development further in."""
    inside = False
    pending: tuple[str, str] | None = None
    for line in [*_lines(content), "end:"]:
        if line.startswith("   "):
            if _PNPM_LEFT_OUT.match(line):
                pending = None
            continue
        if pending is not None:
            yield pending
        pending = None
        if not line.startswith(" "):
            inside = line.startswith("packages:")
        elif inside:
            pending = _pnpm_key(line)


def _pnpm_key(line: str) -> tuple[str, str] | None:
    """Name and version of a key: `/@scope/name/1.0_peers`, `/@scope/name@1.0(peers)` or `'@scope/name@1.0'`."""
    key = line.strip().removesuffix(":").strip("'\"").partition("(")[0]
    parts = key.removeprefix("/").split("/")
    names = 2 if parts[0].startswith("@") else 1
    if key.startswith("/") and len(parts) > names:
        name, version = "/".join(parts[:names]), parts[names].partition("_")[0]
    else:
        name, _, version = key.removeprefix("/").rpartition("@")
    return (name, version) if name and version[:1].isdecimal() else None


def _lines(content: bytes) -> list[str]:
    """The lines that say something. Raises EvidenceInvalid where there are too many, or one is too long to be real."""
    if content.count(b"\n") > _LINES_LIMIT:
        raise EvidenceInvalid("it has too many lines")
    lines = content.decode("utf-8", "replace").splitlines()
    return [line[:_LINE_LENGTH] for line in lines if line.strip() and not line.startswith("#")]


EVIDENCE = (Evidence("npm lock file", is_lock, read_lock, LOCK_LIMIT),)

_LOCKS = ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml")
_NAMED = {
    "package-lock.json": _package_lock,
    "npm-shrinkwrap.json": _package_lock,
    "yarn.lock": _yarn_lock,
    "pnpm-lock.yaml": _pnpm_lock,
}
_LEFT_OUT = ("dev", "optional", "devOptional", "link")
_LINES_LIMIT = 1_000_000
_LINE_LENGTH = 4 * WORD_LIMIT
_YARN_NAME = re.compile(r'"?((?:@[^@/"\s]+/)?[^@/"\s,]+)@([^",\s]*)')
_YARN_ALIAS = re.compile(r"npm:((?:@[^@/\s]+/)?[^@/\s]+)@")
_YARN_VERSION = re.compile(r'  "?version"?:? "?([^"\s]+)"?\s*$')
_YARN_RESOLUTION = re.compile(r'  "?resolution"?: "((?:@[^@/"\s]+/)?[^@/"\s]+)@([^"]+)"')
_PNPM_LEFT_OUT = re.compile(r"    (?:dev|optional): true\s*$")
