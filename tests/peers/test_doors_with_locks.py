"""A real registry behind a token service: logins that fit, do not fit, end in the middle, change and go away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.certificates import Authority
from tests.fakes.relay import Relay
from tests.fakes.scripted_server import ScriptedServer
from tests.fakes.signed_tokens import SignedTokens
from tests.fakes.token_server import TokenService
from tests.peers import layouts, programs
from tests.peers.command import Lading
from tests.peers.programs import RunningRegistry
from tests.peers.secrecy import Witness

pytestmark = pytest.mark.peer("docker-registry")

SECRET = "hunter2-hunter2"
CHANGED = "correct-horse-battery"
IDENTITY = "identity-of-me-0123456789"
SECRETS = (SECRET, CHANGED, IDENTITY, f"me:{SECRET}", f"<token>:{IDENTITY}")


@dataclass(frozen=True)
class Door:
    """A registry that takes `signed` tokens alone, the service that gives them, and who knocks."""

    registry: RunningRegistry
    tokens: TokenService
    signed: SignedTokens
    authority: Authority
    lading: Witness
    source: str

    @property
    def host(self) -> str:
        """The registry's."""
        return self.registry.host

    def log_in(self, secret: str = SECRET) -> None:
        """As `me`, kept."""
        self.lading("login", self.host, "-u", "me", "--password-stdin", stdin=f"{secret}\n".encode())
        self.tokens.dances.clear()

    @property
    def asked_for(self) -> list[set[str]]:
        """The scopes of every token that was asked for since the login."""
        return [set(dance.get("scope", "").split()) for dance in self.tokens.dances]


@contextmanager
def guarded(
    folder: Path, tokens: TokenService, *flags: str, environment: tuple[tuple[str, str], ...] = ()
) -> Iterator[Door]:
    """All of it; afterwards no secret was said or written, whatever was done."""
    layouts.five_layers(folder / "layout")
    authority = Authority(folder)
    signed = SignedTokens(authority)
    tokens.mint = signed.mint
    with ScriptedServer(tokens) as service:
        tokens.url = service.url("/token")
        with programs.docker_registry(folder / "registry", token=signed.settings(tokens.url)) as registry:
            lading = Witness(Lading(folder / "data", environment), *flags)
            yield Door(registry, tokens, signed, authority, lading, f"oci:{folder / 'layout'}:v1")
    lading.keeps([*SECRETS, *tokens.granted])


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """One whose service knows me."""
    with guarded(tmp_path, TokenService(login=("me", SECRET))) as door:
        yield door


def blobs(folder: Path) -> set[str]:
    return {path.name for path in (folder / "blobs/sha256").iterdir()}


# ── who comes in


def test_without_a_login_the_registry_is_named_and_not_its_token_service(door: Door) -> None:
    refused = door.lading.refusal("copy", door.source, f"{door.host}/app:1", code=4)

    assert refused["error"].startswith(f"{door.host} wants a login: GET {door.tokens.url} answered 401")
    assert refused["why"].startswith("No login for it")
    assert refused["try"].startswith(f"lading login {door.host} ")


def test_a_wrong_login_is_told_and_not_kept(door: Door) -> None:
    wrong = door.lading.refusal("login", door.host, "-u", "me", "--password-stdin", stdin=b"wrong\n", code=4)

    assert wrong["error"].startswith(f"{door.host} does not take the login from this command: ")
    assert wrong["try"].endswith(f"lading login {door.host}")
    assert door.host not in door.lading("login", "--list")
    assert "wants a login" in door.lading.refusal("ls", f"{door.host}/app", code=4)["error"]


def test_a_push_asks_for_one_token_and_names_the_login(door: Door) -> None:
    door.log_in()
    done = door.lading.run("copy", door.source, f"{door.host}/app:1")

    assert done.returncode == 0
    assert f"{door.host}/app: login: me from Lading's own logins ({door.host})".encode() in done.stderr
    assert door.asked_for == [{"repository:app:push,pull"}]


def test_one_token_covers_a_push_and_the_pulls_that_its_mounts_need(door: Door) -> None:
    door.log_in()
    door.lading("copy", door.source, f"{door.host}/app:1")
    door.tokens.dances.clear()
    door.lading("copy", door.source, f"{door.host}/second:1")
    door.lading("copy", f"{door.host}/app:1", f"{door.host}/third:1")

    assert door.asked_for == [
        {"repository:second:push,pull", "repository:app:pull"},
        {"repository:app:pull"},
        {"repository:third:push,pull", "repository:app:pull"},
    ]
    log = [asked for asked in door.registry.asked() if "/v2/app/" not in asked.path]
    assert not [asked for asked in log if asked.method in {"PATCH", "PUT"} and "/blobs/" in asked.path]


def test_everything_that_only_reads_comes_in(door: Door, tmp_path: Path) -> None:
    door.log_in()
    door.lading("copy", door.source, f"{door.host}/app:1")
    door.lading("pull", f"{door.host}/app:1")
    door.lading("copy", f"{door.host}/app:1", f"oci:{tmp_path / 'back'}:v1")

    assert blobs(tmp_path / "back") == blobs(tmp_path / "layout")
    assert door.lading("ls", door.host) == "app\n"
    assert door.lading("ls", f"{door.host}/app") == "1\n"
    assert door.lading("digest", f"{door.host}/app:1").startswith("sha256:")
    assert f"{door.host}/app" in door.lading("inspect", f"{door.host}/app:1")


@pytest.mark.parametrize(
    "arguments", [("copy", "SOURCE", "REPOSITORY:2"), ("pull", "REPOSITORY:1"), ("ls", "REPOSITORY"), ("ls", "HOST")]
)
def test_a_password_that_was_changed_is_told_with_where_the_old_one_stands(
    door: Door, arguments: tuple[str, ...]
) -> None:
    door.log_in()
    door.lading("copy", door.source, f"{door.host}/app:1")
    door.tokens.login = ("me", CHANGED)
    words = {"SOURCE": door.source, "REPOSITORY": f"{door.host}/app", "HOST": door.host}
    said = [f"{words.get(word.partition(':')[0], word)}{''.join(word.partition(':')[1:])}" for word in arguments]
    refused = door.lading.refusal(*said, code=4)

    assert f"does not take the login from Lading's own logins ({door.host})" in refused["error"]
    assert refused["try"].endswith(f"lading login {door.host}")
    door.log_in(CHANGED)
    door.lading(*said)


def test_a_logout_closes_the_door(door: Door) -> None:
    door.log_in()
    door.lading("copy", door.source, f"{door.host}/app:1")
    door.lading("logout", door.host)

    assert "wants a login" in door.lading.refusal("pull", f"{door.host}/app:1", code=4)["error"]
    assert door.lading("logout", door.host) == f"{door.host}   not logged in\n"


# ── in which dialect


def test_a_service_that_takes_no_get_is_asked_by_post(tmp_path: Path) -> None:
    with guarded(tmp_path, TokenService(login=("me", SECRET), get=405)) as door:
        door.log_in()
        door.lading("copy", door.source, f"{door.host}/app:1")

        assert [dance["method"] for dance in door.tokens.dances] == ["GET", "POST"]
        assert door.tokens.dances[1]["grant_type"] == "password"


@pytest.mark.parametrize("post", [None, 404], ids=["by POST", "by GET where POST is not known"])
def test_an_identity_token_of_dockers_file_opens_the_door(tmp_path: Path, post: int | None) -> None:
    tokens = TokenService(identity=IDENTITY, login=("<token>", IDENTITY), post=post)
    docker = tmp_path / "docker"
    docker.mkdir()
    with guarded(tmp_path, tokens, environment=(("DOCKER_CONFIG", str(docker)),)) as door:
        auths = {"auths": {door.host: {"identitytoken": IDENTITY}}}
        (docker / "config.json").write_text(json.dumps(auths))
        done = door.lading.run("copy", door.source, f"{door.host}/app:1")

        assert done.returncode == 0, done.stderr.decode()
        assert f"login: token from {docker}/config.json ({door.host})".encode() in done.stderr
        assert [dance["method"] for dance in tokens.dances] == (["POST"] if post is None else ["POST", "GET"])


# ── tokens that end


@pytest.mark.parametrize("where", ["start", "put", "point"])
def test_a_token_that_ends_in_the_middle_of_a_push_is_renewed(door: Door, where: str, tmp_path: Path) -> None:
    relay = Relay(door.host)
    relay.end(where, _ended(door))
    with ScriptedServer(relay) as server:
        here = server.authority
        door.lading("login", here, "-u", "me", "--password-stdin", stdin=f"{SECRET}\n".encode())
        door.tokens.dances.clear()
        door.lading("copy", door.source, f"{here}/app:1")

    assert relay.ended == [where]
    assert len(door.tokens.dances) == 2
    door.log_in()
    door.lading("copy", f"{door.host}/app:1", f"oci:{tmp_path / 'back'}:v1")
    assert blobs(tmp_path / "back") == blobs(tmp_path / "layout")


@pytest.mark.parametrize("where", ["manifest", "blob"])
def test_a_token_that_ends_in_the_middle_of_a_pull_is_renewed(door: Door, where: str, tmp_path: Path) -> None:
    door.log_in()
    door.lading("copy", door.source, f"{door.host}/app:1")
    relay = Relay(door.host)
    relay.end(where, _ended(door))
    with ScriptedServer(relay) as server:
        here = server.authority
        door.lading("login", here, "-u", "me", "--password-stdin", stdin=f"{SECRET}\n".encode())
        door.tokens.dances.clear()
        door.lading("copy", f"{here}/app:1", f"oci:{tmp_path / 'back'}:v1")

    assert relay.ended == [where]
    assert len(door.tokens.dances) == 2
    assert blobs(tmp_path / "back") == blobs(tmp_path / "layout")


def _ended(door: Door) -> str:
    """A token that was good for the repository once."""
    return SignedTokens(door.authority, lambda _: -1.0).mint(1, {"app:pull", "app:push"})


def test_a_registry_that_believes_no_token_ends_with_one_error(tmp_path: Path) -> None:
    with guarded(tmp_path, TokenService(login=("me", SECRET))) as door:
        door.log_in()
        door.tokens.mint = SignedTokens(door.authority, lambda _: -1.0).mint
        refused = door.lading.refusal("copy", door.source, f"{door.host}/app:1", code=4)

    assert f"{door.host} does not take the login from" in refused["error"]
    assert len(door.tokens.dances) <= 2


# ── and nobody hears of it


@pytest.mark.parametrize("flags", [("--debug", "-v"), ("--debug", "-v", "--progress", "json"), ("--format", "json")])
def test_nothing_that_is_said_or_kept_holds_a_secret(tmp_path: Path, flags: tuple[str, ...]) -> None:
    with guarded(tmp_path, TokenService(login=("me", SECRET)), *flags) as door:
        door.lading.run("login", door.host, "-u", "me", "--password-stdin", stdin=f"{CHANGED}\n".encode())
        door.log_in()
        door.lading("copy", door.source, f"{door.host}/app:1")
        door.lading("copy", f"{door.host}/app:1", f"{door.host}/second:1")
        door.lading("pull", f"{door.host}/app:1")
        door.lading("config", "show")
        door.lading("login", "--list")
        door.lading("doctor", door.host)
        once = f"{SECRET}\n".encode()
        door.lading("copy", door.source, f"{door.host}/app:2", "-u", "me", "--password-stdin", stdin=once)
        door.tokens.login = ("me", CHANGED)
        assert door.lading.run("copy", door.source, f"{door.host}/app:3").returncode == 4
        assert door.lading.run("doctor", door.host).returncode == 1
