"""Whatever stands in a file, its reader answers: packages of real names, or a note. Nothing is raised."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.inventory import (
    dotnet_packages,
    java_packages,
    npm_packages,
    php_packages,
    program_packages,
    python_packages,
    ruby_packages,
)
from lading.inventory.evidence import Evidence
from tests.fakes.executables import elf, go_build_information, go_pointers, mac_program, windows_program
from tests.fakes.jars import jar, manifest, pom

KINDS: Mapping[str, Evidence] = {
    kind.name: kind
    for module in (
        dotnet_packages,
        java_packages,
        npm_packages,
        php_packages,
        program_packages,
        python_packages,
        ruby_packages,
    )
    for kind in module.EVIDENCE
}
PATHS = {
    "Python distribution": "usr/lib/python3/dist-packages/x-1.0.egg-info",
    "npm package": "app/node_modules/x/package.json",
    "npm lock file": "app/package-lock.json",
    "program": "usr/bin/x",
    "library": "usr/lib/x.so.1",
    "Java archive": "app/x-1.0.jar",
    "gem": "usr/specifications/x-1.0.gemspec",
    ".NET dependencies": "app/x.deps.json",
    "Composer packages": "app/vendor/composer/installed.json",
}
MODULES = ("mod\ta.test/x\tv1.0.0", "dep\tb.test/y\tv2.0.0", "=>\t./z\t", "build\t-ldflags=-X main.version=1.2.3")
SEEDS = (
    elf({".go.buildinfo": go_build_information("go1.22.1", *MODULES)}),
    elf({".go.buildinfo": go_pointers("go1.15", *MODULES, address=0x400080)}, table=False),
    elf({".dep-v0": zlib.compress(b'{"packages":[{"name":"x","version":"1"}]}')}, wide=False, big_endian=True),
    windows_program({".data": go_build_information("go1.22.1", *MODULES)}),
    mac_program({"__go_buildinfo": go_build_information("go1.22.1", *MODULES)}),
    jar({**pom("a.test", "x", "1.0"), **manifest(Bundle_Version="1.0"), "lib/y.jar": jar(pom("a", "y", "2"))}),
    b"Name: x\nVersion: 1.0\nLicense: MIT\nClassifier: License :: x\n\n",
    b'Gem::Specification.new do |s|\n  s.name = "x".freeze\n  s.version = "1.0"\n  s.licenses = ["MIT"]\nend\n',
    b'"a@^1", "a@npm:b@1":\n  version "1.0"\n  resolution: "b@npm:1"\n',
    b"packages:\n\n  /@a/b/1.0_c@2:\n    dev: true\n\n  'd@1(e@2)':\n    resolution: {}\n",
)
WORDS = st.sampled_from(
    [
        "name", "version", "license", "packages", "dependencies", "libraries", "targets", "runtimeTarget", "type",
        "package", "node_modules/x", "x/1.0", "a/b", "dev", "1.0", "runtime", "kind", "\ud800", "\0", "é" * 300,
    ]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=30,
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A real file with some bytes changed, cut or doubled."""
    content = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 6))):
        position = draw(st.integers(0, max(0, len(content) - 1)))
        length = draw(st.integers(0, 16))
        content[position : position + length] = draw(st.binary(max_size=16) | st.just(b"\xff" * length))
    return bytes(content[: draw(st.integers(0, len(content))) if draw(st.booleans()) else None])


def check(kind: Evidence, path: str, content: bytes) -> None:
    read = kind.read(path, content)
    for package in read.packages:
        assert package.name
        assert package.evidence.startswith(path)
        for text in (package.name, package.version, package.namespace, *package.licenses):
            assert text.isprintable()
            text.encode()
    assert all(read.notes)


@pytest.mark.parametrize("name", KINDS)
@given(content=st.binary(max_size=300) | damaged())
def test_bytes(name: str, content: bytes) -> None:
    check(KINDS[name], PATHS[name], content)


@pytest.mark.parametrize("name", ["npm package", "npm lock file", ".NET dependencies", "Composer packages"])
@given(document=JSON)
def test_json_of_any_shape(name: str, document: object) -> None:
    check(KINDS[name], PATHS[name], json.dumps(document).encode())


@pytest.mark.parametrize("path", ["app/yarn.lock", "app/pnpm-lock.yaml", "app/npm-shrinkwrap.json"])
@given(content=damaged())
def test_lock_files(path: str, content: bytes) -> None:
    check(KINDS["npm lock file"], path, content)


@given(path=st.text(max_size=60).map(lambda text: f"{text}.dist-info/METADATA"))
def test_names_of_folders(path: str) -> None:
    check(KINDS["Python distribution"], path, b"")


@pytest.mark.parametrize("name", KINDS)
@given(path=st.text(max_size=200) | st.sampled_from(sorted(PATHS.values())))
def test_paths(name: str, path: str) -> None:
    assert KINDS[name].matches(path) in {True, False}


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_knows_its_path(name: str) -> None:
    assert KINDS[name].matches(PATHS[name])


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    "content",
    [
        b"[" * 1_000_000,
        b'{"":' * 500_000,
        b"[1," * 400_000,
        b"9" * 1_000_000,
        b'"' * 500_000,
        b"- " * 500_000,
        b"@" * 999_999,
    ],
    ids=["arrays", "objects", "lists", "digits", "quotes", "dashes", "ats"],
)
def test_what_is_meant_to_take_long(name: str, content: bytes) -> None:
    check(KINDS[name], PATHS[name], content)
