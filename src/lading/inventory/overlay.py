"""An image's inventory: its layers' inventories laid over each other, from the base up (image-spec, layer.md)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lading.inventory.apk import INSTALLED_PATHS
from lading.inventory.dpkg import STATUS_PATHS
from lading.inventory.file_tree import MOST_PLACES, FileTree
from lading.inventory.layer import ImageInventory, Installed, LayerInventory
from lading.inventory.npm_locks import superseded_locks
from lading.inventory.os_release import RELEASE_PATHS
from lading.inventory.ownership import Owners
from lading.inventory.package import OsRelease, Package, PackageType
from lading.inventory.rpm import RPM_FOLDERS, RPM_NAMES


@dataclass(frozen=True, slots=True)
class _File:
    """What one file says. `path` is as its layer writes it, behind a link perhaps. `since` gives for each package the
    layer that brought it to this place, by its number; `replaced` that another layer had a file there before, with
    other packages."""

    path: str
    since: Mapping[Package, int]
    layer: int
    release: OsRelease | None
    owned: Mapping[str, tuple[str, ...]] | None
    notes: tuple[str, ...]
    replaced: bool = False

    def at(self, place: str, package: Package) -> Package:
        """One of its packages, with the place where the file is; what lies inside the file keeps its place there."""
        if place == self.path:
            return package
        return replace(package, evidence=place + package.evidence[len(self.path) :])


_Tree = FileTree[_File]


def image_inventory(layers: Sequence[LayerInventory]) -> ImageInventory:
    """Of an image with these layers. What is hidden by an upper layer is not installed."""
    tree: _Tree = FileTree()
    for number, layer in enumerate(layers):
        _lay(tree, number, layer)
    files = sorted(_speaking(tree))
    installed = _installed(tree, files, layers)
    release = _release(tree)
    notes = [note for layer in layers for note in layer.notes.get("", ())]
    notes += [f"{path}: {note}" for path, file in files for note in file.notes]
    notes += _led_elsewhere(tree)
    notes += _passed_over(files)
    if release is not None and not any(each.package.type.of_distribution for each in installed):
        notes.append(f"no package of {release.name or release.id} was found")
    if tree.full:
        notes.append(f"files beyond {MOST_PLACES} in one image are left out")
    return ImageInventory(release, installed, tuple(dict.fromkeys(notes)))


# ── layers


def _lay(tree: _Tree, number: int, layer: LayerInventory) -> None:
    """Hides first, then shows: a layer hides nothing of its own."""
    for path in layer.whiteouts:
        tree.remove(path)
    for path in layer.opaque:
        tree.empty(path)
    followed = frozenset((*layer.implied, *layer.links))
    for path in sorted(layer.links, key=_depth):
        tree.put_link(path, layer.links[path], followed)
    for path in {**layer.packages, **layer.releases, **layer.owned, **layer.notes}:
        if path:
            _lay_file(tree, number, layer, path, followed)


def _depth(path: str) -> int:
    return path.count("/")


def _lay_file(tree: _Tree, number: int, layer: LayerInventory, path: str, followed: frozenset[str]) -> None:
    packages = layer.packages.get(path, ())
    file = _File(
        path,
        dict.fromkeys(packages, number),
        number,
        layer.releases.get(path),
        layer.owned.get(path),
        layer.notes.get(path, ()),
    )
    if not (packages or file.release or file.owned is not None or file.notes):
        tree.hide(path, followed)
        return
    before = tree.put(path, file, followed)
    if before is not None and before.layer < number and before.since:
        since = {package: before.since.get(package, number) for package in packages}
        replaced = before.replaced or before.since.keys() != since.keys()
        tree.put(path, replace(file, since=since, replaced=replaced), followed)


# ── packages


def _speaking(tree: _Tree) -> Iterator[tuple[str, _File]]:
    """Without the lock files of what is installed."""
    silent = superseded_locks(path for path, file in tree if file.since)
    return ((path, file) for path, file in tree if path not in silent)


def _installed(
    tree: _Tree, files: Sequence[tuple[str, _File]], layers: Sequence[LayerInventory]
) -> tuple[Installed, ...]:
    distribution = _distribution_packages(files)
    arrived = {package.name: number for package, number in distribution}
    owners = Owners(_owned(tree, files, arrived), unlisted=_unlisted(files))
    installed = [Installed(package, layers[number].diff_id) for package, number in distribution]
    for path, file in files:
        owner = owners.of(path)
        if owner and file.replaced and max(file.since.values(), default=0) > arrived.get(owner, len(layers)):
            owner = ""  # somebody put another version over the distribution's
        installed += (
            Installed(file.at(path, package), layers[number].diff_id, owner)
            for package, number in file.since.items()
            if not package.type.of_distribution
        )
    return tuple(sorted(installed, key=_order))


def _distribution_packages(files: Iterable[tuple[str, _File]]) -> list[tuple[Package, int]]:
    """Each once: an image may have two forms of one database, of which the older is left over."""
    stale = _stale_databases({path for path, file in files if file.since})
    found: dict[tuple[str, str, str, str], tuple[Package, int]] = {}
    for path, file in files:
        for package, number in file.since.items():
            if package.type.of_distribution and path not in stale:
                identity = (package.type, package.name, package.version, package.architecture)
                found.setdefault(identity, (file.at(path, package), number))
    return list(found.values())


def _stale_databases(paths: set[str]) -> set[str]:
    stale: set[str] = set()
    for folder in RPM_FOLDERS:
        databases = [folder + name for name in RPM_NAMES if folder + name in paths]
        stale |= set(databases[1:])
    return stale


def _passed_over(files: Sequence[tuple[str, _File]]) -> Iterator[str]:
    """Which database rpm reads, and which is left over, the image's own rpm decides: if the other names more, it is
    said."""
    named = {path: {package.name for package in file.since} for path, file in files}
    for path in sorted(_stale_databases({path for path, names in named.items() if names})):
        folder = path.rpartition("/")[0]
        taken = next(f"{folder}/{name}" for name in RPM_NAMES if named.get(f"{folder}/{name}"))
        if more := named[path] - named[taken]:
            yield f"{path}: it names packages that {taken} does not ({len(more)}), and is taken to be left over"


def _owned(tree: _Tree, files: Sequence[tuple[str, _File]], installed: Collection[str]) -> Iterator[tuple[str, str]]:
    """Of packages that are installed: a list that was left over, or slipped in, owns nothing."""
    single = {path: next(iter(file.since), None) for path, file in files if len(file.since) == 1}
    for place, file in files:
        for listed, owned in (file.owned or {}).items():
            package = single.get(place.removesuffix(".md5sums"))  # of images without dpkg: it stands beside its list
            name = listed if package is None else package.name
            for path in owned if name in installed else ():
                yield tree.canonical(path), name


def _unlisted(files: Iterable[tuple[str, _File]]) -> bool:
    """Whether dpkg's packages are there without a list of files."""
    by_dpkg = [file for path, file in files if "lib/dpkg/" in path]
    has_packages = any(package.type is PackageType.DEB for file in by_dpkg for package in file.since)
    return has_packages and all(file.owned is None for file in by_dpkg)


def _order(installed: Installed) -> tuple[str, str, str, str, str]:
    package = installed.package
    return package.type, package.name, package.version, package.evidence, package.namespace


# ── distribution

_DATABASES = frozenset((*STATUS_PATHS, *INSTALLED_PATHS, *(folder.rstrip("/") for folder in RPM_FOLDERS)))


def _led_elsewhere(tree: _Tree) -> Iterator[str]:
    """Databases that links put where nobody looks: without this they would be missing and nobody would know."""
    for path in sorted(_DATABASES):
        place = tree.canonical(path)
        if place not in _DATABASES:
            yield f"{path}: it leads to {place}, where no database of packages is looked for"


def _release(tree: _Tree) -> OsRelease | None:
    for path in RELEASE_PATHS:
        file = tree.get(path)
        if file is not None and file.release is not None:
            return file.release
    return None
