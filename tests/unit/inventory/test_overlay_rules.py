"""The overlay against the plainest way to say the same: a flat list of files, changed layer by layer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lading.inventory.evidence import Evidence, EvidenceRead
from lading.inventory.overlay import image_inventory
from lading.inventory.package import Package, PackageType
from tests.fakes.layers import FOLDER, Symlink, layer

WHITEOUT, OPAQUE = "whiteout", "opaque"


def said(path: str, content: bytes) -> EvidenceRead:
    version = content.decode()
    return EvidenceRead((Package(PackageType.NPM, "a", version, path),) if version != "0" else ())


EVERYTHING = (Evidence("everything", lambda path: True, said),)
names = st.sampled_from(["a", "b", "c"])
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
changes = st.dictionaries(paths, st.sampled_from(["0", "1", "2", "3", WHITEOUT, OPAQUE, Symlink("/z")]), max_size=6)


def consistent(change: dict[str, object]) -> dict[str, object]:
    """Without what lies beneath a file or a link of the same layer: no runtime makes such a layer."""
    solid = {path for path, what in change.items() if what not in {WHITEOUT, OPAQUE}}
    return {path: what for path, what in change.items() if not any(path.startswith(f"{above}/") for above in solid)}


def members(change: dict[str, object]) -> dict[str, object]:
    """As a tar has them, every folder named."""
    found: dict[str, object] = {}
    for path, what in change.items():
        folder, _, name = path.rpartition("/")
        above = "" if what == WHITEOUT else path if what == OPAQUE else folder
        parts = above.split("/") if above else []
        found.update({"/".join(parts[:count]) + "/": FOLDER for count in range(1, len(parts) + 1)})
        if what == WHITEOUT:
            found[f"{folder}/.wh.{name}".lstrip("/")] = ""
        elif what == OPAQUE:
            found[f"{path}/.wh..wh..opq"] = ""
        else:
            found[path] = what
    return found


def flat(stack: list[dict[str, object]]) -> set[tuple[str, str]]:
    """Path and version of all that is there in the end."""
    files: dict[str, str] = {}
    for change in stack:
        gone = {path for path, what in change.items() if what == WHITEOUT}
        emptied = {path for path, what in change.items() if what == OPAQUE}
        files = {
            path: version
            for path, version in files.items()
            if path not in gone and not any(path.startswith(f"{above}/") for above in gone | emptied)
        }
        for path, what in members(change).items():
            if path.endswith("/"):
                files.pop(path[:-1], None)
            elif ".wh." not in path:
                files = {each: files[each] for each in files if each != path and not each.startswith(f"{path}/")}
                files |= {path: what} if isinstance(what, str) and what != "0" else {}
    return set(files.items())


@given(st.lists(changes.map(consistent), max_size=4))
def test_the_overlay_leaves_what_the_rules_leave(stack: list[dict[str, object]]) -> None:
    found = image_inventory([layer(members(change), EVERYTHING) for change in stack])

    assert {(each.package.evidence, each.package.version) for each in found.packages} == flat(stack)
