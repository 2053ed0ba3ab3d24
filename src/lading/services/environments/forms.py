"""What somebody writes of an environment, checked field by field; every fault is told, not only the first.

embedded           our own engine: nothing else
socket             socketPath
direct             host, port, protocol; with https also tlsCa, tlsCert and tlsKey, tlsSkipVerify
hawser-standard    host, port, protocol, hawserToken; with https also tlsCa, tlsSkipVerify
hawser-edge        nothing: its agent comes to us
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lading.errors import InputInvalid
from lading.services.environments.environment import ConnectionType
from lading.services.environments.records import EnvironmentRow
from lading.services.row_rules import NAME_RULE, is_pem, row_name
from lading.wire.docker_address import MOST_PORT, PORTS, is_address, is_name

LONGEST_SOCKET = 107
"""Bytes of a unix socket's path: sun_path has room for 108 with its end."""

DEFAULT_SOCKET = "/var/run/docker.sock"

AGENT_PORT = 2376
"""Where a standard agent listens, with TLS and without."""

LONGEST_TOKEN = 1000
"""Characters of a standard agent's token, which whoever started it has chosen."""

_DIALLED = frozenset({ConnectionType.DIRECT, ConnectionType.HAWSER_STANDARD})


class EnvironmentInvalid(InputInvalid):
    """Fields of an environment that cannot be taken as they are: a sentence for each, by the name it has outside."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(fields)
        self.fields = dict(fields)

    def __str__(self) -> str:
        return "; ".join(f"{name} {rule}" for name, rule in self.fields.items())


@dataclass(frozen=True, slots=True)
class EnvironmentForm:
    """What somebody wrote. In a change None leaves a field as it is, and empty text takes it away."""

    name: str | None = None
    connection_type: str | None = None
    socket_path: str | None = None
    host: str | None = None
    port: int | None = None
    protocol: str | None = None
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = field(default=None, repr=False)
    tls_skip_verify: bool | None = None
    hawser_token: str | None = field(default=None, repr=False)
    is_default: bool | None = None


def new_row(form: EnvironmentForm) -> EnvironmentRow:
    """A row without an id and without sealed secrets. Raises EnvironmentInvalid."""
    blank = EnvironmentRow(0, "", ConnectionType.EMBEDDED)
    return changed_row(blank, replace(form, name=form.name or "", connection_type=form.connection_type or ""))


def changed_row(before: EnvironmentRow, form: EnvironmentForm) -> EnvironmentRow:
    """The row with what the form says, without a new secret sealed. Raises EnvironmentInvalid."""
    faults: dict[str, str] = {}
    kind = _kind(before.connection_type, form.connection_type, faults)
    row = replace(
        before,
        name=_name(before.name if form.name is None else form.name, faults),
        connection_type=kind,
        is_default=before.is_default if form.is_default is None else form.is_default,
        scanner=before.scanner,
    )
    if "connectionType" not in faults:
        row = _connected(row, form, faults)
    if faults:
        raise EnvironmentInvalid(faults)
    return row


def _connected(row: EnvironmentRow, form: EnvironmentForm, faults: dict[str, str]) -> EnvironmentRow:
    _check_strangers(row.connection_type, form, faults)
    bare = replace(
        row,
        socket_path=None,
        host=None,
        port=None,
        protocol=None,
        tls_ca=None,
        tls_cert=None,
        tls_key_sealed=None,
        tls_skip_verify=False,
        hawser_token_sealed=None,
    )
    match row.connection_type:
        case ConnectionType.SOCKET:
            path = form.socket_path if form.socket_path is not None else row.socket_path
            return replace(bare, socket_path=_socket(path or DEFAULT_SOCKET, faults))
        case ConnectionType.DIRECT:
            return _dialled(bare, row, form, faults)
        case ConnectionType.HAWSER_STANDARD:
            return _with_token(_dialled(bare, row, form, faults), row, form, faults)
        case _:
            return bare


def _dialled(
    bare: EnvironmentRow, row: EnvironmentRow, form: EnvironmentForm, faults: dict[str, str]
) -> EnvironmentRow:
    asks_tls = bool(form.tls_ca or form.tls_cert or form.tls_key or form.tls_skip_verify)
    protocol = form.protocol or row.protocol or ("https" if asks_tls else "http")
    if protocol not in PORTS:
        faults["protocol"] = "must be http or https"
        return bare
    usual = AGENT_PORT if bare.connection_type is ConnectionType.HAWSER_STANDARD else PORTS[protocol]
    port = form.port if form.port is not None else row.port or usual
    if not 1 <= port <= MOST_PORT:
        faults["port"] = f"must be between 1 and {MOST_PORT}"
    host = (form.host if form.host is not None else row.host) or ""
    if not is_name(host) and not is_address(host):
        faults["host"] = "must be a host name or an IP address, without scheme and port"
    dialled = replace(bare, host=host, port=port, protocol=protocol)
    return dialled if protocol == "http" else _protected(dialled, row, form, faults)


def _protected(
    dialled: EnvironmentRow, row: EnvironmentRow, form: EnvironmentForm, faults: dict[str, str]
) -> EnvironmentRow:
    skip = row.tls_skip_verify if form.tls_skip_verify is None else form.tls_skip_verify
    ca = _pem(row.tls_ca if form.tls_ca is None else form.tls_ca, "tlsCa", "CERTIFICATE", faults)
    trusting = replace(dialled, tls_ca=ca, tls_skip_verify=skip)
    if dialled.connection_type is ConnectionType.HAWSER_STANDARD:
        return trusting  # those agents ask nobody for a certificate
    certificate = _pem(row.tls_cert if form.tls_cert is None else form.tls_cert, "tlsCert", "CERTIFICATE", faults)
    key = _pem(form.tls_key, "tlsKey", "PRIVATE KEY", faults)
    sealed = row.tls_key_sealed if form.tls_key is None else None
    if certificate and not (key or sealed):
        faults["tlsKey"] = "is missing beside tlsCert"
    if (key or sealed) and not certificate:
        faults["tlsCert"] = "is missing beside tlsKey"
    return replace(trusting, tls_cert=certificate, tls_key_sealed=sealed)


def _with_token(
    dialled: EnvironmentRow, row: EnvironmentRow, form: EnvironmentForm, faults: dict[str, str]
) -> EnvironmentRow:
    """None leaves the one there is; an agent that asks for none has none."""
    token = form.hawser_token
    if token is None and row.hawser_token_sealed and _goes_elsewhere(row, dialled):
        faults["hawserToken"] = "must be given again where the address or CA changes, or TLS weakens"
    if token and not (token.isascii() and token.isprintable() and len(token) <= LONGEST_TOKEN):
        faults["hawserToken"] = f"must be printable ASCII of at most {LONGEST_TOKEN} characters, as it is a header"
    return replace(dialled, hawser_token_sealed=row.hawser_token_sealed if token is None else None)


def _goes_elsewhere(before: EnvironmentRow, after: EnvironmentRow) -> bool:
    """Whether the token would reach another host, or whoever stands in between: somebody who may edit, and never saw
    it, would have it."""
    where = (before.host, before.port, before.tls_ca) != (after.host, after.port, after.tls_ca)
    weaker = before.protocol == "https" and after.protocol == "http"
    return where or weaker or (after.tls_skip_verify and not before.tls_skip_verify)


def _check_strangers(kind: ConnectionType, form: EnvironmentForm, faults: dict[str, str]) -> None:
    """Fields that mean nothing here: whoever gives them expects something that would not happen."""
    strangers: dict[str, object] = {}
    where = f"connectionType {kind}"
    if kind is not ConnectionType.HAWSER_STANDARD:
        strangers["hawserToken"] = form.hawser_token
    if kind is not ConnectionType.SOCKET:
        strangers["socketPath"] = form.socket_path
    if kind not in _DIALLED:
        strangers |= {"host": form.host, "port": form.port, "protocol": form.protocol}
    elif form.protocol == "http":
        where = "protocol http"
    if kind not in _DIALLED or form.protocol == "http":
        strangers["tlsCa"] = form.tls_ca
    if kind is not ConnectionType.DIRECT or form.protocol == "http":
        strangers |= {"tlsCert": form.tls_cert, "tlsKey": form.tls_key}
    faults.update({name: f"means nothing for {where}" for name, value in strangers.items() if value})


def _kind(before: ConnectionType, text: str | None, faults: dict[str, str]) -> ConnectionType:
    if text is None:
        return before
    if text not in set(ConnectionType):
        faults["connectionType"] = "must be embedded, socket, direct, hawser-standard or hawser-edge"
        return before
    return ConnectionType(text)


def _name(name: str, faults: dict[str, str]) -> str:
    named = row_name(name)
    if named is None:
        faults["name"] = NAME_RULE
    return named or ""


def _socket(path: str, faults: dict[str, str]) -> str:
    if not path.startswith("/") or not path.isprintable() or len(path.encode()) > LONGEST_SOCKET:
        faults["socketPath"] = f"must be an absolute path of at most {LONGEST_SOCKET} bytes"
    return path


def _pem(text: str | None, name: str, what: str, faults: dict[str, str]) -> str | None:
    if not text:
        return None
    if not is_pem(text, what):
        faults[name] = f"must be a {what.lower()} in PEM"
    return text
