"""Packages that Composer installed."""

from __future__ import annotations

import json

import pytest

from lading.inventory.package import Package, PackageType
from lading.inventory.php_packages import is_installed_list, read_installed

PATH = "app/vendor/composer/installed.json"
SYMFONY = {"name": "symfony/http-kernel", "version": "v5.4.0", "license": ["MIT"], "install-path": "../symfony"}
MONOLOG = {"name": "monolog/monolog", "version": "dev-main", "license": "MIT"}


def test_the_list_stands_beside_composers_own_code() -> None:
    assert is_installed_list(PATH)
    assert not is_installed_list("app/vendor/installed.json")


@pytest.mark.parametrize("document", [[SYMFONY, MONOLOG], {"packages": [SYMFONY, MONOLOG], "dev": True}])
def test_both_forms_of_the_list(document: object) -> None:
    assert read_installed(PATH, json.dumps(document).encode()).packages == (
        Package(PackageType.COMPOSER, "http-kernel", "v5.4.0", PATH, namespace="symfony", licenses=("MIT",)),
        Package(PackageType.COMPOSER, "monolog", "dev-main", PATH, namespace="monolog", licenses=("MIT",)),
    )


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        7,
        None,
        "x",
        [1, None, []],
        [{"name": "alone", "version": "1"}],
        [{"name": "a/b"}],
        {"packages": {"a": {}}},
    ],
)
def test_what_names_no_package_says_nothing(document: object) -> None:
    read = read_installed(PATH, json.dumps(document).encode())

    assert not read.packages
    assert not read.notes


def test_what_is_no_json_is_noted() -> None:
    assert read_installed(PATH, b"[" * 100_000).notes == ("it is no JSON, or nested too deeply",)
