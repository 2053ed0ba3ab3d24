"""Packages of npm: what is installed, and lock files where nothing is."""

from __future__ import annotations

import json

import pytest

from lading.inventory.layer import LayerInventory
from lading.inventory.npm_locks import is_lock, read_lock, superseded_locks
from lading.inventory.npm_packages import is_installed_manifest, read_manifest
from lading.inventory.overlay import image_inventory
from lading.inventory.package import Package, PackageType
from lading.oci.digest import Digest


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("app/node_modules/express/package.json", True),
        ("node_modules/@babel/core/package.json", True),
        ("app/node_modules/.pnpm/debug@4.4.3/node_modules/debug/package.json", True),
        ("usr/share/nodejs/debug/package.json", True),
        ("opt/yarn-v1.22.22/package.json", True),
        ("app/node_modules/express/dist/esm/package.json", False),
        ("app/node_modules/@babel/package.json", False),
        ("app/node_modules/.package-lock.json", False),
        ("app/package.json", False),
        ("usr/share/nodejs/debug/dist/package.json", False),
    ],
)
def test_an_installed_package_is_a_folder_of_node_modules(path: str, told: bool) -> None:
    assert is_installed_manifest(path) is told


def test_a_package_with_a_scope() -> None:
    path = "app/node_modules/@babel/core/package.json"
    content = b'\xef\xbb\xbf{"name": "@babel/core", "version": "7.20.2", "license": "MIT", "dependencies": {"x": "1"}}'

    assert read_manifest(path, content).packages == (
        Package(PackageType.NPM, "core", "7.20.2", path, namespace="@babel", licenses=("MIT",)),
    )


@pytest.mark.parametrize(
    ("written", "licenses"),
    [
        ('"license": "(MIT OR Apache-2.0)"', ("(MIT OR Apache-2.0)",)),
        ('"license": {"type": "BSD", "url": "https://example.test"}', ("BSD",)),
        ('"licenses": [{"type": "MIT"}, {"type": "GPL"}]', ("MIT", "GPL")),
        ('"license": ["MIT", "ISC"]', ("MIT", "ISC")),
        ('"license": 7', ()),
    ],
)
def test_licences_in_all_forms(written: str, licenses: tuple[str, ...]) -> None:
    (package,) = read_manifest("p", f'{{"name": "x", "version": "1.0.0", {written}}}'.encode()).packages

    assert package.licenses == licenses


@pytest.mark.parametrize(
    "content",
    [
        b'{"type": "module"}',
        b'{"name": "x"}',
        b'{"name": "../x", "version": "1"}',
        b'{"name": "@/x", "version": "1"}',
        b'{"name": 1, "version": {}}',
        b'{"name": "x\\ud800", "version": "1"}',
    ],
)
def test_what_names_no_package_says_nothing(content: bytes) -> None:
    read = read_manifest("p", content)

    assert not read.packages
    assert not read.notes


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"a": ' * 100_000, b"9" * 10_000])
def test_what_is_no_object_is_noted(content: bytes) -> None:
    read = read_manifest("p", content)

    assert not read.packages
    assert len(read.notes) == 1


def named(path: str, text: str) -> dict[str, str]:
    packages = read_lock(path, text.encode()).packages
    return {f"{package.namespace}/{package.name}".lstrip("/"): package.version for package in packages}


def test_package_lock_by_folder() -> None:
    lock = {
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "demo", "version": "1.0.0"},
            "node_modules/express": {"version": "4.17.1"},
            "node_modules/old": {"name": "lodash", "version": "4.17.11"},
            "node_modules/express/node_modules/@s/debug": {"version": "2.6.9"},
            "node_modules/mocha": {"version": "9.0.0", "dev": True},
            "node_modules/fsevents": {"version": "2.3.3", "optional": True},
            "node_modules/mine": {"link": True, "resolved": "packages/mine"},
            "packages/mine": {"version": "1.0.0"},
        },
        "dependencies": {"told-twice": {"version": "1.0.0"}},
    }

    assert named("package-lock.json", json.dumps(lock)) == {
        "express": "4.17.1",
        "lodash": "4.17.11",
        "@s/debug": "2.6.9",
    }


def test_package_lock_nested() -> None:
    inner = {"debug": {"version": "2.6.9", "dependencies": {"ms": {"version": "2.0.0"}}}}
    lock = {
        "dependencies": {"express": {"version": "4.17.1", "dependencies": inner}, "x": {"version": "1", "dev": True}}
    }

    assert named("npm-shrinkwrap.json", json.dumps(lock)) == {"express": "4.17.1", "debug": "2.6.9", "ms": "2.0.0"}


def test_package_lock_of_old_tells_where_a_version_comes_from() -> None:
    lock = {
        "dependencies": {
            "old": {"version": "npm:@s/lodash@4.17.11"},
            "forked": {"version": "git+ssh://git@example.test/forked.git#3b1bb80"},
            "mine": {"version": "file:deps/mine"},
        }
    }

    assert named("package-lock.json", json.dumps(lock)) == {"@s/lodash": "4.17.11"}


YARN = """# yarn lockfile v1


"@babel/core@^7.20.2", "@babel/core@^7.0.0":
  version "7.29.13"
  resolved "https://registry.example.test/core.tgz#abc"
  dependencies:
    version "^1.0.0"
    debug "^4.0.0"

debug@^4.0.0:
  version "4.4.3"

"old@npm:lodash@4.17.11":
  "version" "4.17.11"
"""

BERRY = """__metadata:
  version: 10
  cacheKey: 10c0

"@babel/core@npm:^7.20.2":
  version: 7.29.13
  resolution: "@babel/core@npm:7.29.13"
  dependencies:
    version: "npm:^1.0.0"
  checksum: 10c0/16

"demo@workspace:.":
  version: 0.0.0-use.local
  resolution: "demo@workspace:."

"debug@npm:^4.0.0":
  version: 4.4.3
  resolution: "debug@npm:4.4.3"

"old@npm:lodash@4.17.11":
  "version": 4.17.11
  "resolution": "lodash@npm:4.17.11"
"""


@pytest.mark.parametrize("text", [YARN, BERRY], ids=["classic", "berry"])
def test_yarn_lock(text: str) -> None:
    assert named("yarn.lock", text) == {"@babel/core": "7.29.13", "debug": "4.4.3", "lodash": "4.17.11"}


PNPM_KEYS = {
    "5": ("/@babel/core/7.29.13", "/debug/4.4.3_supports-color@8.1.1", "/mocha/9.0.0", "/react/18.2.0"),
    "6": ("/@babel/core@7.29.13", "/debug@4.4.3(supports-color@8.1.1)", "/mocha@9.0.0", "/react@18.2.0"),
    "9": ("'@babel/core@7.29.13'", "debug@4.4.3", "mocha@9.0.0", "react@18.2.0"),
}


@pytest.mark.parametrize("form", PNPM_KEYS)
def test_pnpm_lock(form: str) -> None:
    core, debug, mocha, react = PNPM_KEYS[form]
    text = f"""lockfileVersion: {form}.0

dependencies:
  left-pad: 1.0.0

packages:

  {core}:
    resolution: {{integrity: sha512-x==}}
    peerDependenciesMeta:
      supports-color:
        optional: true
    dev: false

  {debug}:
    resolution: {{integrity: sha512-x==}}

  {mocha}:
    resolution: {{integrity: sha512-x==}}
    dev: true

  {react}:
    resolution: {{integrity: sha512-x==}}

snapshots:

  ghost@1.0.0: {{}}
"""

    assert named("app/pnpm-lock.yaml", text) == {"@babel/core": "7.29.13", "debug": "4.4.3", "react": "18.2.0"}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("app/package-lock.json", True),
        ("yarn.lock", True),
        ("app/not-yarn.lock", False),
        ("app/node_modules/express/yarn.lock", False),
        ("app/node_modules/.package-lock.json", False),
    ],
)
def test_a_lock_file_is_a_projects(path: str, told: bool) -> None:
    assert is_lock(path) is told


def test_lock_files_are_silent_where_something_is_installed() -> None:
    installed = ("app/node_modules/x/package.json", "usr/lib/node_modules/npm/package.json")
    locks = ("app/yarn.lock", "app/parts/one/yarn.lock", "other/yarn.lock", "application/yarn.lock", "yarn.lock")

    assert superseded_locks((*installed, *locks)) == {"app/yarn.lock", "app/parts/one/yarn.lock"}


def test_a_layer_that_installs_silences_the_lock_file_of_one_below() -> None:
    wanted = read_lock("app/yarn.lock", YARN.encode()).packages
    manifest = "app/node_modules/debug/package.json"
    installed = read_manifest(manifest, b'{"name": "debug", "version": "4.4.3"}').packages
    below = LayerInventory(Digest.of(b"below"), 1, {"app/yarn.lock": wanted})
    above = LayerInventory(Digest.of(b"above"), 1, {manifest: installed})

    assert [each.package for each in image_inventory([below]).packages] == sorted(wanted, key=lambda each: each.name)
    assert [each.package for each in image_inventory([below, above]).packages] == list(installed)


def test_modules_in_the_root_serve_every_folder() -> None:
    assert superseded_locks(("node_modules/x/package.json", "srv/app/yarn.lock")) == {"srv/app/yarn.lock"}


def test_a_lock_file_that_names_too_much_is_noted() -> None:
    text = "".join(f"p{number}@1:\n  version 1.0.{number}\n" for number in range(50_001))

    read = read_lock("yarn.lock", text.encode())

    assert len(read.packages) == 50_000
    assert read.notes == ("it names more than 50000 packages",)


@pytest.mark.parametrize("name", ["yarn.lock", "pnpm-lock.yaml"])
def test_long_lines_and_many_lines_cost_little(name: str) -> None:
    assert not read_lock(name, b"packages:\n  " + b"@a/" * 1_000_000).packages
    assert read_lock(name, b"\n" * 2_000_000).notes == ("it has too many lines",)
