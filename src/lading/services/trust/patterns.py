"""Patterns of a trust policy over whole names of repositories, `registry.example/team/*`: which spellings of a name
they are held against, and which patterns are about nothing at all."""

from __future__ import annotations

import re

from lading.oci.reference import Reference, ReferenceInvalid, Repository, canonical_registry, is_registry

USUAL_PORTS = frozenset({"443", "80"})

_WILD = re.compile(r"[*?[]")
_ANY_OF = re.compile(r"\[[^]]*]")
_SOME_PATH = "some/path"
_HOST = re.compile(r"localhost|[^.:]*(?:\.|:[0-9])")


def spellings(repository: Repository) -> frozenset[str]:
    """Its whole name, and without the port where HTTPS or HTTP is anyway: whoever spells that out asks the same
    registry."""
    host, colon, port = repository.registry.rpartition(":")
    if not colon or port not in USUAL_PORTS or not is_registry(host):
        return frozenset({str(repository)})
    return frozenset({str(repository), str(Repository(canonical_registry(host), repository.path))})


def names_nothing(pattern: str) -> bool:
    """Whether it is like no repository's whole name, as far as that can be told: by a rule about nothing, images that
    somebody meant would go unchecked without a word."""
    wild = _WILD.search(pattern)
    if wild is None:
        return _whole(pattern) != pattern
    literal, path = pattern[: wild.start()], _ANY_OF.sub("", pattern.partition("/")[2])
    host, slash, _ = literal.partition("/")
    if slash:
        nowhere = _whole(f"{host}/{_SOME_PATH}") != f"{host}/{_SOME_PATH}"
    else:
        nowhere = bool(host) and "/" not in pattern and _HOST.match(host) is None
    return nowhere or path != path.lower() or ":" in path or "@" in path


def meant(pattern: str) -> str:
    """The end of a sentence: what they may have meant who wrote a name as docker shows it."""
    whole = _whole(pattern)
    return "" if whole is None else f": write {whole}"


def _whole(text: str) -> str | None:
    """The name of the repository in a reference; None where it is none."""
    try:
        return str(Reference.parse(text).repository)
    except ReferenceInvalid:
        return None
