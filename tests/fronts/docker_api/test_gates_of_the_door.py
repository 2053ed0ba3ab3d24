"""Policies at the door: a login of one's own is no way around those of a configured registry."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lading.services.gates.policy import Action, Mode, Scope
from lading.services.gates.records import PolicyRow
from lading.services.identity.authentication import OPEN
from lading.services.registries.forms import RegistryForm
from tests.fronts.docker_api.door import Door
from tests.fronts.docker_api.transfers import auth, error, lines, pulled, push
from tests.fronts.docker_api.upstream import Upstream

LOGIN = auth(username="ann", password="pa55word-nobody-else-has")


@pytest.fixture
def enforcing(door: Door, registry: Upstream) -> Iterator[None]:
    """On what comes from the registry, which is configured, and on what goes there: nobody has scanned anything."""
    product = door.product
    row = product.product.registries.add(OPEN, RegistryForm("upstream", f"http://{registry.host}"))
    gates = product.database.gates
    made = [
        gates.add_policy(
            lambda id, action=action: PolicyRow(  # type: ignore[misc]  # noqa: A006  a row's own word
                id, str(action), action, Scope(registries=frozenset({row.id})), mode=Mode.ENFORCE
            )
        )
        for action in (Action.PULL, Action.PUSH)
    ]
    yield
    for policy in made:
        gates.remove_policy(policy.id)
    product.product.registries.remove(OPEN, row.id)


@pytest.fixture
def here(door: Door, app: str) -> str:
    """At the registry, and here no more."""
    pulled(door, app)
    return app


@pytest.mark.parametrize("login", [{}, LOGIN], ids=["the registry's login", "a login of one's own"])
def test_a_policy_of_a_registry_counts_whoever_pulls(
    door: Door, here: str, request: pytest.FixtureRequest, login: dict[str, str]
) -> None:
    request.getfixturevalue("enforcing")

    told = lines(door("POST", "/images/create", b"", login, {"fromImage": here, "tag": "1"}))

    assert "does not let" in error(told)
    assert door.get("/images/json").json == []


@pytest.mark.usefixtures("enforcing")
@pytest.mark.parametrize("login", [{}, LOGIN], ids=["the registry's login", "a login of one's own"])
def test_a_policy_of_a_registry_counts_whoever_pushes(door: Door, app: str, login: dict[str, str]) -> None:
    assert "does not let" in error(push(door, app, login, tag="1"))
