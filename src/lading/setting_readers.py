"""How the text of each kind of setting is read: from a flag, a variable, or a value of TOML.

Each reader raises ValueError with the rule that the text breaks.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable


def text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("must be text")
    return value


def login(value: object) -> str:
    """What travels to registries, where bytes that are no text would mean something else to each."""
    written = text(value)
    if any("\ud800" <= character <= "\udfff" for character in written):
        raise ValueError("must be text in UTF-8")
    return written


def count(value: object) -> int:
    number = int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ValueError("must be a whole number from 1")
    return number


def storage(value: object) -> str:
    """An address of content that many machines may share; looked at closer by what opens it."""
    address = text(value)
    if not address.startswith("s3://"):
        raise ValueError("must be s3://BUCKET/PREFIX")
    return address


FOLDER = "folder"
"""What the place of content in the data folder is called."""


def place_of_content(value: object) -> str:
    """Where content is, or was."""
    place = text(value)
    if place != FOLDER and not place.startswith("s3://"):
        raise ValueError(f"must be {FOLDER} or s3://BUCKET/PREFIX")
    return place


def port(value: object) -> int:
    number = int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= 65535:
        raise ValueError("must be a port up to 65535; 0 is any free one")
    return number


_DIGITS = re.compile(r"[0-9]{1,9}")
_LONGEST = 365 * 24 * 60 * 60
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3, "KI": 1024, "MI": 1024**2, "GI": 1024**3}


def seconds(value: object) -> float:
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhd]?)", str(value))
    seconds = float(match[1]) * _UNITS[match[2]] if match else 0.0
    if not 0 < seconds <= _LONGEST:
        raise ValueError("must be a time like 30, 90s, 5m, 2h or 7d, and at most a year")
    return seconds


def rate(value: object) -> int:
    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,15})?)([KMG]?I?)B?(?:/S)?", str(value).upper())
    if not match or match[2] not in _BYTES or not int(float(match[1]) * _BYTES[match[2]]):
        raise ValueError("must be bytes a second like 500K, 10M or 1Gi")
    return int(float(match[1]) * _BYTES[match[2]])


def size(value: object) -> int:
    try:
        return 0 if str(value) == "0" else rate(value)
    except ValueError as error:
        raise ValueError("must be bytes like 500M or 1Gi, or 0") from error


def percent(value: object) -> float:
    if not re.fullmatch(r"[0-9]{1,2}(?:\.[0-9]{1,3})?", str(value)):
        raise ValueError("must be a number from 0 to below 100")
    return float(str(value))


def switch(value: object) -> bool:
    spelled = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.lower() not in spelled:
        raise ValueError("must be true or false")
    return spelled[value.lower()]


def docker_switch(value: object) -> bool:
    """As `switch`, and besides as docker's own variables are spelled (Go, strconv.ParseBool)."""
    return switch({"t": "true", "f": "false"}.get(value.lower(), value) if isinstance(value, str) else value)


def words(value: object) -> tuple[str, ...]:
    words = value.split(",") if isinstance(value, str) else value
    if not isinstance(words, list | tuple) or not all(isinstance(word, str) and word for word in words):
        raise ValueError("must be words with commas between them, or a list")
    return tuple(words)


def networks(value: object) -> tuple[str, ...]:
    given = words(value)
    try:
        for word in given:
            ipaddress.ip_network(word, strict=False)
    except ValueError as error:
        raise ValueError("must be addresses or networks like 10.0.0.0/8, with commas between them") from error
    return given


def docker_doors(value: object) -> tuple[str, ...]:
    given = words(value)
    for word in given:
        match = _DOCKER_DOOR.fullmatch(word)
        if match is None:
            raise ValueError(f"must be unix:///PATH or tcp://HOST:PORT, each perhaps with ?env=ID, or off: {word!r}")
        port(match["port"] or 0)
    return given


_DOCKER_DOOR = re.compile(
    r"off|(?:unix:///[^?,\0]+|tcp://(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\]):(?P<port>[0-9]{1,5}))(?:\?env=[1-9][0-9]{0,8})?"
)


def url(value: object) -> str:
    match = re.fullmatch(
        r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?/?|https?://\[[0-9a-fA-F:.]+\](?::[0-9]{1,5})?/?", str(value)
    )
    if not match:
        raise ValueError("must be http:// or https:// with a host and perhaps a port")
    return str(value).rstrip("/")


def public_url(value: object) -> str:
    """As `url`, perhaps below a path: one that a browser sends as it is written, without dot segments."""
    text = str(value).rstrip("/")
    beginning = re.match(r"https?://[^/]*", text)
    host, path = (beginning[0], text[beginning.end() :]) if beginning else (text, "")
    if not re.fullmatch(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)*", path):
        raise ValueError("must be http:// or https:// with a host, and perhaps a port and a path like /lading")
    return url(host) + path


def web_address(value: object) -> str:
    match = re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?", str(value))
    if not match:
        raise ValueError("must be http:// or https:// with a host, and perhaps a port and a path")
    return str(value).rstrip("/")


def issuer(value: object) -> str:
    """As it is written: a slash at its end is part of it."""
    web_address(value)
    return str(value)


def roles_of_groups(value: object) -> tuple[str, ...]:
    given = words(value)
    for word in given:
        group, sign, role = word.rpartition("=")
        if not (group.strip() and sign and role.strip()):
            raise ValueError(f"must be GROUP=ROLE, with commas between them, or a list: {word!r}")
    return given


def server_address(value: object) -> str:
    match = re.fullmatch(
        r"(?:https?|wss?)://(?:[A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?", str(value)
    )
    if not match:
        raise ValueError("must be https://, http://, wss:// or ws:// with a host, and perhaps a port and a path")
    return str(value).rstrip("/")


def listener(value: object) -> str:
    match = re.fullmatch(r"(?:[A-Za-z0-9.-]+|\[[0-9a-fA-F:.]+\]):(?P<port>[0-9]{1,5})", str(value))
    if match is None or not 1 <= int(match["port"]) <= 65535:
        raise ValueError("must be HOST:PORT, with a port from 1 to 65535")
    return str(value)


def address_of(listener: str) -> tuple[str, int]:
    """What to listen on: the host, without brackets, and the port."""
    host, _, port = listener.rpartition(":")
    return host.strip("[]"), int(port)


def local_listener(value: object) -> str:
    """The loopback address, where none is named."""
    return listener(f"127.0.0.1:{value}" if _DIGITS.fullmatch(str(value)) else value)


def database(value: object) -> str:
    if not str(value).startswith(("postgresql://", "postgres://")):
        raise ValueError("must be a postgresql:// URL")
    return str(value)


def one_of(*names: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in names:
            raise ValueError(f"must be one of {', '.join(names)}")
        return str(value)

    return read
