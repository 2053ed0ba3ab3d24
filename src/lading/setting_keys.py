"""The table of settings: their names, how their text is read, and what they mean to people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lading import setting_readers as readers

Value = str | int | float | bool | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: its name on the command line, how its text is read, what it means, whether it is a secret.

    `unset` tells people what holds where nobody says, for settings whose default is no value of their own. `docker` is
    docker's own variable for the same thing, which counts where ours says nothing.
    """

    name: str
    read: Callable[[object], Value]
    meaning: str
    unset: str = ""
    secret: bool = False
    docker: str = ""

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "LADING_" + self.name.upper().replace("-", "_")

    @property
    def variables(self) -> tuple[str, ...]:
        """Every variable that sets it, the first before the others."""
        return (self.variable, self.docker) if self.docker else (self.variable,)


KEYS = (
    Key("data", readers.text, "the folder that holds content, names and keys", "the user's own, or /var/lib/lading"),
    Key("lanes", readers.count, "layers moved at a time", "pull 3, push 5"),
    Key("limit-rate", readers.rate, "bytes a second, like 10M", "no limit"),
    Key("platform", readers.words, "all, have, or os/architecture[/variant]", "pull this machine's, push and copy all"),
    Key("insecure", readers.switch, "plain HTTP or unverified TLS for the registries named"),
    Key("tls-ca", readers.text, "a PEM file of authorities to trust as well", "none"),
    Key("timeout", readers.seconds, "the longest a command may take, like 90s or 5m", "no limit"),
    Key("progress", readers.one_of("auto", "tty", "plain", "json", "none"), "how progress is shown"),
    Key("format", readers.text, "table, json or a template", "table"),
    Key("username", readers.login, "the login for this one command", "none"),
    Key("password", readers.login, "its password", "none", secret=True),
    Key(
        "content-trust",
        readers.docker_switch,
        "pull only what is signed, and sign what is pushed",
        docker="DOCKER_CONTENT_TRUST",
    ),
    Key("trust-policy", readers.text, "a file of rules that say who must sign which images", "none"),
    Key("trust-key", readers.text, "the private key file that pushes sign with under content-trust", "none"),
    Key("trust-sig", readers.switch, "pushes also write cosign's older form, which podman and skopeo read"),
    Key(
        "trust-server",
        readers.web_address,
        "the Notary server that is asked, like https://notary.corp",
        "https:// and the host of each registry",
        docker="DOCKER_CONTENT_TRUST_SERVER",
    ),
    Key("trust-passphrase", readers.login, "opens the key files that sign images", "none", secret=True),
    Key(
        "trust-root-passphrase",
        readers.login,
        "opens the root key of Notary's content trust",
        "trust-passphrase",
        secret=True,
        docker="DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE",
    ),
    Key(
        "trust-repository-passphrase",
        readers.login,
        "opens Notary's other keys: those of repositories and of signers",
        "trust-passphrase",
        secret=True,
        docker="DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE",
    ),
    Key("secret-key", readers.text, "the key that protects stored logins", "kept in the data folder", secret=True),
    Key("host", readers.text, "the address that serve listens on"),
    Key("port", readers.port, "the port of the API and its pages"),
    Key("registry-port", readers.port, "the port of the registry that serve runs", "5000, or the next free one"),
    Key("registry-processes", readers.count, "processes that serve the registry; with 1 serve does it itself"),
    Key("public-url", readers.public_url, "how others reach the API, like https://lading.corp", "none"),
    Key("registry-public-url", readers.url, "how others reach the registry", "none"),
    Key(
        "replica-listen",
        readers.listener,
        "HOST:PORT where other servers of the same database ask for agents",
        "nowhere",
    ),
    Key("replica-url", readers.url, "how those servers reach it", "http:// or https:// and replica-listen"),
    Key("agent-buffer", readers.size, "bytes that are held of one answer of an agent, where whoever wants it is slow"),
    Key(
        "server",
        readers.server_address,
        "the server that commands and the agent speak to, like https://lading.corp",
        "none",
    ),
    Key("token", readers.login, "the login there: an API token, or the agent's token", "none", secret=True),
    Key("context", readers.text, "the server that commands speak to, by its name", "what lading context use chose"),
    Key("docker", readers.text, "the agent's Docker host: unix:///PATH or tcp://HOST:PORT", "docker's own"),
    Key("no-docker", readers.switch, "the agent has no Docker host: the server uses Lading's own engine there"),
    Key("name", readers.text, "what the agent is called", "this machine's name"),
    Key("trusted-proxies", readers.networks, "addresses or networks of proxies whose X-Forwarded-For counts", "none"),
    Key("tls-cert", readers.text, "a PEM file: the certificate that serve shows, and its chain", "none"),
    Key("tls-key", readers.text, "a PEM file: its key", "none"),
    Key(
        "database",
        readers.database,
        "where rows are kept, like postgresql://…",
        "SQLite in the data folder",
        secret=True,
    ),
    Key("admin-password", readers.login, "makes the user admin with it at the first start", "none", secret=True),
    Key("oidc-issuer", readers.issuer, "the URL of the provider of single sign-on, exactly as it says itself", "none"),
    Key("oidc-client-id", readers.login, "what the provider calls this server", "none"),
    Key("oidc-client-secret", readers.login, "the secret that the provider gave it, if it did", "none", secret=True),
    Key("oidc-scopes", readers.words, "what is asked for of a person, with commas between them"),
    Key("oidc-groups-claim", readers.text, "where the provider says a person's groups: a claim, or a path with dots"),
    Key(
        "oidc-roles",
        readers.roles_of_groups,
        "roles of groups, like GROUP=ROLE,GROUP=ROLE; the group * is everybody of the provider",
        "none",
    ),
    Key("oidc-name", readers.text, "what people call the provider"),
    Key("no-auth", readers.switch, "serve anybody on this machine without a login"),
    Key(
        "docker-api",
        readers.docker_doors,
        "further addresses of the Docker Engine API: unix:///PATH or tcp://HOST:PORT, perhaps with ?env=ID; off: "
        "no socket in the data folder",
        "docker.sock in the data folder",
    ),
    Key("docker-api-group", readers.text, "who may use its sockets beside the server's own user", "the user's group"),
    Key("docker-api-role", readers.text, "the role of a user of this machine who comes to its sockets first"),
    Key("push-lanes", readers.count, "layers that one push of serve moves at a time", "lanes, or 5"),
    Key("pull-lanes", readers.count, "layers that one pull of serve moves at a time", "lanes, or 3"),
    Key(
        "host-lanes",
        readers.count,
        "layers that all servers and workers together send to one registry at a time, and as many that they read there",
        "no limit",
    ),
    Key("storage", readers.storage, "where serve keeps content: s3://BUCKET/PREFIX", "content in the data folder"),
    Key(
        "storage-moved-from",
        readers.place_of_content,
        "where all content was, that somebody moved to storage: folder or s3://BUCKET/PREFIX",
        "content has not moved",
    ),
    Key(
        "storage-redirect",
        readers.switch,
        "serve sends clients to the object store for blobs from 1 MiB on, by signed addresses: they must reach it",
    ),
    Key("workers", readers.switch, "serve hands jobs over to lading worker, and does none itself"),
    Key("worker-jobs", readers.count, "jobs that a worker does at once"),
    Key(
        "worker-listen",
        readers.local_listener,
        "[HOST:]PORT where a worker answers /healthz, /readyz and /metrics; without HOST on this machine alone",
        "nowhere",
    ),
    Key("keep-free", readers.size, "bytes of the disk below which no upload or pull begins, like 1Gi; 0 is none"),
    Key(
        "keep-free-percent", readers.percent, "the same as a part of the disk, in percent; the larger of the two counts"
    ),
    Key("keep-unfinished", readers.seconds, "how long what an interrupted transfer left is kept, like 12h or 7d"),
    Key("check-rate", readers.size, "bytes a second of kept content that serve reads again to check it; 0 is never"),
    Key("check-every", readers.seconds, "how long it takes serve to check all of it once, like 30d"),
    Key("retention-every", readers.seconds, "how often serve carries out the rules of retention, like 12h or 1d"),
    Key("advisories-url", readers.web_address, "where advisories are brought from: OSV's dumps, or a mirror of them"),
    Key("advisories-every", readers.seconds, "how often serve brings advisories up to date, like 6h or 1d", "never"),
    Key("advisories-ecosystems", readers.words, "which of them, as OSV names them, with commas between them"),
    Key("grype", readers.text, "the scanner grype, where it is not on PATH", "grype on PATH"),
    Key("trivy", readers.text, "the scanner trivy, where it is not on PATH", "trivy on PATH"),
    Key("scan-timeout", readers.seconds, "how long a scan by them may take, and a minute more for each GB, like 10m"),
    Key("scan-cache", readers.text, "the folder of their databases", "scanners in the data folder"),
    Key("scanner-update-every", readers.seconds, "how often serve brings their databases up to date, like 1d", "never"),
    Key("scan-every", readers.seconds, "how often serve scans all images, where a scanner is chosen, like 1d", "never"),
)
