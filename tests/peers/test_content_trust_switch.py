"""The switch of content trust with real registries and trust servers: Debian's docker-registry, its notary-server and
`notary` over TLS, and `lading serve`."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.fakes.certificates import Authority
from tests.fakes.trust_http import TrustService, listening
from tests.fakes.trust_repository import TrustServer
from tests.peers import layouts, programs, service_process
from tests.peers.command import Lading
from tests.peers.notary_place import notary_server
from tests.peers.programs import RunningRegistry
from tests.peers.trust_place import PASSPHRASES, trusted_service

PASSPHRASE = "a long word"
NAMES = PASSPHRASES | {"LADING_TRUST_PASSPHRASE": PASSPHRASE}


@dataclass(frozen=True)
class Place:
    """A registry over plain HTTP, a trust server over TLS, and images in a layout, each under a tag of its own."""

    registry: RunningRegistry
    trust_server: str
    authority: Authority
    folder: Path

    @property
    def repository(self) -> str:
        return f"{self.registry.host}/team/app"

    def lading(self, name: str, **environment: str) -> Lading:
        """Somebody's command, with a data folder of their own."""
        known = {"SSL_CERT_FILE": str(self.authority.certificate), **NAMES, **environment}
        return Lading(self.folder / name / "data", tuple(known.items()))

    def docker_like(self, name: str, **environment: str) -> Lading:
        """With docker's own variables, and nothing else."""
        switch = {"DOCKER_CONTENT_TRUST": "1", "DOCKER_CONTENT_TRUST_SERVER": self.trust_server}
        return self.lading(name, **switch, **environment)

    def layout(self, tag: str) -> str:
        return f"oci:{self.folder}/layout:{tag}"

    def tags(self) -> list[str]:
        """As the registry lists them."""
        return tags_of(self.registry)

    def notary(self, *arguments: str) -> str:
        """Debian's own command, with keys of its own."""
        home = self.folder / "notary"
        home.mkdir(exist_ok=True)
        environment = {**PASSPHRASES, "HOME": str(home)}
        known = ["-s", self.trust_server, "--tlscacert", str(self.authority.certificate), "-d", str(home / "trust")]
        command = ["env", *(f"{name}={value}" for name, value in environment.items()), str(programs.find("notary"))]
        return programs.run(*command, *known, *arguments)


def tags_of(registry: RunningRegistry, name: str = "team/app") -> list[str]:
    """None of a repository that is not there."""
    connection = http.client.HTTPConnection(registry.host, timeout=60)
    connection.request("GET", f"/v2/{name}/tags/list")
    told = json.loads(connection.getresponse().read())
    connection.close()
    return sorted(tag for tag in told.get("tags") or [] if not tag.startswith("sha256-"))


@pytest.fixture(scope="module")
def trust_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Authority]]:
    folder = tmp_path_factory.mktemp("notary")
    authority = Authority(folder)
    with notary_server(folder, authority.server("localhost", "127.0.0.1")) as address:
        yield address, authority


@pytest.fixture
def place(trust_server: tuple[str, Authority], docker_registry: RunningRegistry, tmp_path: Path) -> Place:
    address, authority = trust_server
    layout = tmp_path / "layout"
    for tag in ("good", "evil"):
        layouts.write_layout(layout, tag, layouts.write_image(layout, [layouts.layer(tag, 1000)]))
    return Place(docker_registry, address, authority, tmp_path)


def refused(lading: Lading, code: int, *arguments: str) -> str:
    """What a command says that ends with this code."""
    done = lading.run(*arguments)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == code, said
    return said


def held(lading: Lading) -> list[tuple[Path, int]]:
    """The content that its data folder holds."""
    return [each for each in programs.files_below(lading.data) if "blobs" in each[0].parts]


# ── docker's variables alone


@pytest.mark.peer("docker-registry", "notary-server", "notary")
def test_dockers_switch_signs_a_push_and_holds_a_pull_against_it(place: Place) -> None:
    ann, bob = place.docker_like("ann"), place.docker_like("bob")

    ann("push", place.layout("good"), f"{place.repository}:v1")
    ann("push", "--disable-content-trust", place.layout("good"), f"{place.repository}:v2")

    pulled = json.loads(bob("pull", f"{place.repository}:v1", "--format", "json"))
    listed = [line.split() for line in place.notary("list", place.repository).splitlines()]
    [row] = [words for words in listed if words and words[0] == "v1"]
    assert (row[1], row[3]) == (pulled["digest"].removeprefix("sha256:"), "targets")
    before = held(bob)
    said = refused(bob, 6, "pull", f"{place.repository}:v2")
    assert "is not signed" in said
    assert held(bob) == before


@pytest.mark.peer("docker-registry", "notary-server", "notary")
def test_what_notarys_own_client_signed_is_pulled_and_a_swapped_tag_is_not(place: Place) -> None:
    plain = place.lading("plain")
    sent = json.loads(plain("copy", place.layout("good"), f"{place.repository}:v1", "--format", "json"))
    place.notary("init", place.repository, "-p")
    digest = sent["digest"].removeprefix("sha256:")
    place.notary("addhash", place.repository, "v1", str(sent["size"]), "--sha256", digest, "-p")

    assert (
        json.loads(place.docker_like("ann")("pull", f"{place.repository}:v1", "--format", "json"))["digest"]
        == (sent["digest"])
    )
    plain("copy", place.layout("evil"), f"{place.repository}:v1")
    assert "is signed as" in refused(place.docker_like("bob"), 6, "pull", f"{place.repository}:v1")
    assert held(place.docker_like("bob")) == []


@pytest.mark.peer("docker-registry", "notary-server")
def test_a_repository_that_nobody_ever_signed_in_is_refused(place: Place) -> None:
    place.lading("plain")("copy", place.layout("good"), f"{place.registry.host}/team/unsigned:v1")
    bob = place.docker_like("bob")

    refused(bob, 6, "pull", f"{place.registry.host}/team/unsigned:v1")

    assert held(bob) == []


@pytest.mark.peer("docker-registry")
def test_a_trust_server_that_is_not_there_refuses_with_the_networks_code(
    docker_registry: RunningRegistry, tmp_path: Path
) -> None:
    """Both ways; and of a push that could not be signed nothing is sent."""
    layout, image = tmp_path / "layout", f"{docker_registry.host}/team/app:v1"
    layouts.write_layout(layout, "good", layouts.write_image(layout, [layouts.layer("good", 1000)]))
    nowhere = {"DOCKER_CONTENT_TRUST": "1", "DOCKER_CONTENT_TRUST_SERVER": f"https://localhost:{programs.free_port()}"}
    lading = Lading(tmp_path / "data", tuple({**NAMES, **nowhere}.items()))

    assert "trust server" in refused(lading, 7, "push", f"oci:{layout}:good", image)
    assert [asked.path for asked in docker_registry.asked() if asked.method not in {"GET", "HEAD"}] == []
    lading("push", "--disable-content-trust", f"oci:{layout}:good", image)
    assert "trust server" in refused(lading, 7, "pull", image)
    assert held(lading) == []


# ── the order


@pytest.mark.peer("docker-registry", "notary-server", "notary", "openssl")
def test_a_reader_never_meets_a_tag_before_its_signature(place: Place) -> None:
    """Signed both ways; the registry's own log says what came when."""
    place.lading("ann")("trust", "key", "generate", "team", "--out", str(place.folder / "team"))
    ann = place.docker_like("ann", LADING_TRUST_KEY=str(place.folder / "team.key"))

    pushed = json.loads(ann("push", place.layout("good"), f"{place.repository}:v1", "--format", "json"))

    puts = [
        asked.path.rpartition("/")[2]
        for asked in place.registry.asked()
        if asked.method == "PUT" and "/manifests/" in asked.path
    ]
    image = puts.index(pushed["digest"])
    listed = puts.index(pushed["digest"].replace(":", "-"))  # the list of what refers to it, at this registry
    assert image < listed < puts.index("v1")
    assert "v1" in place.notary("list", place.repository)
    keys = ("--key", str(place.folder / "team.pub"))
    assert place.lading("bob").run("verify", f"{place.repository}:v1", *keys).returncode == 0


class Silent(TrustService):
    """Nothing is signed there, and who publishes waits until it is `over`."""

    def __init__(self, gun: str) -> None:
        super().__init__(TrustServer(gun), time.time())
        self.asked, self.over = threading.Event(), threading.Event()

    def publish(self, update: dict[str, bytes]) -> str | None:
        self.asked.set()
        self.over.wait(120)
        return "nobody waits for it any more"


@pytest.mark.peer("docker-registry")
def test_a_push_killed_while_it_signs_leaves_no_tag(docker_registry: RunningRegistry, tmp_path: Path) -> None:
    """Its trust server takes what it publishes, and never answers."""
    layout, image = tmp_path / "layout", f"{docker_registry.host}/team/app:v1"
    layouts.write_layout(layout, "good", layouts.write_image(layout, [layouts.layer("good", 1000)]))
    authority, silent = Authority(tmp_path), Silent(image.rpartition(":")[0])
    with listening(silent, authority.context(authority.server("localhost"))) as address:
        switch = {"DOCKER_CONTENT_TRUST": "1", "DOCKER_CONTENT_TRUST_SERVER": address}
        environment = {**NAMES, **switch, "LADING_TLS_CA": str(authority.certificate)}
        child = Lading(tmp_path / "data", tuple(environment.items())).start("push", f"oci:{layout}:good", image)
        try:
            assert silent.asked.wait(120)
            service_process.kill(child)
        finally:
            silent.over.set()

    blobs = [asked for asked in docker_registry.asked() if asked.method == "PUT" and "/blobs/" in asked.path]
    assert blobs, "the content was there"
    assert tags_of(docker_registry) == []


# ── a tag that moves meanwhile


class Moving:
    """Stands before a registry: the first who asks for the tag `v1` is told the good image, and all others the one that
    lies under `evil`."""

    def __init__(self, registry: RunningRegistry) -> None:
        self.registry, self.asked, self._lock = registry, 0, threading.Lock()

    def path(self, path: str) -> str:
        if not path.endswith("/manifests/v1"):
            return path
        with self._lock:
            self.asked += 1
            return path if self.asked == 1 else path.replace("/manifests/v1", "/manifests/evil")

    @contextmanager
    def listening(self) -> Iterator[str]:
        """host:port."""
        moving = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                connection = http.client.HTTPConnection(moving.registry.host, timeout=60)
                passed = {name: self.headers[name] for name in ("Accept", "Range") if self.headers[name]}
                connection.request(self.command, moving.path(self.path), headers=passed)
                answer = connection.getresponse()
                body = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in {"content-length", "connection", "date"}:
                        self.send_header(name, value)
                self.send_header("Content-Length", answer.headers["Content-Length"] or str(len(body)))
                self.end_headers()
                self.wfile.write(body)
                connection.close()

            do_HEAD = do_GET  # noqa: N815  as the library calls it

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@pytest.mark.peer("docker-registry")
@pytest.mark.parametrize("verb", ["pull", "copy"])
def test_a_tag_that_moves_after_it_was_verified_moves_nothing_else(
    verb: str, docker_registry: RunningRegistry, tmp_path: Path
) -> None:
    layout, moving = tmp_path / "layout", Moving(docker_registry)
    digests = {
        tag: layouts.write_layout(layout, tag, layouts.write_image(layout, [layouts.layer(tag, 1000)]))
        for tag in ("good", "evil")
    }
    plain = Lading(tmp_path / "plain", tuple(NAMES.items()))
    plain("trust", "key", "generate", "team", "--out", str(tmp_path / "team"))
    for tag, name in (("good", "v1"), ("evil", "evil")):
        plain("copy", f"oci:{layout}:{tag}", f"{docker_registry.host}/team/app:{name}")
    policy = '[[rule]]\nimages = ["*"]\nmode = "enforce"\nkeys = ["team.pub"]\n'
    with moving.listening() as host:
        here, plainly = tmp_path / "policy.toml", tmp_path / "config.toml"
        plainly.write_text(f'[registry."{host}"]\ntls = "http"\n')
        here.write_text(f'{policy}signed-as = ["{docker_registry.host}/*"]\n')
        plain("sign", f"{docker_registry.host}/team/app:v1", "--key", str(tmp_path / "team.key"))
        lading = Lading(tmp_path / "data", (("LADING_TRUST_POLICY", str(here)),))

        to = [f"oci:{tmp_path}/out"] if verb == "copy" else []
        moved = json.loads(lading(verb, f"{host}/team/app:v1", *to, "--config", str(plainly), "--format", "json"))

    evil = digests["evil"].removeprefix("sha256:")
    assert (moved["digest"], moving.asked) == (digests["good"], 1)
    assert not [path for path, _ in programs.files_below(tmp_path / "data") if path.name == evil]


# ── Docker hosts


@pytest.mark.peer("docker-registry", "notary-server", "dockerd", "docker")
def test_a_docker_host_gives_what_is_signed_and_takes_nothing_else(
    place: Place, docker_engine: programs.RunningDocker
) -> None:
    """Our engine moves what comes from a Docker host, and so signs it."""
    ann = place.docker_like("ann", DOCKER_HOST=f"unix://{docker_engine.socket}")
    image = f"{place.registry.host}/team/hosted"
    docker_engine("import", "-", "team/hosted:made", input=layouts.layer("made", 20_000)[0])

    ann("push", "docker:team/hosted:made", f"{image}:signed")
    ann("copy", "--disable-content-trust", f"{image}:signed", f"{image}:unsigned")
    ann("pull", "--to", "docker:", f"{image}:signed")
    said = refused(ann, 6, "pull", "--to", "docker:", f"{image}:unsigned")

    assert "is not signed" in said
    names = docker_engine("images", "--format", "{{.Repository}}:{{.Tag}}", image).split()
    assert names == [f"{image}:signed"]


# ── our own server


@pytest.mark.peer("notary")
def test_our_own_server_is_the_trust_server_of_its_registry(tmp_path: Path) -> None:
    """With docker's switch, and nothing said of a trust server."""
    layout, service = tmp_path / "layout", trusted_service(tmp_path / "service")
    layouts.write_layout(layout, "good", layouts.write_image(layout, [layouts.layer("good", 1000)]))
    known = {**NAMES, "SSL_CERT_FILE": str(service.authority.certificate)}
    with service.running():
        image = f"{service.host}/team/app"

        def person(name: str, **environment: str) -> Lading:
            lading = Lading(tmp_path / name / "data", tuple({**known, **environment}.items()))
            login = ("login", service.host, "-u", "admin", "--password-stdin")
            lading(*login, stdin=service_process.PASSWORD.encode())
            return lading

        ann, bob = person("ann", DOCKER_CONTENT_TRUST="1"), person("bob", LADING_CONTENT_TRUST="1")
        ann("push", f"oci:{layout}:good", f"{image}:v1")
        ann("push", "--disable-content-trust", f"oci:{layout}:good", f"{image}:v2")

        assert json.loads(bob("pull", f"{image}:v1", "--format", "json"))["references"][0].startswith(f"{image}:v1@")
        assert "is not signed" in refused(bob, 6, "pull", f"{image}:v2")
