"""What the trust server keeps: files, its own keys, and the changefeed. TrustRecords is what a database fulfils.

A collection is named by its GUN, `registry.example/team/app`, and is about one repository of ours, `team/app`. Its
newest timestamp stands for all of it: whoever changes a collection says which one was seen, and is too late where it is
another one by then.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Gun:
    """A collection's name as publishers spell it, and the path of the repository of ours that it is about."""

    name: str
    repository: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class TrustFile:
    """Metadata of a role as it was signed. `sha256` is in hex, `created` in seconds since 1970."""

    role: str
    version: int
    sha256: str
    content: bytes = field(repr=False)
    created: float


@dataclass(frozen=True, slots=True)
class ServerKeyRow:
    """A key that the server signs a role with. `public` is DER; `private_sealed` is sealed for OF_TRUST_KEY."""

    gun: str
    role: str
    key_id: str
    public: bytes = field(repr=False)
    private_sealed: str = field(repr=False)
    created: float


class ChangeKind(StrEnum):
    """What befell a collection, in Notary's words."""

    UPDATE = "update"
    DELETION = "deletion"


@dataclass(frozen=True, slots=True)
class TrustChange:
    """One line of the changefeed: the timestamp that was published; of a deletion version 0 and no checksum."""

    id: int
    gun: str
    version: int
    sha256: str
    kind: ChangeKind
    created: float


class TrustRecords(Protocol):
    """For any number of threads and servers. Every method raises StorageFailed."""

    def newest(self, gun: str) -> Mapping[str, TrustFile]:
        """The files that the collection consists of now, by role, all of one moment; none where there is none."""

    def newest_of(self, gun: str, role: str) -> TrustFile | None:
        """One of them."""

    def of_version(self, gun: str, role: str, version: int) -> TrustFile | None:
        """The last that was published with this version."""

    def of_checksum(self, gun: str, role: str, sha256: str) -> TrustFile | None:
        """Any that was published and is still kept."""

    def publish(self, gun: Gun, seen: str | None, new: Sequence[TrustFile], current: Sequence[str]) -> bool:
        """Take all the files, or none and say False where the newest timestamp's checksum is not `seen` (None: there is
        none). They are the newest of their roles then; of roles that are not `current` none is. A new timestamp is
        told by the changefeed."""

    def remove(self, gun: str, now: float) -> bool:
        """Files and keys, and whether there were files: then the changefeed tells it."""

    def guns(self, repository: str) -> Sequence[str]:
        """The collections about this repository of ours; the one that is there for longest first, whatever was
        published in it since."""

    def signed_before(self, moment: float) -> Sequence[Gun]:
        """The collections whose newest timestamp was made before then."""

    def thin_changes(self, made: float) -> int:
        """Forget lines of the changefeed up to the last that was made before `made`: but of each collection that is
        there the first and the newest. Returns how many."""

    def thin(self, made: float, read: float) -> int:
        """Forget files, but no root, that were made before `made` and are not the newest, of collections whose newest
        timestamp was made before `read`; and keys as old, of collections that never came to be. Returns how many files
        and keys."""

    def keys(self, gun: str) -> Sequence[ServerKeyRow]:
        """The latest first."""

    def add_key(self, key: ServerKeyRow, *, only: bool = False) -> None:
        """`only`: unless the collection has a key of this role."""

    def forget_keys(self, gun: str, key_ids: Sequence[str]) -> None:
        """Those of them that are there."""

    def changed(self) -> Sequence[str]:
        """The collections that the changefeed tells of, removed ones too."""

    def changes(
        self, guns: Collection[str], after: int | None, count: int, *, backwards: bool
    ) -> Sequence[TrustChange]:
        """Of these collections, at most `count`, the oldest first: with a greater id than `after`, or `backwards` the
        last ones with a smaller id. `after` None: from where it begins, or ends."""
