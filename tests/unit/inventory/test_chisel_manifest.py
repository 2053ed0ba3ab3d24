"""Images that chisel cut from Ubuntu's packages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.inventory.chisel import read_manifest
from tests.fakes.layers import image, layer, names
from tests.fakes.root_images import packed_by_zstd

PATH = "var/lib/chisel/manifest.wall"
LINES = b"""\
{"jsonwall":"1.0","schema":"1.0","count":6}
{"kind":"content","slice":"libssl3_libs","path":"/usr/lib/libssl.so.3"}
{"kind":"package","name":"base-files","version":"12ubuntu4.6","sha256":"00","arch":"amd64"}
{"kind":"package","name":"libssl3","version":"3.0.2-0ubuntu1.15","sha256":"00","arch":"amd64"}
{"kind":"package","name":"without-version"}
{"kind":"path","path":"/usr/lib/libssl.so.3","mode":"0644","slices":["libssl3_libs"]}
{"kind":"slice","name":"libssl3_libs"}
"""


def test_packages_and_what_they_own() -> None:
    members = {PATH: packed_by_zstd(LINES)}

    assert names(image(members)) == ["base-files 12ubuntu4.6", "libssl3 3.0.2-0ubuntu1.15"]
    assert layer(members).owned == {PATH: {"libssl3": ("usr/lib/libssl.so.3",)}}


def test_that_sources_are_not_known_is_told() -> None:
    assert "names no source packages" in image({PATH: packed_by_zstd(LINES)}).notes[0]


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (b"", "it is cut off, or too long"),
        (b"garbage, not zstd", "it is no zstd, or a damaged one"),
        (packed_by_zstd(LINES)[:-8], "it is cut off, or too long"),
        (packed_by_zstd(b" " * (65 * 1024 * 1024)), "it is cut off, or too long"),
        (packed_by_zstd(b"{}\n"), "it names no package"),
        (packed_by_zstd(b'{"kind":"package"'), "it is no JSON, or nested too deeply"),
        (packed_by_zstd(b'{"kind":"path"' + b" " * 200_000), "it has a line that is too long"),
    ],
)
def test_what_is_no_manifest_is_noted(content: bytes, note: str) -> None:
    assert read_manifest(PATH, content).notes == (note,)


@given(
    st.lists(st.sampled_from([*LINES.splitlines(), b'{"kind":"path","slices":[1],"path":2}']) | st.binary(max_size=9))
)
def test_any_lines_are_answered(lines: list[bytes]) -> None:
    read_manifest(PATH, packed_by_zstd(b"\n".join(lines)))
