"""Lading servers elsewhere: their names here, the logins for them, and what they are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from lading.wire.message import Cancel

if TYPE_CHECKING:  # as in application
    from lading.services.transfers.transfers import Transfers
    from lading.wire.message import Reader


class Context(Protocol):
    """A server that has a name of its own here."""

    @property
    def name(self) -> str: ...
    @property
    def server(self) -> str:
        """Its URL."""


class Contexts(Protocol):
    """The servers that have names here, kept in the user's settings folder."""

    @property
    def current(self) -> str | None:
        """The one that commands speak to where nobody says otherwise; None: they work on this machine."""

    def all(self) -> Sequence[Context]:
        """In order of name. Raises StorageFailed."""

    def create(self, name: str, server: str) -> Context:
        """Raises ContextInvalid, ContextExists, StorageFailed."""

    def use(self, name: str | None) -> None:
        """None: commands work on this machine again. Raises ContextUnknown, StorageFailed."""

    def remove(self, name: str) -> None:
        """Raises ContextUnknown, StorageFailed."""


class Heard(Protocol):
    """What a job told: `kind` is snapshot, line, tick, or end, which is the job as it stands then."""

    @property
    def kind(self) -> str: ...
    @property
    def told(self) -> Mapping[str, object]: ...


class RemoteServer(Protocol):
    """A Lading server elsewhere. Every method raises what it answers as the root that its status stands for, and
    Unreachable."""

    @property
    def url(self) -> str: ...
    def ask(
        self,
        method: str,
        path: str,
        cancel: Cancel,
        *,
        query: Mapping[str, str | int | None] | None = None,
        body: object = None,
    ) -> object:
        """The JSON of the answer, None where it has none."""

    def get(
        self, path: str, cancel: Cancel, query: Mapping[str, str | int | None] | None = None
    ) -> Mapping[str, object]:
        """An object."""

    def rows(
        self, path: str, cancel: Cancel, query: Mapping[str, str | int | None] | None = None
    ) -> Sequence[Mapping[str, object]]:
        """A whole list, however many pages it has."""

    def started(
        self,
        path: str,
        cancel: Cancel,
        *,
        query: Mapping[str, str | int | None] | None = None,
        body: object = None,
    ) -> str:
        """The id of the job that this makes."""

    def follow(self, job: str, cancel: Cancel) -> Iterator[Heard]:
        """What a job tells, from its beginning to its end, over whatever breaks in between."""

    def stream(
        self, path: str, cancel: Cancel, *, query: Mapping[str, str | int | None] | None = None
    ) -> AbstractContextManager[Reader | None]:
        """An answer as it comes."""

    def load(
        self,
        archive: Callable[[int], bytes],
        cancel: Cancel,
        query: Mapping[str, str | int | None] | None = None,
    ) -> str:
        """The id of the job that loads an archive, whose next so many bytes `archive` gives."""

    def give_up(self, job: str) -> None:
        """Ask the job to stop, in a few seconds or not at all; raises nothing."""

    def names(self, noun: str) -> Sequence[str]:
        """Names there for a shell that completes a word, of images, jobs, repository, registry, environment, user or
        role: in a moment or as they were lately; raises nothing."""

    def registry(self, cancel: Cancel) -> str:
        """host[:port] of its registry, as names of images here begin."""

    def uploads(self, cancel: Cancel) -> Transfers:
        """From places on this machine to its registry, with the login there."""


class ServerLogins(Protocol):
    """API tokens of Lading servers, kept here encrypted."""

    def address(self, server: str) -> str:
        """The URL as requests are sent to it. Raises InputInvalid."""

    def login(self, server: str, username: str, password: str, cancel: Cancel) -> str:
        """Makes a token there, and keeps it. Answers whose it is. Raises InputInvalid, AccessDenied, Unreachable."""

    def keep(self, server: str, token: str, cancel: Cancel) -> str:
        """Keeps a token that somebody has. Answers whose it is. Raises as `login` does."""

    def logout(self, server: str, cancel: Cancel) -> bool:
        """Forgets the token, and takes it back there where the server answers; False where there was none."""
