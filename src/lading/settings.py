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

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

from lading import setting_readers as readers
from lading.errors import InputInvalid, Side, StorageFailed
from lading.setting_keys import KEYS, Key, Value

DEFAULT = "default"
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


class SettingInvalid(InputInvalid):
    """A setting whose value cannot be understood."""

    def __init__(self, name: str, origin: str, rule: str) -> None:
        super().__init__(name, origin, rule)
        self.name, self.origin, self.rule = name, origin, rule
        if _VARIABLE.fullmatch(origin):  # perhaps set long ago, for another program
            self.hint = f"Correct the environment variable {origin}, or unset it."

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

    side = Side.CALLER
    hint = "Correct the file; the path comes from a flag, from the environment, or is the user's own settings file."

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"cannot read {self.path}: {self.reason}"


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
            return self.unsaid
        return "(set)" if self.key.secret else _spelled(self.value)

    @property
    def unsaid(self) -> str:
        """What holds where nobody says anything."""
        return self.key.unset or _spelled(_DEFAULTS[self.key.name])


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
    content_trust: bool = False
    trust_policy: str | None = None
    trust_key: str | None = None
    trust_sig: bool = False
    trust_server: str | None = None
    trust_passphrase: str | None = field(default=None, repr=False)
    trust_root_passphrase: str | None = field(default=None, repr=False)
    trust_repository_passphrase: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    host: str = "127.0.0.1"
    port: int = 3000
    registry_port: int | None = None
    registry_processes: int = 1
    public_url: str | None = None
    registry_public_url: str | None = None
    replica_listen: str | None = None
    replica_url: str | None = None
    agent_buffer: int = 256 * 1024 * 1024
    server: str | None = None
    token: str | None = field(default=None, repr=False)
    context: str | None = None
    docker: str | None = None
    no_docker: bool = False
    name: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    tls_cert: str | None = None
    tls_key: str | None = None
    database: str | None = field(default=None, repr=False)
    admin_password: str | None = field(default=None, repr=False)
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = field(default=None, repr=False)
    oidc_scopes: tuple[str, ...] = ("openid", "profile", "email")
    oidc_groups_claim: str = "groups"
    oidc_roles: tuple[str, ...] = ()
    oidc_name: str = "single sign-on"
    no_auth: bool = False
    docker_api: tuple[str, ...] = ()
    docker_api_group: str | None = None
    docker_api_role: str = "operator"
    push_lanes: int | None = None
    pull_lanes: int | None = None
    host_lanes: int | None = None
    storage: str | None = None
    storage_moved_from: str | None = None
    storage_redirect: bool = False
    workers: bool = False
    worker_jobs: int = 64
    worker_listen: str | None = None
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
    for variable in key.variables:
        if environment.get(variable):
            return _read(key, environment[variable], variable)
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
