"""Distributions of a server whose policy asks for signatures: verified in its own registry, or not sent at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fronts.docker_api.door import Door, door
from tests.fronts.rest_api.caller import JSON, Answer, House, house
from tests.fronts.rest_api.test_content_trust import PASSPHRASE, POLICY, written_key
from tests.fronts.rest_api.test_distribution_routes import distribute, names_at
from tests.peers import programs


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Door, int]]:
    """A server, and a host of it."""
    folder, port = tmp_path_factory.mktemp("trusting"), programs.free_port()
    key = written_key(folder)
    (folder / "policy.toml").write_text(POLICY)
    url = f"http://127.0.0.1:{port}"
    with (
        door(folder / "host") as host,
        house(
            folder / "data",
            registry_port=port,
            registry_public_url=url,
            trust_policy=str(folder / "policy.toml"),
            trust_key=str(key),
            trust_passphrase=PASSPHRASE,
        ) as running,
    ):
        running.own_registry()
        form = {"name": "host", "connectionType": "direct", "host": "127.0.0.1", "port": host.port, "protocol": "http"}
        yield running, host, running.admin.post("/api/environments", form).json["id"]


def test_only_what_is_signed_in_our_registry_goes_out(trusting: tuple[House, Door, int]) -> None:
    running, host, number = trusting
    image = running.load("local/app:1")
    for tag, sign in (("signed", True), ("unsigned", False)):
        target = f"{running.running.address}/must/app:{tag}"
        body = {"imageId": image, "target": target, "sign": sign}
        assert running.admin.post("/api/images/push", body, Accept=JSON).status == 200

    def sent(name: str) -> Answer:
        return distribute(running.admin, name, [number])

    unsigned, signed = sent("must/app:unsigned"), sent("must/app:signed")

    assert (unsigned.status, unsigned.json["code"]) == (409, "not_trusted")
    assert signed.status == 200, signed.text
    assert names_at(host) == {f"{running.running.address}/must/app:signed"}


def test_an_image_of_an_environment_has_no_signatures_to_show(trusting: tuple[House, Door, int]) -> None:
    running, host, number = trusting
    running.load("shop.example/must/app:1", label="of an environment")

    refused = distribute(running.admin, "shop.example/must/app:1", [number])

    assert (refused.status, refused.json["code"]) == (409, "not_trusted")
    assert "must be signed" in refused.json["error"]
    assert not any("shop.example" in name for name in names_at(host))
