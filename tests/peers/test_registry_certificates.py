"""A real registry under TLS: whose certificate is believed, which of ours it takes, and what is said where not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.certificates import Authority, Certificate
from tests.peers import layouts, programs
from tests.peers.command import Lading
from tests.peers.programs import RunningRegistry
from tests.peers.secrecy import Witness

pytestmark = pytest.mark.peer("docker-registry")


@dataclass(frozen=True)
class Surroundings:
    """An authority that nobody knows by itself, and an image to send."""

    folder: Path
    authority: Authority
    source: str

    @property
    def ca(self) -> str:
        """The authority's own certificate."""
        return str(self.authority.certificate)

    @contextmanager
    def registry(self, server: Certificate | None = None, *, asks: bool = False) -> Iterator[RunningRegistry]:
        """One with this certificate, else a good one; `asks`: it lets in only clients of the authority."""
        shown = server or self.authority.server("127.0.0.1")
        believed = self.authority.certificate if asks else None
        folder = self.folder / "registry"
        with programs.docker_registry(folder, tls=(shown.certificate, shown.key), client_ca=believed) as registry:
            yield registry

    def lading(self, *environment: tuple[str, str]) -> Witness:
        """The command, with these variables."""
        return Witness(Lading(self.folder / "data", environment))

    def settings(self, host: str, **values: str) -> tuple[str, str]:
        """Flags that name a file with these settings of the host."""
        file = self.folder / "settings.toml"
        rows = [f'{name.replace("_", "-")} = "{value}"' for name, value in values.items()]
        file.write_text("\n".join([f'[registry."{host}"]', *rows, ""]))
        return "--config", str(file)


@pytest.fixture
def here(tmp_path: Path) -> Surroundings:
    layouts.five_layers(tmp_path / "layout", size=1000)
    return Surroundings(tmp_path, Authority(tmp_path), f"oci:{tmp_path / 'layout'}:v1")


# ── whom we believe

Trust = Callable[[Surroundings, str], tuple[tuple[str, ...], tuple[tuple[str, str], ...]]]

WAYS: dict[str, Trust] = {
    "a flag": lambda here, host: (("--tls-ca", here.ca), ()),
    "the settings file": lambda here, host: (here.settings(host, ca=here.ca), ()),
    "SSL_CERT_FILE": lambda here, host: ((), (("SSL_CERT_FILE", here.ca),)),
    "nobody is asked": lambda here, host: (("--insecure",), ()),
    "the settings ask nobody": lambda here, host: (here.settings(host, tls="skip"), ()),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_an_image_goes_and_comes_back_where_the_authority_is_named(here: Surroundings, way: Trust) -> None:
    with here.registry() as registry:
        flags, environment = way(here, registry.host)
        lading = here.lading(*environment)
        lading("copy", here.source, f"{registry.host}/app:1", *flags)
        lading("pull", f"{registry.host}/app:1", *flags)
        assert lading("ls", f"{registry.host}/app", *flags) == "1\n"


def test_a_private_authority_is_asked_for(here: Surroundings) -> None:
    with here.registry() as registry:
        for arguments in (
            ["copy", here.source, f"{registry.host}/app:1"],
            ["pull", f"{registry.host}/app:1"],
            ["ls", f"{registry.host}/app"],
            ["login", registry.host, "-u", "me", "--password-stdin"],
        ):
            refused = here.lading().refusal(*arguments, code=7, stdin=b"secret\n")
            assert refused["error"] == f"the certificate of {registry.host} is signed by nobody this machine trusts"
            assert "--tls-ca FILE" in refused["try"]
        assert registry.asked() == []


def test_another_authority_is_not_enough(here: Surroundings) -> None:
    stranger = Authority(here.folder, "Stranger")
    with here.registry() as registry:
        flags = ("--tls-ca", str(stranger.certificate))
        refused = here.lading().refusal("copy", here.source, f"{registry.host}/app:1", *flags, code=7)

    assert "is signed by nobody this machine trusts" in refused["error"]


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "no such file or directory"), ("hello", "it holds no certificate")]
)
@pytest.mark.parametrize("way", ["a flag", "the settings file", "SSL_CERT_FILE"])
def test_a_ca_file_that_cannot_be_used_is_named(here: Surroundings, way: str, content: str | None, reason: str) -> None:
    broken = here.folder / "broken.pem"
    if content is not None:
        broken.write_text(content)
    with here.registry() as registry:
        flags: tuple[str, ...] = ("--tls-ca", str(broken)) if way == "a flag" else ()
        if way == "the settings file":
            flags = here.settings(registry.host, ca=str(broken))
        lading = here.lading(*([("SSL_CERT_FILE", str(broken))] if way == "SSL_CERT_FILE" else []))
        refused = lading.refusal("copy", here.source, f"{registry.host}/app:1", *flags, code=2)

    kind = "SSL_CERT_FILE" if way == "SSL_CERT_FILE" else "CA file"
    assert refused["error"] == f"the {kind} {broken} cannot be used: {reason}"
    assert "PEM" in refused["try"]


BAD: dict[str, tuple[str, tuple[int, int], str, str]] = {
    "another name": ("registry.test", (-1, 30), "is for another name", "Use the name"),
    "another address": ("127.0.0.2", (-1, 30), "is for another name", "Use the name"),
    "expired": ("127.0.0.1", (-10, -1), "has expired", "renew the certificate"),
    "not yet valid": ("127.0.0.1", (2, 20), "is not valid yet", "Look at this machine's clock"),
}


@pytest.mark.parametrize(("name", "days", "said", "advice"), BAD.values(), ids=BAD)
def test_a_certificate_that_does_not_convince_is_told_by_its_reason(
    here: Surroundings, name: str, days: tuple[int, int], said: str, advice: str
) -> None:
    with here.registry(here.authority.server(name, days=days)) as registry:
        copying = ("copy", here.source, f"{registry.host}/app:1", "--tls-ca", here.ca)
        refused = here.lading().refusal(*copying, code=7)
        assert refused["error"] == f"the certificate of {registry.host} {said}"
        assert advice in refused["try"]
        assert registry.asked() == []
        here.lading()("copy", here.source, f"{registry.host}/app:1", "--insecure")


# ── who believes us


def test_our_certificate_opens_the_door(here: Surroundings) -> None:
    ours = here.authority.client()
    with here.registry(asks=True) as registry:
        shown = {"client_certificate": str(ours.certificate), "client_key": str(ours.key)}
        flags = here.settings(registry.host, ca=here.ca, **shown)
        lading = here.lading()
        lading("copy", here.source, f"{registry.host}/app:1", *flags)
        lading("pull", f"{registry.host}/app:1", *flags)
        lading.keeps([ours.key.read_text().splitlines()[1]])


def test_a_certificate_that_is_missing_is_asked_for(here: Surroundings) -> None:
    with here.registry(asks=True) as registry:
        copying = ("copy", here.source, f"{registry.host}/app:1", "--tls-ca", here.ca)
        refused = here.lading().refusal(*copying, code=7)

    assert refused["error"] == f"{registry.host} asks for a client certificate"
    assert f'client-certificate and client-key under [registry."{registry.host}"]' in refused["try"]


def test_a_certificate_of_strangers_is_not_taken(here: Surroundings) -> None:
    theirs = Authority(here.folder, "Stranger").client("stranger")
    with here.registry(asks=True) as registry:
        shown = {"client_certificate": str(theirs.certificate), "client_key": str(theirs.key)}
        flags = here.settings(registry.host, ca=here.ca, **shown)
        refused = here.lading().refusal("copy", here.source, f"{registry.host}/app:1", *flags, code=7)

    assert refused["error"] == f"{registry.host} does not take the client certificate {theirs.certificate}"


MISTAKES: dict[str, tuple[Callable[[Certificate, Path], dict[str, str]], str]] = {
    "no key": (lambda ours, other: {"client_certificate": str(ours.certificate)}, "no client-key is set"),
    "no certificate": (lambda ours, other: {"client_key": str(ours.key)}, "needs client-certificate beside it"),
    "a key that is away": (
        lambda ours, other: {"client_certificate": str(ours.certificate), "client_key": "/nonexistent.key"},
        "the client key /nonexistent.key cannot be used: no such file or directory",
    ),
    "another one's key": (
        lambda ours, other: {"client_certificate": str(ours.certificate), "client_key": str(other)},
        "it holds no key of that certificate",
    ),
}


@pytest.mark.parametrize(("shown", "said"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_the_settings_of_our_certificate_is_named(
    here: Surroundings, shown: Callable[[Certificate, Path], dict[str, str]], said: str
) -> None:
    ours, other = here.authority.client("ours"), here.authority.client("other")
    flags = here.settings("127.0.0.1:1", ca=here.ca, **shown(ours, other.key))
    refused = here.lading().refusal("copy", here.source, "127.0.0.1:1/app:1", *flags, code=2)

    assert said in refused["error"]


# ── TLS or none


def test_a_registry_without_tls_is_told_apart_and_never_taken_for_granted(here: Surroundings) -> None:
    with programs.docker_registry(here.folder / "plain") as registry:
        beyond = registry.host.replace("127.0.0.1", "0.0.0.0")  # an address that is not taken for this machine
        lading = here.lading()
        first = lading.refusal("copy", here.source, f"{beyond}/app:1", code=7)
        lading("copy", here.source, f"{beyond}/app:1", "--insecure")
        again = lading.refusal("copy", here.source, f"{beyond}/app:2", code=7)

    assert first == again
    assert first["error"] == f"{beyond} answers in plain HTTP, not TLS"
    assert "--insecure" in first["try"]


def test_plain_http_at_a_port_that_wants_tls_is_told_apart(here: Surroundings) -> None:
    with here.registry() as registry:
        flags = here.settings(registry.host, tls="http")
        for arguments in (["copy", here.source, f"{registry.host}/app:1"], ["pull", f"{registry.host}/app:1"]):
            refused = here.lading().refusal(*arguments, *flags, code=7)
            assert refused["error"] == f"{registry.host} speaks TLS, not plain HTTP"
            assert 'tls = "http"' in refused["try"]


def test_doctor_repeats_what_to_do(here: Surroundings) -> None:
    with here.registry() as registry:
        looked = here.lading().run("doctor", registry.host)
        well = here.lading().run("doctor", registry.host, "--tls-ca", here.ca)

    assert looked.returncode == 1
    assert b"is signed by nobody this machine trusts" in looked.stdout
    assert b"--tls-ca FILE" in looked.stdout
    assert well.returncode == 0
