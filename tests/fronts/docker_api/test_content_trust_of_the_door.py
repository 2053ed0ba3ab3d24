"""Content trust at the door: the server's rule holds for docker's own command, which is told why it gets nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from lading.main.product import running
from lading.settings import Settings
from tests.fronts.docker_api.door import AMD64, Door, leading
from tests.fronts.docker_api.transfers import last_job, lines, push
from tests.fronts.docker_api.upstream import Upstream
from tests.fronts.rest_api.test_content_trust import PASSPHRASE, written_key


@pytest.fixture(scope="module")
def trusting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """Of a server with the switch on and a key."""
    folder = tmp_path_factory.mktemp("trusting")
    settings = Settings(
        folder / "data",
        no_auth=True,
        content_trust=True,
        trust_key=str(written_key(folder)),
        trust_passphrase=PASSPHRASE,
    )
    with ExitStack() as stack:
        yield stack.enter_context(leading(stack.enter_context(running(settings, AMD64))))


def test_what_is_pushed_is_signed_and_can_be_pulled_again(trusting: Door, registry: Upstream) -> None:
    name = f"{registry.host}/team/signed"
    trusting.load(f"{name}:1", label="signed")

    pushed = push(trusting, name, {}, tag="1")
    push_owes = last_job(trusting).request.fields["sign"]
    trusting.clear()
    pulled = lines(trusting.post("/images/create", fromImage=name, tag="1"))
    pull_owes = last_job(trusting).request.fields["verify"]

    assert "digest: sha256:" in str(pushed[-2])
    assert f"Downloaded newer image for {name}:1" in str(pulled[-1])
    assert [image["RepoTags"] for image in trusting.get("/images/json").json] == [[f"{name}:1"]]
    assert (push_owes, pull_owes) == (True, True)  # whatever process does the jobs


def test_what_nobody_signed_is_refused_in_a_sentence(trusting: Door, door: Door, app: str) -> None:
    push(door, app, tag="1")
    trusting.clear()

    refused = trusting.post("/images/create", fromImage=app, tag="1")

    status, message = refused.told
    assert status == 409
    assert "has no signature that is accepted" in message
    assert "Nobody signed it" in message
    assert trusting.get("/images/json").json == []


def test_a_server_without_a_key_pushes_nothing_unsigned(
    tmp_path_factory: pytest.TempPathFactory, registry: Upstream
) -> None:
    settings = Settings(tmp_path_factory.mktemp("keyless"), no_auth=True, content_trust=True)
    with running(settings, AMD64) as product, leading(product) as door:
        door.load(f"{registry.host}/team/keyless:1")
        refused = door.post(f"/images/{registry.host}/team/keyless/push", tag="1")

    assert refused.told[0] == 409
    assert "this server has no signing key" in refused.told[1]
