"""What the command line is handed: an Application, opened with the flags that were given; `main` makes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lading.wire.message import Cancel

if TYPE_CHECKING:  # so that `lading version` imports none of it
    from lading.services.archives import Archives
    from lading.services.diagnosis import Diagnosis
    from lading.services.images import Images
    from lading.services.registries import Registries
    from lading.services.transfers import Transfers
    from lading.wire.authorize import Credential


@dataclass(frozen=True, slots=True)
class Preferences:
    """How results and progress are wanted: `progress` is auto, tty, plain, json or none.

    `lanes` is None where nobody said. `platform` are words as people write them.
    """

    format: str | None = None
    progress: str = "auto"
    lanes: int | None = None
    platform: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting as `config show` prints it: `origin` is where its value came from, `default` where nobody said one.

    A secret only says whether it is set.
    """

    name: str
    value: str
    origin: str
    meaning: str

    @property
    def marked(self) -> str:
        """The value, with a word where it is the default."""
        return f"{self.value}  (default)" if self.origin == "default" else self.value


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings in force, the files that were read, in the order in which they are asked, and where they may be."""

    settings: Sequence[Shown]
    files: Sequence[str]
    places: Sequence[str] = ()


class Cancellation(Cancel, Protocol):
    """A Cancel that can be pulled, from any thread and from a signal's handler."""

    def cancel(self) -> None:
        """Ask the work to stop. Harmless twice."""


class Serving(Protocol):
    """A registry that runs."""

    @property
    def address(self) -> str:
        """host:port, as image names begin."""

    @property
    def folder(self) -> str:
        """Where its data lives."""

    @property
    def api(self) -> str | None:
        """The URL of the API and its pages; None where only the registry runs."""

    @property
    def setup(self) -> str | None:
        """The one-time link that makes the first admin, while there is none."""


class Application(Protocol):
    """Everything the commands call. Each part is opened when it is first asked for."""

    @property
    def preferences(self) -> Preferences: ...
    @property
    def configuration(self) -> Configuration: ...
    @property
    def transfers(self) -> Transfers: ...
    @property
    def images(self) -> Images: ...
    @property
    def archives(self) -> Archives: ...
    @property
    def registries(self) -> Registries: ...
    @property
    def diagnosis(self) -> Diagnosis: ...
    @property
    def one_off(self) -> Credential | None:
        """The login that flags or environment gave for this call alone."""

    def cancellation(self) -> AbstractContextManager[Cancellation]:
        """What stops this call's work: pulled by hand, or by the --timeout that was given when it was opened."""

    def serve(self) -> AbstractContextManager[Serving]:
        """The registry, on loopback, while inside.

        Raises FolderServed, OpenToOthers, PortTaken.
        """

    def elsewhere(self, flags: Mapping[str, object]) -> Application:
        """The same program with other flags, closed by whoever asked: what the demo's laptop and registry are."""

    def close(self) -> None:
        """Closes every part that was opened."""


Start = Callable[[Mapping[str, object]], Application]
"""Opens the application with the flags given on the command line, by their names. Raises what settings raise."""
