"""What the embedded registry says no to."""

from __future__ import annotations

from collections.abc import Sequence

from lading.errors import InputInvalid, NotFound, Refused
from lading.oci.digest import Digest


class RepositoryUnknown(NotFound):
    """Nothing was ever pushed there."""

    def __init__(self, repository: str) -> None:
        super().__init__(repository)
        self.repository = repository

    def __str__(self) -> str:
        return f"there is no repository {self.repository}"


class ManifestUnknown(NotFound):
    """The repository has no such tag, or does not hold the manifest."""

    def __init__(self, repository: str, reference: str | Digest) -> None:
        super().__init__(repository, reference)
        self.repository, self.reference = repository, reference

    def __str__(self) -> str:
        return f"{self.repository} has no manifest {self.reference}"


class BlobUnknown(NotFound):
    """The repository does not hold the blob, wherever else it may be."""

    def __init__(self, repository: str, digest: Digest) -> None:
        super().__init__(repository, digest)
        self.repository, self.digest = repository, digest

    def __str__(self) -> str:
        return f"{self.repository} does not hold the blob {self.digest}"


class ChildrenMissing(InputInvalid):
    """A manifest names content that its repository does not hold: children come before their parents."""

    def __init__(self, repository: str, missing: Sequence[Digest]) -> None:
        super().__init__(repository, missing)
        self.repository, self.missing = repository, tuple(missing)

    def __str__(self) -> str:
        more = f" and {len(self.missing) - 1} more" if len(self.missing) > 1 else ""
        return f"{self.repository} does not hold {self.missing[0]}{more}, which the manifest names"


class StillNeeded(Refused):
    """Content that a manifest of the same repository names: without it that image would be broken."""

    hint = "Delete what names it first."

    def __init__(self, repository: str, digest: Digest, parents: Sequence[Digest]) -> None:
        super().__init__(repository, digest, parents)
        self.repository, self.digest, self.parents = repository, digest, tuple(parents)

    def __str__(self) -> str:
        return f"{self.digest} is still needed by {self.parents[0]} in {self.repository}"
