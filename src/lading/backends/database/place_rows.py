"""Configured registries and environments: services.registries.records and services.environments.records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Row

from lading.backends.database.named_rows import NamedRows
from lading.backends.database.service_tables import environment, registry
from lading.backends.database.transactions import Transactions, Turn
from lading.services.environments.environment import ConnectionType
from lading.services.environments.records import EnvironmentRow
from lading.services.findings.scanner import ScannerName
from lading.services.registries.providers import Provider
from lading.services.registries.records import RegistryRow, RelayChoice
from lading.wire.endpoint import Tls


class DatabaseRegistries:
    """Fulfils RegistryRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._rows = NamedRows(transactions, registry, Turn.REGISTRIES, _registry, _registry_columns)

    def registries(self) -> Sequence[RegistryRow]:
        return self._rows.all()

    def registry(self, id: int) -> RegistryRow | None:  # noqa: A002  the protocol's word
        return self._rows.one(id)

    def add_registry(self, make: Callable[[int], RegistryRow]) -> RegistryRow:
        return self._rows.add(make)

    def change_registry(self, before: RegistryRow, after: RegistryRow) -> bool:
        return self._rows.change(before, after)

    def remove_registry(self, id: int) -> bool:  # noqa: A002  the protocol's word
        return self._rows.remove(id)

    def make_default(self, id: int) -> bool:  # noqa: A002  the protocol's word
        return self._rows.make_default(id)


class DatabaseEnvironments:
    """Fulfils EnvironmentRecords; every method raises DatabaseFailed."""

    def __init__(self, transactions: Transactions) -> None:
        self._rows = NamedRows(transactions, environment, Turn.ENVIRONMENTS, _environment, _environment_columns)

    def environments(self) -> Sequence[EnvironmentRow]:
        return self._rows.all()

    def environment(self, id: int) -> EnvironmentRow | None:  # noqa: A002  the protocol's word
        return self._rows.one(id)

    def add_environment(self, make: Callable[[int], EnvironmentRow]) -> EnvironmentRow:
        return self._rows.add(make)

    def change_environment(self, before: EnvironmentRow, after: EnvironmentRow) -> bool:
        return self._rows.change(before, after)

    def remove_environment(self, row: EnvironmentRow) -> bool:
        return self._rows.remove_unchanged(row)

    def make_default_environment(self, id: int) -> bool:  # noqa: A002  the protocol's word
        return self._rows.make_default(id)


def _registry(row: Row[Any]) -> RegistryRow:
    return RegistryRow(
        row.id,
        row.name,
        row.url,
        row.host,
        row.path,
        row.username,
        row.password_sealed,
        row.is_default,
        Tls(row.tls),
        row.ca,
        relay=RelayChoice(row.relay),
        provider=Provider(row.provider),
        provider_fields=_texts(row.provider_fields),
        provider_sealed=row.provider_sealed,
    )


def _texts(kept: object) -> Mapping[str, str]:
    """Fields of a provider; what is none of ours reads as nothing."""
    written = kept if isinstance(kept, dict) else {}
    return {name: value for name, value in written.items() if isinstance(name, str) and isinstance(value, str)}


def _registry_columns(row: RegistryRow) -> Mapping[str, object]:
    return {
        "id": row.id,
        "name": row.name,
        "url": row.url,
        "host": row.host,
        "path": row.path,
        "username": row.username,
        "password_sealed": row.sealed,
        "is_default": row.is_default,
        "tls": row.tls.value,
        "ca": row.ca,
        "relay": row.relay.value,
        "provider": row.provider.value,
        "provider_fields": dict(row.provider_fields) or None,
        "provider_sealed": row.provider_sealed,
    }


_ENVIRONMENT = tuple(field.name for field in fields(EnvironmentRow))
"""Its columns have the names of its fields."""


def _environment(row: Row[Any]) -> EnvironmentRow:
    kept = {name: row._mapping[name] for name in _ENVIRONMENT}
    scanner = None if row.scanner is None else ScannerName(row.scanner)
    return EnvironmentRow(**kept | {"connection_type": ConnectionType(row.connection_type), "scanner": scanner})


def _environment_columns(row: EnvironmentRow) -> Mapping[str, object]:
    given = {"connection_type": row.connection_type.value, "scanner": row.scanner and row.scanner.value}
    return {name: getattr(row, name) for name in _ENVIRONMENT} | given
