"""What is remembered of environments: EnvironmentRecords, the protocol that the database fulfils, and its row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lading.services.environments.environment import ConnectionType
from lading.services.findings.scanner import ScannerName


@dataclass(frozen=True, slots=True)
class EnvironmentRow:
    """One environment. `socket_path` is set for a socket; `host`, `port` and `protocol` (http or https) for a direct
    one, and for one behind a standard agent.

    `tls_ca` and `tls_cert` are PEM text; `tls_key_sealed` is the key's, sealed for `environment/<id>/tls_key`, and
    `hawser_token_sealed` the token that a standard agent asks for, sealed for `environment/<id>/hawser_token`.
    `scanner` None: the one chosen for all.
    """

    id: int
    name: str
    connection_type: ConnectionType
    socket_path: str | None = None
    host: str | None = None
    port: int | None = None
    protocol: str | None = None
    tls_ca: str | None = None
    tls_cert: str | None = None
    tls_key_sealed: str | None = field(default=None, repr=False)
    tls_skip_verify: bool = False
    is_default: bool = False
    scanner: ScannerName | None = None
    hawser_token_sealed: str | None = field(default=None, repr=False)


class EnvironmentRecords(Protocol):
    """Rows by id. Every method raises StorageFailed."""

    def environments(self) -> Sequence[EnvironmentRow]:
        """All, in order of id."""

    def environment(self, id: int) -> EnvironmentRow | None:  # noqa: A002  a row's own word
        """None where there is none."""

    def add_environment(self, make: Callable[[int], EnvironmentRow]) -> EnvironmentRow:
        """A new row; `make` gets its id, which binds the seal of its key. Raises NameTaken."""

    def change_environment(self, before: EnvironmentRow, after: EnvironmentRow) -> bool:
        """Replaces a row, and a default one all other defaults; False where the row is not as it was `before` any
        more. Raises NameTaken."""

    def remove_environment(self, row: EnvironmentRow) -> bool:
        """Only where it still is as in `row`."""

    def make_default_environment(self, id: int) -> bool:  # noqa: A002  a row's own word
        """This one and no other, in one transaction; False where there is none."""
