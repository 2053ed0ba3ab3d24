"""Updates that were changed on their way, and a registry without logins."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.content_store.folder import ContentFolder
from lading.fronts.registry_api.gate import OpenGate
from lading.fronts.registry_api.serving import registry_application
from lading.main.trust_serving import with_trust
from lading.proof.tuf_build import changed
from lading.services.trust.records import Gun
from tests.fakes.people import people
from tests.fakes.records import MemoryLeases
from tests.fakes.repository_records import MemoryRecords
from tests.fakes.trust_collections import Publisher
from tests.fronts.registry_api.asking import Asker
from tests.fronts.registry_api.token_place import HOST
from tests.fronts.trust_api.conftest import FORM, GUN, TUF, TrustPlace, form

CHANGES = 100


def test_no_update_with_a_changed_byte_is_taken(place: TrustPlace) -> None:
    """Neither as the first of a repository nor as a later one; and none is answered as if the fault were ours."""
    chance = random.Random(10)  # the same changes in every run
    new = Publisher(place.people, Gun(f"{HOST}/team/new", "team/new"))
    place.publisher.sign("v1")
    before = place.publisher.held()
    updates = {
        new.gun: changed(None, new.signed("v1")),
        place.publisher.gun: changed(before, place.publisher.signed("v2")),
    }
    token = place.token("bob", *(f"repository:{gun}:pull,push" for gun in updates))
    for gun, update in updates.items():
        for number in range(CHANGES):
            role = chance.choice(sorted(update))
            raw = bytearray(update[role])
            raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
            body = form({**update, role: bytes(raw)})
            reply = place.ask(
                "POST", f"/v2/{gun}/_trust/tuf/", body, content_type=FORM, authorization=f"Bearer {token}"
            )
            assert (reply.status, len(reply.body) <= 1024) == (400, True), (number, role, bytes(raw))
    assert place.publisher.held() == before
    assert new.held().files == {}


@pytest.fixture
def open_place(tmp_path: Path) -> Iterator[tuple[Asker, Publisher]]:
    """Where nobody logs in: what `--no-auth` serves, to this machine alone."""
    with people(tmp_path) as all_, closing(ContentFolder(tmp_path / "content", MemoryLeases())) as content:
        gate, publisher = OpenGate(), Publisher(all_, GUN)
        registry = registry_application(MemoryRecords(), content, gate)
        yield Asker(with_trust(registry, gate, publisher.collections)), publisher


def test_without_logins_everybody_signs(open_place: tuple[Asker, Publisher]) -> None:
    ask, publisher = open_place
    update = changed(None, publisher.signed("v1"))
    assert ask("POST", f"{TUF}/", form(update), content_type=FORM).status == 200
    assert ask("GET", f"{TUF}/targets.json").body == update["targets"]
    assert ask("GET", "/v2/_trust/changefeed").document["count"] == 1
    assert ask("GET", f"{TUF}/root.json", host="registry.corp").code == "DENIED"
    assert ask("GET", "/v2/registry.corp/team/app/_trust/tuf/root.json").code == "INVALID_GUN"
    assert ask("DELETE", f"{TUF}/", origin="https://elsewhere.example").status == 403
    assert ask("DELETE", f"{TUF}/").status == 200
