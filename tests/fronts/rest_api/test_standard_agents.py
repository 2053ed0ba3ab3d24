"""Environments behind a standard agent over the API: the agent is played, before our own Docker Engine API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.certificates import Authority
from tests.fakes.stock_engine import SocketEngine
from tests.fakes.stock_standard import StandardProxy
from tests.fronts.rest_api.caller import House

TOKEN = "what-the-agent-was-started-with"


@pytest.fixture
def engine(house: House) -> SocketEngine:
    (socket,) = house.running.docker
    return SocketEngine(socket.removeprefix("unix://"))


@pytest.fixture
def proxy(engine: SocketEngine) -> Iterator[StandardProxy]:
    with StandardProxy(engine, TOKEN) as playing:
        yield playing


def added(house: House, name: str, port: int, **fields: object) -> int:
    form = {"name": name, "connectionType": "hawser-standard", "host": "127.0.0.1", "port": port, **fields}
    made = house.admin.post("/api/environments", form)
    assert made.status == 201, made.text
    assert TOKEN not in made.text
    return int(made.json["id"])


def outcome(house: House, environment: int) -> tuple[list[str], str | None]:
    """The steps that went well, and what went wrong then."""
    report = house.admin.post(f"/api/environments/{environment}/test").json
    return [step["name"] for step in report["steps"] if step["ok"]], report.get("error")


def test_with_its_token_it_is_an_environment_like_others(house: House, proxy: StandardProxy) -> None:
    environment = added(house, "proxy", proxy.port, hawserToken=TOKEN)

    assert outcome(house, environment) == (["resolve", "connect", "ping", "version"], None)
    assert house.admin.get(f"/api/images?env={environment}").status == 200
    assert house.admin.get(f"/api/environments/{environment}").json["hasHawserToken"] is True


def test_another_token_is_what_is_wrong(house: House, proxy: StandardProxy) -> None:
    environment = added(house, "locked", proxy.port, hawserToken="another")
    steps, error = outcome(house, environment)
    assert (steps, error) == (["resolve", "connect"], "the agent at locked refuses the environment's token")

    changed = house.admin("PATCH", f"/api/environments/{environment}", {"hawserToken": TOKEN})
    assert (changed.status, TOKEN in changed.text) == (200, False)
    assert outcome(house, environment)[1] is None


def test_over_tls_its_authority_is_trusted_for_it(house: House, engine: SocketEngine, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with StandardProxy(engine, TOKEN, tls=authority.context(authority.server("127.0.0.1"))) as proxy:
        known = {"protocol": "https", "tlsCa": authority.certificate.read_text(), "hawserToken": TOKEN}
        trusting = added(house, "trusted", proxy.port, **known)
        strange = added(house, "strange", proxy.port, protocol="https", hawserToken=TOKEN)

        assert outcome(house, trusting) == (["resolve", "connect", "tls", "ping", "version"], None)
        assert outcome(house, strange)[0] == ["resolve", "connect"]


def test_the_token_is_not_led_to_another_host(house: House, proxy: StandardProxy) -> None:
    environment = added(house, "kept", proxy.port, hawserToken=TOKEN)
    with StandardProxy(SocketEngine("/nowhere")) as thief:
        led = house.admin("PATCH", f"/api/environments/{environment}", {"port": thief.port})
        assert led.brief == (400, "hawserToken must be given again where the address or CA changes, or TLS weakens")
        house.admin.get(f"/api/images?env={environment}")

        assert not thief.asked
