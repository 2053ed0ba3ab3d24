"""Providers over REST: templates, fields that never come back, and logins that are minted and renewed."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.fakes.played_providers import KEY_ID, SECRET_KEY, SESSION, PlayedProviders
from tests.fakes.scripted_server import ScriptedServer
from tests.fronts.rest_api.caller import House


@pytest.fixture
def providers() -> Iterator[PlayedProviders]:
    played = PlayedProviders(time.time)
    with ScriptedServer(played) as server:
        played.url = server.url("")
        yield played


def body(providers: PlayedProviders, name: str) -> dict[str, object]:
    fields = {"region": "eu-central-1", "sessionToken": SESSION, "apiUrl": f"{providers.url}/aws"}
    login = {"username": KEY_ID, "password": SECRET_KEY}
    return {"name": name, "url": providers.url, "provider": "ecr", "fields": fields, **login}


def test_every_template_is_told(house: House) -> None:
    told = {each["provider"]: each for each in house.admin.get("/api/registries/providers").json}

    assert list(told)[:4] == ["generic", "docker-hub", "ghcr", "ecr"]
    assert {"name": "sessionToken", "secret": True}.items() <= told["ecr"]["fields"][1].items()


def test_secret_fields_go_in_and_never_come_out(house: House, providers: PlayedProviders) -> None:
    made = house.admin.post("/api/registries", body(providers, "aws-in"))
    path = f"/api/registries/{made.json['id']}"
    kept = house.admin.get(path)

    assert (made.status, kept.json["hasSecretFields"]) == (201, True)
    assert kept.json["fields"] == {"region": "eu-central-1", "apiUrl": f"{providers.url}/aws"}
    trail = house.admin.get("/api/audit?limit=200&page=1").text
    assert not any(secret in made.text + kept.text + trail for secret in (SESSION, SECRET_KEY))
    taken = house.admin("PUT", path, {"fields": {"sessionToken": ""}}).json
    assert (taken["hasSecretFields"], taken["hasCredentials"]) == (False, True)


def test_a_minted_login_is_used_until_it_must_be_renewed(house: House, providers: PlayedProviders) -> None:
    made = house.admin.post("/api/registries", body(providers, "aws-minted")).json
    catalog = f"/api/registry/catalog?registry={made['id']}"

    answers = [house.admin.get(catalog) for _ in range(3)]
    ends = house.admin.get(f"/api/registries/{made['id']}").json["validUntil"]
    metrics = house.admin.get("/metrics").text
    renamed = house.admin("PATCH", f"/api/registries/{made['id']}", {"isDefault": True}).json["validUntil"]

    assert {answer.headers["x-listing"] for answer in answers} == {"whole"}
    assert len(answers[0].json) == 5
    assert len(providers.minted) == 1
    assert made["validUntil"] is None
    assert ends is not None
    assert renamed == ends
    assert 'lading_credential_expiry_timestamp_seconds{registry="aws-minted"}' in metrics


def test_a_test_of_a_form_says_what_the_provider_says(house: House, providers: PlayedProviders) -> None:
    form = {**body(providers, "form"), "password": "another"}

    told = house.admin.post("/api/registries/test", form).json

    assert [step["name"] for step in told["steps"] if not step["ok"]] == ["mint"]
    assert "InvalidSignatureException" in told["error"]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"provider": "ecr", "fields": {"tenant": "x"}}, "tenant of ecr"),
        ({"provider": "gar", "password": "no key"}, "service account"),
        ({"provider": "nobody"}, ""),
        ({"fields": {"region": 1}}, ""),
    ],
)
def test_a_form_that_cannot_be_taken_is_refused(house: House, change: dict[str, object], text: str) -> None:
    answer = house.admin.post("/api/registries", {"name": "bad", "url": "r.example", **change})

    assert answer.status == 400
    assert text in answer.text
