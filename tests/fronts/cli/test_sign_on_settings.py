"""Settings of single sign-on that cannot work are told at the start, and before anything is made."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from lading.setting_readers import issuer, roles_of_groups
from tests.fakes.service_folder import ServiceFolder

FREE = {"LADING_PORT": "0", "LADING_REGISTRY_PORT": "0"}
ISSUER, CLIENT, ROLES = "LADING_OIDC_ISSUER", "LADING_OIDC_CLIENT_ID", "LADING_OIDC_ROLES"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({ISSUER: "https://sign-on.corp"}, "single sign-on is configured, and oidc-client-id is not"),
        ({CLIENT: "lading"}, "single sign-on is configured, and oidc-issuer is not"),
        ({ISSUER: "https://sign-on.corp", CLIENT: "lading"}, "and oidc-roles is not"),
        ({ISSUER: "sign-on.corp"}, "oidc-issuer (LADING_OIDC_ISSUER) must be http:// or https://"),
        ({ROLES: "ops"}, "oidc-roles (LADING_OIDC_ROLES) must be GROUP=ROLE"),
        (
            {ISSUER: "http://sign-on.corp", CLIENT: "lading", ROLES: "ops=operator"},
            "oidc-issuer is http://, and sign-on.corp is not this machine",
        ),
    ],
)
def test_half_a_sign_on_is_none(tmp_path: Path, settings: Mapping[str, str], said: str) -> None:
    failed = ServiceFolder(tmp_path / "data", {**FREE, **settings}).run("serve")

    assert failed.code != 0
    assert said in failed.err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("roles", "said"), [("ops=operater", "'operater'"), ("cn=ops,dc=corp=admin", "'ops'")])
def test_a_role_that_nobody_made_is_told_at_the_start(tmp_path: Path, roles: str, said: str) -> None:
    settings = {**FREE, ISSUER: "https://sign-on.corp", CLIENT: "lading", ROLES: roles}
    failed = ServiceFolder(tmp_path / "data", settings).run("serve")

    assert failed.code == 2
    assert f"oidc-roles names {said}" in failed.err
    assert "There are admin, operator, publisher, viewer." in failed.err


def test_an_issuer_is_read_as_it_is_written() -> None:
    assert issuer("https://corp.example/") == "https://corp.example/"


def test_a_groups_name_may_have_an_equals_sign() -> None:
    assert roles_of_groups(["cn=ops,dc=corp=operator"]) == ("cn=ops,dc=corp=operator",)
    for wrong in ("=operator", "ops=", "ops"):
        with pytest.raises(ValueError, match="GROUP=ROLE"):
            roles_of_groups(wrong)
