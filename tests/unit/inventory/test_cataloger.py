"""What is kept of a layer while its tar passes."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace

import pytest

from lading.inventory.cataloger import Limits, image_path
from lading.inventory.evidence import Evidence, EvidenceRead, is_dull, may_be_program
from lading.inventory.package import Package, PackageType
from lading.oci.digest import Digest
from tests.fakes.layers import FOLDER, KINDS, HardLink, Symlink, layer, layer_tar, read_tar

STATUS = "var/lib/dpkg/status"
ONE = "Package: a\nVersion: 1\n"


def noting(path: str, content: bytes) -> EvidenceRead:
    """A package for each word."""
    return EvidenceRead(
        tuple(Package(PackageType.NPM, word, "1", path) for word in content.decode().split()),
        notes=("it is empty",) * (not content),
    )


WORDS = Evidence("words", lambda path: path.endswith(".words"), noting, limit=20)
PROGRAMS = Evidence("programs", may_be_program, noting, limit=50, begins=(b"#! ", b"%"))
FAKES = (WORDS, PROGRAMS)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("usr/bin/tool", "usr/bin/tool"),
        ("./usr/bin/tool", "usr/bin/tool"),
        ("/usr/bin/tool", "usr/bin/tool"),
        ("./usr/bin/", "usr/bin"),
        ("./", ""),
        (".", ""),
        ("", ""),
        ("usr//bin/./tool", "usr/bin/tool"),
        ("../../etc/passwd", "etc/passwd"),
        ("usr/../etc/a", "etc/a"),
        ("usr/.hidden/..data", "usr/.hidden/..data"),
        ("caf\udce9/a", "caf\ufffd/a"),
        ("a\0b", "a\ufffdb"),
    ],
)
def test_paths(name: str, path: str) -> None:
    assert image_path(name) == path


def test_a_layer_knows_its_own_name_and_length() -> None:
    tar = layer_tar({STATUS: ONE})

    found = read_tar(tar)

    assert (found.diff_id, found.size) == (Digest.of(tar), len(tar))


@pytest.mark.parametrize("piece", [1, 7, 511, 512, 513, 1 << 20])
def test_pieces_of_any_size_give_one_result(piece: int) -> None:
    tar = layer_tar(
        {
            "app/": FOLDER,
            "app/a.words": "one two",
            "usr/bin/tool": "%three",
            "usr/bin/other": "not it",
            "b.words": "x" * 21,
            "usr/bin/link": Symlink("tool"),
            "usr/lib/.wh.gone": "",
        }
    )

    assert read_tar(tar, FAKES, piece=piece) == read_tar(tar, FAKES)


def test_content_is_read_of_what_matches_and_begins_so() -> None:
    found = layer(
        {"a.words": "one", "usr/bin/tool": "#! two", "usr/bin/other": "three", "usr/share/x.txt": "#! "}, FAKES
    )

    assert {path: [each.name for each in packages] for path, packages in found.packages.items()} == {
        "a.words": ["one"],
        "usr/bin/other": [],
        "usr/bin/tool": ["#!", "two"],
    }
    assert found.notes == {}


def test_what_is_too_long_is_noted() -> None:
    found = layer({"a.words": "x" * 21, "usr/bin/tool": "%" * 51, "usr/bin/other": "x" * 51}, FAKES)

    assert found.packages == {"a.words": (), "usr/bin/other": (), "usr/bin/tool": ()}
    assert found.notes == {
        "a.words": ("it has 21 bytes; 20 are read of evidence of words",),
        "usr/bin/tool": ("it has 51 bytes; 50 are read of evidence of programs",),
    }


def test_what_is_too_long_and_seldom_says_anything_is_not_noted() -> None:
    seldom = replace(WORDS, seldom=True)

    found = layer({"a.words": "w" * 21}, (seldom,))

    assert not found.notes
    assert found.packages == {"a.words": ()}


def test_a_reader_that_fails_costs_one_file() -> None:
    def fails(path: str, content: bytes) -> EvidenceRead:
        raise RecursionError

    broken = Evidence("broken", lambda path: path.endswith(".x"), fails)
    found = layer({"a.x": "1", "a.words": "one"}, (broken, WORDS))

    assert found.notes == {"a.x": ("reading it as evidence of broken failed: RecursionError",)}
    assert [each.name for each in found.packages["a.words"]] == ["one"]


def test_two_kinds_may_speak_of_one_file() -> None:
    found = layer({"a.words": "one"}, (WORDS, WORDS))

    assert [each.name for each in found.packages["a.words"]] == ["one", "one"]


def test_of_one_path_the_last_member_counts() -> None:
    assert [each.name for each in layer([("a.words", "one"), ("a.words", "two")], FAKES).packages["a.words"]] == ["two"]
    linked = layer([("a.words", "one"), ("a.words", Symlink("b"))], FAKES)
    assert (linked.packages, linked.links) == ({}, {"a.words": "b"})
    unlinked = layer([("a.words", Symlink("b")), ("a.words", "one")], FAKES)
    assert ([*unlinked.packages], unlinked.links) == (["a.words"], {})
    assert layer([("a.words", "one"), ("a.words/", FOLDER)], FAKES).packages == {}


def test_a_hard_link_is_the_file_it_leads_to() -> None:
    found = layer({"a.words": "one", "b/c.words": HardLink("./a.words")}, FAKES)

    assert [(each.name, each.evidence) for each in found.packages["b/c.words"]] == [("one", "b/c.words")]


def test_a_file_taken_twice_is_still_there() -> None:
    found = layer([("a.words", "one"), ("./a.words", HardLink("a.words"))], FAKES)

    assert [each.name for each in found.packages["a.words"]] == ["one"]


def test_a_hard_link_to_what_was_not_read_is_noted_where_it_is_evidence() -> None:
    found = layer(
        {"store/1.x": "one", "b.words": HardLink("store/1.x"), "usr/bin/tool": HardLink("usr/lib/x.y")}, FAKES
    )

    assert found.notes == {"b.words": ("it is a hard link to store/1.x, which was not read",)}
    assert found.packages == {"b.words": (), "usr/bin/tool": ()}


def test_a_sparse_file_is_noted() -> None:
    tar = bytearray(layer_tar({"a.words": "one"}))
    tar[156:157] = b"S"
    tar[148:156] = b" " * 8
    tar[148:156] = b"%06o\0 " % sum(tar[:512])

    assert read_tar(bytes(tar), FAKES).notes == {"a.words": ("it is a sparse file",)}


def test_whiteouts_and_opaque_folders() -> None:
    found = layer(
        {
            "app/.wh.lib": "",
            ".wh.opt": "",
            "srv/.wh..wh..opq": "",
            ".wh..wh.plnk/": FOLDER,
            "srv/.wh..wh.aufs": "",
            "a/.wh.": "",
        }
    )

    assert found.whiteouts == ("app/lib", "opt")
    assert found.opaque == ("srv",)
    assert found.packages == {}


def test_links_are_kept_where_they_may_matter() -> None:
    found = layer(
        {
            "bin": Symlink("usr/bin"),
            "etc/os-release": Symlink("../usr/lib/os-release"),
            "etc/localtime": Symlink("/usr/share/zoneinfo/UTC"),
            "usr/share/doc/a": Symlink("b"),
            "srv/caf\udce9": Symlink("x\udce9"),
        }
    )

    assert found.links == {"bin": "usr/bin", "etc/os-release": "../usr/lib/os-release", "srv/caf\ufffd": "x\ufffd"}


def test_folders_of_evidence_that_no_member_names() -> None:
    found = layer(
        {"app/": FOLDER, "app/sub/deep/a.words": "one", "lib": Symlink("usr/lib"), "lib/b.words": "two"}, FAKES
    )

    assert found.implied == ("app/sub", "app/sub/deep")


def test_a_tar_without_its_end_mark_is_whole() -> None:
    tar = layer_tar({STATUS: ONE})

    assert read_tar(tar[:1024]).notes == {}
    assert read_tar(tar[: 512 + len(ONE)]).notes == {}
    assert [each.name for each in read_tar(tar[: 512 + len(ONE)]).packages[STATUS]] == ["a"]
    assert read_tar(b"").notes == {}


def test_a_tar_that_breaks_off_is_noted() -> None:
    tar = layer_tar({STATUS: ONE, "a.words": "x" * 2000})

    in_content = read_tar(tar[: 512 + 5])
    assert in_content.packages == {STATUS: ()}
    assert in_content.notes == {STATUS: ("the tar breaks off within it",)}
    in_other = read_tar(tar[:2600])
    assert [*in_other.notes] == [""]
    in_header = read_tar(tar[: 1024 + 100])
    assert "it ends without its end mark" in in_header.notes[""][0]


def test_what_follows_garbage_is_lost_and_noted() -> None:
    found = read_tar(layer_tar({STATUS: ONE})[:1024] + b"\x01" * 1200)

    assert [each.name for each in found.packages[STATUS]] == ["a"]
    assert found.notes[""] == ("the tar is not valid at byte 1024: this is no header: a number is garbled",)


def test_gnu_and_old_tars_with_long_names() -> None:
    path = "/".join(["node_modules"] * 20) + "/x/a.words"
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        file = io.BytesIO()
        with tarfile.open(fileobj=file, mode="w", format=form) as tar:
            info = tarfile.TarInfo(path)
            info.size = 3
            tar.addfile(info, io.BytesIO(b"one"))
        assert [*read_tar(file.getvalue(), FAKES).packages] == [path]


def test_more_than_may_be_kept_is_left_out_and_noted() -> None:
    members = {f"{number}.words": "one two" for number in range(10)} | {
        f"l{number}": Symlink("x") for number in range(9)
    }
    tar = layer_tar(members | {f"x/.wh.{number}": "" for number in range(9)})

    found = read_tar(tar, FAKES, limits=Limits(paths=6, packages=9))

    assert (len(found.packages), len(found.links), len(found.whiteouts)) == (6, 6, 6)
    assert sum(map(len, found.packages.values())) == 9
    assert "paths beyond 6 in one layer are left out" in found.notes[""]
    assert found.notes["5.words"] == ("packages beyond 9 in one layer are left out",)


def test_more_notes_than_anybody_reads_are_counted() -> None:
    found = read_tar(layer_tar({f"{n:03}.words": "" for n in range(12)}), FAKES, limits=Limits(notes=5))

    assert len(found.notes) == 6
    assert found.notes[""] == ("7 more notes are left out",)


def test_owned_files_beyond_the_limit_are_left_out_and_noted() -> None:
    tar = layer_tar({f"var/lib/dpkg/info/{n}.list": "/usr/bin/a\n/usr/bin/b\n" for n in range(4)})

    found = read_tar(tar, KINDS, limits=Limits(owned=5))

    assert sum(len(files) for owned in found.owned.values() for files in owned.values()) == 5
    assert any("owned files beyond 5" in note for notes in found.notes.values() for note in notes)


def test_nobody_can_reach_a_path_that_is_too_long() -> None:
    assert layer({"a/" * 2500 + "b.words": "one"}, FAKES).packages == {}


@pytest.mark.parametrize(
    "path", ["usr/bin/tool", "opt/a/libx.so.1.2", "app/server.exe", "usr/bin/python3.11", "a/b.node"]
)
def test_where_programs_may_lie(path: str) -> None:
    assert may_be_program(path)


@pytest.mark.parametrize("path", ["app/main.py", "usr/share/doc/tool/copyright", "etc/passwd", "x/README.md"])
def test_where_no_program_lies(path: str) -> None:
    assert not may_be_program(path)


def test_settings_are_dull() -> None:
    assert is_dull("etc/passwd")
    assert not is_dull("usr/bin/tool")
