"""Which tags of a repository share which layers, as a grid: for who looks at what is saved because they do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lading.oci.digest import Digest
from lading.services.access import Actor, Permission
from lading.services.audit.audit import Deed, Trail
from lading.services.audit.trail import admit
from lading.services.changes import Changes, Remembered
from lading.services.repositories.errors import RepositoryUnknown
from lading.services.repositories.protection import is_attached
from lading.services.repositories.records import RepositoryRecords
from lading.services.repositories.rows import NamedTag
from lading.services.repositories.tag_contents import TagContents

MOST_TAGS = 50
"""Columns of a grid: the newest tags."""

MOST_LAYERS = 1000
"""Rows of a grid."""


@dataclass(frozen=True, slots=True)
class GridLayer:
    """A layer; `size` None where the repository does not hold it."""

    digest: Digest
    size: int | None


@dataclass(frozen=True, slots=True)
class GridTag:
    """A tag, and the places of its layers in the grid's."""

    tag: NamedTag
    has: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LayerGrid:
    """The layers that the most tags have come first, the newest tags too; `more_tags` and `more_layers` count what was
    left out."""

    layers: tuple[GridLayer, ...]
    tags: tuple[GridTag, ...]
    more_tags: int
    more_layers: int


class LayerGrids:
    """For any number of threads; a grid is remembered until something is committed."""

    def __init__(self, records: RepositoryRecords, contents: TagContents, trail: Trail, changes: Changes) -> None:
        self._records, self._contents, self._trail = records, contents, trail
        self._remembered = Remembered(changes, self._look)

    def of(self, actor: Actor, repository: str) -> LayerGrid:
        """Raises Denied, RepositoryUnknown, StorageFailed."""
        deed = Deed("view", "repository", repository, repository)
        admit(self._trail, actor, Permission.REPOSITORIES_VIEW, deed, repository)
        return self._remembered.of(repository)

    def _look(self, repository: str) -> LayerGrid:
        if not self._records.knows(repository):
            raise RepositoryUnknown(repository)
        tags = [tag for tag in self._records.view(repository).all_tags() if not is_attached(tag.name)]
        newest = sorted(tags, key=lambda tag: (-tag.pointed, tag.name))[:MOST_TAGS]
        contents = self._contents.layers_of(repository, {tag.digest for tag in newest})
        sizes = {digest: size for each in contents for digest, size in each.blobs.items()}
        return grid_of(newest, {each.root: tuple(each.blobs) for each in contents}, sizes, len(tags) - len(newest))


def grid_of(
    tags: Sequence[NamedTag], layers: dict[Digest, tuple[Digest, ...]], sizes: dict[Digest, int | None], more: int
) -> LayerGrid:
    """`layers` are those of each root. Pure."""
    having = Counter(digest for tag in tags for digest in layers.get(tag.digest, ()))
    order = sorted(having, key=lambda digest: (-having[digest], -(sizes[digest] or 0), str(digest)))
    shown = order[:MOST_LAYERS]
    places = {digest: place for place, digest in enumerate(shown)}
    columns = (
        GridTag(tag, tuple(sorted(places[each] for each in layers.get(tag.digest, ()) if each in places)))
        for tag in tags
    )
    rows = tuple(GridLayer(digest, sizes[digest]) for digest in shown)
    return LayerGrid(rows, tuple(columns), more, len(order) - len(shown))
