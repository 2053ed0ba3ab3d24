from __future__ import annotations

import json

import pytest

from lading.backends.registry_providers.directories import ProviderDirectories
from lading.backends.registry_providers.refusals import AnswerUnreadable, ProviderRefused
from lading.engine.cancel import Cancellation
from lading.errors import NotFound
from lading.services.registries.minting import ProviderLogin
from lading.services.registries.providers import Provider
from lading.wire.endpoint import Endpoint
from lading.wire.registry_errors import TooManyRequests
from tests.fakes.clock import WaitingClock
from tests.fakes.played_providers import HUB_SECRET, HUB_USER, KEY_ID, ROBOT, ROBOT_SECRET, SECRET_KEY, TOKEN
from tests.fakes.scripted_server import Reply
from tests.unit.registry_providers.conftest import World

ALL = ["team/a", "team/b", "team/c", "team/d", "team/e"]


def listed(world: World, login: ProviderLogin) -> list[str]:
    cancel = Cancellation(pause=WaitingClock().pause)
    return list(ProviderDirectories(world.apis).repositories(login, cancel))


def logins(world: World) -> dict[str, ProviderLogin]:
    return {
        "ecr": world.login(Provider.AMAZON, "/aws", KEY_ID, SECRET_KEY, region="eu-central-1"),
        "gar": ProviderLogin(
            Provider.GOOGLE,
            Endpoint("europe-docker.pkg.dev"),
            "project",
            "",
            world.key,
            {"apiUrl": f"{world.providers.url}/google"},
        ),
        "hub": world.login(Provider.DOCKER_HUB, "/hub", HUB_USER, HUB_SECRET, namespaces="team"),
        "ghcr": world.login(Provider.GITHUB, "/github", "ann", TOKEN),
        "ghcr of an organisation": world.login(Provider.GITHUB, "/github", "ann", TOKEN, path="team"),
        "quay": world.login(Provider.QUAY, "/quay", "team+robot", "robot-token", apiToken=TOKEN),
        "harbor": world.login(Provider.HARBOR, "", ROBOT, ROBOT_SECRET),
        "harbor's project": world.login(Provider.HARBOR, "", ROBOT, ROBOT_SECRET, path="team"),
        "gitlab": world.login(Provider.GITLAB, "/gitlab", "ann", TOKEN, path="team"),
        "gitlab's project": world.login(Provider.GITLAB, "/gitlab", "ann", TOKEN, path="team/app"),
        "all of gitlab": world.login(Provider.GITLAB, "/gitlab", "ann", TOKEN),
    }


def test_every_provider_lists_page_after_page(world: World) -> None:
    told = {name: listed(world, login) for name, login in logins(world).items()}

    expected = dict.fromkeys(told, ALL)
    expected["gar"] = [f"project/{name}" for name in ALL]
    assert told == expected
    assert world.providers.cookies == []  # Harbor gives one, and takes none back


def test_docker_hub_lists_the_user_and_their_organisations(world: World) -> None:
    assert listed(world, world.login(Provider.DOCKER_HUB, "/hub", HUB_USER, HUB_SECRET)) == ["ann/own", *ALL]


def test_without_an_api_token_quay_lists_what_is_public(world: World) -> None:
    assert listed(world, world.login(Provider.QUAY, "/quay", "team+robot", "robot-token")) == ["team/a"]


def test_githubs_users_are_asked_for_where_it_is_no_organisation(world: World) -> None:
    assert listed(world, world.login(Provider.GITHUB, "/github", "ann", TOKEN, path="ann")) == ALL
    assert {"/github/orgs/ann/packages", "/github/users/ann/packages"} <= world.providers.asked.keys()


def test_a_wrong_login_is_refused(world: World) -> None:
    wrong = [
        world.login(Provider.DOCKER_HUB, "/hub", HUB_USER, "wrong"),
        world.login(Provider.GITHUB, "/github", "ann", "wrong"),
        world.login(Provider.GITLAB, "/gitlab", "ann", "wrong"),
        world.login(Provider.HARBOR, "", ROBOT, "wrong"),
        world.login(Provider.AMAZON, "/aws", KEY_ID, "wrong", region="eu-central-1"),
    ]
    for login in wrong:
        with pytest.raises(ProviderRefused):
            listed(world, login)


def test_a_limit_in_the_middle_of_a_list_is_waited_for(world: World) -> None:
    names = ProviderDirectories(world.apis).repositories(
        logins(world)["ghcr"], Cancellation(pause=WaitingClock().pause)
    )
    first = [next(names), next(names)]
    world.providers.limits += [Reply(429), Reply(503, [("retry-after", "1")])]

    assert [*first, *names] == ALL


def test_githubs_forbidden_is_a_limit_where_nothing_remains(world: World) -> None:
    world.providers.limits.append(Reply(403, [("x-ratelimit-remaining", "0")]))

    with pytest.raises(TooManyRequests):
        listed(world, logins(world)["ghcr"])


def test_a_list_never_leads_to_another_host_with_the_login(world: World) -> None:
    away = json.dumps({"results": [], "next": "https://elsewhere.example/next"}).encode()
    world.providers.limits += [Reply(200, body=json.dumps({"access_token": TOKEN}).encode()), Reply(200, body=away)]

    with pytest.raises(AnswerUnreadable, match="another host"):
        listed(world, logins(world)["hub"])


def test_a_list_that_goes_in_circles_ends(world: World) -> None:
    world.providers.page = 5
    first = f"{world.providers.url}/hub/v2/namespaces/team/repositories?page_size=100"
    circle = json.dumps({"results": [{"name": "a"}], "next": first}).encode()
    world.providers.limits += [Reply(200, body=json.dumps({"access_token": TOKEN}).encode()), Reply(200, body=circle)]

    assert listed(world, logins(world)["hub"]) == ["team/a"]


def test_odd_names_are_passed_over(world: World) -> None:
    world.providers.names = ["team/a", "team/../etc", "team/\x1b[2J", "", "team/b"]

    assert listed(world, logins(world)["harbor"]) == ["team/a", "team/b"]


def test_what_is_not_there_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        listed(world, world.login(Provider.GITLAB, "/gitlab/nowhere", "ann", TOKEN, path="team"))
