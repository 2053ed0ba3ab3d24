"""Gems as RubyGems installs them."""

from __future__ import annotations

import pytest

from lading.inventory.package import Package, PackageType
from lading.inventory.ruby_packages import is_installed_gem, read_gem

GEMS = "usr/local/bundle/specifications"
RACK = """# -*- encoding: utf-8 -*-
# stub: rack 2.2.3 ruby lib

Gem::Specification.new do |s|
  s.name = "rack".freeze
  s.version = "2.2.3"

  s.required_rubygems_version = Gem::Requirement.new(">= 0".freeze) if s.respond_to? :required_rubygems_version=
  s.licenses = ["MIT".freeze, "Ruby".freeze]
  s.rubygems_version = "3.1.2".freeze
end
"""


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (f"{GEMS}/rack-2.2.3.gemspec", True),
        ("usr/lib/ruby/gems/3.1.0/specifications/default/json-2.6.1.gemspec", True),
        ("usr/local/bundle/gems/rack-2.2.3/rack.gemspec", False),
        ("app/app.gemspec", False),
    ],
)
def test_installed_gems_are_specified_in_one_folder(path: str, told: bool) -> None:
    assert is_installed_gem(path) is told


def test_a_gem_with_its_licences() -> None:
    path = f"{GEMS}/rack-2.2.3.gemspec"

    assert read_gem(path, RACK.encode()).packages == (
        Package(PackageType.GEM, "rack", "2.2.3", path, licenses=("MIT", "Ruby")),
    )


@pytest.mark.parametrize(
    ("file_name", "text", "name", "version"),
    [
        ("x-1.0.gemspec", "  spec.name = 'net-http'\n  spec.version = '0.2.0'\n", "net-http", "0.2.0"),
        ("x-1.0.gemspec", '  s.name = "x"\n  s.version = Gem::Version.new("1.0.1")\n', "x", "1.0.1"),
        ("net-http-0.2.0.gemspec", "  s.name = NAME\n  s.version = VERSION\n", "net-http", "0.2.0"),
        ("nokogiri-1.11.0-x86_64-linux.gemspec", '  s.name = "nokogiri"\n', "nokogiri", "1.11.0"),
    ],
)
def test_what_is_computed_stands_in_the_files_name(file_name: str, text: str, name: str, version: str) -> None:
    (package,) = read_gem(f"{GEMS}/{file_name}", text.encode()).packages

    assert (package.name, package.version) == (name, version)


@pytest.mark.parametrize("content", [b"", b"\xff\0" * 1000, b"s.name = " + b"\"'" * 100_000, b"\n" * 1_000_000])
def test_a_specification_that_says_nothing_is_noted(content: bytes) -> None:
    read = read_gem(f"{GEMS}/x.gemspec", content)

    assert not read.packages
    assert read.notes == ("it does not say which gem it specifies",)
