"""One frozen settings object, from flags, environment and files; read by main alone.

The order is: flag, `LADING_` + the flag's name (secrets also as `…_FILE`), the `--config` file, the user's file, the
system's file, the default (interfaces §1). No file is read from the working directory.

    data = "/srv/lading"            # a key as on the command line
    lanes = 8
    [registry."registry.corp:5000"] # how one host is reached
    tls = "verify"                  # verify, skip or http
    ca = "/etc/ssl/corp.pem"
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from lading import setting_readers as readers
from lading.errors import InputInvalid, StorageFailed

Value = str | int | float | bool | tuple[str, ...]
DEFAULT = "default"


class SettingInvalid(InputInvalid):
    """A setting whose value cannot be understood."""

    def __init__(self, name: str, origin: str, rule: str) -> None:
        super().__init__(name, origin, rule)
        self.name, self.origin, self.rule = name, origin, rule

    def __str__(self) -> str:
        return f"{self.name} ({self.origin}) {self.rule}"


class SettingUnknown(InputInvalid):
    """A key that no setting has; the hint names the nearest one."""

    def __init__(self, name: str, origin: str, known: Iterable[str]) -> None:
        import difflib  # noqa: PLC0415  only a wrong key needs it

        super().__init__(name, origin)
        self.name, self.origin = name, origin
        near = difflib.get_close_matches(name, list(known), 1)
        self.hint = f"Did you mean {near[0]}?" if near else "lading config show lists every key."

    def __str__(self) -> str:
        return f"there is no setting {self.name!r} ({self.origin})"


class SettingsUnreadable(StorageFailed):
    """A settings file, or the file of a secret, that cannot be read or is no TOML."""

    hint = "Correct the file; the path comes from a flag, from the environment, or is the user's own settings file."

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"cannot read {self.path}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Key:
    """One setting: its name on the command line, how its text is read, what it means, whether it is a secret.

    `unset` tells people what holds where nobody says, for settings whose default is no value of their own.
    """

    name: str
    read: Callable[[object], Value]
    meaning: str
    unset: str = ""
    secret: bool = False

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return "LADING_" + self.name.upper().replace("-", "_")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from, for people: `flag`, `LADING_LANES`, a file's path, `default`."""

    key: Key
    value: Value | None
    text: str

    @property
    def shown(self) -> str:
        """The value, or what holds where nobody said one, as people read it; a secret only says whether it is set."""
        if self.value is None:
            return self.key.unset or _spelled(_DEFAULTS[self.key.name])
        return "(set)" if self.key.secret else _spelled(self.value)


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """How one host is reached: `tls` is verify, skip or http; the others are paths of PEM files."""

    tls: str = "verify"
    insecure: bool = False
    ca: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that flags, environment and files decide; None: nobody said. Bytes a second, and seconds."""

    data: Path
    lanes: int | None = None
    limit_rate: int | None = None
    platform: tuple[str, ...] = ()
    insecure: bool = False
    tls_ca: str | None = None
    timeout: float | None = None
    progress: str = "auto"
    format: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    host: str = "127.0.0.1"
    port: int = 3000
    registry_port: int | None = None
    public_url: str | None = None
    registry_public_url: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    tls_cert: str | None = None
    tls_key: str | None = None
    database: str | None = field(default=None, repr=False)
    admin_password: str | None = field(default=None, repr=False)
    no_auth: bool = False
    docker_api: tuple[str, ...] = ()
    docker_api_group: str | None = None
    docker_api_role: str = "operator"
    push_lanes: int | None = None
    pull_lanes: int | None = None
    keep_free: int = 1024**3
    keep_free_percent: float = 5.0
    keep_unfinished: float = 7 * 24 * 60 * 60.0
    check_rate: int = 20_000_000
    check_every: float = 30 * 24 * 60 * 60.0
    retention_every: float = 24 * 60 * 60.0
    advisories_url: str = "https://osv-vulnerabilities.storage.googleapis.com"
    advisories_every: float | None = None
    advisories_ecosystems: tuple[str, ...] = (
        "AlmaLinux",
        "Alpine",
        "Chainguard",
        "Debian",
        "Go",
        "Maven",
        "NuGet",
        "Packagist",
        "PyPI",
        "Rocky Linux",
        "RubyGems",
        "Ubuntu",
        "Wolfi",
        "crates.io",
        "npm",
    )
    grype: str | None = None
    trivy: str | None = None
    scan_timeout: float = 600.0
    scan_cache: str | None = None
    scanner_update_every: float | None = None
    scan_every: float | None = None
    registries: Mapping[str, RegistrySettings] = field(default_factory=dict)
    origins: tuple[Origin, ...] = field(default=(), repr=False)


KEYS = (
    Key("data", readers.text, "the folder that holds content, names and keys"),
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
    Key("secret-key", readers.text, "the key that protects stored logins", "kept in the data folder", secret=True),
    Key("host", readers.text, "the address that serve listens on"),
    Key("port", readers.port, "the port of the API and its pages"),
    Key("registry-port", readers.port, "the port of the registry that serve runs", "5000, or the next free one"),
    Key("public-url", readers.url, "how others reach the API, like https://lading.corp", "none"),
    Key("registry-public-url", readers.url, "how others reach the registry", "none"),
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
_BY_NAME = {key.name: key for key in KEYS}
_DEFAULTS = {each.name.replace("_", "-"): each.default for each in fields(Settings)}
_REGISTRY_KEYS: Mapping[str, Callable[[object], Value]] = {
    "tls": readers.one_of("verify", "skip", "http"),
    "insecure": readers.switch,
    "ca": readers.text,
    "client-certificate": readers.text,
    "client-key": readers.text,
}


@dataclass(frozen=True, slots=True)
class File:
    """A settings file that was read: where it is and what its TOML says."""

    path: str
    content: Mapping[str, object]


ReadText = Callable[[str], str]
"""Gives a file's text. Raises SettingsUnreadable."""


def resolve(
    flags: Mapping[str, object],
    environment: Mapping[str, str],
    files: Sequence[File],
    data: Path | None,
    read: ReadText,
) -> Settings:
    """The settings, the first file first; `data` is the default folder, where there is one, and `read` opens the
    `…_FILE` of a secret.

    Raises SettingInvalid, SettingUnknown, SettingsUnreadable.
    """
    for file in files:
        _check_keys(file)
    origins = tuple(_origin(key, flags, environment, files, read) for key in KEYS)
    chosen = {origin.key.name.replace("-", "_"): origin.value for origin in origins if origin.value is not None}
    folder = _folder(chosen.pop("data", data))
    shown = tuple(Origin(o.key, str(folder), o.text) if o.key.name == "data" else o for o in origins)
    return Settings(folder, registries=_registries(files), origins=shown, **chosen)  # type: ignore[arg-type]  # KEYS and Settings agree by test


def _spelled(value: object) -> str:
    """As it would stand in the environment."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _folder(said: object) -> Path:
    try:
        folder = None if said is None else Path(str(said)).expanduser()
    except RuntimeError:  # ~ of somebody the system does not know
        folder = None
    if folder is None:
        raise SettingInvalid("data", DEFAULT, "must be said with --data or LADING_DATA: this user has no home folder")
    return folder


def _check_keys(file: File) -> None:
    for name in file.content:
        if name not in _BY_NAME and name != "registry":
            raise SettingUnknown(name, file.path, [*_BY_NAME, "registry"])


def _origin(
    key: Key, flags: Mapping[str, object], environment: Mapping[str, str], files: Sequence[File], read: ReadText
) -> Origin:
    """The first place that says something; an empty variable says nothing."""
    if flags.get(key.name) is not None:
        return _read(key, flags[key.name], f"--{key.name}")
    if environment.get(key.variable):
        return _read(key, environment[key.variable], key.variable)
    if key.secret and environment.get(f"{key.variable}_FILE"):
        return _read(key, read(environment[f"{key.variable}_FILE"]).rstrip("\r\n"), f"{key.variable}_FILE")
    for file in files:
        if key.name in file.content:
            return _read(key, file.content[key.name], file.path)
    return Origin(key, None, DEFAULT)


def _read(key: Key, value: object, origin: str) -> Origin:
    try:
        return Origin(key, key.read(value), origin)
    except ValueError as error:
        raise SettingInvalid(key.name, origin, str(error)) from error


def _registries(files: Sequence[File]) -> Mapping[str, RegistrySettings]:
    """By host; where two files speak of one host, the first file's table stands whole."""
    found: dict[str, RegistrySettings] = {}
    for file in reversed(files):
        tables = file.content.get("registry", {})
        if not isinstance(tables, Mapping):
            raise SettingInvalid("registry", file.path, 'must be tables like [registry."host:port"]')
        for host, table in tables.items():
            found[host] = _registry(host, table, file.path)
    return found


def _registry(host: str, table: object, path: str) -> RegistrySettings:
    if not isinstance(table, Mapping):
        raise SettingInvalid(f"registry.{host}", path, "must be a table")
    values: dict[str, Value] = {}
    for name, value in table.items():
        if name not in _REGISTRY_KEYS:
            raise SettingUnknown(f"registry.{host}.{name}", path, [f"registry.{host}.{key}" for key in _REGISTRY_KEYS])
        try:
            values[name.replace("-", "_")] = _REGISTRY_KEYS[name](value)
        except ValueError as error:
            raise SettingInvalid(f"registry.{host}.{name}", path, str(error)) from error
    if "client_key" in values and "client_certificate" not in values:
        raise SettingInvalid(f"registry.{host}.client-key", path, "needs client-certificate beside it")
    return RegistrySettings(**values)  # type: ignore[arg-type]  # _REGISTRY_KEYS and RegistrySettings agree by test
