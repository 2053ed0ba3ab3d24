"""What the command line is handed: an Application, opened with the flags that were given; `main` makes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lading.wire.message import Cancel

if TYPE_CHECKING:  # so that `lading version` imports none of it
    from lading.services.advisories import AdvisoryKeeping
    from lading.services.agents import Agents
    from lading.services.archives import Archives
    from lading.services.audit_view import Audit
    from lading.services.backups import Made
    from lading.services.client_certificates import ClientCertificates
    from lading.services.configured_registries import ConfiguredRegistries
    from lading.services.diagnosis import Diagnosis
    from lading.services.distributions import DistributionRequests
    from lading.services.environments import Environments
    from lading.services.guarded_repositories import GuardedRepositories
    from lading.services.guarded_retention import GuardedRetention
    from lading.services.images import Images
    from lading.services.jobs import Jobs
    from lading.services.local_scans import LocalScans
    from lading.services.promotion import Promotions
    from lading.services.registries import Registries
    from lading.services.registry_browsing import RegistryBrowsing
    from lading.services.restoring import Restored
    from lading.services.retention_runs import RetentionRuns
    from lading.services.roles import Roles
    from lading.services.scanner_updates import Updatable
    from lading.services.signatures import ImageSignatures
    from lading.services.storage_figures import Storage
    from lading.services.tokens import Tokens
    from lading.services.transfers import Transfers
    from lading.services.users import Users
    from lading.wire.authorize import Credential
    from lading.wire.message import Reader
    from lading.wire.progress import Report


@dataclass(frozen=True, slots=True)
class Preferences:
    """How results and progress are wanted: `progress` is auto, tty, plain, json or none.

    `lanes` is None where nobody said. `platform` are words as people write them.
    """

    format: str | None = None
    progress: str = "auto"
    lanes: int | None = None
    platform: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting as `config show` prints it: `origin` is where its value came from, `default` where nobody said one.

    A secret only says whether it is set.
    """

    name: str
    value: str
    origin: str
    meaning: str

    @property
    def marked(self) -> str:
        """The value, with a word where it is the default."""
        return f"{self.value}  (default)" if self.origin == "default" else self.value


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings in force, the files that were read, in the order in which they are asked, and where they may be."""

    settings: Sequence[Shown]
    files: Sequence[str]
    places: Sequence[str] = ()


class Cancellation(Cancel, Protocol):
    """A Cancel that can be pulled, from any thread and from a signal's handler."""

    def cancel(self) -> None:
        """Ask the work to stop. Harmless twice."""


class OpenRegistry(Protocol):
    """A registry that runs."""

    @property
    def address(self) -> str:
        """host:port, as image names begin."""

    @property
    def folder(self) -> str:
        """Where its data lives."""


class Serving(OpenRegistry, Protocol):
    """The service that runs: the registry, and the API with its pages."""

    @property
    def api(self) -> str:
        """The URL of the API and its pages."""

    @property
    def open(self) -> bool:
        """Whether it asks for no login."""

    @property
    def docker_hosts(self) -> Sequence[str]:
        """Sockets of Docker hosts on this machine that it may use."""

    @property
    def setup(self) -> str | None:
        """The one-time link that makes the first admin, while there is none."""

    @property
    def docker(self) -> Sequence[str]:
        """What DOCKER_HOST may say: the addresses of the Docker Engine API."""

    @property
    def renew(self) -> Callable[[], None] | None:
        """Reads the certificate again, and logs what it cannot use; None where there is none."""


class EdgeAgent(Protocol):
    """The program beside a Docker host, which a server elsewhere uses through it."""

    @property
    def server(self) -> str:
        """Where it connects to."""

    @property
    def engine(self) -> str:
        """What it hands the server's requests to, for people."""

    @property
    def name(self) -> str:
        """What it is called."""

    def run(self, cancel: Cancel) -> None:
        """Until it is cancelled, which it raises."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """A secret key that was changed: how many secrets were sealed again, and the id of the key that seals now. `given`
    says that the environment holds it, not the data folder."""

    count: int
    key: str
    given: bool


class News(Protocol):
    """Tells that something of the service has changed, in this process or another."""

    def wait(self, cancel: Cancel) -> None:
        """Until then, or for a few seconds: news may be lost. Raises Cancelled."""


class Administration(Protocol):
    """The services of `lading serve` over the data folder of this machine, for its owner; a server may run there
    meanwhile."""

    @property
    def users(self) -> Users: ...
    @property
    def roles(self) -> Roles: ...
    @property
    def tokens(self) -> Tokens: ...
    @property
    def certificates(self) -> ClientCertificates: ...
    @property
    def docker_host(self) -> str | None:
        """Where others reach the Docker Engine API, `tcp://HOST:PORT`; None where no server listens on TCP."""

    @property
    def audit(self) -> Audit: ...
    @property
    def registries(self) -> ConfiguredRegistries: ...
    @property
    def browsing(self) -> RegistryBrowsing: ...
    @property
    def environments(self) -> Environments: ...
    @property
    def agents(self) -> Agents: ...
    @property
    def public_url(self) -> str | None:
        """How others reach the server; None where nobody said."""

    @property
    def own_url(self) -> str:
        """How this machine reaches it."""

    @property
    def distributions(self) -> DistributionRequests: ...
    @property
    def repositories(self) -> GuardedRepositories: ...
    @property
    def storage(self) -> Storage: ...
    @property
    def retention(self) -> GuardedRetention: ...
    @property
    def retention_runs(self) -> RetentionRuns: ...
    @property
    def promotions(self) -> Promotions: ...
    @property
    def jobs(self) -> Jobs: ...

    def hand_over(self) -> None:
        """A server may take up what was asked for, at once and not when this program ends; nothing more is asked for
        afterwards. Harmless twice."""

    def news(self) -> AbstractContextManager[News]:
        """Heard while inside."""

    def backup(self, place: str, report: Report, cancel: Cancel, *, content: bool, keys: bool) -> Made:
        """Into a folder or file, while whoever is at work goes on. Raises Refused and StorageFailed leaves,
        BackupInvalid, Cancelled."""

    def alone(self) -> AbstractContextManager[bool]:
        """Inside, no server begins over this data folder; or False: one is at work."""

    def rotate(self) -> Rotated:
        """A new key for the secrets at rest. No server is at work. Raises SealBroken, SecretKeyWrong, StorageFailed."""


class Context(Protocol):
    """A server that has a name of its own here."""

    @property
    def name(self) -> str: ...
    @property
    def server(self) -> str:
        """Its URL."""


class Contexts(Protocol):
    """The servers that have names here, kept in the user's settings folder."""

    @property
    def current(self) -> str | None:
        """The one that commands speak to where nobody says otherwise; None: they work on this machine."""

    def all(self) -> Sequence[Context]:
        """In order of name. Raises StorageFailed."""

    def create(self, name: str, server: str) -> Context:
        """Raises ContextInvalid, ContextExists, StorageFailed."""

    def use(self, name: str | None) -> None:
        """None: commands work on this machine again. Raises ContextUnknown, StorageFailed."""

    def remove(self, name: str) -> None:
        """Raises ContextUnknown, StorageFailed."""


class Heard(Protocol):
    """What a job told: `kind` is snapshot, line, tick, or end, which is the job as it stands then."""

    @property
    def kind(self) -> str: ...
    @property
    def told(self) -> Mapping[str, object]: ...


class RemoteServer(Protocol):
    """A Lading server elsewhere. Every method raises what it answers as the root that its status stands for, and
    Unreachable."""

    @property
    def url(self) -> str: ...
    def ask(
        self,
        method: str,
        path: str,
        cancel: Cancel,
        *,
        query: Mapping[str, str | int | None] | None = None,
        body: object = None,
    ) -> object:
        """The JSON of the answer, None where it has none."""

    def get(
        self, path: str, cancel: Cancel, query: Mapping[str, str | int | None] | None = None
    ) -> Mapping[str, object]:
        """An object."""

    def rows(
        self, path: str, cancel: Cancel, query: Mapping[str, str | int | None] | None = None
    ) -> Sequence[Mapping[str, object]]:
        """A whole list, however many pages it has."""

    def started(
        self,
        path: str,
        cancel: Cancel,
        *,
        query: Mapping[str, str | int | None] | None = None,
        body: object = None,
    ) -> str:
        """The id of the job that this makes."""

    def follow(self, job: str, cancel: Cancel) -> Iterator[Heard]:
        """What a job tells, from its beginning to its end, over whatever breaks in between."""

    def stream(
        self, path: str, cancel: Cancel, *, query: Mapping[str, str | int | None] | None = None
    ) -> AbstractContextManager[Reader | None]:
        """An answer as it comes."""

    def load(
        self,
        archive: Callable[[int], bytes],
        cancel: Cancel,
        query: Mapping[str, str | int | None] | None = None,
    ) -> str:
        """The id of the job that loads an archive, whose next so many bytes `archive` gives."""

    def give_up(self, job: str) -> None:
        """Ask the job to stop, in a few seconds or not at all; raises nothing."""

    def names(self, noun: str) -> Sequence[str]:
        """Names there for a shell that completes a word, of images, jobs, repository, registry, environment, user or
        role: in a moment or as they were lately; raises nothing."""

    def registry(self, cancel: Cancel) -> str:
        """host[:port] of its registry, as names of images here begin."""

    def uploads(self, cancel: Cancel) -> Transfers:
        """From places on this machine to its registry, with the login there."""


class ServerLogins(Protocol):
    """API tokens of Lading servers, kept here encrypted."""

    def address(self, server: str) -> str:
        """The URL as requests are sent to it. Raises InputInvalid."""

    def login(self, server: str, username: str, password: str, cancel: Cancel) -> str:
        """Makes a token there, and keeps it. Answers whose it is. Raises InputInvalid, AccessDenied, Unreachable."""

    def keep(self, server: str, token: str, cancel: Cancel) -> str:
        """Keeps a token that somebody has. Answers whose it is. Raises as `login` does."""

    def logout(self, server: str, cancel: Cancel) -> bool:
        """Forgets the token, and takes it back there where the server answers; False where there was none."""


class Application(Protocol):
    """Everything the commands call. Each part is opened when it is first asked for."""

    @property
    def preferences(self) -> Preferences: ...
    @property
    def configuration(self) -> Configuration: ...
    @property
    def transfers(self) -> Transfers: ...
    @property
    def images(self) -> Images: ...
    @property
    def archives(self) -> Archives: ...
    @property
    def registries(self) -> Registries: ...
    @property
    def signatures(self) -> ImageSignatures: ...
    @property
    def trust_passphrase(self) -> str | None:
        """What opens key files, as the environment gave it."""

    @property
    def scans(self) -> LocalScans: ...
    @property
    def advisories(self) -> AdvisoryKeeping: ...
    @property
    def scanner_programs(self) -> Mapping[str, Updatable]: ...
    @property
    def diagnosis(self) -> Diagnosis: ...
    @property
    def administration(self) -> Administration: ...
    @property
    def remote(self) -> RemoteServer | None:
        """The server that commands speak to; None: they work on this machine. Raises ContextUnknown, StorageFailed."""

    @property
    def contexts(self) -> Contexts: ...
    @property
    def server_logins(self) -> ServerLogins: ...
    @property
    def token(self) -> str | None:
        """The login at a server that flags or environment gave for this call."""

    @property
    def one_off(self) -> Credential | None:
        """The login that flags or environment gave for this call alone."""

    def begin(self) -> None:
        """From now on the data folder is made where it is not there, though somebody named it."""

    def cancellation(self) -> AbstractContextManager[Cancellation]:
        """What stops this call's work: pulled by hand, or by the --timeout that was given when it was opened."""

    def restore(self, place: str, report: Report, cancel: Cancel, *, keep_going: bool) -> Restored:
        """A backup becomes the data folder, which is empty. Raises as services.restoring.restore does."""

    def open_registry(self) -> AbstractContextManager[OpenRegistry]:
        """Our registry alone, without logins, on loopback. Raises FolderServed, PortTaken, StorageFailed."""

    def serve(self) -> AbstractContextManager[Serving]:
        """The registry, on loopback, while inside.

        Raises FolderServed, OpenToOthers, PortTaken.
        """

    def api_description(self) -> Mapping[str, object]:
        """The API of `serve` as an OpenAPI document."""

    def agent(self) -> AbstractContextManager[EdgeAgent]:
        """Set up and ready to run. Raises ServerMissing, TokenMissing, DockerHostInvalid, FolderServed."""

    def elsewhere(self, flags: Mapping[str, object]) -> Application:
        """The same program with other flags, closed by whoever asked: what the demo's laptop and registry are."""

    def close(self) -> None:
        """Closes every part that was opened."""


Start = Callable[[Mapping[str, object]], Application]
"""Opens the application with the flags given on the command line, by their names. Raises what settings raise."""
