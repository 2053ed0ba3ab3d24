"""Rows of environments in memory, a trail that keeps what it is told, and seals that show their place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from lading.errors import NetworkFailed
from lading.services.access import Actor
from lading.services.audit.audit import Deed, Result
from lading.services.environments.environment import Environment
from lading.services.environments.records import EnvironmentRow
from lading.services.named_rows import NameTaken
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel, ConnectFailed


class MemoryEnvironments:
    """Fulfils services.environments.records.EnvironmentRecords."""

    def __init__(self) -> None:
        self._rows: dict[int, EnvironmentRow] = {}
        self._next = 1

    def environments(self) -> Sequence[EnvironmentRow]:
        return [self._rows[key] for key in sorted(self._rows)]

    def environment(self, id: int) -> EnvironmentRow | None:  # noqa: A002
        return self._rows.get(id)

    def add_environment(self, make: Callable[[int], EnvironmentRow]) -> EnvironmentRow:
        row = make(self._next)
        self._check(row)
        self._next += 1
        self._put(row)
        return row

    def change_environment(self, before: EnvironmentRow, after: EnvironmentRow) -> bool:
        self._check(after)
        if self._rows.get(before.id) != before:
            return False
        self._put(after)
        return True

    def remove_environment(self, row: EnvironmentRow) -> bool:
        if self._rows.get(row.id) != row:
            return False
        del self._rows[row.id]
        return True

    def make_default_environment(self, id: int) -> bool:  # noqa: A002
        if id not in self._rows:
            return False
        self._rows = {key: replace(row, is_default=key == id) for key, row in self._rows.items()}
        return True

    def _put(self, row: EnvironmentRow) -> None:
        self._rows[row.id] = row
        if row.is_default:
            self.make_default_environment(row.id)

    def _check(self, row: EnvironmentRow) -> None:
        if any(other.name == row.name and other.id != row.id for other in self._rows.values()):
            raise NameTaken("environment", row.name)


class KeptTrail:
    """Fulfils services.audit.audit.Trail."""

    def __init__(self) -> None:
        self.records: list[tuple[str, Deed, Result]] = []

    def record(self, actor: Actor, deed: Deed, result: Result) -> None:
        self.records.append((actor.name, deed, result))

    @property
    def said(self) -> list[tuple[str, str]]:
        """Action and result, in order."""
        return [(deed.action, result.value) for _, deed, result in self.records]


class PlainSeals:
    """Fulfils services.secrets.SecretBox; a seal opens at its own place alone."""

    def seal(self, place: str, plain: str) -> str:
        return f"{place}|{plain[::-1]}"

    def open(self, place: str, sealed: str) -> str:
        where, _, turned = sealed.partition("|")
        assert where == place
        return turned[::-1]


@dataclass
class OneBuilder:
    """Fulfils services.environments.environments.Builder: the same environment for every row."""

    environment: Environment
    built: list[tuple[EnvironmentRow, str | None]] = field(default_factory=list)

    def __call__(self, row: EnvironmentRow, key: str | None) -> Environment:
        self.built.append((row, key))
        return self.environment

    @contextmanager
    def trial(self, row: EnvironmentRow, key: str | None) -> Iterator[Environment]:
        yield self(row, key)

    def endpoint(self, row: EnvironmentRow, key: str | None) -> Endpoint:
        return Endpoint(row.host or "", client_key_pem=key)


@dataclass
class PlayedProbe:
    """Fulfils services.environments.connection_test.Probe; fails at the step that is named."""

    failing: str = ""
    error: NetworkFailed = field(default_factory=lambda: ConnectFailed("host", "connection refused"))

    def resolve(self, host: str, port: int) -> tuple[str, ...]:
        self._check("resolve")
        return ("192.0.2.7",)

    def connect(self, host: str, port: int, cancel: Cancel) -> None:
        self._check("connect")

    def connect_socket(self, path: str, cancel: Cancel) -> None:
        self._check("connect")

    def secure(self, endpoint: Endpoint, host: str, port: int, cancel: Cancel) -> str:
        self._check("tls")
        return "TLSv1.3"

    def _check(self, step: str) -> None:
        if step == self.failing:
            raise self.error
