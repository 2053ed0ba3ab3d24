"""The listeners of `lading serve` as a process: TLS on both and its renewal, no logins on loopback only, the log."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fakes.certificates import Authority
from tests.peers import programs
from tests.peers.command import Lading

DEADLINE_SECONDS = 30.0


@dataclass
class Served:
    """What `lading serve` said of itself, and the process."""

    process: subprocess.Popen[bytes]
    log: Path
    said: Mapping[str, str]

    def records(self) -> list[dict[str, object]]:
        """The log's lines of JSON so far; what the command says to people is among them, and is none."""
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def logged(self, word: str) -> dict[str, object]:
        """The first record with this word, once it is there."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            for record in self.records():
                if word in str(record["message"]):
                    return record
            programs.select_nothing(0.05)
        raise AssertionError(f"no record says {word!r}:\n{self.log.read_text()}")


@contextlib.contextmanager
def serve(folder: Path, *arguments: str) -> Iterator[Served]:
    lading = Lading(folder / "data")
    log = folder / "serve.log"
    with log.open("wb") as errors:
        process = lading.start("serve", "--port", "0", "--registry-port", "0", *arguments, stderr=errors)
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline().decode().split() for _ in ("registry", "api")]
            assert all(lines), log.read_text()
            yield Served(process, log, dict(lines))
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=DEADLINE_SECONDS)


def expiry(url: str, trusting: ssl.SSLContext) -> str:
    host, port = url.removeprefix("https://").rsplit(":", 1)
    with (
        socket.create_connection((host, int(port)), 20) as plain,
        trusting.wrap_socket(plain, server_hostname=host) as connection,
    ):
        certificate = connection.getpeercert()
    assert certificate is not None
    return str(certificate["notAfter"])


def answer(url: str, trusting: ssl.SSLContext | None = None) -> tuple[int, bytes]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusting))
    try:
        with opener.open(url, timeout=20) as answered:
            return answered.status, answered.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_both_listeners_speak_tls_and_a_renewed_certificate_is_shown_after_sighup(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    first, later = authority.server("127.0.0.1"), authority.server("127.0.0.1", days=(-1, 60))
    trusting = ssl.create_default_context(cafile=authority.certificate)
    with serve(tmp_path, "--tls-cert", str(first.certificate), "--tls-key", str(first.key)) as served:
        api, registry = served.said["api"], f"https://{served.said['registry']}"
        assert api.startswith("https://")
        assert answer(f"{api}/healthz", trusting)[0] == 200
        assert answer(f"{registry}/v2/", trusting)[0] == 401
        old = expiry(api, trusting)
        assert expiry(registry, trusting) == old

        shutil.copy(later.key, first.key)
        served.process.send_signal(signal.SIGHUP)
        refused = served.logged("they do not belong together")
        assert refused["level"] == "error"
        assert expiry(api, trusting) == expiry(registry, trusting) == old

        shutil.copy(later.certificate, first.certificate)
        served.process.send_signal(signal.SIGHUP)
        served.logged("read again")
        assert expiry(api, trusting) == expiry(registry, trusting) != old


def test_without_logins_everybody_on_this_machine_may_do_everything(tmp_path: Path) -> None:
    with serve(tmp_path, "--no-auth") as served:
        assert answer(f"{served.said['api']}/api/users") == (200, b"[]")
        assert answer(f"http://{served.said['registry']}/v2/_catalog")[0] == 200
        assert "open to every program on this machine" in served.log.read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--no-auth", "--host", "0.0.0.0"], "without logins, Lading listens on this machine's own addresses only"),
        (["--host", "a..b"], "cannot listen on 'a..b'"),
        (["--tls-cert", "c.pem"], "--tls-cert and --tls-key belong together"),
        (["--tls-cert", "c.pem", "--tls-key", "k.pem"], "the certificate c.pem with the key k.pem cannot be used"),
    ],
)
def test_what_cannot_be_served_is_refused_before_anything_is_made(
    tmp_path: Path, arguments: list[str], told: str
) -> None:
    lading = Lading(tmp_path / "data")

    done = lading.run("serve", *arguments)

    assert done.returncode != 0
    assert told in done.stderr.decode()
    assert not list(lading.data.iterdir())


def test_the_log_is_a_line_of_json_a_request_and_holds_no_secret(tmp_path: Path) -> None:
    with serve(tmp_path) as served:
        api = served.said["api"]
        request = urllib.request.Request(f"{api}/api/users", headers={"Authorization": "Bearer lad_not-a-token-12345"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with pytest.raises(urllib.error.HTTPError) as refused:
            opener.open(request, timeout=20)
        refused.value.close()
        record = served.logged("GET /api/users 401")
        link = next(line.split()[-1] for line in served.log.read_text().splitlines() if line.startswith("set up"))
        assert answer(link)[0] == 200
        served.logged("GET /setup 200")

        assert {"time", "level", "logger", "message", "request", "route", "seconds"} <= set(record)
        token = link.rpartition("=")[2]
        assert not [each for each in served.records() if token in json.dumps(each) or "lad_" in json.dumps(each)]
