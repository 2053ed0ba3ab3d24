"""What a distribution is asked for: which image is meant, what hosts call it, and what is left to do of a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from lading.errors import LadingError
from lading.oci.digest import Digest
from lading.oci.reference import Reference, Repository
from lading.services.distribution.forms import (
    DISTRIBUTE,
    LONGEST_PATH,
    DistributionForm,
    ImageOrHostsMissing,
    InRegistry,
    NameHasDigest,
    NameMissing,
    Order,
    TooManyHosts,
    hosts_left,
    name_at_hosts,
    passing_path,
)
from lading.services.environment_images import Summary
from lading.services.jobs.fields import JobFieldsUnreadable
from lading.services.jobs.job import JobRequest
from lading.services.platforms import PlatformsContradict

HOST = "registry.example:5443"
DIGEST = Digest.of(b"an image")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("app", InRegistry("app", "latest")),
        ("team/app:1", InRegistry("team/app", "1")),
        (f"team/app@{DIGEST}", InRegistry("team/app", DIGEST)),
        (f"team/app:1@{DIGEST}", InRegistry("team/app", DIGEST)),
        (f"{HOST}/team/app:1", InRegistry("team/app", "1")),
        ("REGISTRY.example:5443/team/app:1", InRegistry("team/app", "1")),
        ("registry.example/team/app:1", None),
        ("ghcr.io/team/app:1", None),
        ("localhost/app", None),
        (str(DIGEST), None),
        ("cafe0123", None),
    ],
)
def test_a_name_means_our_registry_unless_it_names_another(text: str, meant: InRegistry | None) -> None:
    assert InRegistry.parse(text, HOST) == meant


@pytest.mark.parametrize(
    ("form", "error"),
    [
        (DistributionForm(None, (1,)), ImageOrHostsMissing),
        (DistributionForm("", (1,)), ImageOrHostsMissing),
        (DistributionForm("app", ()), ImageOrHostsMissing),
        (DistributionForm("app", tuple(range(1, 1002))), TooManyHosts),
        (DistributionForm("app", (1,), platform="all,linux/arm64"), PlatformsContradict),
        (DistributionForm("app", (1,), name=f"app@{DIGEST}"), NameHasDigest),
    ],
)
def test_what_cannot_be_meant_is_refused(form: DistributionForm, error: type[LadingError]) -> None:
    with pytest.raises(error) as raised:
        form.check()
    assert str(raised.value)


def summary(*names: str) -> Summary:
    return Summary(str(DIGEST), names, (), None, 0)


@pytest.mark.parametrize(
    ("form", "names", "name"),
    [
        (DistributionForm("app:2", (1,)), ["docker.io/library/app:1", "docker.io/library/app:2"], "app:2"),
        (DistributionForm("app", (1,)), ["docker.io/library/app:1"], "app:1"),
        (DistributionForm(str(DIGEST), (1,)), ["shop.example/app:1", "docker.io/library/b:1"], "shop.example/app:1"),
        (DistributionForm("app", (1,), name="other"), ["docker.io/library/app:1"], "other:latest"),
        (DistributionForm("cafe", (1,), name="other:3"), [], "other:3"),
    ],
)
def test_hosts_call_it_as_it_was_asked_for(form: DistributionForm, names: list[str], name: str) -> None:
    assert name_at_hosts(form, summary(*names)).familiar == name


def test_what_has_no_name_needs_one() -> None:
    with pytest.raises(NameMissing, match="cafe has no name"):
        name_at_hosts(DistributionForm("cafe", (1,)), summary())


def test_images_of_one_name_pass_through_one_repository() -> None:
    assert passing_path(Repository("docker.io", "library/app")) == "lading-distributed/library/app"
    longest = passing_path(Repository("shop.example", "a" * 250))
    assert len(longest) <= LONGEST_PATH
    assert longest != passing_path(Repository("shop.example", "a" * 251))


def request(*environments: int) -> JobRequest:
    order = Order(
        "app:1",
        Reference.parse("app:1"),
        environments,
        "lading-distributed/app",
        None,
        scan=True,
        source=1,
        image="id",
        staging="dtag",
    )
    assert Order.of(order.fields) == order
    return JobRequest(DISTRIBUTE, order.fields, None, order.sharing)


@pytest.mark.parametrize(
    ("result", "left"),
    [
        (None, (2, 3)),
        ({}, (2, 3)),
        ({"results": "none"}, (2, 3)),
        ({"results": [{"environment": 2, "status": "done"}, {"environment": 3, "status": "error"}]}, (3,)),
        ({"results": [{"environment": 2, "status": "done"}, {"environment": 3, "status": "done"}]}, (2, 3)),
        ({"results": [{"environment": 2, "status": "done"}]}, (3,)),
    ],
)
def test_a_job_that_is_tried_again_goes_where_it_has_not_arrived(
    result: Mapping[str, Any] | None, left: tuple[int, ...]
) -> None:
    before = request(2, 3)

    again = hosts_left(before, result)

    assert Order.of(again.fields).environments == left
    assert (again.sharing == before.sharing) is (left == (2, 3))
    assert Order.of(again.fields).staging == "dtag"


@pytest.mark.parametrize("environments", [None, [], ["1"], [True], 1])
def test_a_row_of_another_version_is_not_guessed_at(environments: object) -> None:
    with pytest.raises(JobFieldsUnreadable):
        Order.of({**request(1).fields, "environments": environments})
