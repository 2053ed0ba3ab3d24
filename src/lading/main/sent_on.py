"""Where clients of our registry are sent for larger blobs, tried as they would: by an address signed for it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from lading import __version__
from lading.backends.content_store.objects.bucket import Bucket
from lading.backends.http.transport import HttpTransport
from lading.errors import StorageFailed
from lading.fronts.registry_api.content import SENT_ON_SECONDS
from lading.services.server.service_diagnosis import SentOn
from lading.settings import Settings
from lading.wire.endpoint import Endpoint, Tls
from lading.wire.guard import is_loopback, is_this_machine
from lading.wire.message import Cancel, Request, Response
from lading.wire.store_errors import said

NOBODYS_KEY = "blobs/none"
"""No digest: never an object of ours. A store that takes the address says that there is none."""

ANSWER_SECONDS = 10.0


class SignedAddressRefused(StorageFailed):
    """The object store refuses what clients are sent to."""

    hint = "Compare this machine's clock with the store's (date -u), and look at the keys in AWS_ variables"

    def __init__(self, host: str, status: int, why: str) -> None:
        super().__init__(host, status, why)
        self.host, self.status, self.why_there = host, status, why

    def __str__(self) -> str:
        return f"{self.host} answered {self.status}{self.why_there} to an address that was signed here for clients"


def sent_on(settings: Settings, bucket: Bucket, environment: Mapping[str, str], cancel: Cancel) -> SentOn:
    """Raises SignedAddressRefused, BucketFailed, NetworkFailed leaves, Cancelled."""
    address = bucket.signed_url(NOBODYS_KEY, SENT_ON_SECONDS)
    there = urlsplit(address)
    response = _asked(address, environment, cancel)
    if response.status not in {200, 404}:
        raise SignedAddressRefused(there.netloc, response.status, said(response.body.decode("utf-8", "replace")))
    return SentOn(f"{there.scheme}://{there.netloc}", is_loopback(there.netloc) and _has_others(settings))


def _asked(address: str, environment: Mapping[str, str], cancel: Cancel) -> Response:
    tls = Tls.HTTP if urlsplit(address).scheme == "http" else Tls.VERIFY
    transport = HttpTransport(lambda host: Endpoint(host, tls), environment, f"lading/{__version__}")
    try:
        return transport.send(Request("GET", address, answer_seconds=ANSWER_SECONDS), cancel)
    finally:
        transport.close()


def _has_others(settings: Settings) -> bool:
    """Whether somebody on another machine may be a client of our registry."""
    public = settings.registry_public_url
    return not is_this_machine(settings.host) or (public is not None and not is_loopback(urlsplit(public).netloc))
