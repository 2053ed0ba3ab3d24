"""Places in a file system of which only some are known."""

from __future__ import annotations

from lading.inventory.file_tree import FileTree

NONE: frozenset[str] = frozenset()


def test_a_file_gives_back_what_was_there() -> None:
    tree: FileTree[int] = FileTree()

    assert tree.put("a/b", 1, NONE) is None
    assert tree.put("a/b", 2, NONE) == 1
    assert list(tree) == [("a/b", 2)]
    assert tree.get("a/b") == 2


def test_a_file_takes_a_folders_place_and_a_folder_a_files() -> None:
    tree: FileTree[int] = FileTree()
    tree.put("a/b/c", 1, NONE)

    tree.put("a/b", 2, NONE)
    assert list(tree) == [("a/b", 2)]
    tree.put("a/b/d", 3, NONE)
    assert list(tree) == [("a/b/d", 3)]


def test_links_are_followed_where_the_layer_leaves_them() -> None:
    tree: FileTree[int] = FileTree()
    tree.put_link("lib", "usr/lib", NONE)

    tree.put("lib/a", 1, frozenset({"lib"}))
    assert list(tree) == [("usr/lib/a", 1)]
    assert tree.canonical("lib/a") == "usr/lib/a"
    tree.put("lib/b", 2, NONE)
    assert sorted(tree) == [("lib/b", 2), ("usr/lib/a", 1)]
    assert tree.canonical("lib/a") == "lib/a"


def test_links_lead_through_links_up_and_to_the_root() -> None:
    tree: FileTree[int] = FileTree()
    tree.put_link("a/b", "../c", NONE)
    tree.put_link("c", "/d/./e/", NONE)
    tree.put_link("d/f", "../../../../g", NONE)

    assert tree.canonical("a/b/x") == "d/e/x"
    assert tree.canonical("d/f/y") == "g/y"
    assert tree.canonical("a/b/../z") == "d/z"
    assert tree.canonical("") == ""


def test_hiding_makes_no_place() -> None:
    tree: FileTree[int] = FileTree(most_places=2)
    tree.hide("a/b/c/d/e", NONE)

    tree.put("a/b", 1, NONE)
    assert not tree.full
    tree.hide("a", NONE)
    assert list(tree) == []


def test_whiteouts_remove_and_empty() -> None:
    tree: FileTree[int] = FileTree()
    for number, path in enumerate(["a/b", "a/c/d", "a/c/e"]):
        tree.put(path, number, NONE)

    tree.empty("a/c")
    tree.remove("nowhere/at/all")
    tree.empty("nowhere")
    assert list(tree) == [("a/b", 0)]
    tree.remove("a")
    assert list(tree) == []


def test_more_places_than_there_may_be_are_left_out() -> None:
    tree: FileTree[int] = FileTree(most_places=3)
    tree.put("a/b", 1, NONE)

    assert tree.put("c/d", 2, NONE) is None
    assert tree.full
    assert list(tree) == [("a/b", 1)]


def test_forty_links_are_followed_and_no_more() -> None:
    tree: FileTree[int] = FileTree()
    for number in range(50):
        tree.put_link(f"l{number}", f"l{number + 1}", NONE)

    assert tree.canonical("l10") == "l50"
    assert tree.canonical("l0") == "l40"


def test_links_that_lead_on_and_on_cost_little() -> None:
    """Each of forty leads through a thousand folders and the next one."""
    tree: FileTree[int] = FileTree()
    for number in range(40):
        tree.put_link(f"l{number}", "x/../" * 1000 + f"l{number + 1}", NONE)

    for _ in range(1000):
        tree.canonical("l0")
    assert tree.canonical("l39") == "l39"  # by now nobody follows
