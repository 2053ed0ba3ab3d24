"""The service over a data folder as `lading doctor` sees it, beside a server that may be at work there."""
# ruff: noqa: PLC0415  every room is imported where it is opened: a command pays for what it uses

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lading import __version__
from lading.errors import ProtocolBroken
from lading.main.local_store import LocalStore
from lading.main.public_registry import public_registry
from lading.services.registries.holds import Hold
from lading.services.server.service_diagnosis import Agents, Certificate, SentOn, ServiceDiagnosis
from lading.settings import Settings
from lading.wire.message import Cancel

if TYPE_CHECKING:  # the object store's library is loaded by who keeps content there
    from lading.backends.content_store.objects.bucket import Bucket

ANSWER_SECONDS = 10.0


class NoRegistryAnswered(ProtocolBroken):
    """What answers at the address that others are told is no registry."""

    def __init__(self, address: str, status: int) -> None:
        super().__init__(address, status)
        self.address, self.status = address, status
        self.why = f"It answered {status}; a proxy in between has to pass /v2/ on to the registry's port."
        self.hint = f"curl -v {address}/v2/"

    def __str__(self) -> str:
        return f"no registry answers at {self.address}"


def service_diagnosis(
    settings: Settings, store: LocalStore, environment: Mapping[str, str], cancel: Cancel
) -> ServiceDiagnosis:
    """Of this data folder."""
    return ServiceDiagnosis(_Looks(settings, store, environment, cancel))


@dataclass(frozen=True, slots=True)
class _Looks:
    """Fulfils services.server.service_diagnosis.ServiceLooks."""

    settings: Settings
    store: LocalStore
    environment: Mapping[str, str]
    cancel: Cancel

    def now(self) -> float:
        return time.time()

    def database(self) -> str:
        from lading.backends.database.schema import VERSION

        service = self.store.service
        service.ready()
        kind = "SQLite" if isinstance(service.place, Path) else f"PostgreSQL, {service.place}"
        return f"{kind}, tables of version {VERSION}"

    def storage(self) -> str | None:
        bucket = self._bucket()
        if bucket is None:
            return None
        bucket.check()
        return bucket.name

    def sent_on(self) -> SentOn | None:
        bucket = self._bucket() if self.settings.storage_redirect else None
        if bucket is None:
            return None
        from lading.main.sent_on import sent_on

        return sent_on(self.settings, bucket, self.environment, self.cancel)

    def _bucket(self) -> Bucket | None:
        from lading.main.content_place import storage_told

        place = storage_told(self.settings, self.store.service.settings)
        if place is None:
            return None
        from lading.backends.content_store.objects.bucket import Bucket

        return Bucket.at(place)

    def key(self) -> str | None:
        from lading.main.secret_keys import keys_of
        from lading.services.secrets import check_keys, key_in_use

        kept = self.store.service.settings
        if key_in_use(kept) is None:
            return None
        ids = keys_of(self.settings, self.store.data).ids()
        check_keys(kept, ids)
        return f"the key {ids[0]}"

    def certificate(self) -> Certificate | None:
        from lading.backends.credentials.certificate_end import certificate_end

        path = self.settings.tls_cert
        return None if path is None else Certificate(path, certificate_end(path))

    def public_registry(self) -> str | None:
        from lading.backends.http.transport import HttpTransport
        from lading.wire.message import Request
        from lading.wire.registry_urls import Root, url

        public, address = public_registry(self.settings), self.settings.registry_public_url
        if public is None or address is None:
            return None
        endpoint = replace(public, ca_file=self.settings.tls_ca)
        transport = HttpTransport(lambda _: endpoint, self.environment, f"lading/{__version__}")
        asking = Request("GET", url(address.rstrip("/"), Root()), answer_seconds=ANSWER_SECONDS)
        try:
            answer = transport.send(asking, self.cancel)
        finally:
            transport.close()
        if answer.headers.get("docker-distribution-api-version") != "registry/2.0":
            raise NoRegistryAnswered(address, answer.status)
        return address

    def agents(self) -> Agents:
        service = self.store.service
        here = {row.presence.environment for row in service.agents.presences() if row.stands}
        wanted = {row.environment for row in service.agents.agent_tokens() if row.active}
        names = {row.id: row.name for row in service.environments.environments() if row.id in wanted}
        return Agents(len(names), [name for number, name in names.items() if number not in here])

    def held(self) -> Sequence[Hold]:
        return self.store.service.holds.holds()

    def last_backup(self) -> object:
        from lading.services.backups.backups import LAST_BACKUP

        return self.store.service.settings.setting(LAST_BACKUP)
