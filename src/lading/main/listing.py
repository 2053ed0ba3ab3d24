"""What the command line asks of whole registries; where a host says whose it is, that provider's own list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lading.errors import AccessDenied, NotFound, Refused
from lading.oci.reference import Repository
from lading.wire.authorize import Credential

if TYPE_CHECKING:
    from lading.services.registries.directories import Directories
    from lading.services.registries.registries import RegistryProbe
    from lading.wire.endpoint import Endpoint
    from lading.wire.hub_search import Hit
    from lading.wire.message import Cancel


@dataclass(frozen=True, slots=True)
class ListingProbe:
    """Fulfils RegistryProbe. `directories` are opened when the first is asked; `login` finds the one that serves a
    whole registry, and `endpoint` how it is reached."""

    probe: RegistryProbe
    directories: Callable[[], Directories]
    login: Callable[[Repository], Credential | None] = field(repr=False)
    endpoint: Callable[[str], Endpoint]
    cancel: Callable[[], Cancel]

    def check(self, host: str, credential: Credential | None) -> None:
        self.probe.check(host, credential)

    def knock(self, host: str, credential: Credential | None) -> None:
        self.probe.knock(host, credential)

    def tags(self, repository: Repository) -> Iterator[str]:
        return self.probe.tags(repository)

    def search_hub(self, term: str) -> Sequence[Hit]:
        return self.probe.search_hub(term)

    def repositories(self, host: str) -> Iterator[str]:
        from lading.services.registries.directories import lists  # noqa: PLC0415  as above
        from lading.services.registries.minting import ProviderLogin  # noqa: PLC0415  every push and pull is wired with this probe
        from lading.services.registries.providers import provider_at  # noqa: PLC0415  as above

        credential = self.login(Repository(host, "")) or Credential()
        login = ProviderLogin(provider_at(host), self.endpoint(host), "", credential.username, credential.secret)
        if lists(login):
            try:
                return iter(tuple(self.directories().repositories(login, self.cancel())))
            except (NotFound, Refused, AccessDenied):  # the registry may list more to this login than its provider
                pass
        return self.probe.repositories(host)
