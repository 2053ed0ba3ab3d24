"""Packages beside .NET programs."""

from __future__ import annotations

import json

import pytest

from lading.inventory.dotnet_packages import is_dependencies, read_dependencies

RUNTIME = "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1"
PLACED = {
    "demo/1.0.0": {"runtime": {"demo.dll": {}}},
    "Newtonsoft.Json/12.0.1": {"runtime": {"lib/netstandard2.0/Newtonsoft.Json.dll": {}}},
    "SQLitePCLRaw.lib/2.1.0": {"runtimeTargets": {"runtimes/linux-x64/native/libe_sqlite3.so": {}}},
    "Some.Analyzer/1.0.0": {"dependencies": {"Newtonsoft.Json": "12.0.1"}},
    RUNTIME: {"runtime": {"System.Private.CoreLib.dll": {}}},
}
LIBRARIES = {
    "demo/1.0.0": {"type": "project"},
    "Newtonsoft.Json/12.0.1": {"type": "package", "sha512": "x"},
    "SQLitePCLRaw.lib/2.1.0": {"type": "package"},
    "Some.Analyzer/1.0.0": {"type": "package"},
    RUNTIME: {"type": "runtimepack"},
    "System.Runtime/8.0.0.0": {"type": "referenceassembly"},
}
NAME = ".NETCoreApp,Version=v8.0/linux-x64"


def versions(document: object) -> dict[str, str]:
    read = read_dependencies("app/demo.deps.json", json.dumps(document).encode())
    assert not read.notes
    return {package.name: package.version for package in read.packages}


def test_the_list_is_known_by_its_suffix() -> None:
    assert is_dependencies("app/demo.deps.json")
    assert not is_dependencies("app/deps.json")


@pytest.mark.parametrize("target", [{"name": NAME, "signature": ""}, NAME])
def test_packages_with_files_at_run_time(target: object) -> None:
    assert versions({"runtimeTarget": target, "targets": {NAME: PLACED}, "libraries": LIBRARIES}) == {
        "Newtonsoft.Json": "12.0.1",
        "SQLitePCLRaw.lib": "2.1.0",
        "Microsoft.NETCore.App.Runtime.linux-x64": "8.0.1",
    }


def test_a_runtime_of_old_under_the_name_it_is_published_by() -> None:
    library = "runtime.linux-x64.Microsoft.NETCore.App/3.1.23-servicing.22122.4"

    assert versions({"libraries": {library: {"type": "package"}}}) == {
        "Microsoft.NETCore.App.Runtime.linux-x64": "3.1.23"
    }


@pytest.mark.parametrize("targets", [{}, {NAME: {}}, {"other": PLACED}, []])
def test_all_packages_where_it_does_not_say_what_has_files(targets: object) -> None:
    found = versions({"runtimeTarget": {"name": NAME}, "targets": targets, "libraries": LIBRARIES})

    assert "Some.Analyzer" in found
    assert "demo" not in found


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"libraries": []},
        {"libraries": {"x": {"type": "package"}, "/": {"type": "package"}, "y/1": {"type": 1}, "z/1": 0}},
    ],
)
def test_what_names_no_package_says_nothing(document: object) -> None:
    assert versions(document) == {}


@pytest.mark.parametrize("content", [b"", b"[]", b'{"libraries": ' * 50_000, b"{" + b'"a":1,' * 2_000_000])
def test_what_is_no_object_is_noted(content: bytes) -> None:
    assert len(read_dependencies("x.deps.json", content).notes) == 1
