"""Giving up single platforms of an image: their content goes, the index that names them stays byte for byte.

It is what a pull of some platforms leaves, made backwards. A manifest goes first and alone: what only it needed is
garbage from then on, and an index that is kept names a child that is not here, which every reader of ours expects.
"""

from __future__ import annotations

from collections.abc import Collection

from lading.engine.collect import Collectable, Keeper
from lading.engine.reach import reach, read_manifest
from lading.engine.records import Holder, ImageNames, Leases
from lading.oci.digest import Digest
from lading.wire.message import Cancel


def shed(  # noqa: PLR0917  as `collect` has them
    content: Collectable,
    images: ImageNames,
    leases: Leases,
    keepers: Collection[Keeper],
    root: Digest,
    manifests: Collection[Digest],
    *,
    cancel: Cancel,
) -> Collection[Digest]:
    """Removes those of these children of `root` that nothing else needs; answers them.

    What work that runs, or a registry's client, counts on stays; what work that has ended held does not: somebody wants
    it gone, and a later collection would find that the index still names it. Raises StorageFailed leaves and Cancelled.
    """
    with content.turn(cancel):
        index = read_manifest(content, root)
        siblings = [child.digest for child in index.children if child.digest not in manifests] if index else []
        others = {image.root.digest for image in images.all()} - {root}
        kept = [digest for keeper in keepers for digest in keeper.reached()]
        beside = content.referrers(root)
        needed = reach(content, [*others, *siblings, *kept, *beside], content.referrers, cancel)
        going = [each for each in manifests if each not in needed and content.size(each) is not None]
        gone: list[Digest] = []

        def release(digests: Collection[Digest]) -> Collection[Digest]:
            fresh = {image.root.digest for image in images.all()} - others - {root}
            named = reach(content, fresh, content.referrers)
            counted_on = leases.among(digests, {Holder.WORK, Holder.TOLD})
            released: Collection[Digest] = [each for each in digests if each not in named and each not in counted_on]
            for keeper in keepers:
                released = keeper.release(released)
            gone.extend(released)
            return released

        if going:
            content.sweep(going, release)
        return gone
