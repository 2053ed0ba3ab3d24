from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.document import DocumentInvalid, Fields
from lading.oci.media_types import OCI_MANIFEST
from lading.oci.platform import (
    UNKNOWN,
    Platform,
    PlatformInvalid,
    choose,
    is_attestation,
    satisfies,
    subject_of_attestation,
)

IMAGE = Digest.of(b"image")
ATTESTED = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": str(IMAGE)}


def child(platform: Platform | str | None, label: str = "") -> Descriptor:
    parsed = Platform.parse(platform) if isinstance(platform, str) else platform
    return Descriptor(OCI_MANIFEST, Digest.of(f"{platform}{label}".encode()), 1, platform=parsed)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linux/amd64", "linux/amd64"),
        ("Linux/x86_64", "linux/amd64"),
        ("linux/x86-64", "linux/amd64"),
        ("linux/amd64/v1", "linux/amd64"),
        ("linux/amd64/v3", "linux/amd64/v3"),
        ("linux/amd64/3", "linux/amd64/v3"),
        ("linux/i686", "linux/386"),
        ("linux/aarch64", "linux/arm64"),
        ("linux/arm64/v8", "linux/arm64"),
        ("linux/arm64/8", "linux/arm64"),
        ("linux/arm64/v8.0", "linux/arm64"),
        ("linux/arm64/v9", "linux/arm64/v9"),
        ("linux/arm", "linux/arm/v7"),
        ("linux/armhf", "linux/arm/v7"),
        ("linux/armel", "linux/arm/v6"),
        ("linux/arm/6", "linux/arm/v6"),
        ("linux/arm/V5", "linux/arm/v5"),
        ("macos/arm64", "darwin/arm64"),
        ("linux/riscv64", "linux/riscv64"),
        ("linux/mips64le/n64", "linux/mips64le/n64"),
        ("windows(10.0.17763.1)/amd64", "windows(10.0.17763.1)/amd64"),
    ],
)
def test_platforms_have_one_spelling(text: str, expected: str) -> None:
    platform = Platform.parse(text)

    assert str(platform) == expected
    assert Platform.parse(expected) == platform


@pytest.mark.parametrize(
    "text",
    ["", "linux", "linux/", "/amd64", "linux/amd64/", "linux/amd64/v8/x", "linux /amd64", "linux/amd64\n", "a,b/c"],
)
def test_text_that_is_no_platform_is_refused(text: str) -> None:
    with pytest.raises(PlatformInvalid) as refused:
        Platform.parse(text)

    assert refused.value.hint


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [
        ("Linux", "x86_64", "linux/amd64"),
        ("Linux", "aarch64", "linux/arm64"),
        ("Linux", "armv7l", "linux/arm/v7"),
        ("Linux", "i686", "linux/386"),
        ("Darwin", "arm64", "linux/arm64"),
        ("Windows", "AMD64", "windows/amd64"),
    ],
)
def test_a_machine_knows_what_it_runs(system: str, machine: str, expected: str) -> None:
    assert str(Platform.of(system, machine)) == expected


@pytest.mark.parametrize(
    ("wanted", "served_best_first", "not_served"),
    [
        ("linux/amd64", ["linux/amd64", "linux/386"], ["linux/amd64/v2", "linux/arm64", "windows/amd64"]),
        (
            "linux/amd64/v3",
            ["linux/amd64/v3", "linux/amd64/v2", "linux/amd64", "linux/386"],
            ["linux/amd64/v4", "linux/arm64"],
        ),
        ("linux/386", ["linux/386"], ["linux/amd64"]),
        (
            "linux/arm64",
            ["linux/arm64", "linux/arm/v8", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5"],
            ["linux/arm64/v8.1", "linux/arm64/v9", "linux/amd64"],
        ),
        (
            "linux/arm64/v8.2",
            ["linux/arm64/v8.2", "linux/arm64/v8.1", "linux/arm64", "linux/arm/v8", "linux/arm/v5"],
            ["linux/arm64/v8.3", "linux/arm64/v9"],
        ),
        (
            "linux/arm64/v9.1",
            [
                "linux/arm64/v9.1",
                "linux/arm64/v9",
                "linux/arm64/v8.6",
                "linux/arm64/v8.5",
                "linux/arm64",
                "linux/arm/v7",
            ],
            ["linux/arm64/v9.2", "linux/arm64/v8.7"],
        ),
        ("linux/arm/v7", ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"], ["linux/arm/v8", "linux/arm64"]),
        ("linux/arm", ["linux/arm/v7", "linux/arm/v6", "linux/arm/v5"], ["linux/arm/v8"]),
        ("linux/arm/v5", ["linux/arm/v5"], ["linux/arm/v6"]),
        ("linux/s390x", ["linux/s390x", "linux/s390x/z13"], ["linux/ppc64le"]),
        ("linux/ppc64le/power9", ["linux/ppc64le/power9"], ["linux/ppc64le", "linux/ppc64le/power8"]),
        ("linux/amd64/zen", ["linux/amd64/zen"], ["linux/amd64", "linux/386"]),
        ("darwin/arm64", ["darwin/arm64"], ["linux/arm64"]),
    ],
)
def test_lower_variants_serve_worse_but_serve(wanted: str, served_best_first: list[str], not_served: list[str]) -> None:
    asked = Platform.parse(wanted)
    offered = [child(text) for text in [*not_served, *reversed(served_best_first)]]

    for expected in served_best_first:
        best = choose(offered, asked)
        assert best is not None
        assert str(best.platform) == expected
        offered.remove(best)

    assert choose(offered, asked) is None
    assert all(not satisfies(Platform.parse(text), asked) for text in not_served)


def test_the_first_of_equals_is_chosen() -> None:
    first, second = (
        child("linux/arm64", "a"),
        replace(child("linux/arm64", "b"), platform=Platform("linux", "aarch64", "v8")),
    )

    assert choose([second, first], Platform.parse("linux/arm64")) is second
    assert choose([first, second], Platform.parse("linux/arm64")) is first


WINDOWS = [
    child(Platform("windows", "amd64", os_version="10.0.20348.2461")),
    child(Platform("windows", "amd64", os_version="10.0.17763.5820")),
    child(Platform("windows", "amd64", os_version="10.0.17763.1")),
    child(Platform("windows", "amd64")),
]


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("windows/amd64", 0),
        ("windows(10.0.17763.1)/amd64", 2),
        ("windows(10.0.17763.4000)/amd64", 1),
        ("windows(10.0.17763)/amd64", 1),
        ("windows(10.0.20348.1)/amd64", 0),
        ("windows(10.0.14393.1)/amd64", 3),
        ("windows(10.0.17763.1)/arm64", None),
    ],
)
def test_windows_runs_images_of_its_own_build(wanted: str, chosen: int | None) -> None:
    assert choose(WINDOWS, Platform.parse(wanted)) is (None if chosen is None else WINDOWS[chosen])


def test_features_the_asker_names_are_all_an_image_may_need() -> None:
    needs = child(Platform("windows", "amd64", os_features=("win32k",)))
    asked = Platform("windows", "amd64", os_features=("other",))

    assert choose([needs], asked) is None
    assert choose([needs], replace(asked, os_features=("win32k", "other"))) is needs
    assert choose([needs], replace(asked, os_features=())) is needs


@pytest.mark.parametrize("wanted", ["linux/amd64", "unknown/unknown"])
def test_attestations_artifacts_and_unknown_platforms_serve_nobody(wanted: str) -> None:
    attestation = replace(child(UNKNOWN), annotations=ATTESTED)
    disguised = replace(child("linux/amd64"), annotations=ATTESTED)
    artifact = replace(child(None), artifact_type="application/spdx+json")

    assert choose([child(UNKNOWN), attestation, disguised, artifact], Platform.parse(wanted)) is None


def test_an_entry_without_platform_serves_when_nothing_better_does() -> None:
    silent, exact = child(None), child("linux/386")

    assert choose([silent, exact], Platform.parse("linux/amd64")) is exact
    assert choose([silent], Platform.parse("linux/amd64")) is silent


def test_an_attestation_says_which_image_it_speaks_of() -> None:
    attestation = replace(child(UNKNOWN), annotations=ATTESTED)
    broken = replace(attestation, annotations={**ATTESTED, "vnd.docker.reference.digest": "sha256:x"})

    assert is_attestation(attestation)
    assert subject_of_attestation(attestation) == IMAGE
    assert subject_of_attestation(broken) is None
    assert subject_of_attestation(child("linux/amd64")) is None


words = st.from_regex(r"[a-z0-9]{1,6}", fullmatch=True)
platforms = st.builds(
    Platform,
    st.sampled_from(["linux", "windows", "darwin", "macos"]) | words,
    st.sampled_from(["amd64", "arm", "arm64", "aarch64", "386", "x86_64", "armhf", "riscv64"]) | words,
    st.none() | st.sampled_from(["v1", "v5", "v7", "v8", "v8.3", "v9", "9.2", "7", "v4"]) | words,
    st.none() | st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,5}){0,3}", fullmatch=True),
)


@given(platforms)
def test_a_platform_reads_back_as_itself(platform: Platform) -> None:
    normal = platform.normalised

    assert normal.normalised == normal
    assert Platform.parse(str(platform)) == normal
    assert Platform.read(Fields(platform.written(), "", DocumentInvalid)) == platform


@given(platforms)
def test_everyone_is_served_by_what_they_asked_for(platform: Platform) -> None:
    assert satisfies(platform, platform) is ("unknown" not in (platform.os, platform.architecture))


@given(platforms, st.lists(platforms, max_size=6))
def test_what_is_chosen_satisfies_and_nothing_is_missed(wanted: Platform, offered: list[Platform]) -> None:
    entries = [child(platform, str(place)) for place, platform in enumerate(offered)]

    best = choose(entries, wanted)

    assert (best is not None) is any(satisfies(platform, wanted) for platform in offered)
    assert best is None or best.platform is None or satisfies(best.platform, wanted)
