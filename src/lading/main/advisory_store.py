"""The advisories of a data folder, and the way to where they are brought from."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path

from lading.backends.advisories.keeping import AdvisoryFolder
from lading.backends.content_store.storage import Reserve
from lading.backends.http.addresses import resolve_beyond_link
from lading.backends.http.transport import HttpTransport
from lading.services.scans.advisories import Schedule
from lading.settings import Settings
from lading.wire.endpoint import Endpoint, Tls


def advisory_schedule(settings: Settings) -> Schedule:
    """From where they come, and how often."""
    return Schedule(settings.advisories_url, settings.advisories_every, settings.advisories_ecosystems)


def advisory_folder(
    settings: Settings, data: Path, environment: Mapping[str, str], user_agent: str, stack: ExitStack
) -> AdvisoryFolder:
    """`environment` has the proxies. Connections are opened when something is fetched, and end with the stack."""

    @cache
    def transport() -> HttpTransport:
        opened = HttpTransport(_endpoints(settings), environment, user_agent, resolve=resolve_beyond_link)
        stack.callback(opened.close)
        return opened

    reserve = Reserve(settings.keep_free, settings.keep_free_percent)
    return AdvisoryFolder(data, transport, advisory_schedule(settings), time.time, partial(reserve.check, data))


def _endpoints(settings: Settings) -> Callable[[str], Endpoint]:
    """As the settings say of a host that is a registry or serves advisories: its authority, its certificate."""

    def endpoint(host: str) -> Endpoint:
        known = settings.registries.get(host)
        if known is None:
            return Endpoint(host, ca_file=settings.tls_ca)
        authority = settings.tls_ca or known.ca
        return Endpoint(host, Tls(known.tls), known.insecure, authority, known.client_certificate, known.client_key)

    return endpoint
