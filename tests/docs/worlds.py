"""What is there before the first command of a page: registries, a service, images, engines."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from lading.backends.database.repositories import open_records
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.repositories.edits import HoldManifest, PointTag
from lading.services.repositories.records import Decide
from lading.services.repositories.rows import HeldManifest
from tests.docs.place import HERE, Place
from tests.fakes.advisory_files import advisory, folder_of
from tests.fakes.certificates import Authority
from tests.fakes.played_providers import service_key
from tests.peers import layouts, programs
from tests.peers.programs import RunningDocker
from tests.peers.service_process import PASSWORD, Service

World = Callable[[Place, pytest.FixtureRequest], None]

RAW = b'{"schemaVersion": 2}'
IMAGE = HeldManifest(Descriptor("application/vnd.oci.image.manifest.v1+json", Digest.of(RAW), len(RAW)))


def nothing(_place: Place, _request: pytest.FixtureRequest) -> None:
    """A machine and the program."""


def elsewhere(place: Place, _request: pytest.FixtureRequest) -> None:
    """Registries of others, as the README speaks of them."""
    docker = place.registry("docker.io", "quay.io")
    place.names |= {"alpine": f"{docker.host}/library/alpine", "web": f"{docker.host}/library/web"}
    place.registry("ghcr.io", "registry.corp")
    place.image("docker.io/library/alpine:3.20", seed="alpine")
    place.image("quay.io/acme/web:1.4")


def readme(place: Place, request: pytest.FixtureRequest) -> None:
    """Registries of others, an image of one's own, and a root file system."""
    elsewhere(place, request)
    place.names["make demo"] = "lading demo"  # which is what it runs: test_marks
    place.load(place.here("web:1.4"))
    with tarfile.open(place.home() / "rootfs.tar.xz", "w:xz") as archive:
        archive.addfile(tarfile.TarInfo("etc/motd"))


def hub(place: Place, request: pytest.FixtureRequest) -> None:
    """As above, with alpine alone."""
    elsewhere(place, request)


def air_gap(place: Place, _request: pytest.FixtureRequest) -> None:
    """Two registries, and a disk that both sides reach."""
    place.registry("ghcr.io")
    place.registry("registry.inside")
    disk = place.folder / "usb"
    disk.mkdir()
    place.names["/media/usb"] = str(disk)
    base, old, new = (layouts.layer(name, 200_000) for name in ("base", "old", "new"))
    for tag, layers in (("1.4", (base, old)), ("1.5", (base, new))):
        layout = place.folder / f"web-{tag}"
        layouts.write_layout(layout, "v1", layouts.write_image(layout, layers))
        target = f"docker://{place.here('ghcr.io')}/acme/web:{tag}"
        programs.skopeo("copy", "--dest-tls-verify=false", f"oci:{layout}:v1", target)


def team_registry(place: Place, _request: pytest.FixtureRequest) -> None:
    """Three machines; the second has two images, and both others the authority's file."""
    here = f"localhost:{place.port}"
    place.names |= {
        "https://lading.corp:3000": f"https://{here}",
        "https://lading.corp:5000": f"https://localhost:{place.registry_port}",
        "lading.corp:5000": f"localhost:{place.registry_port}",
        "DNS:lading.corp": "DNS:localhost",
        "/mnt/authority.pem": str(place.home() / "authority.pem"),
        "0.0.0.0:3000": f"0.0.0.0:{place.port}",
        "0.0.0.0:5000": f"0.0.0.0:{place.registry_port}",
    }
    for name in ("hello", "other"):
        place.load(f"{name}:1", seed=name, machine="laptop")


def service_page(place: Place, _request: pytest.FixtureRequest) -> None:
    """A registry to configure, and certificates for a Docker host that nobody asks."""
    place.names["/home/ann"] = str(place.home())
    registry = place.registry("registry.corp")
    place.names["https://registry.corp"] = f"http://{registry.host}"
    place.names["alpine:3.20"] = f"{registry.host}/library/alpine:3.20"
    place.image("registry.corp/library/alpine:3.20", seed="alpine")
    authority = Authority(place.folder)
    issued = authority.client("lading")
    for name, path in (("ca", authority.certificate), ("cert", issued.certificate), ("key", issued.key)):
        (place.home() / f"{name}.pem").write_bytes(path.read_bytes())


def people(place: Place, _request: pytest.FixtureRequest) -> None:
    """A service that runs, docker asking it by its socket."""
    place.variables |= {
        "PASSWORD": PASSWORD,
        "DOCKER_HOST": f"unix://{place.data()}/docker.sock",
        "REGISTRY_AUTH_FILE": str(place.folder / "podman.json"),
    }
    place.service()


def docker_door(place: Place, _request: pytest.FixtureRequest) -> None:
    """An image at a registry that stands for Docker Hub, and ann, who will have been set up."""
    registry = place.registry("docker.io")
    place.names["alpine:3.20"] = f"{registry.host}/library/alpine:3.20"
    place.image("docker.io/library/alpine:3.20", seed="alpine")
    place.names["/home/ann"] = str(place.home())
    (place.home() / "password.txt").write_text(PASSWORD)
    place.ann()


def backup(place: Place, _request: pytest.FixtureRequest) -> None:
    """A server with an image in it, and a disk."""
    place.names["/mnt/backup"] = str(place.folder / "backup")
    (place.folder / "backup").mkdir()
    place.load("team/app:1")
    words = ("registry", "add", "corp", "registry.corp", "-u", "ci", "--password-stdin")
    place.lading(*words, stdin="a password")


def pointing(tag: str) -> Decide:
    """The tag names the image."""
    return lambda _view: [HoldManifest(IMAGE), PointTag(tag, IMAGE.descriptor.digest)]


def tags_of_app(place: Place, *tags: str) -> None:
    """team/app of our own registry, whose tags moved one after the other; nothing but the program is needed."""
    place.calls_alone = True
    place.lading("repository", "ls")
    with closing(open_records(place.data() / "lading.db")) as records:
        for number, tag in enumerate(tags):
            records.change("team/app", pointing(tag), time.time() - 1000 + number)
    blob = place.data() / "content/blobs/sha256" / Digest.of(RAW).encoded
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(RAW)


def immutable_tags(place: Place, _request: pytest.FixtureRequest) -> None:
    """One tag."""
    tags_of_app(place, "1.0")


def signed_images(place: Place, request: pytest.FixtureRequest) -> None:
    """One tag, and a passphrase for keys, which are written where the page's reader stands."""
    moving: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
    moving.chdir(place.home())
    place.variables["LADING_TRUST_PASSPHRASE"] = "correct horse battery"
    tags_of_app(place, "1.0")


def retention(place: Place, _request: pytest.FixtureRequest) -> None:
    """Five tags, of which one is locked."""
    tags_of_app(place, "1.0", "build-1", "build-2", "build-3", "build-4")
    place.lading("lock", "team/app:build-1")


def providers(place: Place, _request: pytest.FixtureRequest) -> None:
    """A secret, and the key of a service account."""
    place.variables["SECRET"] = "a secret"
    (place.home() / "key.json").write_text(service_key(rsa.generate_private_key(65537, 2048)))


def remote(place: Place, _request: pytest.FixtureRequest) -> None:
    """A server elsewhere, which has an image and a login at a registry."""
    server = place.service("server")
    place.names["https://lading.corp"] = f"http://127.0.0.1:{place.port}"
    registry = place.registry("ghcr.io")
    place.registry("docker.io")
    server.registry(registry.host)
    place.image("docker.io/library/web:1.4")
    web = f"{place.here('docker.io')}/library/web:1.4"
    place.names["web:1.4"] = web
    status, told = server.ask("POST", "/api/images/pull", {"image": web}, {"Accept": "application/json"})
    assert status == 200, told
    (place.home() / "password.txt").write_text(PASSWORD)


def edge(place: Place, _request: pytest.FixtureRequest) -> None:
    """The server's machine."""
    nothing(place, _request)


def relay(place: Place, _request: pytest.FixtureRequest) -> None:
    """A registry that is configured."""
    place.lading("registry", "add", "corp", "registry.corp.example")


def rotation(place: Place, _request: pytest.FixtureRequest) -> None:
    """A service with a registry, a user and a token; and a machine on which no server runs."""
    place.variables["SECRET"] = "another good password"
    registry = place.registry("registry.corp", htpasswd=("ci", "another good password"))
    service = place.service()
    service.registry(registry.host, username="ci", password="the old one")
    service.ask("PUT", "/api/registries/1", {"name": "corp"})
    service.ask("POST", "/api/environments", {"name": "cellar", "connectionType": "hawser-edge"})
    words = ("registry", "add", "corp", "registry.corp", "-u", "ci", "--password-stdin")
    place.lading(*words, machine="stopped", stdin="a password")


def scanning(place: Place, _request: pytest.FixtureRequest) -> None:
    """An image with two packages of Python, what is known of them, and a service to which policies are told."""
    folder_of(
        place.home() / "advisories",
        advisory("PYSEC-2023-192", "urllib3", fixed="1.26.17", aliases=["CVE-2023-43804"], severity=rated("H")),
        advisory("PYSEC-2018-32", "urllib3", fixed="1.24.2", aliases=["CVE-2018-25091"], severity=rated("L")),
        advisory("PYSEC-2021-66", "jinja2", fixed="2.11.3", aliases=["CVE-2020-28493"]),
    )
    service = place.service()
    place.variables["TOKEN"] = service.token
    layout = place.folder / "layout-web"
    layers = [packages_of_python({"urllib3": "1.24.1", "jinja2": "2.10"})]
    layouts.write_layout(layout, "v1", layouts.write_image(layout, layers))
    place.load("web:1.4")


def rated(confidentiality: str) -> list[dict[str, str]]:
    """A CVSS vector by which somebody on the network reads so much."""
    return [{"type": "CVSS_V3", "score": f"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:{confidentiality}/I:N/A:N"}]


def packages_of_python(versions: Mapping[str, str]) -> tuple[bytes, str]:
    """A layer in which these are installed."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for name, version in versions.items():
            text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
            member = tarfile.TarInfo(f"usr/lib/python3/site-packages/{name}-{version}.dist-info/METADATA")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    plain = tar.getvalue()
    return gzip.compress(plain, 1, mtime=0), f"sha256:{hashlib.sha256(plain).hexdigest()}"


def recipes(place: Place, request: pytest.FixtureRequest) -> None:
    """A registry, and the image that the step before left."""
    place.registry("ghcr.io")
    layout = place.home() / "image"
    layouts.write_layout(layout, "v1", layouts.write_image(layout, [packages_of_python({"urllib3": "2.6.0"})]))
    known = folder_of(place.folder / "advisories", advisory("PYSEC-2023-192", "urllib3", fixed="1.26.17"))
    place.lading("advisories", "import", str(known))


def signing(place: Place, _request: pytest.FixtureRequest) -> None:
    """A registry with two images."""
    place.registry("registry.corp")
    place.image("registry.corp/team/app:1.4", "registry.corp/team/other:1", size=1000)


def content_trust(place: Place, _request: pytest.FixtureRequest) -> None:
    """A server with TLS and two images, two people who are logged in, and disks that both reach."""
    host = f"localhost:{place.registry_port}"
    place.names |= {"lading.corp:5000": host}
    for name in ("share", "drawer"):
        (place.folder / name).mkdir()
        place.names[f"/mnt/{name}"] = str(place.folder / name)
    authority = Authority(place.folder)
    served = authority.server("localhost")
    place.variables |= {"SSL_CERT_FILE": str(authority.certificate), "LADING_TLS_CA": str(authority.certificate)}
    settings = {"LADING_TLS_CERT": str(served.certificate), "LADING_TLS_KEY": str(served.key)}
    place.data("server").mkdir(mode=0o700, parents=True)
    server = Service(place.data("server"), settings, place.port, place.registry_port, token="none is needed")
    place.stack.enter_context(server.running())
    place.ann("server")
    words = ("user", "add", "alice", "--role", "publisher", "--password-stdin")
    place.lading(*words, machine="server", stdin=PASSWORD)
    for name, machine in (("ann", HERE), ("alice", "alice")):
        place.machine(machine).run(f"printf %s '{PASSWORD}' | lading login {host} -u {name} --password-stdin")
    for tag in ("1.4", "1.5"):
        told = place.machine().run(f"lading copy {place.image(seed=tag, size=1000)} {host}/team/app:{tag}")
        assert told.code == 0, told.text


def engine(request: pytest.FixtureRequest) -> RunningDocker:
    """The real one that tests of a process share."""
    docker: RunningDocker = request.getfixturevalue("docker_engine")
    return docker


WORLDS: Mapping[str, World] = {
    "README": readme,
    "tutorials/air-gap": air_gap,
    "tutorials/first-private-registry": team_registry,
    "how-to/service": service_page,
    "how-to/people": people,
    "how-to/docker-api": docker_door,
    "how-to/backup": backup,
    "how-to/upgrade": backup,
    "how-to/immutable-tags": immutable_tags,
    "how-to/signed-images": signed_images,
    "how-to/retention": retention,
    "how-to/remote": remote,
    "how-to/edge": edge,
    "how-to/relay": relay,
    "how-to/rotate-credentials": rotation,
    "how-to/scanning": scanning,
    "how-to/sign-and-verify": signing,
    "how-to/content-trust": content_trust,
    "how-to/ci": recipes,
    "how-to/docker-hub-limits": hub,
    "how-to/providers": providers,
    **{
        f"how-to/providers/{name}": providers
        for name in ("docker-hub", "ghcr", "ecr", "gar", "acr", "quay", "harbor", "gitlab")
    },
}

LONG = frozenset({"how-to/rotate-credentials"})
"""Pages that `make proof` runs: each of their commands stands on another page, or in a test, too."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "how-to/people": ("docker", "podman"),
    "how-to/docker-api": ("docker", "docker-registry", "skopeo"),
    "how-to/content-trust": ("docker",),
}
"""Real programs of a page, where these are others than skopeo and docker-registry."""
