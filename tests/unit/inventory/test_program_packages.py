"""Programs that name what they were built from: Go's and Rust's, in the formats of all systems."""

from __future__ import annotations

import json
import zlib

import pytest

from lading.inventory.executable import read_executable
from lading.inventory.package import PackageType
from lading.inventory.program_packages import EVIDENCE, read_program
from tests.fakes.executables import (
    BASE,
    elf,
    go_build_information,
    go_pointers,
    mac_program,
    universal,
    windows_program,
)

BUILT = go_build_information(
    "go1.24.3",
    "path\texample.test/app/cmd/app",
    "mod\texample.test/app\tv1.2.3\t",
    "dep\tgithub.com/gin-gonic/gin\tv1.9.0\th1:abc=",
    "dep\tgolang.org/x/net\tv0.7.0",
    "=>\tgolang.org/x/net\tv0.17.0\th1:def=",
    "build\t-compiler=gc",
)
MODULES = {
    "example.test/app": "v1.2.3",
    "github.com/gin-gonic/gin": "v1.9.0",
    "golang.org/x/net": "v0.17.0",
    "stdlib": "1.24.3",
}


def modules(content: bytes) -> dict[str, str]:
    read = read_program("usr/bin/app", content)
    assert {package.type for package in read.packages} <= {PackageType.GOLANG}
    assert {package.evidence for package in read.packages} <= {"usr/bin/app"}
    return {package.name: package.version for package in read.packages}


@pytest.mark.parametrize(
    "program",
    [
        elf({".text": b"\x90" * 100, ".go.buildinfo": BUILT}),
        elf({".rela.go.buildinfo": b"", ".go.buildinfo": BUILT}),
        elf({".go.buildinfo": BUILT}, big_endian=True),
        elf({".go.buildinfo": BUILT}, wide=False),
        elf({".data": b"\0" * 48 + BUILT}, table=False),
        windows_program({".text": b"\x90" * 100, ".data": BUILT}),
        mac_program({"__text": b"\x90" * 100, "__go_buildinfo": BUILT}),
        universal(mac_program({"__go_buildinfo": BUILT})),
    ],
    ids=["elf", "name-in-a-name", "big-endian", "elf-32", "no-table", "windows", "mac", "universal"],
)
def test_modules_in_every_format(program: bytes) -> None:
    assert modules(program) == MODULES


@pytest.mark.parametrize(("size", "big_endian"), [(8, False), (8, True), (4, False), (4, True)])
def test_modules_behind_pointers(size: int, big_endian: bool) -> None:
    wide = size == 8
    start = (64 + 56 if wide else 52 + 32) + 15 & ~15
    lines = ("mod\texample.test/app\t(devel)\t", "dep\tgolang.org/x/sys\tv0.0.0-20200501145240-bc7a7d42d5c3\th1:x=")
    built = go_pointers("go1.15", *lines, address=BASE + start, size=size, big_endian=big_endian)

    assert modules(elf({".go.buildinfo": built}, wide=wide, big_endian=big_endian)) == {
        "golang.org/x/sys": "v0.0.0-20200501145240-bc7a7d42d5c3",
        "stdlib": "1.15",
    }


@pytest.mark.parametrize(
    ("lines", "name", "version"),
    [
        (("mod\ta.test/x\tv1.0.0\th1:=", "=>\tb.test/y\tv2.0.0\th1:="), "b.test/y", "v2.0.0"),
        (("dep\ta.test/x\tv1.0.0\t", "=>\t./fork\t(devel)\t"), "a.test/x", ""),
        (("dep\ta.test/x\tv1.0.0\t", "=>\t/src/fork\t"), "a.test/x", ""),
        (("dep\ta.test/x\tv1.0.0\t", "=>\tC:\\src\\fork\t"), "a.test/x", ""),
        (("=>\tb.test/y\tv2.0.0", "mod\ta.test/x\tv1.0.0\t"), "a.test/x", "v1.0.0"),
    ],
)
def test_what_stands_in_the_place_of_a_module(lines: tuple[str, ...], name: str, version: str) -> None:
    assert modules(elf({".go.buildinfo": go_build_information("go1.22.1", *lines)})) == {
        name: version,
        "stdlib": "1.22.1",
    }


def test_a_part_of_the_program_is_no_package() -> None:
    built = go_build_information(
        "go1.22.1",
        "mod\ta.test/x\tv1.0.0\t",
        "dep\ta.test/x/part\tv0.0.0-00010101000000-000000000000",
        "=>\t./part\t(devel)\t",
    )

    assert modules(elf({".go.buildinfo": built})) == {"a.test/x": "v1.0.0", "stdlib": "1.22.1"}


@pytest.mark.parametrize(
    ("flags", "version"),
    [
        ("-X main.version=1.4.0", "v1.4.0"),
        ('"-s -w -X \\"a.test/app/internal/version.Version=v1.4.0\\""', "v1.4.0"),
        ("-X 'a.test/app.gitVersion=v1.4.0-rc.1+k3s1' -X main.commit=1.2.3", "v1.4.0-rc.1+k3s1"),
        ("-X main.version=1.4.0 -X a.test/app/v.Version=v1.4.0", "v1.4.0"),
        ("-X main.version=1.4.0 -X main.buildVersion=7.7.7", ""),
        ("-X k8s.io/client-go/pkg/version.gitVersion=v1.4.0 -X k8s.io/base/version.gitVersion=v1.4.0", "v1.4.0"),
        ("-X other.test/lib/version.Version=1.4.0 -X third.test/version.Version=2.0.0", ""),
        ("-X other.test/lib/version.Version=9.9.9 -X main.version=1.4.0", "v1.4.0"),
        ("-X other.test/lib.Version=1.4.0", ""),
        ("-X a.test/apple.Version=1.4.0", ""),
        ("-X main.version=unknown", ""),
        ("-X main.commit=1.4.0", ""),
    ],
)
@pytest.mark.parametrize("told", ["(devel)", "", "v0.0.0-20250115120000-abcdefabcdef+dirty"])
def test_a_main_module_from_a_work_tree_has_the_version_its_build_set(told: str, flags: str, version: str) -> None:
    built = go_build_information("go1.22.1", f"mod\ta.test/app\t{told}\t", f"build\t-ldflags={flags}")

    assert modules(elf({".go.buildinfo": built})).get("a.test/app", "") == version


def test_a_version_the_linker_knows_is_not_replaced() -> None:
    built = go_build_information("go1.22.1", "mod\ta.test/app\tv1.0.0\t", "build\t-ldflags=-X main.version=9.9.9")

    assert modules(elf({".go.buildinfo": built}))["a.test/app"] == "v1.0.0"


@pytest.mark.parametrize(
    ("compiler", "version"),
    [
        ("go1.24.3", "1.24.3"),
        ("go1.19", "1.19"),
        ("go1.24rc1", "1.24.0-rc.1"),
        ("go1.21beta2", "1.21.0-beta.2"),
        ("go1.20.5 X:nocoverageredesign", "1.20.5"),
        ("go1.20.12 (Red Hat 1.20.12-2.el9_3)", "1.20.12"),
    ],
)
def test_the_standard_library_has_the_compilers_version(compiler: str, version: str) -> None:
    assert modules(elf({".go.buildinfo": go_build_information(compiler)})) == {"stdlib": version}


@pytest.mark.parametrize("compiler", ["devel go1.25-abcdef", "", "go", "\xff" * 10])
def test_an_unknown_compiler_is_noted(compiler: str) -> None:
    read = read_program("app", elf({".go.buildinfo": go_build_information(compiler, "mod\ta.test/x\tv1.0.0")}))

    assert [package.name for package in read.packages] == ["a.test/x"]
    assert read.notes == ("it does not say which version of Go built it",)


def crates(*packages: dict[str, object]) -> bytes:
    return zlib.compress(json.dumps({"packages": packages}).encode())


CRATES = crates(
    {"name": "ripgrep", "version": "14.1.0", "source": "local", "root": True},
    {"name": "regex", "version": "1.5.4", "source": "crates.io"},
    {"name": "regex", "version": "1.5.4", "source": "registry"},
    {"name": "cc", "version": "1.0.0", "source": "crates.io", "kind": "build"},
)


@pytest.mark.parametrize(
    "program",
    [
        elf({".text": b"\x90", ".dep-v0": CRATES}),
        elf({".dep-v0": CRATES}, wide=False, big_endian=True),
        windows_program({".data": b"\0" * 100, ".dep-v0": CRATES + b"\0" * 5}),
        mac_program({".dep-v0": CRATES}),
    ],
    ids=["elf", "elf-32", "windows", "mac"],
)
def test_crates_without_those_that_only_build(program: bytes) -> None:
    read = read_program("usr/bin/rg", program)

    assert [(package.type, package.name, package.version) for package in read.packages] == [
        (PackageType.CARGO, "ripgrep", "14.1.0"),
        (PackageType.CARGO, "regex", "1.5.4"),
    ]


@pytest.mark.parametrize(
    "section",
    [
        b"",
        b"no zlib",
        CRATES[:-20],
        zlib.compress(b"[]"),
        zlib.compress(b"\0" * 9_000_000),
        zlib.compress(b"{" * 10_000),
    ],
    ids=["empty", "garbage", "cut", "no-object", "bomb", "deep"],
)
def test_crates_that_cannot_be_read_are_noted(section: bytes) -> None:
    read = read_program("usr/bin/rg", elf({".dep-v0": section}))

    assert not read.packages
    assert len(read.notes) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x7fELF",
        b"#!/bin/sh\n",
        b"MZ" + b"\xff" * 100,
        b"\xca\xfe\xba\xbe\x00\x00\x00\x37" + b"\0" * 100,
        b"\xcf\xfa\xed\xfe" + b"\xff" * 100,
        elf({".text": b"\x90" * 100}),
        elf({".data": BUILT}),
        windows_program({".text": BUILT}),
        mac_program({"__text": b""}),
    ],
)
def test_other_programs_say_nothing(content: bytes) -> None:
    read = read_program("usr/bin/x", content)

    assert not read.packages
    assert not read.notes


def test_a_header_that_is_not_aligned_is_passed_over() -> None:
    program = elf({".data": b"\0" * 8 + b"\xff Go buildinf:" + b"\0" * 26 + BUILT}, table=False)

    assert modules(program) == MODULES


def test_sections_that_lie_are_cut_to_the_file() -> None:
    program = bytearray(elf({".go.buildinfo": BUILT}))
    for position in range(0, len(program) - 8, 4):
        lying = bytearray(program)
        lying[position : position + 8] = b"\xff" * 8
        read_program("usr/bin/x", bytes(lying))


def test_a_table_of_a_million_sections_is_not_walked() -> None:
    program = elf({".go.buildinfo": BUILT})
    sections_at = int.from_bytes(program[40:48], "little")
    many = bytearray(program + b"\0" * 64 * 1_000_000)
    many[60:62] = b"\0\0"
    many[sections_at + 32 : sections_at + 40] = (1_000_000).to_bytes(8, "little")

    executable = read_executable(bytes(many), frozenset({".go.buildinfo"}))

    assert executable is not None
    assert not executable.named


def test_a_program_is_known_by_its_first_bytes() -> None:
    for kind in EVIDENCE:
        assert all(program.startswith(kind.begins) for program in (elf({}), windows_program({}), mac_program({})))


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("usr/local/bin/app", ["program"]),
        ("srv/app-v1.2", ["program"]),
        ("app/server.exe", ["program"]),
        ("usr/src/app/server", ["program"]),
        ("usr/lib/libtorch_cuda.so", ["library"]),
        ("usr/lib/libfoo.so.1.2.3", ["library"]),
        ("app/System.Text.Json.dll", ["library"]),
        ("app/node_modules/x/build/x.node", ["library"]),
        ("usr/share/doc/app/README", []),
        ("app/main.py", []),
    ],
)
def test_a_path_is_that_of_a_program_or_of_a_library(path: str, kinds: list[str]) -> None:
    assert [kind.name for kind in EVIDENCE if kind.matches(path)] == kinds


def test_a_library_too_long_to_be_read_is_nothing_to_note() -> None:
    assert {kind.name: kind.seldom for kind in EVIDENCE} == {"program": False, "library": True}
