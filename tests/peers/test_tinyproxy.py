"""Images through a real proxy: plain HTTP in absolute form, TLS by CONNECT, and a login that the proxy wants."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.fakes.certificates import Authority
from tests.peers import layouts, programs
from tests.peers.command import Lading
from tests.peers.programs import RunningRegistry

pytestmark = pytest.mark.peer("tinyproxy", "docker-registry")


@dataclass(frozen=True)
class Tinyproxy:
    """One that is up; `log` holds what it was asked."""

    port: int
    log: Path

    def url(self, login: str = "") -> str:
        """For a proxy variable."""
        return f"http://{f'{login}@' if login else ''}127.0.0.1:{self.port}"


@contextmanager
def tinyproxy(folder: Path, login: tuple[str, str] | None = None) -> Iterator[Tinyproxy]:
    program = programs.find("tinyproxy")
    assert program
    folder.mkdir()
    port, log, configuration = programs.free_port(), folder / "tinyproxy.log", folder / "tinyproxy.conf"
    lines = [f"Port {port}", "Listen 127.0.0.1", "LogLevel Connect", "Timeout 60", "MaxClients 50"]
    lines += [f"BasicAuth {' '.join(login)}"] if login else []
    configuration.write_text("\n".join(lines) + "\n")
    with programs.process([program, "-d", "-c", str(configuration)], log) as child:
        programs.wait_for_port(port, child, log)
        yield Tinyproxy(port, log)


def _beyond(registry: RunningRegistry) -> str:
    """The registry by an address that the command does not take for this machine, which never needs a proxy."""
    return registry.host.replace("127.0.0.1", "0.0.0.0")


@pytest.fixture
def source(tmp_path: Path) -> str:
    """A small image in a layout."""
    layouts.five_layers(tmp_path / "layout")
    return f"oci:{tmp_path / 'layout'}:v1"


@pytest.mark.parametrize("protected", [False, True], ids=["plain HTTP", "TLS"])
def test_an_image_goes_through_and_comes_back(tmp_path: Path, source: str, protected: bool) -> None:
    authority = Authority(tmp_path)
    certificate = authority.server("0.0.0.0")
    tls = (certificate.certificate, certificate.key) if protected else None
    trust = ["--tls-ca", str(authority.certificate)] if protected else ["--insecure"]
    with (
        programs.docker_registry(tmp_path / "registry", tls=tls) as registry,
        tinyproxy(tmp_path / "proxy", ("ann", "pass")) as proxy,
    ):
        variable = "HTTPS_PROXY" if protected else "HTTP_PROXY"
        lading = Lading(tmp_path / "data", ((variable, proxy.url("ann:pass")),))
        image = f"{_beyond(registry)}/app:1"
        lading("copy", source, image, *trust)
        lading("copy", image, f"oci:{tmp_path / 'back'}:v1", *trust)
        asked = proxy.log.read_text()

    assert (f"CONNECT {_beyond(registry)}" in asked) is protected
    assert registry.asked()
    blobs = {path.name for path in (tmp_path / "layout/blobs/sha256").iterdir()}
    assert {path.name for path in (tmp_path / "back/blobs/sha256").iterdir()} == blobs


def test_a_proxy_that_wants_a_login_is_named(tmp_path: Path, source: str) -> None:
    with (
        programs.docker_registry(tmp_path / "registry") as registry,
        tinyproxy(tmp_path / "proxy", ("ann", "pass")) as proxy,
    ):
        lading = Lading(tmp_path / "data", (("ALL_PROXY", proxy.url()),))
        refused = lading.run("copy", source, f"{_beyond(registry)}/app:1", "--insecure")
        spared = replace(lading, environment=(*lading.environment, ("NO_PROXY", "0.0.0.0")))
        spared("copy", source, f"{_beyond(registry)}/app:1", "--insecure")

    told = refused.stderr.decode()
    assert refused.returncode == 7
    assert f"the proxy 127.0.0.1:{proxy.port} answered 407" in told
