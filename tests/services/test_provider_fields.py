from __future__ import annotations

import json

import pytest

from lading.oci.reference import HUB
from lading.services.registries.provider_fields import ProviderFieldInvalid, read_fields, service_account
from lading.services.registries.provider_view import template_json
from lading.services.registries.providers import TEMPLATES, Provider, provider_at


def test_every_provider_has_a_template() -> None:
    assert list(TEMPLATES) == list(Provider)
    for template in TEMPLATES.values():
        assert template.link.startswith("https://")
        assert json.loads(json.dumps(template_json(template)))["title"] == template.title


def test_secret_fields_are_kept_apart_and_shown_nowhere() -> None:
    fields = read_fields(
        TEMPLATES[Provider.AMAZON], {"region": " eu-central-1 ", "sessionToken": "hidden-text", "apiUrl": ""}
    )

    assert (fields.shown, fields.hidden) == ({"region": "eu-central-1"}, {"sessionToken": "hidden-text"})
    assert "hidden-text" not in repr(fields)


@pytest.mark.parametrize(
    ("provider", "name", "value"),
    [
        (Provider.GENERIC, "region", "eu"),
        (Provider.AMAZON, "tenant", "x"),
        (Provider.AMAZON, "region", "eu/../x"),
        (Provider.AZURE, "tenant", "a/b"),
        (Provider.AZURE, "tenant", "a?b"),
        (Provider.DOCKER_HUB, "namespaces", "a/b"),
        (Provider.GITLAB, "apiUrl", "ftp://gitlab.example"),
        (Provider.GITLAB, "apiUrl", "https://me:secret@gitlab.example"),
        (Provider.GITLAB, "apiUrl", "https://gitlab.example:x"),
        (Provider.GITLAB, "apiUrl", "https://"),
        (Provider.GITLAB, "apiUrl", "https://gitlab.example?a=b"),
        (Provider.AMAZON, "sessionToken", "two\nlines"),
        (Provider.AMAZON, "sessionToken", "x" * 10_001),
    ],
)
def test_what_a_field_cannot_hold_is_refused_without_repeating_it(provider: Provider, name: str, value: str) -> None:
    with pytest.raises(ProviderFieldInvalid) as refused:
        read_fields(TEMPLATES[provider], {name: value})

    assert name in str(refused.value)
    assert len(value) < 9 or value not in str(refused.value)


def test_a_service_accounts_key_is_kept_on_one_line() -> None:
    key = {"client_email": "a@b", "private_key": "-----BEGIN\nx"}

    text, account = service_account(json.dumps(key, indent=2))

    assert (json.loads(text), account) == (key, "a@b")
    assert "\n" not in text


@pytest.mark.parametrize("text", ["", "secret", "[]", "{}", '{"client_email": 1, "private_key": "x"}', "[" * 100_000])
def test_what_is_no_service_accounts_key_is_refused(text: str) -> None:
    with pytest.raises(ProviderFieldInvalid, match="service account"):
        service_account(text)


@pytest.mark.parametrize(
    ("host", "provider"),
    [
        (HUB, Provider.DOCKER_HUB),
        ("ghcr.io", Provider.GITHUB),
        ("1.dkr.ecr.eu-west-1.amazonaws.com", Provider.AMAZON),
        ("europe-docker.pkg.dev", Provider.GOOGLE),
        ("me.azurecr.io", Provider.AZURE),
        ("registry.gitlab.com", Provider.GITLAB),
        ("evilghcr.io", Provider.GENERIC),
        ("r.example:5000", Provider.GENERIC),
    ],
)
def test_a_host_may_say_whose_it_is(host: str, provider: Provider) -> None:
    assert provider_at(host) is provider
