"""One trust server: services.notary.servers.TrustServer over the conversations of wire.notary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from lading.errors import AccessDenied, NetworkFailed, TlsRefused
from lading.oci.document import read_object
from lading.proof.tuf_keys import TrustKey
from lading.proof.tuf_refusals import TrustInvalid
from lading.proof.tuf_walk import Wanted
from lading.services.notary.refusals import TrustServerAbsent, TrustServerUnreachable
from lading.wire import notary
from lading.wire.authorize import Scope, pull, push
from lading.wire.message import Cancel, ConnectFailed, ConnectionLost, Conversation
from lading.wire.registry_errors import RegistryFailed, ThingUnknown
from lading.wire.trust_urls import FileAt

T = TypeVar("T")


class Converse(Protocol):
    """Speaks to the trust server's host with the login of the repository's registry."""

    def __call__(self, make: Callable[[str], Conversation[T]], scopes: tuple[Scope, ...], cancel: Cancel) -> T:
        """The conversation that `make` begins for an origin, scheme://host[:port], to its end."""


@dataclass(frozen=True, slots=True)
class TrustAddress:
    """Where a trust server is: host[:port], and the path before /v2/, which is mostly empty."""

    host: str
    path: str = ""

    @classmethod
    def of(cls, url: str) -> TrustAddress:
        """From https://host[:port][/path]. Whether plain HTTP would do is for the settings of that host to say."""
        parts = urlsplit(url)
        return cls(parts.netloc, parts.path.rstrip("/"))


class NotaryServer:
    """Fulfils services.notary.servers.TrustServer. `registry` is the one whose login goes there."""

    def __init__(self, address: TrustAddress, registry: str, converse: Converse) -> None:
        self._address, self._registry, self._converse = address, registry, converse

    def fetch(self, gun: str, wanted: Wanted, cancel: Cancel) -> bytes | None:
        file = FileAt(gun, wanted.role, wanted.version, wanted.sha256.hex() if wanted.sha256 else None)
        return self._hold(lambda base: notary.fetch(base, file, wanted.limit), pull(gun), cancel)

    def publish(self, gun: str, files: Mapping[str, bytes], cancel: Cancel) -> None:
        self._hold(lambda base: notary.publish(base, gun, files), push(gun), cancel)

    def public_key(self, gun: str, role: str, cancel: Cancel) -> TrustKey:
        return _key(self._hold(lambda base: notary.public_key(base, gun, role), push(gun), cancel))

    def rotate(self, gun: str, role: str, cancel: Cancel) -> TrustKey:
        return _key(self._hold(lambda base: notary.public_key(base, gun, role, another=True), push(gun), cancel))

    def _hold(self, make: Callable[[str], Conversation[T]], scope: Scope, cancel: Cancel) -> T:
        with self._in_our_words():
            return self._converse(lambda origin: make(f"{origin}{self._address.path}"), (scope,), cancel)

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        try:
            yield
        except TlsRefused as error:
            raise error.but(why=f"{self._address.host} was asked as the trust server of {self._registry}.") from error
        except NetworkFailed as error:
            reason = error.reason if isinstance(error, ConnectFailed | ConnectionLost) else str(error)
            raise TrustServerUnreachable(self._address.host, reason) from error
        except ThingUnknown as error:  # of files that are not there nobody raises it
            raise TrustServerAbsent(self._address.host) from error
        except RegistryFailed as error:
            raise TrustServerUnreachable(self._address.host, f"it answers {error.refusal.status}") from error
        except AccessDenied as error:
            if self._address.host == self._registry:
                raise
            told = f"The trust server {self._address.host} takes the login of {self._registry}."
            raise error.but(hint=told, command=f"lading login {self._registry}") from error


def _key(raw: bytes) -> TrustKey:
    return TrustKey.read(read_object(raw, TrustInvalid))
