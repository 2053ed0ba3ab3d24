"""What of a source moves: the source as `copy` should see it, the root, and a word about it for people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lading.engine.content import is_held
from lading.engine.narrow import InHand, narrow, without
from lading.engine.stores import ContentUnknown, Source
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.manifest import Index, Manifest
from lading.oci.media_types import is_foreign_layer, is_image_config, is_index
from lading.oci.platform import Platform, satisfies
from lading.services.platforms import (
    NothingHere,
    PlatformMissing,
    Wanted,
    chosen,
    images_of,
    select,
    with_attestations,
)
from lading.services.reading import read_config, read_manifest


@dataclass(frozen=True, slots=True)
class Chosen:
    """A source and root to copy; `parts` are the images that move of an index, none where the root is one image."""

    source: Source
    root: Descriptor
    note: str = ""
    parts: tuple[Descriptor, ...] = ()


Here = Callable[[Descriptor], bool]
"""Whether a manifest and all it needs are in the source."""


def everywhere(_child: Descriptor) -> bool:
    """A registry holds what its indexes name, or says so when it is asked."""
    return True


def whole(source: Source) -> Here:
    """For places on this machine, where an index may name children that were never fetched.

    Each is looked into once: an index may name one child thousands of times.
    """
    known: dict[Digest, bool] = {}

    def here(child: Descriptor) -> bool:
        if child.digest not in known:
            known[child.digest] = _is_whole(source, child)
        return known[child.digest]

    return here


def _is_whole(source: Source, manifest: Descriptor) -> bool:
    try:
        document = read_manifest(source, manifest)
    except ContentUnknown:
        return False
    needed = {each.digest: each for each in document.children if not is_foreign_layer(each.media_type)}
    return all(is_held(source, each) for each in needed.values())


def choose_to_send(source: Source, root: Descriptor, wanted: Wanted, here: Here) -> Chosen:
    """For push and copy: all, when all is here; the rest by `platforms.select`.

    Raises PlatformMissing, PlatformsIncomplete, NothingHere and what reading a manifest raises.
    """
    if not is_index(root.media_type):
        _check_platform(source, root, wanted)
        return Chosen(source, root)
    if wanted.all:
        return Chosen(source, root)
    index = read_manifest(source, root)
    assert isinstance(index, Index)
    selection = select(index, wanted, source.name, here)
    if selection.only is not None:
        return Chosen(source, selection.only, selection.note)
    if selection.kept is None:
        return Chosen(source, root, selection.note)
    kept = selection.kept
    narrowed, new_root = narrow(source, root, lambda child: child.digest in kept)
    return Chosen(narrowed, new_root, selection.note)


def choose_present(source: Source, root: Descriptor, here: Here) -> Chosen:
    """All that is in the source: an index stays byte for byte, and those of its children that are not there are named
    and stay behind, as after a pull of some platforms. Raises NothingHere and what reading a manifest raises."""
    if not is_index(root.media_type):
        return Chosen(source, root)
    index = read_manifest(source, root)
    assert isinstance(index, Index)
    absent = [child for child in index.manifests if not here(child)]
    images = images_of(index)
    parts = tuple(child for child in images if here(child))
    if images and not parts:
        raise NothingHere(source.name)
    note = f"{len(parts)} of {len(images)} platforms" if len(parts) < len(images) else ""
    return Chosen(without(InHand(source, {root.digest: index.raw}), absent), root, note, parts)


def choose_to_bring(source: Source, root: Descriptor, wanted: Wanted, native: Platform) -> Chosen:
    """For pull: the index stays byte for byte, the chosen children and their attestations come, the others do not.

    Raises PlatformMissing and what reading a manifest raises.
    """
    if not is_index(root.media_type):
        _check_platform(source, root, wanted)
        return Chosen(source, root)
    index = read_manifest(source, root)
    assert isinstance(index, Index)
    images = images_of(index)
    parts = images if wanted.all else chosen(index, wanted.platforms or (native,), source.name)
    kept = {child.digest for child in with_attestations(index, parts)}
    absent = [child for child in index.manifests if child.digest not in kept]
    note = f"{len(parts)} of {len(images)} platforms" if len(images) > 1 else ""
    if absent and len(parts) == 1 and parts[0].platform:
        note = f"{note} ({parts[0].platform})" if note else str(parts[0].platform)
    return Chosen(without(InHand(source, {root.digest: index.raw}), absent), root, note, parts)


def _check_platform(source: Source, root: Descriptor, wanted: Wanted) -> None:
    """A platform asked for by name must be the one a single image was built for; nobody asked: nothing is read."""
    if not wanted.platforms:
        return
    manifest = read_manifest(source, root)
    assert isinstance(manifest, Manifest)
    if not is_image_config(manifest.config.media_type):
        return
    built_for = read_config(source, manifest).platform
    for platform in wanted.platforms:
        if not satisfies(built_for, platform):
            raise PlatformMissing(platform, source.name, [built_for])
