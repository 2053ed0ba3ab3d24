"""Images as each version of the API spells them, from values alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.fronts.docker_api.narrowing import glob, narrowed
from lading.fronts.docker_api.shapes_inspect import details_json, history_json, moment_json, settings_json
from lading.fronts.docker_api.shapes_list import manifests_json, shared_sizes, summary_json
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.platform import UNKNOWN, Platform
from lading.services.environment_images import Details, Part, PartKind, Step, Summary
from lading.wire.docker_query import FilterInvalid, Filters
from lading.wire.docker_urls import ApiVersion

OLD, NEW = ApiVersion(1, 41), ApiVersion(1, 51)
INDEX = Descriptor("application/vnd.oci.image.index.v1+json", Digest.of(b"index"), 5)
ARM = Platform("linux", "arm", "v7")
IMAGE = Descriptor("application/vnd.oci.image.manifest.v1+json", Digest.of(b"image"), 5, ARM)
PROOF = Descriptor("application/vnd.oci.image.manifest.v1+json", Digest.of(b"proof"), 6, UNKNOWN)
BASE, TOP, OTHER = Digest.of(b"base"), Digest.of(b"top"), Digest.of(b"other")
PARTS = (
    Part(IMAGE, PartKind.IMAGE, ARM, True, 70, blobs={BASE: 50, TOP: 20}),
    Part(PROOF, PartKind.ATTESTATION, UNKNOWN, False, 0, IMAGE.digest),
    Part(IMAGE, PartKind.UNKNOWN, None, True, 3, blobs={BASE: 50}),
)
SUMMARY = Summary("sha256:1", ("docker.io/library/app:1",), (), 10.9, 70, root=INDEX, parts=PARTS)
HOSTS = Summary("sha256:1", (), (), None, 70)
DETAILS = Details(SUMMARY, "linux/arm/v7", (), {})


def test_the_parts_of_an_image_are_told_by_their_kind() -> None:
    image, proof, other = manifests_json(PARTS)

    assert image["ImageData"] == {
        "Platform": {"architecture": "arm", "os": "linux", "variant": "v7"},
        "Size": {"Unpacked": 0},
        "Containers": [],
    }
    assert (proof["Kind"], proof["Available"]) == ("attestation", False)
    assert proof["AttestationData"] == {"For": str(IMAGE.digest)}
    assert (other["Kind"], set(other)) == ("unknown", {"ID", "Descriptor", "Available", "Size", "Kind"})
    assert other["Size"] == {"Content": 3, "Total": 3}


def test_what_a_docker_host_does_not_say_is_left_out() -> None:
    listed = summary_json(HOSTS, NEW, manifests=True)

    assert "Descriptor" not in listed
    assert listed["Manifests"] == []
    assert (listed["Created"], listed["Labels"], listed["RepoTags"], listed["RepoDigests"]) == (0, None, [], [])


def test_a_name_with_a_digest_is_no_tag() -> None:
    name = f"docker.io/library/app@{INDEX.digest}"
    pinned = replace(SUMMARY, names=(name,), digests=(name,))

    listed = summary_json(pinned, OLD)

    assert (listed["RepoTags"], listed["RepoDigests"]) == ([], [f"app@{INDEX.digest}"])


def test_bytes_are_shared_where_another_image_has_them_too() -> None:
    part = Part(IMAGE, PartKind.IMAGE, ARM, True, 60, None, {BASE: 50, OTHER: 9})
    other = replace(SUMMARY, id="sha256:2", root=None, parts=(part,))

    assert shared_sizes([SUMMARY, other]) == {"sha256:1": 50, "sha256:2": 50}
    assert shared_sizes([SUMMARY]) == {"sha256:1": 0}
    assert shared_sizes([HOSTS, SUMMARY])["sha256:1"] == 0


def test_an_image_that_does_not_say_when_it_was_made_has_gos_zero_time_for_old_clients() -> None:
    assert details_json(DETAILS, ApiVersion(1, 43), size=1)["Created"] == "0001-01-01T00:00:00Z"
    assert "Created" not in details_json(DETAILS, ApiVersion(1, 44), size=1)


def test_an_image_tells_what_its_document_says() -> None:
    document = {
        "created": "2024-05-06T07:08:09.120000000+02:00",
        "author": "ann",
        "architecture": "arm",
        "variant": "v7",
        "os": "windows",
        "os.version": "10.0",
        "docker_version": "20.10.24",
        "container": "abc",
        "container_config": {"Cmd": ["x"], "Hostname": "h"},
        "history": [{"comment": "first"}, {"comment": "last"}],
        "config": "a text where an object belongs",
    }

    told = details_json(replace(DETAILS, document=document), OLD, size=1)

    assert told["Created"] == "2024-05-06T07:08:09.12+02:00"
    assert (told["Author"], told["Architecture"], told["Variant"]) == ("ann", "arm", "v7")
    assert (told["Os"], told["OsVersion"], told["DockerVersion"]) == ("windows", "10.0", "20.10.24")
    assert (told["Container"], told["Comment"]) == ("abc", "last")
    settings = told["ContainerConfig"]
    assert isinstance(settings, dict)
    assert (settings["Cmd"], settings["Hostname"], settings["Env"]) == (["x"], "h", None)


@pytest.mark.parametrize("document", [{"history": [1]}, {"history": "x"}, {"os": 1}, {"container_config": []}])
def test_a_document_with_odd_members_is_told_without_them(document: dict[str, object]) -> None:
    assert details_json(replace(DETAILS, document=document), OLD, size=1)["Comment"] == ""


def test_settings_keep_what_is_set_and_fill_up_what_is_not() -> None:
    given = {"Cmd": ["x"], "StopSignal": "SIGTERM", "Shell": [], "Hostname": "h", "MacAddress": "m", "Odd": 1}

    old, new = settings_json(given, ApiVersion(1, 49)), settings_json(given, ApiVersion(1, 50))

    assert (old["Cmd"], old["StopSignal"], old["Hostname"], old["MacAddress"]) == (["x"], "SIGTERM", "h", "m")
    assert (old["Env"], old["User"], old["Tty"]) == (None, "", False)
    assert {"Hostname", "MacAddress", "Tty"}.isdisjoint(new)
    assert {"Shell", "Odd"}.isdisjoint(old)


def test_the_newest_step_has_the_image_and_its_names() -> None:
    steps = [Step("", 12.5, "CMD x", 0, "note"), Step("", None, "ADD y", 7)]

    newest, oldest = history_json(steps, SUMMARY)

    assert (newest["Id"], newest["Tags"], newest["Created"]) == ("sha256:1", ["app:1"], 12)
    assert (oldest["Id"], oldest["Tags"], oldest["Created"]) == ("<missing>", None, 0)
    assert (newest["Comment"], oldest["Size"]) == ("note", 7)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "1970-01-01T00:00:00Z"), (1.5, "1970-01-01T00:00:01.5Z"), (1767323045.0, "2026-01-02T03:04:05Z")],
)
def test_a_moment_has_no_more_digits_than_it_needs(seconds: float, text: str) -> None:
    assert moment_json(seconds) == text


@pytest.mark.parametrize(
    ("pattern", "matches", "passes_over"),
    [
        ("app", ["app"], ["apps", "a/app", ""]),
        ("a*", ["a", "app"], ["a/p", "bap"]),
        ("*", ["app", ""], ["a/b"]),
        ("*/*", ["a/b"], ["a", "a/b/c"]),
        ("a?c", ["abc"], ["a/c", "ac"]),
        ("a[b-d]", ["ab", "ad"], ["ae", "a-"]),
        ("a[^b-d]", ["ae"], ["ab"]),
        ("a[!b]", ["a!", "ab"], ["ac"]),
        ("a[b\\]]", ["a]", "ab"], ["a\\"]),
        ("a\\*", ["a*"], ["ab"]),
        ("a[.]b", ["a.b"], ["axb"]),
        ("localhost:5000/*:1", ["localhost:5000/a:1"], ["localhost:5000/a:2"]),
        ("a.b", ["a.b"], ["axb"]),
        ("a[&&x]", ["a&", "ax"], ["ay"]),
    ],
)
def test_patterns_are_gos(pattern: str, matches: list[str], passes_over: list[str]) -> None:
    assert [each for each in [*matches, *passes_over] if glob(pattern).fullmatch(each)] == matches


@pytest.mark.parametrize("pattern", ["[", "[]", "[a", "a\\", "[b-a]"])
def test_a_pattern_that_does_not_end_is_refused(pattern: str) -> None:
    with pytest.raises(FilterInvalid):
        glob(pattern)


@given(st.text())
def test_any_pattern_is_understood_or_refused(pattern: str) -> None:
    try:
        glob(pattern).fullmatch("x")
    except FilterInvalid as error:
        assert error.name == "reference"  # noqa: PT017  either is right


@given(st.text())
def test_a_text_with_its_signs_escaped_matches_itself(text: str) -> None:
    escaped = "".join(f"\\{sign}" if sign in "*?[\\" else sign for sign in text)

    assert glob(escaped).fullmatch(text)


@pytest.mark.parametrize(("dangling", "found"), [("true", ["none"]), ("false", ["named", "pinned"])])
def test_an_image_known_by_its_digest_alone_does_not_dangle(dangling: str, found: list[str]) -> None:
    images = [
        replace(HOSTS, id="none"),
        replace(HOSTS, id="named", names=("docker.io/library/app:1",)),
        replace(HOSTS, id="pinned", digests=(f"docker.io/library/app@{INDEX.digest}",)),
    ]

    shown = narrowed(images, Filters({"dangling": (dangling,)}), lambda _: 0.0, 0.0)

    assert [each.id for each in shown] == found


def test_images_are_between_two_others_by_when_they_were_made() -> None:
    images = [replace(HOSTS, id=str(made), created=made) for made in (1.0, 2.0, 3.0, 4.0)]
    filters = Filters({"since": ("1", "2"), "before": ("4",)})

    assert [each.id for each in narrowed(images, filters, float, 9.0)] == ["3.0"]
    assert [each.id for each in narrowed(images, Filters({"until": ("3",)}), float, 9.0)] == ["1.0", "2.0"]
