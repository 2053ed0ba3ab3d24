from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from lading.backends.http.refusals import CertificateFileUnusable, CertificateUntrusted, ProxyUnreachable
from lading.engine.cancel import Cancellation
from lading.errors import AccessDenied, LadingError, NetworkFailed, StorageFailed
from lading.oci.digest import Digest
from lading.services.registries.registries import Registries
from lading.services.server.diagnosis import Diagnosis, Finding, Helper, Surroundings
from lading.wire.message import Cancel, ConnectFailed, PlainHttpAnswered
from tests.fakes.logins import Machine, Own, Probe, Search
from tests.fakes.sound_content import SoundContent

NONE_HERE: Mapping[str, float | None] = {}
DAY = 24 * 60 * 60.0


def findings(
    machine: Machine,
    *registries: str,
    error: LadingError | None = None,
    ports: Sequence[int] = (5000, 5001),
    content: SoundContent | None = None,
    reading: Cancel | None = None,
    running: int | None = None,
    advisories: Mapping[str, float | None] = NONE_HERE,
    **environment: str,
) -> dict[str, Finding]:
    probe = Probe()
    probe.error = error
    diagnosis = Diagnosis(
        machine,
        Registries(Search(), Own(), probe, docker=Own()),
        Surroundings("/data", lambda: ports, environment, lambda: advisories, lambda: running),
        lambda: 3,
        content or SoundContent(),
        service=lambda: [Finding("backup", True, "made today")],
    )
    return {finding.name: finding for finding in diagnosis.findings(registries, reading)}


def test_a_healthy_machine_is_well() -> None:
    found = findings(Machine(), "registry.test/acme/web", "registry.test")

    assert all(finding.well for finding in found.values())
    assert " ".join(found) == (
        "data disk content clock port proxy trust docker helpers scans backup registry.test/acme/web registry.test"
    )
    assert found["registry.test"].text == "answers; alice from Lading's own logins"


def test_every_line_that_failed_ends_with_a_command() -> None:
    class Sick(Machine):
        seconds = 0.0
        bytes_free = 10
        sockets = (("/var/run/docker.sock", False),)
        named = (Helper("docker-credential-gone", "~/.docker/config.json", missing=True),)

        def authorities(self) -> tuple[str, int]:
            raise StorageFailed("no certificates")

    found = findings(Sick())

    failed = {name for name, finding in found.items() if not finding.well}
    assert failed == {"disk", "clock", "docker", "helpers", "trust"}
    assert all(found[name].hint for name in failed)
    assert found["helpers"].text == "~/.docker/config.json names docker-credential-gone, which is not there"


@pytest.mark.parametrize(
    ("free", "answering", "ports", "finding"),
    [
        (True, "", [5000, 5001], Finding("port", True, "5000 is free for lading serve")),
        (True, "", [0], Finding("port", True, "any free one, as was asked")),
        (False, "lading", [5000, 5001], Finding("port", True, "5000 is served by Lading: lading serve runs")),
        (False, "lading", [5001], Finding("port", True, "5001 is served by Lading: lading serve runs")),
        (
            False,
            "nginx",
            [5000, 5001],
            Finding("port", True, "5000 is in use by another program; serve takes the next one"),
        ),
        (False, "", [5001], Finding("port", False, "5001 is in use by another program", "ss -ltnp 'sport = :5001'")),
    ],
)
def test_the_port_says_who_has_it(free: bool, answering: str, ports: Sequence[int], finding: Finding) -> None:
    machine = Machine()
    machine.free_port, machine.answering = free, answering

    assert findings(machine, ports=ports)["port"] == finding


def test_the_port_of_the_server_that_runs_here_is_told_whatever_the_next_one_would_try() -> None:
    told = Finding("port", True, "5055 is the registry's: lading serve runs over this data folder")

    assert findings(Machine(), running=5055)["port"] == told
    assert findings(Machine(), ports=(5055,), running=5055)["port"] == told


def test_a_registry_that_wants_a_login_is_answered_with_the_command_for_it() -> None:
    found = findings(Machine(), "registry.test/acme", error=AccessDenied("denied"))

    assert found["registry.test/acme"] == Finding("registry.test/acme", False, "denied", "lading login registry.test")


PROXY_HINT = "Correct the proxy variable, or have the host reached directly:"


@pytest.mark.parametrize(
    ("error", "command"),
    [
        (ConnectFailed("registry.test", "refused"), "curl -v https://registry.test/v2/"),
        (PlainHttpAnswered("registry.test"), "lading doctor --insecure registry.test"),
        (NetworkFailed("lost"), "lading -v ls registry.test --debug"),
        (CertificateUntrusted("registry.test"), CertificateUntrusted.command),
        (CertificateFileUnusable("CA file", "/ca.pem", "away"), CertificateFileUnusable.hint),
        (ProxyUnreachable("registry.test", "proxy:3128", "away"), f"{PROXY_HINT} NO_PROXY=registry.test"),
    ],
)
def test_a_registry_that_is_away_is_told_with_the_command_that_fits(error: LadingError, command: str) -> None:
    found = findings(Machine(), "registry.test", error=error)

    assert not found["registry.test"].well
    assert found["registry.test"].hint == command


def test_proxies_are_shown_without_their_passwords() -> None:
    found = findings(Machine(), HTTPS_PROXY="http://alice:s3cret@proxy.test:3128", no_proxy="localhost")

    assert found["proxy"].text == "HTTPS_PROXY=http://proxy.test:3128, NO_PROXY=localhost"


def test_damaged_content_is_known_without_reading_and_found_by_reading() -> None:
    broken = Digest.of(b"layer")
    content = SoundContent(broken=[broken])

    assert findings(Machine(), content=content)["content"] == Finding("content", True, "nothing is known to be damaged")
    read = findings(Machine(), content=content, reading=Cancellation())["content"]
    assert not read.well
    assert read.text == f"7 pieces read again, 3.0 GB; 1 damaged and set aside, such as {broken}"
    assert findings(Machine(), content=content)["content"].text == f"1 damaged and set aside, such as {broken}"


def test_content_that_is_named_and_not_here_is_missed() -> None:
    content = SoundContent(missing=(Digest.of(b"layer"),))

    found = findings(Machine(), content=content, reading=Cancellation())["content"]
    assert (found.well, found.text) == (
        False,
        f"7 pieces read again, 3.0 GB; 1 missing, such as {Digest.of(b'layer')}",
    )


@pytest.mark.parametrize(
    ("advisories", "well", "text"),
    [
        ({}, True, "no advisories are here; lading advisories update brings them"),
        ({"PyPI": None}, True, "advisories of 1 ecosystems, of unknown age"),
        ({"PyPI": -1 * DAY, "Debian:12": -29 * DAY}, True, "advisories of 2 ecosystems, the oldest of "),
        ({"PyPI": -1 * DAY, "Debian:12": -31 * DAY, "npm": None}, False, "advisories of 3 ecosystems, the oldest of "),
    ],
)
def test_old_advisories_are_told(advisories: Mapping[str, float | None], well: bool, text: str) -> None:
    machine = Machine()
    data = {name: None if ago is None else machine.now() + ago for name, ago in advisories.items()}

    found = findings(machine, advisories=data)["scans"]

    assert (found.well, found.text.startswith(text)) == (well, True)
    assert well or found.hint == "lading advisories update Debian"
