"""The command before registries that ask for patience and proxies that refuse: what it asks, and what it says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path

import pytest

from tests.fakes.proxy import FakeProxy
from tests.fakes.scripted_server import Reply, ScriptedServer
from tests.fakes.troubled_registry import TroubledRegistry, instead
from tests.faults.transfers import NAME, TAG, stocked
from tests.peers import layouts
from tests.peers.command import Lading
from tests.peers.secrecy import Witness

AWAY = "r.example"
SECRET = "hunter2-hunter2"


@contextmanager
def limiting(door: str, status: int, said: str, times: int) -> Iterator[tuple[TroubledRegistry, str]]:
    """A registry with an image, which so often answers so at this door; and the image's name."""
    registry = TroubledRegistry()
    stocked(registry)
    refusal = Reply(status, [("Retry-After", said)], b'{"errors":[{"code":"TOOMANYREQUESTS"}]}')
    registry.trouble(door, instead(refusal), times=times)
    with ScriptedServer(registry) as server:
        yield registry, f"{server.authority}/{NAME}:{TAG}"


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, int]:
    """How often each door is asked where nobody limits anything."""
    registry = TroubledRegistry()
    stocked(registry)
    with ScriptedServer(registry) as server:
        Lading(tmp_path_factory.mktemp("untroubled"))("pull", f"{server.authority}/{NAME}:{TAG}")
    return registry.visits


def date(ahead: float) -> str:
    """As a header has it."""
    return formatdate(time.time() + ahead, usegmt=True)


PAUSES: dict[str, tuple[int, Callable[[], str]]] = {
    "in seconds": (429, lambda: "1"),
    "as a date": (429, lambda: date(2)),
    "as a date that is over": (429, lambda: date(-3600)),
    "by a server that is down": (503, lambda: "1"),
}


@pytest.mark.parametrize(("status", "said"), PAUSES.values(), ids=PAUSES)
@pytest.mark.parametrize("door", ["find", "manifest", "blob"])
def test_a_pause_that_is_asked_for_is_told_and_then_all_goes_on(
    tmp_path: Path, usual: Mapping[str, int], door: str, status: int, said: Callable[[], str]
) -> None:
    with limiting(door, status, said(), 1) as (registry, name):
        done = Lading(tmp_path / "data").run("pull", name)
        visits = registry.visits[door]

    assert done.returncode == 0
    reason = "the rate limit" if status == 429 else "status 503"
    assert f" s for {reason}" in done.stderr.decode()
    assert visits == usual[door] + 1


def test_a_limit_that_never_ends_is_given_up(tmp_path: Path) -> None:
    with limiting("find", 429, "0", 99) as (registry, name):
        refused = Witness(Lading(tmp_path / "data")).refusal("pull", name, code=8)

    assert f"{name.partition('/')[0]} limits the rate" in refused["error"]
    assert "log in" in refused["try"]
    assert registry.visits["find"] == 9


@pytest.mark.parametrize("said", [lambda: "301", lambda: date(4000)], ids=["in seconds", "as a date"])
@pytest.mark.parametrize("door", ["find", "blob"])
def test_a_pause_that_is_too_long_is_told_and_not_waited_for(
    tmp_path: Path, door: str, said: Callable[[], str]
) -> None:
    with limiting(door, 429, said(), 99) as (registry, name):
        refused = Witness(Lading(tmp_path / "data")).refusal("pull", name, code=8)

    assert " limits the rate and asks to wait " in refused["error"]
    assert registry.visits[door] <= 2  # one of each lane


def test_a_limit_in_a_push_leaves_no_tag(tmp_path: Path) -> None:
    layouts.five_layers(tmp_path / "layout", size=1000)
    registry = TroubledRegistry()
    registry.trouble("start", instead(Reply(429, [("Retry-After", "301")])), times=99)
    with ScriptedServer(registry) as server:
        pushing = ("copy", f"oci:{tmp_path / 'layout'}:v1", f"{server.authority}/{NAME}:{TAG}")
        refused = Witness(Lading(tmp_path / "data")).refusal(*pushing, code=8)

    assert "limits the rate" in refused["error"]
    assert registry.tags(NAME) == {}


# ── proxies


def refused_by(proxy: str, tmp_path: Path, *flags: str) -> dict[str, str]:
    """What a pull through this proxy says; the proxy's password is in none of it."""
    lading = Witness(Lading(tmp_path / "data", (("ALL_PROXY", proxy),)), "--debug", "-v")
    told = lading.run("pull", f"{AWAY}/app:1", *flags)
    lading.keeps([SECRET, f"ann:{SECRET}"])
    quiet = Witness(Lading(tmp_path / "data", (("ALL_PROXY", proxy),)))
    assert told.returncode == 7
    return quiet.refusal("pull", f"{AWAY}/app:1", *flags, code=7)


@pytest.mark.parametrize("flags", [(), ("--insecure",)], ids=["for TLS", "for plain HTTP"])
def test_a_proxy_that_is_not_there_is_named(tmp_path: Path, flags: tuple[str, ...]) -> None:
    with FakeProxy() as proxy:
        gone, port = proxy.url(f"ann:{SECRET}"), proxy.port
    refused = refused_by(gone, tmp_path, *flags)

    assert refused["error"].startswith(f"cannot connect to {AWAY}: the proxy 127.0.0.1:{port} cannot be used: ")
    assert refused["try"].endswith(f"NO_PROXY={AWAY}")


@pytest.mark.parametrize("status", [403, 502])
def test_a_proxy_that_refuses_a_tunnel_is_named(tmp_path: Path, status: int) -> None:
    with FakeProxy(refuses=status) as proxy:
        refused = refused_by(proxy.url(f"ann:{SECRET}"), tmp_path)

    assert refused["error"] == f"cannot connect to {AWAY}: the proxy 127.0.0.1:{proxy.port} answered {status}"
    assert refused["try"].endswith(f"NO_PROXY={AWAY}")


@pytest.mark.parametrize("flags", [(), ("--insecure",)], ids=["for TLS", "for plain HTTP"])
def test_a_proxy_that_does_not_take_its_login_is_named(tmp_path: Path, flags: tuple[str, ...]) -> None:
    with FakeProxy(login="ann:right") as proxy:
        refused = refused_by(proxy.url(f"ann:{SECRET}"), tmp_path, *flags)

    assert refused["error"] == f"cannot connect to {AWAY}: the proxy 127.0.0.1:{proxy.port} answered 407"
    assert "user and password into the proxy variable" in refused["try"]
