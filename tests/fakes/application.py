"""The program over places in memory: everything the command line is handed, and its streams."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.fronts.cli.application import Administration, Configuration, Preferences, Shown
from lading.fronts.cli.console import Streams
from lading.fronts.cli.program import run
from lading.fronts.cli.running import EdgeAgent, OpenRegistry, Serving, Working
from lading.fronts.cli.servers import Contexts, RemoteServer, ServerLogins
from lading.oci.reference import Reference
from lading.services.backups.restoring import Restored
from lading.services.clocks import Clocks
from lading.services.embedded.images import Images
from lading.services.image_layouts import LayoutParts
from lading.services.notary.keys import Passphrase, TrustKeys
from lading.services.notary.notary import NotaryTrust
from lading.services.registries.registries import Registries
from lading.services.scans.advisories import AdvisoryKeeping
from lading.services.scans.local_scans import LocalScans
from lading.services.scans.scanner_choice import ScannerChoice
from lading.services.scans.scanner_updates import Updatable
from lading.services.server.diagnosis import Diagnosis, Surroundings
from lading.services.transfers.archives import Archives
from lading.services.transfers.transfers import Transfers
from lading.services.trust.content_trust import ContentTrust
from lading.services.trust.signatures import ImageSignatures
from lading.wire.authorize import Credential
from lading.wire.message import Cancel
from lading.wire.progress import Report
from tests.fakes.images import AMD64
from tests.fakes.logins import Machine, Own, Probe, Search
from tests.fakes.places import MemoryPlaces
from tests.fakes.records import Clock
from tests.fakes.scan_bench import PlayedInventories, PlayedScanner
from tests.fakes.sound_content import SoundContent


@dataclass(frozen=True)
class Served:
    """A service that is said to run."""

    address: str
    folder: str
    api: str = "http://127.0.0.1:3000"
    docker_hosts: Sequence[str] = ("/run/docker.sock",)
    docker: Sequence[str] = ("unix:///srv/lading/docker.sock",)
    open: bool = True
    setup: str | None = None
    renew: Callable[[], None] | None = None


@dataclass(frozen=True)
class PlayedAgent:
    """An agent that is stopped at once."""

    server: str = "wss://lading.corp/api/hawser/connect"
    engine: str = "/var/run/docker.sock"
    name: str = "edge"

    def run(self, cancel: Cancel) -> None:
        raise Cancelled


class SeenInMemory:
    """Fulfils services.trust.signatures.Counters for as long as it lives."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, int]] = {}

    def highest(self, reference: Reference) -> Mapping[str, int]:
        return self._seen.get(str(reference), {})

    def remember(self, reference: Reference, counters: Mapping[str, int]) -> None:
        seen = self._seen.setdefault(str(reference), {})
        for key, counter in counters.items():
            seen[key] = max(counter, seen.get(key, counter))


class MemoryApplication:
    """Fulfils fronts.cli.application.Application; remembers the flags it was opened with."""

    def __init__(self) -> None:
        self.places = MemoryPlaces()
        self.own_logins, self.probe, self.machine = Own(), Probe(), Machine()
        self.flags: Mapping[str, object] = {}
        self.opened = 0
        self.closed = 0
        self.clock = Clock(0.0)
        self.registries = Registries(Search(), self.own_logins, self.probe, docker=Own())
        self.transfers = Transfers(self.places, self.places.image_names, lambda: self.registries, AMD64, None)
        self.images = Images(self.places, self.places.image_names, self.places.collect, AMD64)
        self.archives = Archives(self.places, self.places.image_names, AMD64)
        self.signatures = ImageSignatures(self.places, SeenInMemory(), self.clock)
        self.trust_passphrase: str | None = None
        self.trust_key_file: str | None = None
        self.trust_policy_file: str | None = None
        self.trusted: ContentTrust | None = None
        self.diagnosis = Diagnosis(
            self.machine,
            self.registries,
            Surroundings("/data", lambda: [5000, 5001], {}, dict, lambda: None),
            lambda: 0,
            SoundContent(),
            service=tuple,
        )
        self.scanner, self.inventories = PlayedScanner("osv"), PlayedInventories()
        clocks = Clocks(self.clock, self.clock)
        self.scans = LocalScans(
            self.places,
            self.places.image_names,
            AMD64,
            layouts=_no_layouts,
            choice=ScannerChoice({"osv": self.scanner}, clocks),
            inventories=self.inventories,
        )
        self.configuration = Configuration(
            [
                Shown("lanes", "8", "LADING_LANES", "layers moved at a time"),
                Shown("password", "(set)", "LADING_PASSWORD_FILE", "its password"),
                Shown("host", "127.0.0.1", "default", "the address that serve listens on"),
            ],
            ["/home/alice/.config/lading/config.toml"],
        )

    def start(self, flags: Mapping[str, object]) -> MemoryApplication:
        """As `main` opens it."""
        self.flags = dict(flags)
        self.opened += 1
        return self

    @property
    def preferences(self) -> Preferences:
        flags = self.flags
        platform = flags.get("platform", ())
        form, progress = flags.get("format"), flags.get("progress", "auto")
        assert isinstance(platform, tuple)
        return Preferences(
            str(form) if form else None,
            str(progress),
            int(str(flags["lanes"])) if "lanes" in flags else None,
            platform,
        )

    @property
    def administration(self) -> Administration:
        """The service's commands are called over real data folders: tests.fakes.service_folder."""
        raise AssertionError("there is no data folder")

    @property
    def scanner_programs(self) -> Mapping[str, Updatable]:
        """Called over real data folders: tests/fronts/cli/test_scanner_commands.py."""
        raise AssertionError("there is no data folder")

    @property
    def advisories(self) -> AdvisoryKeeping:
        """Called over real data folders: tests/fronts/cli/test_advisory_commands.py."""
        raise AssertionError("there is no data folder")

    @property
    def remote(self) -> RemoteServer | None:
        """Servers elsewhere are called over real ones: tests/fronts/cli/test_server_commands.py."""
        return None

    @property
    def contexts(self) -> Contexts:
        """Kept in files: tests/fronts/cli/test_contexts.py."""
        raise AssertionError("there is no settings folder")

    @property
    def server_logins(self) -> ServerLogins:
        """Made by servers: tests/fronts/cli/test_server_commands.py."""
        raise AssertionError("there is no server")

    @property
    def token(self) -> str | None:
        return None

    def content_trust(self, ask: Passphrase | None = None) -> ContentTrust | None:
        return self.trusted

    def trust_passphrases(self, ask: Passphrase | None = None) -> Passphrase:
        """As the next two: tests/fronts/cli/trust."""
        raise AssertionError("there is no data folder")

    def trust_keys(self, ask: Passphrase | None = None) -> TrustKeys:
        """Kept in files."""
        raise AssertionError("there is no data folder")

    def notary(self, ask: Passphrase | None = None) -> NotaryTrust:
        """Asks trust servers."""
        raise AssertionError("there is no trust server")

    @property
    def one_off(self) -> Credential | None:
        if "username" not in self.flags and "password" not in self.flags:
            return None
        return Credential(str(self.flags.get("username", "")), str(self.flags.get("password", "")))

    def cancellation(self) -> Cancellation:
        seconds = self.flags.get("timeout")
        return Cancellation(float(str(seconds)) if seconds else None, clock=self.clock)

    def serve(self) -> AbstractContextManager[Serving]:
        return nullcontext(Served("127.0.0.1:5000", "/data"))

    def work(self) -> AbstractContextManager[Working]:
        """Met over real databases: tests/peers/test_workers.py."""
        raise AssertionError("there is no database")

    def agent(self) -> AbstractContextManager[EdgeAgent]:
        return nullcontext(PlayedAgent())

    def restore(self, place: str, report: Report, cancel: Cancel, *, keep_going: bool) -> Restored:
        """Called over real data folders: tests/fronts/cli/backups."""
        raise AssertionError("there is no data folder")

    def open_registry(self) -> AbstractContextManager[OpenRegistry]:
        return nullcontext(Served("127.0.0.1:5000", "/data"))

    def api_description(self) -> Mapping[str, object]:
        return {"openapi": "3.1.0"}

    def elsewhere(self, flags: Mapping[str, object]) -> MemoryApplication:
        return MemoryApplication().start(flags)

    def begin(self) -> None:
        """There is no folder to make."""

    def close(self) -> None:
        self.closed += 1


def _no_layouts(parts: LayoutParts) -> AbstractContextManager[Path]:
    raise AssertionError("no scanner here is a program")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Call:
    """One call of the program in this process: its exit code, and what it wrote."""

    def __init__(
        self,
        application: MemoryApplication,
        arguments: Sequence[str],
        *,
        stdin: bytes = b"",
        stderr: io.StringIO | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        out, err = io.StringIO(), stderr or io.StringIO()
        streams = Streams(io.BytesIO(stdin), out, err)
        self.code = run(application.start, arguments, streams, environment or {})
        self.out, self.err = out.getvalue(), err.getvalue()

    @property
    def json(self) -> Any:
        """What was printed, as JSON."""
        return json.loads(self.out)

    @property
    def labels(self) -> list[str]:
        """The labels of the lines that tell of a failure."""
        return [line.partition(":")[0] for line in self.err.splitlines()]
