"""Where the Docker door listens, and what its certificate answers to."""

from __future__ import annotations

import grp
import os
from pathlib import Path

import pytest

from lading.main.docker_addresses import Door, GroupUnknown, closed_folder, doors, group_of, server_names
from lading.settings import Settings

DATA = Path("/srv/lading")
USUAL = Door(DATA / "docker.sock", usual=True)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), [USUAL]),
        (("off",), []),
        (("unix:///run/l/d.sock",), [USUAL, Door(Path("/run/l/d.sock"))]),
        (("unix:///run//l/../d.sock?env=2",), [USUAL, Door(Path("/run/d.sock"), 2)]),
        (("off", "tcp://127.0.0.1:2375"), [Door(("127.0.0.1", 2375))]),
        (("tcp://[::1]:2376?env=3", "off"), [Door(("::1", 2376), 3)]),
        (("unix:///srv/lading/docker.sock?env=2",), [Door(DATA / "docker.sock", 2)]),
        (("unix:///run/a", "unix:///run/a"), [USUAL, Door(Path("/run/a"))]),
        (("unix:///run/a#b?env=3",), [USUAL, Door(Path("/run/a#b"), 3)]),
    ],
)
def test_settings_say_where_it_listens(words: tuple[str, ...], expected: list[Door]) -> None:
    assert list(doors(Settings(DATA, docker_api=words))) == expected


@pytest.mark.parametrize(
    ("door", "on_loopback", "shown"),
    [
        (USUAL, True, "unix:///srv/lading/docker.sock"),
        (Door(("127.0.0.1", 1)), True, "tcp://127.0.0.1:1"),
        (Door(("127.9.9.9", 1)), True, "tcp://127.9.9.9:1"),
        (Door(("localhost", 1)), True, "tcp://localhost:1"),
        (Door(("::1", 1)), True, "tcp://[::1]:1"),
        (Door(("0.0.0.0", 1)), False, "tcp://0.0.0.0:1"),
        (Door(("::", 1)), False, "tcp://[::]:1"),
        (Door(("192.0.2.1", 1)), False, "tcp://192.0.2.1:1"),
        (Door(("::ffff:127.0.0.1", 1)), False, "tcp://[::ffff:127.0.0.1]:1"),
        (Door(("localhost.example", 1)), False, "tcp://localhost.example:1"),
        (Door(("lading.corp", 1)), False, "tcp://lading.corp:1"),
    ],
)
def test_only_loopback_may_do_without_certificates(door: Door, on_loopback: bool, shown: str) -> None:
    assert (door.on_loopback, door.shown) == (on_loopback, shown)


def test_a_listeners_own_name_comes_first() -> None:
    settings = Settings(DATA, public_url="https://lading.corp:8443", registry_public_url="https://r.corp")

    names = server_names("192.0.2.7", settings)

    assert list(names[:3]) == ["192.0.2.7", "lading.corp", "r.corp"]
    assert {"localhost", "127.0.0.1", "::1"} <= set(names)


def test_a_listener_at_all_addresses_goes_by_its_public_name() -> None:
    settings = Settings(DATA, public_url="https://lading.corp")

    for wildcard in ("0.0.0.0", "::"):
        names = server_names(wildcard, settings)
        assert names[0] == "lading.corp"
        assert wildcard not in names


def test_a_group_is_a_name_or_a_number() -> None:
    assert group_of(Settings(DATA)) is None
    assert group_of(Settings(DATA, docker_api_group="4711")) == 4711
    assert group_of(Settings(DATA, docker_api_group=grp.getgrgid(0).gr_name)) == 0
    for unknown in ("no-such-group", "²"):
        with pytest.raises(GroupUnknown):
            group_of(Settings(DATA, docker_api_group=unknown))


def test_a_folder_that_keeps_the_group_out_is_found(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    closed = tmp_path / "closed"
    closed.mkdir(0o700)
    group = os.getegid()
    path = closed / "open" / "docker.sock"
    path.parent.mkdir(0o755)

    stranger = group + 1
    assert closed_folder(path, stranger) == next(
        folder for folder in reversed(path.parents) if not folder.stat().st_mode & 0o001
    )
    assert closed_folder(Path("/docker.sock"), stranger) is None
