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

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

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
    registries: Mapping[str, RegistrySettings] = field(default_factory=dict)
    origins: tuple[Origin, ...] = field(default=(), repr=False)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be text")
    return value


def _login(value: object) -> str:
    """What travels to registries, where bytes that are no text would mean something else to each."""
    text = _text(value)
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("must be text in UTF-8")
    return text


def _count(value: object) -> int:
    number = int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ValueError("must be a whole number from 1")
    return number


def _port(value: object) -> int:
    number = int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= 65535:
        raise ValueError("must be a port up to 65535; 0 is any free one")
    return number


_DIGITS = re.compile(r"[0-9]{1,9}")
_LONGEST = 365 * 24 * 60 * 60
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
_BYTES = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3, "KI": 1024, "MI": 1024**2, "GI": 1024**3}


def _seconds(value: object) -> float:
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smh]?)", str(value))
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not 0 < seconds <= _LONGEST:
        raise ValueError("must be a time like 30, 90s, 5m or 2h, and at most a year")
    return seconds


def _rate(value: object) -> int:
    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)([KMG]?I?)B?(?:/S)?", str(value).upper())
    if not match or match[2] not in _BYTES or not int(float(match[1]) * _BYTES[match[2]]):
        raise ValueError("must be bytes a second like 500K, 10M or 1Gi")
    return int(float(match[1]) * _BYTES[match[2]])


def _switch(value: object) -> bool:
    spelled = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.lower() not in spelled:
        raise ValueError("must be true or false")
    return spelled[value.lower()]


def _words(value: object) -> tuple[str, ...]:
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) and word for word in words):
        raise ValueError("must be words with commas between them, or a list")
    return tuple(words)


def _networks(value: object) -> tuple[str, ...]:
    words = _words(value)
    try:
        for word in words:
            ipaddress.ip_network(word, strict=False)
    except ValueError as error:
        raise ValueError("must be addresses or networks like 10.0.0.0/8, with commas between them") from error
    return words


def _url(value: object) -> str:
    match = re.fullmatch(
        r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?/?|https?://\[[0-9a-fA-F:.]+\](?::[0-9]{1,5})?/?", str(value)
    )
    if not match:
        raise ValueError("must be http:// or https:// with a host and perhaps a port")
    return str(value).rstrip("/")


def _database(value: object) -> str:
    if not str(value).startswith(("postgresql://", "postgres://")):
        raise ValueError("must be a postgresql:// URL")
    return str(value)


def _one_of(*names: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in names:
            raise ValueError(f"must be one of {', '.join(names)}")
        return str(value)

    return read


KEYS = (
    Key("data", _text, "the folder that holds content, names and keys"),
    Key("lanes", _count, "layers moved at a time", "pull 3, push 5"),
    Key("limit-rate", _rate, "bytes a second, like 10M", "no limit"),
    Key("platform", _words, "all, have, or os/architecture[/variant]", "pull this machine's, push and copy all"),
    Key("insecure", _switch, "plain HTTP or unverified TLS for the registries named"),
    Key("tls-ca", _text, "a PEM file of authorities to trust as well", "none"),
    Key("timeout", _seconds, "the longest a command may take, like 90s or 5m", "no limit"),
    Key("progress", _one_of("auto", "tty", "plain", "json", "none"), "how progress is shown"),
    Key("format", _text, "table, json or a template", "table"),
    Key("username", _login, "the login for this one command", "none"),
    Key("password", _login, "its password", "none", secret=True),
    Key("secret-key", _text, "the key that protects stored logins", "kept in the data folder", secret=True),
    Key("host", _text, "the address that serve listens on"),
    Key("port", _port, "the port of the API and its pages"),
    Key("registry-port", _port, "the port of the registry that serve runs", "5000, or the next free one"),
    Key("public-url", _url, "how others reach the API, like https://lading.corp", "none"),
    Key("registry-public-url", _url, "how others reach the registry", "none"),
    Key("trusted-proxies", _networks, "addresses or networks of proxies whose X-Forwarded-For counts", "none"),
    Key("tls-cert", _text, "a PEM file: the certificate that serve shows, and its chain", "none"),
    Key("tls-key", _text, "a PEM file: its key", "none"),
    Key("database", _database, "where rows are kept, like postgresql://…", "SQLite in the data folder", secret=True),
    Key("admin-password", _login, "makes the user admin with it at the first start", "none", secret=True),
    Key("no-auth", _switch, "serve anybody on this machine without a login"),
)
_BY_NAME = {key.name: key for key in KEYS}
_DEFAULTS = {each.name.replace("_", "-"): each.default for each in fields(Settings)}
_REGISTRY_KEYS: Mapping[str, Callable[[object], Value]] = {
    "tls": _one_of("verify", "skip", "http"),
    "insecure": _switch,
    "ca": _text,
    "client-certificate": _text,
    "client-key": _text,
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
