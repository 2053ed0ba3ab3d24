"""Who owns what, where whoever made the image wrote lists of their own."""

from __future__ import annotations

import pytest

from tests.fakes.layers import image, names

STATUS = "var/lib/dpkg/status"
AGENT = "Package: agent\nStatus: install ok installed\nVersion: 1-1\nArchitecture: amd64\n\n"
JINJA = "Metadata-Version: 2.1\nName: jinja2\nVersion: 2.10\n"


def claimed(path: str, owner: str = "agent") -> list[str]:
    return names(image({STATUS: AGENT, f"var/lib/dpkg/info/{owner}.list": f"/{path}\n", path: JINJA}))


@pytest.mark.parametrize(
    "folder",
    ["usr/local/lib/python3.11/site-packages", "opt/agent/embedded/lib", "app", "srv/web", "home/a/.local/lib", "root"],
)
def test_where_distributions_put_nothing_nobody_owns_anything(folder: str) -> None:
    assert claimed(f"{folder}/jinja2-2.10.dist-info/METADATA") == ["agent 1-1", "jinja2 2.10"]


@pytest.mark.parametrize("folder", ["usr/lib/python3/dist-packages", "usr/share/app", "var/lib/app", "opt/rh/python38"])
def test_where_they_do_their_lists_count(folder: str) -> None:
    assert claimed(f"{folder}/jinja2-2.10.dist-info/METADATA") == ["agent 1-1", "jinja2 2.10 (agent)"]


def test_a_list_of_no_installed_package_owns_nothing() -> None:
    path = "usr/lib/python3/dist-packages/jinja2-2.10.dist-info/METADATA"

    assert claimed(path, owner="nobody") == ["agent 1-1", "jinja2 2.10"]


def test_the_list_beside_a_single_package_is_that_ones_whatever_its_name() -> None:
    path = "usr/lib/python3/dist-packages/jinja2-2.10.dist-info/METADATA"
    single = {"var/lib/dpkg/status.d/b": AGENT, "var/lib/dpkg/status.d/b.md5sums": f"{'0' * 32}  {path}\n"}

    assert names(image({**single, path: JINJA})) == ["agent 1-1", "jinja2 2.10 (agent)"]


@pytest.mark.parametrize(
    ("maintainer", "by_vendor"),
    [
        ("Piotr <piotr@debian.org>", False),
        ("Debian Python Team <team+python@tracker.debian.org>", False),
        ("X <x@alioth-lists.debian.net>", False),
        ("Ubuntu Developers <ubuntu-devel-discuss@lists.ubuntu.com>", False),
        ("Docker <support@docker.com>", True),
        ("Agent <packages@notdebian.org>", True),
    ],
)
def test_who_makes_a_package_of_dpkg(maintainer: str, by_vendor: bool) -> None:
    [agent] = image({STATUS: AGENT.strip() + f"\nMaintainer: {maintainer}\n"}).packages

    assert agent.package.by_vendor is by_vendor
