from __future__ import annotations

import pytest

from lading.errors import AccessDenied
from lading.oci.prefix import Prefix
from lading.oci.reference import ReferenceInvalid, Repository
from lading.services.registries.registries import (
    DockerKnowsHosts,
    EndpointRules,
    Found,
    Login,
    Logout,
    OneLoginForTwo,
    Registries,
)
from lading.wire.authorize import Credential
from lading.wire.endpoint import Endpoint, Tls
from tests.fakes.logins import Own, Probe, Search

ALICE = Credential("alice", "s3cret")


class House:
    def __init__(self) -> None:
        self.own, self.docker, self.probe = Own(), Own(), Probe()
        self.registries = Registries(Search(), self.own, self.probe, docker=self.docker)


@pytest.mark.parametrize(
    ("place", "kept"),
    [
        ("registry.test:5000", "registry.test:5000"),
        ("https://registry.test/v2/", "registry.test"),
        ("registry.test/acme", "registry.test/acme"),
        ("index.docker.io", "docker.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("Registry.Test", "registry.test"),
    ],
)
def test_a_login_is_checked_and_kept_under_one_spelling(place: str, kept: str) -> None:
    house = House()

    assert house.registries.login(place, ALICE) == kept
    assert house.own.kept == {kept: ("alice", "s3cret")}
    assert house.probe.checked == [Prefix.read(place).host]


@pytest.mark.parametrize("place", ["", "https://", "/acme", "no host"])
def test_a_login_goes_to_nobody_where_no_host_is_named(place: str) -> None:
    house = House()

    with pytest.raises(ReferenceInvalid):
        house.registries.login(place, ALICE)
    assert house.probe.checked == []


def test_a_login_that_the_registry_refuses_is_not_kept() -> None:
    house = House()

    with pytest.raises(AccessDenied):
        house.registries.login("registry.test", Credential("alice", "wrong"))
    assert house.own.kept == {}


def test_a_logout_forgets_and_says_where_there_was_nothing() -> None:
    house = House()
    house.registries.login("registry.test", ALICE)

    assert house.registries.logins() == [Login("registry.test", "alice")]
    assert house.registries.logout("https://registry.test") == Logout("registry.test", there=True)
    assert house.registries.logout("https://registry.test") == Logout("registry.test", there=False)


def test_dockers_logins_are_changed_only_where_they_are_meant() -> None:
    house = House()
    house.registries.login("registry.test", ALICE, docker=True)

    assert (house.own.kept, house.docker.kept) == ({}, {"registry.test": ("alice", "s3cret")})
    assert house.registries.logins(docker=True) == [Login("registry.test", "alice")]
    assert not house.registries.logout("registry.test").there
    assert house.registries.logout("registry.test", docker=True).there
    assert not house.registries.logout("registry.test", docker=True).there


def test_docker_keeps_no_login_for_a_path() -> None:
    house = House()
    with pytest.raises(DockerKnowsHosts, match=r"registry\.test/acme"):
        house.registries.login("registry.test/acme", ALICE, docker=True)
    assert house.probe.checked == []


def test_the_login_that_serves_is_named_with_its_source_and_without_its_secret() -> None:
    found = House().registries.credential(Repository("registry.test", "acme/web"))

    assert str(found) == "alice from Lading's own logins"
    assert "s3cret" not in repr(found)
    assert str(House().registries.credential(Repository("other.test", "x"))) == "no login"


def test_a_login_for_one_call_goes_to_one_registry_only() -> None:
    class Given(Search):
        def find(self, repository: Repository) -> Found:
            return Found(ALICE, "this call's flags")

    registries = Registries(Given(), Own(), Probe(), ALICE, docker=Own())

    assert registries.credential(Repository("a.test", "one")).credential == ALICE
    assert registries.credential(Repository("a.test", "two")).credential == ALICE
    with pytest.raises(OneLoginForTwo):
        registries.credential(Repository("b.test", "one"))


def test_a_repository_lists_its_tags_and_a_host_its_repositories() -> None:
    registries = House().registries

    tags, repositories = registries.ls("registry.test/acme/web"), registries.ls("registry.test")

    assert (tags.kind, tags.of, tags.names) == ("tags", "registry.test/acme/web", ("1", "2"))
    assert (repositories.kind, repositories.of) == ("repositories", "registry.test")
    assert repositories.names == ("acme/db", "acme/web", "other/web")


@pytest.mark.parametrize("place", ["docker:cellar", "docker:", "registry.test:99999"])
def test_a_host_whose_port_is_none_is_not_asked(place: str) -> None:
    with pytest.raises(ReferenceInvalid):
        House().registries.ls(place)
    with pytest.raises(ReferenceInvalid):
        House().registries.search(f"{place}/web")


def test_search_looks_for_a_term_in_one_registrys_names() -> None:
    assert House().registries.search("registry.test/WEB").names == ("acme/web", "other/web")


@pytest.mark.parametrize(
    ("text", "term"), [("nginx", "nginx"), ("docker.io/nginx", "nginx"), ("library/nginx", "library/nginx")]
)
def test_docker_hub_searches_itself(text: str, term: str) -> None:
    house = House()

    found = house.registries.search(text)

    assert (found.of, found.names) == ("docker.io", ("library/nginx",))
    assert house.probe.searched == [term]


@pytest.mark.parametrize(
    ("rules", "endpoint"),
    [
        (EndpointRules({}), Endpoint("a")),
        (EndpointRules({"a": Endpoint("a", Tls.HTTP)}), Endpoint("a", Tls.HTTP)),
        (EndpointRules({}, insecure=True, named={"a"}), Endpoint("a", Tls.SKIP, insecure=True)),
        (EndpointRules({}, insecure=True, named={"a:5000"}), Endpoint("a", Tls.SKIP, insecure=True)),
        (EndpointRules({}, insecure=True, named={"b"}), Endpoint("a")),
        (
            EndpointRules({"a": Endpoint("a", Tls.HTTP)}, insecure=True, named={"a"}),
            Endpoint("a", Tls.HTTP, insecure=True),
        ),
        (EndpointRules({}, ca_file="/ca.pem"), Endpoint("a", ca_file="/ca.pem")),
        (EndpointRules({"b": Endpoint("b", Tls.HTTP)}), Endpoint("a")),
    ],
)
def test_a_host_is_reached_as_configured_unless_a_flag_says_more(rules: EndpointRules, endpoint: Endpoint) -> None:
    assert rules.of("a") == endpoint
