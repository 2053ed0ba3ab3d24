"""Pulls by Docker's API: real jobs from a registry to our engine, in Docker's lines."""

from __future__ import annotations

import pytest

from tests.fronts.docker_api.door import Door
from tests.fronts.docker_api.transfers import lines, pull, pulled, push
from tests.fronts.docker_api.upstream import Upstream


def test_a_pull_is_told_from_its_first_line_to_its_status(door: Door, app: str) -> None:
    pulled(door, app)

    told = lines(pull(door, app, tag="1"))

    assert told[0] == {"status": "Pulling from team/app", "id": "1"}
    digest = door.get(f"/images/{app}:1/json").json["Id"]
    assert told[-2:] == [
        {"status": f"Digest: {digest}"},
        {"status": f"Status: Downloaded newer image for {app}:1"},
    ]


def test_what_is_up_to_date_has_no_layers(door: Door, app: str) -> None:
    pulled(door, app)
    pull(door, app, tag="1")

    told = lines(pull(door, app, tag="1"))

    assert [line["status"].partition(" sha")[0] for line in told] == [
        "Pulling from team/app",
        "Digest:",
        f"Status: Image is up to date for {app}:1",
    ]


def test_a_digest_stands_in_the_tag(door: Door, app: str) -> None:
    pulled(door, app)
    digest = lines(pull(door, app, tag="1"))[-2]["status"].removeprefix("Digest: ")

    told = lines(pull(door, app, tag=digest))

    assert told == [
        {"status": "Pulling from team/app", "id": f"{app}@{digest}"},
        {"status": f"Digest: {digest}"},
        {"status": f"Status: Image is up to date for {app}@{digest}"},
    ]


def test_without_a_tag_all_of_them_are_pulled(door: Door, app: str) -> None:
    door.post(f"/images/{app}:1/tag", repo=app, tag="2")
    push(door, app)
    door.delete(f"/images/{app}:1", force="1")
    door.delete(f"/images/{app}:2", force="1")

    told = lines(pull(door, app))

    assert [line["id"] for line in told if line["status"].startswith("Pulling from")] == ["1", "2"]
    assert [line["status"] for line in told if line["status"].startswith("Status: ")] == [
        f"Status: Downloaded newer image for {app}"
    ]
    assert {each["RepoTags"][0] for each in door.get("/images/json").json} <= {f"{app}:1", f"{app}:2"}


@pytest.mark.parametrize(
    ("name", "query", "status", "message"),
    [
        ("team/app", {"tag": "none"}, 404, "manifest for {} not found: manifest unknown: "),
        ("team/none", {"tag": "1"}, 404, "manifest for {} not found: manifest unknown: "),
        ("team/app", {"tag": "1", "platform": "linux/s390x"}, 404, "no matching manifest for linux/s390x in the "),
        ("team/app", {"tag": "1", "platform": "///"}, 400, "'///' is not a platform"),
        ("team/App", {"tag": "1"}, 400, "invalid reference format: "),
        ("team/app", {"tag": ".x"}, 400, "invalid reference format: "),
        ("scratch", {"tag": "latest"}, 403, "'scratch' is a reserved name"),
    ],
)
def test_what_fails_before_anything_is_told_is_a_status(
    door: Door, app: str, name: str, query: dict[str, str], status: int, message: str
) -> None:
    pulled(door, app)
    host = app.partition("/")[0]
    asked = name if name == "scratch" else f"{host}/{name}"

    found, text = pull(door, asked, **query).told

    assert found == status
    assert text.startswith(message.format(f"{asked}:{query['tag']}"))


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (
            (403, "DENIED", "no"),
            (404, "pull access denied for {}, repository does not exist or may require 'docker login': denied: "),
        ),
        ((401, "UNAUTHORIZED", "no"), (403, "unauthorized: ")),
    ],
)
def test_what_the_registry_refuses_is_a_status(
    door: Door, app: str, registry: Upstream, refusal: tuple[int, str, str], told: tuple[int, str]
) -> None:
    registry.refusal = refusal

    status, message = pull(door, app, tag="9").told

    assert (status, message.startswith(told[1].format(app))) == (told[0], True), message
