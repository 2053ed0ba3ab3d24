"""What the command line is handed: an Application, opened with the flags that were given; `main` makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lading.wire.message import Cancel

if TYPE_CHECKING:  # so that `lading version` imports none of it
    from lading.fronts.cli.running import EdgeAgent, OpenRegistry, Serving, Working
    from lading.fronts.cli.servers import Contexts, RemoteServer, ServerLogins
    from lading.services.agents.agents import Agents
    from lading.services.audit.view import Audit
    from lading.services.backups.backups import Made
    from lading.services.backups.restoring import Restored
    from lading.services.content.storage_figures import Storage
    from lading.services.distribution.distributions import DistributionRequests
    from lading.services.embedded.images import Images
    from lading.services.environments.environments import Environments
    from lading.services.identity.client_certificates import ClientCertificates
    from lading.services.identity.roles import Roles
    from lading.services.identity.tokens import Tokens
    from lading.services.identity.users import Users
    from lading.services.notary.keys import Passphrase, TrustKeys
    from lading.services.notary.notary import NotaryTrust
    from lading.services.promotion.promotion import Promotions
    from lading.services.registries.browsing import RegistryBrowsing
    from lading.services.registries.configured_registries import ConfiguredRegistries
    from lading.services.registries.registries import Registries
    from lading.services.repositories.guarded_repositories import GuardedRepositories
    from lading.services.retention.guarded_retention import GuardedRetention
    from lading.services.retention.runs import RetentionRuns
    from lading.services.running.jobs import Jobs
    from lading.services.scans.advisories import AdvisoryKeeping
    from lading.services.scans.local_scans import LocalScans
    from lading.services.scans.scanner_updates import Updatable
    from lading.services.server.diagnosis import Diagnosis
    from lading.services.transfers.archives import Archives
    from lading.services.transfers.transfers import Transfers
    from lading.services.trust.content_trust import ContentTrust
    from lading.services.trust.guarded_trust import GuardedTrust
    from lading.services.trust.keys import AcceptedKeys
    from lading.services.trust.signatures import ImageSignatures
    from lading.wire.authorize import Credential
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
    def held(self, host: str) -> float | None:
        """Until when every server and worker leaves the registry of this host[:port] alone, in seconds since 1970; None
        where it may be asked."""

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
    def repository_trust(self) -> GuardedTrust: ...
    @property
    def accepted_keys(self) -> AcceptedKeys: ...
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
    def trust_key_file(self) -> str | None:
        """What the setting `trust-key` names."""

    @property
    def trust_policy_file(self) -> str | None:
        """What the setting `trust-policy` names."""

    def content_trust(self, ask: Passphrase | None = None) -> ContentTrust | None:
        """What pulls hold against the trust policy and pushes are signed by; None where nothing of it is asked for.
        `ask` is asked for passphrases that no setting holds. Raises PolicyInvalid, StorageFailed."""

    def trust_passphrases(self, ask: Passphrase | None = None) -> Passphrase:
        """The passphrases of Notary keys: as settings and environment give them, else as `ask` does."""

    def trust_keys(self, ask: Passphrase | None = None) -> TrustKeys:
        """The Notary keys kept in the data folder."""

    def notary(self, ask: Passphrase | None = None) -> NotaryTrust:
        """Content trust by Notary v1, with these keys and the logins for registries."""

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
        """A backup becomes the data folder, which is empty. Raises as services.backups.restoring.restore does."""

    def open_registry(self) -> AbstractContextManager[OpenRegistry]:
        """Our registry alone, without logins, on loopback. Raises FolderServed, PortTaken, StorageFailed."""

    def serve(self) -> AbstractContextManager[Serving]:
        """The registry, on loopback, while inside.

        Raises FolderServed, OpenToOthers, PortTaken.
        """

    def work(self) -> AbstractContextManager[Working]:
        """Jobs that servers hand over are done while inside. Raises FolderServed, NothingShared, StorageFailed."""

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
