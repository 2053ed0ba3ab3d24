"""Which login serves a repository, from the files of docker and podman and from helpers, and where it stands."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from lading.backends.credentials.docker_logins import DockerLogins
from lading.backends.credentials.failures import CredentialFileUnusable, HelperFailed, HelperMissing
from lading.backends.credentials.helpers import Helper
from lading.backends.credentials.own import OwnCredentials
from lading.backends.credentials.sources import CredentialSources, docker_config
from lading.errors import LadingError
from lading.oci.reference import Repository
from lading.services.registries.registries import Login
from lading.wire.authorize import Credential
from tests.fakes.credential_helper import CredentialHelper

APP = Repository("r.example", "acme/team/app")
HUB = Repository("docker.io", "library/debian")
HUB_KEY = "https://index.docker.io/v1/"


def login(username: str, secret: str = "secret") -> dict[str, str]:
    return {"auth": base64.b64encode(f"{username}:{secret}".encode()).decode()}


class Home:
    """A home folder with whatever files a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder / "run")}
        self.own = OwnCredentials(folder / "lading" / "logins.json", folder / "lading" / "secret.key")

    def write(self, place: str, content: object) -> None:
        path = self.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))

    def docker(self, **content: object) -> None:
        self.write(".docker/config.json", content)

    def helper(self, **kept: tuple[str, str]) -> CredentialHelper:
        self.environment["PATH"] = str(self.folder / "bin")
        return CredentialHelper.install(self.folder / "bin", **kept)

    def sources(self, flags: Credential | None = None) -> CredentialSources:
        return CredentialSources(flags, self.own, self.environment, 1000)

    def found(self, repository: Repository = APP) -> str:
        return str(self.sources().find(repository))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty one."""
    return Home(tmp_path)


def test_nowhere_means_anonymous(home: Home) -> None:
    assert home.sources().find(APP).credential is None
    assert home.sources().next_after_first(APP) is None


def test_the_places_are_looked_through_in_their_order(home: Home) -> None:
    flags = Credential("flag", "secret", source="this call's flags")
    home.own.set("r.example", "own", "secret")
    home.environment["DOCKER_AUTH_CONFIG"] = json.dumps({"auths": {"r.example": login("variable")}})
    home.docker(auths={"r.example": login("docker")})
    home.write("run/containers/auth.json", {"auths": {"r.example": login("podman")}})
    home.write(".config/containers/auth.json", {"auths": {"r.example": login("settings")}})

    assert [str(found) for found in home.sources(flags).candidates(APP)] == [
        "flag from this call's flags",
        "own from Lading's own logins (r.example)",
        "variable from DOCKER_AUTH_CONFIG (r.example)",
        "docker from ~/.docker/config.json (r.example)",
        "podman from ~/run/containers/auth.json (r.example)",
        "settings from ~/.config/containers/auth.json (r.example)",
    ]
    assert str(home.sources(flags).find(APP)) == "flag from this call's flags"
    assert home.sources().next_after_first(APP) == "DOCKER_AUTH_CONFIG (r.example)"


def test_a_named_auth_file_is_the_only_one_of_podman(home: Home, tmp_path: Path) -> None:
    home.environment["REGISTRY_AUTH_FILE"] = str(tmp_path / "named.json")
    home.write("named.json", {"auths": {"r.example": login("named")}})
    home.write("run/containers/auth.json", {"auths": {"r.example": login("podman")}})
    assert [str(found) for found in home.sources().candidates(APP)] == ["named from ~/named.json (r.example)"]


def test_docker_config_names_the_folder(home: Home, tmp_path: Path) -> None:
    home.environment["DOCKER_CONFIG"] = str(tmp_path / "other")
    home.write("other/config.json", {"auths": {"r.example": login("other")}})
    assert home.found() == "other from ~/other/config.json (r.example)"


@pytest.mark.parametrize(
    ("key", "repository", "fits"),
    [
        ("r.example", APP, True),
        ("R.Example", APP, True),
        ("https://r.example", APP, True),
        ("http://r.example/", APP, True),
        ("https://r.example/v1/", APP, True),
        ("https://r.example/v2/", APP, True),
        ("r.example/acme", APP, True),
        ("r.example/acme/team/app", APP, True),
        ("r.example/acm", APP, False),
        ("r.example/acme/team/app/deeper", APP, False),
        ("r.example:5000", APP, False),
        ("r.example:5000", Repository("r.example:5000", "a"), True),
        (HUB_KEY, HUB, True),
        ("docker.io", HUB, True),
        ("index.docker.io", HUB, True),
        ("registry-1.docker.io", HUB, True),
        ("docker.io/library", HUB, True),
        ("docker.io/acme", HUB, False),
        (HUB_KEY, APP, False),
    ],
)
def test_a_key_serves_what_it_names_however_it_is_spelled(
    home: Home, key: str, repository: Repository, fits: bool
) -> None:
    home.docker(auths={key: login("me")})
    credential = home.sources().find(repository).credential
    assert (credential is not None) is fits


def test_the_longest_key_wins_and_empty_ones_do_not_count(home: Home) -> None:
    home.docker(auths={"r.example": login("host"), "r.example/acme": login("path"), "r.example/acme/team": {}})
    assert home.found() == "path from ~/.docker/config.json (r.example/acme)"


@pytest.mark.parametrize(
    ("entry", "credential"),
    [
        (login("me", "pass:with:colons"), Credential("me", "pass:with:colons")),
        (login("me", "pass\0"), Credential("me", "pass")),
        ({"username": "me", "password": "x"}, Credential("me", "x")),
        ({"identitytoken": "idt"}, Credential(identity_token="idt")),
        (login("00000000", "") | {"identitytoken": "idt"}, Credential("00000000", identity_token="idt")),
        ({"registrytoken": "reg"}, Credential(registry_token="reg")),
    ],
)
def test_every_form_of_entry_is_understood(home: Home, entry: Mapping[str, str], credential: Credential) -> None:
    home.docker(auths={"r.example": entry})
    found = home.sources().find(APP).credential
    assert found is not None
    assert (found.username, found.secret) == (credential.username, credential.secret)
    assert (found.identity_token, found.registry_token) == (credential.identity_token, credential.registry_token)
    assert found.source == "~/.docker/config.json (r.example)"


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"auths": ["x"]}',
        '{"auths": {"r.example": "text"}}',
        '{"auths": {"r.example": {"auth": "%%%hunter2"}}}',
        '{"auths": {"r.example": {"auth": "aHVudGVyMg=="}}}',
        '{"credHelpers": {"r.example": 5}}',
        '{"credsStore": ["x"]}',
    ],
)
def test_a_file_that_cannot_be_understood_is_named_and_not_repeated(home: Home, content: str) -> None:
    home.write(".docker/config.json", content)
    with pytest.raises(CredentialFileUnusable, match=r"~/\.docker/config\.json") as caught:
        home.sources().find(APP)
    assert "hunter2" not in str(caught.value)


def test_an_empty_file_holds_nothing(home: Home) -> None:
    home.write(".docker/config.json", "")
    assert home.sources().find(APP).credential is None


@pytest.mark.parametrize("field", [{"credsStore": "test"}, {"credHelpers": {"https://r.example": "test"}}])
def test_a_helper_is_asked_by_host_and_named(home: Home, field: Mapping[str, object]) -> None:
    helper = home.helper(**{"r.example": ("me", "from the keychain")})
    home.docker(**field)

    found = home.sources().find(APP)
    assert found.credential is not None
    assert found.credential.secret == "from the keychain"
    assert str(found) == "me from docker-credential-test, which ~/.docker/config.json names"
    assert helper.asked() == [(["get"], "r.example")]


def test_docker_hub_has_its_own_name_at_helpers(home: Home) -> None:
    helper = home.helper(**{HUB_KEY: ("me", "x")})
    home.docker(credHelpers={"docker.io": "test"}, auths={HUB_KEY: {}})
    assert home.sources().find(HUB).credential is not None
    assert helper.asked() == [(["get"], HUB_KEY)]


def test_a_helpers_token_user_means_an_identity_token(home: Home) -> None:
    home.helper(**{"r.example": ("<token>", "idt")})
    home.docker(credsStore="test")
    found = home.sources().find(APP).credential
    assert found is not None
    assert (found.identity_token, found.secret) == ("idt", "")


def test_what_a_helper_does_not_know_may_stand_in_the_file(home: Home) -> None:
    home.helper()
    home.docker(credsStore="test", auths={"r.example": login("written")})
    assert home.found() == "written from ~/.docker/config.json (r.example)"
    assert home.sources().find(HUB).credential is None


def test_the_one_helper_of_a_host_goes_before_the_store_of_all(home: Home) -> None:
    home.helper(**{"r.example": ("me", "x")})
    home.docker(credsStore="missing", credHelpers={"r.example": "test"})
    assert home.found().startswith("me from docker-credential-test")


def test_a_login_for_the_very_path_goes_before_a_helper(home: Home) -> None:
    home.helper(**{"r.example": ("helped", "x")})
    home.docker(credsStore="test", auths={"r.example/acme": login("exact"), "r.example": login("host")})
    assert home.found() == "exact from ~/.docker/config.json (r.example/acme)"
    assert home.found(Repository("r.example", "b")).startswith("helped")


def test_a_missing_helper_is_named_with_the_file_that_names_it(home: Home) -> None:
    home.environment["PATH"] = ""
    home.docker(credsStore="desktop")
    with pytest.raises(HelperMissing, match=r"docker-credential-desktop, which ~/\.docker/config\.json names"):
        home.sources().find(APP)


@pytest.mark.parametrize("program", ["desktop", "test"], ids=["missing", "failing"])
def test_the_next_login_is_named_where_a_helper_cannot_be_asked(home: Home, program: str) -> None:
    home.helper().behave("fails")
    home.docker(credsStore=program)
    home.write(".config/containers/auth.json", {"auths": {"r.example": login("podman")}})
    with pytest.raises((HelperMissing, HelperFailed)) as caught:
        home.sources().find(APP)
    next_one = "another login stands in ~/.config/containers/auth.json (r.example); it was not tried"
    assert caught.value.why == next_one


def test_a_next_login_that_cannot_be_read_is_not_named(home: Home) -> None:
    home.environment["PATH"] = ""
    home.docker(credsStore="desktop")
    home.write(".config/containers/auth.json", "no JSON")
    with pytest.raises(HelperMissing) as caught:
        home.sources().find(APP)
    assert "another login" not in str(caught.value.why)


@pytest.mark.parametrize(("mood", "reason"), [("fails", "ended with 1"), ("babbles", "cannot be read")])
def test_a_helper_that_fails_is_named_and_its_words_are_not_repeated(home: Home, mood: str, reason: str) -> None:
    home.helper().behave(mood)
    home.docker(credsStore="test")
    with pytest.raises(HelperFailed, match=reason) as caught:
        home.sources().find(APP)
    assert "hunter2" not in repr(caught.value)


def test_a_helper_that_hangs_is_given_up(home: Home) -> None:
    home.helper().behave("hangs")
    with pytest.raises(HelperFailed, match=r"no answer within 0\.5 s"):
        Helper("test", "config.json", home.environment, seconds=0.5).get("r.example")


def test_a_docker_login_goes_through_its_helper(home: Home) -> None:
    helper = home.helper()
    home.docker(credsStore="test", HttpHeaders={"X": "y"})
    logins = DockerLogins(docker_config(home.environment), home.environment)

    logins.set("docker.io", "me", "top secret")
    written = json.loads((home.folder / ".docker/config.json").read_text())
    assert written == {"credsStore": "test", "HttpHeaders": {"X": "y"}, "auths": {HUB_KEY: {}}}
    assert helper.keeps() == {HUB_KEY: ["me", "top secret"]}
    assert all("top secret" not in argument for arguments, _ in helper.asked() for argument in arguments)
    assert home.sources().find(HUB).credential is not None

    assert logins.remove("docker.io") is True
    assert logins.remove("docker.io") is False
    assert helper.keeps() == {}


def test_a_docker_login_without_helper_is_written_as_docker_does(home: Home) -> None:
    home.docker(auths={"https://r.example/v1/": login("old"), "other.example": login("other")})
    logins = DockerLogins(docker_config(home.environment), home.environment)
    logins.set("r.example", "new", "pw")

    path = home.folder / ".docker/config.json"
    assert json.loads(path.read_text()) == {"auths": {"other.example": login("other"), "r.example": login("new", "pw")}}
    assert path.stat().st_mode & 0o777 == 0o600
    assert logins.logins() == [Login("other.example", "other"), Login("r.example", "new")]
    assert logins.remove("r.example") is True
    assert logins.remove("r.example") is False


def test_a_docker_login_follows_a_link(home: Home) -> None:
    home.write("dotfiles/config.json", {})
    (home.folder / ".docker").mkdir()
    (home.folder / ".docker/config.json").symlink_to(home.folder / "dotfiles/config.json")
    DockerLogins(docker_config(home.environment), home.environment).set("r.example", "me", "pw")
    assert (home.folder / ".docker/config.json").is_symlink()
    assert "r.example" in (home.folder / "dotfiles/config.json").read_text()


def test_no_error_of_this_room_shows_a_secret(home: Home) -> None:
    home.helper(**{"r.example": ("me", "top secret")}).behave("fails")
    home.docker(credsStore="test", auths={"r.example": login("me", "top secret")})
    with pytest.raises(LadingError) as caught:
        home.sources().find(APP)
    assert "top secret" not in f"{caught.value!r} {caught.value} {caught.value.hint} {caught.value.raw}"
