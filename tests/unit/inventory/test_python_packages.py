"""Python distributions: which files tell of them, and what those say."""

from __future__ import annotations

import pytest

from lading.inventory.package import Package, PackageType
from lading.inventory.python_packages import is_python_metadata, normal_name, read_python_metadata

SITE = "usr/lib/python3/dist-packages"


def only(path: str, text: str) -> Package:
    read = read_python_metadata(path, text.encode())
    assert not read.notes
    (package,) = read.packages
    return package


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("usr/local/lib/python3.11/site-packages/urllib3-1.24.2.dist-info/METADATA", True),
        ("usr/lib/python3/dist-packages/six-1.16.0.egg-info/PKG-INFO", True),
        ("usr/lib/python3/dist-packages/six-1.16.0.egg-info", True),
        ("opt/eggs/six-1.16.0-py3.11.egg/EGG-INFO/PKG-INFO", True),
        ("usr/local/lib/python3.11/site-packages/urllib3-1.24.2.dist-info/RECORD", False),
        ("app/METADATA", False),
        ("app/PKG-INFO", False),
    ],
)
def test_metadata_is_known_by_its_folder(path: str, told: bool) -> None:
    assert is_python_metadata(path) is told


def test_a_wheel_says_name_version_and_licence() -> None:
    path = f"{SITE}/Jinja2-2.10.dist-info/METADATA"
    text = "Metadata-Version: 2.1\nName: Jinja2\nVersion: 2.10\nLicense: BSD\n\nVersion: 9.9 of the readme\n"

    assert only(path, text) == Package(PackageType.PYPI, "jinja2", "2.10", path, licenses=("BSD",))


@pytest.mark.parametrize("name", ["Zope.Interface", "zope-interface", "zope__interface", "ZOPE.-_interface"])
def test_names_have_one_spelling(name: str) -> None:
    assert normal_name(name) == "zope-interface"


@pytest.mark.parametrize(
    ("fields", "licenses"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: something older", ("MIT OR Apache-2.0",)),
        (f"License: {'the whole text ' * 20}\nClassifier: License :: OSI Approved :: MIT License", ("MIT License",)),
        ("License: UNKNOWN\nClassifier: Topic :: Text", ()),
        (
            "Classifier: License :: OSI Approved :: MIT License\nClassifier: License :: Public Domain",
            ("MIT License", "Public Domain"),
        ),
        ("License: MIT\n        Permission is hereby granted", ("MIT",)),
    ],
)
def test_the_licence_is_a_name_not_a_text(fields: str, licenses: tuple[str, ...]) -> None:
    assert only("x.egg-info", f"Name: x\nVersion: 1\n{fields}\n\n").licenses == licenses


@pytest.mark.parametrize(
    ("path", "name", "version"),
    [
        ("lib/python3.11/site-packages/PyYAML-5.1.dist-info/METADATA", "pyyaml", "5.1"),
        ("lib/python3.11/site-packages/PyYAML-5.1-py3.11.egg-info", "pyyaml", "5.1"),
        ("lib/python3.11/site-packages/PyYAML-5.1-py3.11-linux-x86_64.egg/EGG-INFO/PKG-INFO", "pyyaml", "5.1"),
    ],
)
def test_what_the_metadata_does_not_say_the_folder_does(path: str, name: str, version: str) -> None:
    package = only(path, "Metadata-Version: 1.0\n")

    assert (package.name, package.version) == (name, version)


def test_a_field_that_goes_on_hides_no_other() -> None:
    text = "Name: x\nSummary: first\n  Version: 8.0\n|Version: 9.0\nVersion: 1.0\n\n"

    assert only("x.egg-info", text).version == "1.0"


@pytest.mark.parametrize("content", [b"", b"Name: ../../etc\nVersion: 1\n", b"Name: \xff\xfe\n", b"Name: a\0b\n"])
def test_metadata_without_a_name_is_noted(content: bytes) -> None:
    read = read_python_metadata("site-packages/.egg-info", content)

    assert not read.packages
    assert read.notes == ("it does not say which distribution it describes",)
