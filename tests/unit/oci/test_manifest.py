from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci import media_types as types
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Algorithm, Digest
from lading.oci.manifest import (
    MANIFEST_LIMIT,
    Index,
    Manifest,
    ManifestInvalid,
    SchemaOneRefused,
    parse_manifest,
)
from lading.oci.platform import UNKNOWN, Platform


def descriptor(content: bytes, media_type: str = types.OCI_LAYER_GZIP, platform: Platform | None = None) -> Descriptor:
    return Descriptor(media_type, Digest.of(content), len(content), platform=platform)


CONFIG = descriptor(b"config", types.OCI_CONFIG)
BASE, TOP = descriptor(b"base"), descriptor(b"top")
IMAGE = Manifest.build(CONFIG, [BASE, TOP])
MEMBERS: dict[str, object] = json.loads(IMAGE.raw)


def image_for(platform: str) -> Descriptor:
    return descriptor(platform.encode(), types.OCI_MANIFEST, Platform.parse(platform))


def attestation_of(image: Descriptor) -> Descriptor:
    said = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": str(image.digest)}
    return replace(
        descriptor(b"attests " + bytes(str(image.digest), "ascii"), types.OCI_MANIFEST, UNKNOWN), annotations=said
    )


AMD, ARM, RISC = image_for("linux/amd64"), image_for("linux/arm64"), image_for("linux/riscv64")
INDEX = Index.build([AMD, ARM, RISC, attestation_of(AMD), attestation_of(ARM)])


def parsed_manifest(raw: bytes, media_type: str | None = None) -> Manifest:
    manifest = parse_manifest(raw, media_type)
    assert isinstance(manifest, Manifest)
    return manifest


def test_a_manifests_bytes_are_kept_as_they_came() -> None:
    raw = json.dumps(MEMBERS | {"unknown": {"b": 1, "a": 2.50}}, indent=3).encode() + b"\n"

    manifest = parsed_manifest(raw)

    assert manifest.raw == raw
    assert manifest.descriptor().digest == Digest.of(raw)
    assert manifest.descriptor(Algorithm.SHA512) == Descriptor(
        types.OCI_MANIFEST, Digest.of(raw, Algorithm.SHA512), len(raw)
    )
    assert manifest.children == (CONFIG, BASE, TOP)


def test_an_indexs_bytes_are_kept_as_they_came() -> None:
    raw = json.dumps(json.loads(INDEX.raw), indent=2, sort_keys=True).encode()

    index = parse_manifest(raw, types.OCI_INDEX)

    assert index.raw == raw
    assert index.children == INDEX.manifests
    assert index.descriptor().size == len(raw)


def test_new_manifests_are_always_written_alike() -> None:
    assert IMAGE.raw == (
        b'{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",'
        b'"config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:'
        + CONFIG.digest.encoded.encode()
        + b'","size":6},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:'
        + BASE.digest.encoded.encode()
        + b'","size":4},{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:'
        + TOP.digest.encoded.encode()
        + b'","size":3}]}'
    )
    assert parse_manifest(IMAGE.raw) == IMAGE
    assert parse_manifest(INDEX.raw) == INDEX


def without(*names: str) -> dict[str, object]:
    return {name: value for name, value in MEMBERS.items() if name not in names}


@pytest.mark.parametrize(
    ("members", "said", "expected"),
    [
        (MEMBERS, None, types.OCI_MANIFEST),
        (MEMBERS, types.OCI_MANIFEST, types.OCI_MANIFEST),
        (MEMBERS, "text/plain", types.OCI_MANIFEST),
        (MEMBERS, "application/json", types.OCI_MANIFEST),
        (without("mediaType"), None, types.OCI_MANIFEST),
        (without("mediaType"), types.DOCKER_MANIFEST, types.DOCKER_MANIFEST),
        (MEMBERS | {"mediaType": types.DOCKER_MANIFEST}, None, types.DOCKER_MANIFEST),
        ({"schemaVersion": 2, "manifests": []}, None, types.OCI_INDEX),
        ({"schemaVersion": 2, "manifests": []}, types.DOCKER_INDEX, types.DOCKER_INDEX),
        ({"schemaVersion": 2, "mediaType": types.OCI_INDEX, "manifests": None}, None, types.OCI_INDEX),
        (MEMBERS | {"layers": None}, None, types.OCI_MANIFEST),
    ],
)
def test_the_type_is_what_the_document_and_its_envelope_agree_on(
    members: dict[str, object], said: str | None, expected: str
) -> None:
    assert parse_manifest(json.dumps(members).encode(), said).media_type == expected


@pytest.mark.parametrize(
    ("members", "said", "field"),
    [
        ({}, None, "schemaVersion"),
        (without("schemaVersion"), None, "schemaVersion"),
        (MEMBERS | {"schemaVersion": 3}, None, "schemaVersion"),
        (MEMBERS | {"schemaVersion": 2.0}, None, "schemaVersion"),
        (MEMBERS | {"schemaVersion": "2"}, None, "schemaVersion"),
        (MEMBERS | {"mediaType": "text/html"}, None, "mediaType"),
        (MEMBERS, types.DOCKER_MANIFEST, "mediaType"),
        (MEMBERS, types.OCI_INDEX, "mediaType"),
        (MEMBERS | {"manifests": []}, None, "manifests"),
        (without("mediaType") | {"manifests": []}, None, "config"),
        (without("mediaType"), types.OCI_INDEX, "config"),
        (MEMBERS | {"fsLayers": []}, None, "fsLayers"),
        (without("config"), None, "config"),
        (MEMBERS | {"config": []}, None, "config"),
        (MEMBERS | {"layers": {}}, None, "layers"),
        (MEMBERS | {"Layers": []}, None, "Layers"),
        (MEMBERS | {"layers": [CONFIG.written(), TOP.written() | {"size": 1.5}]}, None, "layers[1].size"),
        (MEMBERS | {"layers": [TOP.written() | {"size": -1}]}, None, "layers[0].size"),
        (MEMBERS | {"layers": [TOP.written() | {"digest": "sha256:x"}]}, None, "layers[0].digest"),
        (MEMBERS | {"config": CONFIG.written() | {"mediaType": 1}}, None, "config.mediaType"),
        (MEMBERS | {"subject": {"size": 1}}, None, "subject.mediaType"),
        (MEMBERS | {"annotations": {"a": None}}, None, "annotations[a]"),
        (MEMBERS | {"artifactType": 1}, None, "artifactType"),
        ({"schemaVersion": 2, "manifests": [AMD.written() | {"platform": []}]}, None, "manifests[0].platform"),
    ],
)
def test_a_manifest_that_breaks_the_rules_names_the_field(
    members: dict[str, object], said: str | None, field: str
) -> None:
    with pytest.raises(ManifestInvalid) as refused:
        parse_manifest(json.dumps(members).encode(), said)

    assert refused.value.field == field
    assert str(refused.value).startswith(f"the manifest is not valid: {field} ")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"anything", types.DOCKER_SCHEMA1_SIGNED),
        (b'{"schemaVersion": 1, "fsLayers": [], "history": []}', None),
        (b'{"schemaVersion": 1, "name": "a", "tag": "b"}', "application/json"),
        (json.dumps({"schemaVersion": 1, "mediaType": types.DOCKER_SCHEMA1_SIGNED}).encode(), None),
    ],
)
def test_schema_1_is_refused_with_a_way_out(raw: bytes, said: str | None) -> None:
    with pytest.raises(SchemaOneRefused, match="schema 1") as refused:
        parse_manifest(raw, said)

    assert refused.value.hint
    assert refused.value.why


def test_a_manifest_may_have_4_mib_and_no_more() -> None:
    room = MANIFEST_LIMIT - len(Manifest.build(CONFIG, [], annotations={"a": ""}).raw)
    largest = Manifest.build(CONFIG, [], annotations={"a": "x" * room})

    assert len(largest.raw) == MANIFEST_LIMIT
    assert parse_manifest(largest.raw) == largest
    with pytest.raises(ManifestInvalid, match="4194304 are allowed"):
        parse_manifest(largest.raw + b" ")


def test_artifacts_and_referrers_carry_their_type_and_subject() -> None:
    empty = Descriptor(types.OCI_EMPTY, Digest.of(b"{}"), 2, data=b"{}")
    signature = Manifest.build(empty, [TOP], artifact_type="a/sig", subject=AMD, annotations={"k": "v"})
    old_style = Manifest.build(replace(CONFIG, media_type="a/config"), [], subject=AMD)

    assert parse_manifest(signature.raw) == signature
    assert signature.children == (empty, TOP)
    assert signature.descriptor().artifact_type == "a/sig"
    assert old_style.descriptor().artifact_type == "a/config"
    assert IMAGE.descriptor().artifact_type is None


def only(*wanted: Descriptor) -> Callable[[Descriptor], bool]:
    return lambda child: child in wanted


def test_an_index_is_narrowed_with_its_attestations() -> None:
    narrowed = INDEX.narrowed(only(AMD, RISC))

    assert narrowed.manifests == (AMD, RISC, attestation_of(AMD))
    assert parse_manifest(narrowed.raw) == narrowed
    assert narrowed.descriptor().digest != INDEX.descriptor().digest


def test_an_index_that_loses_nothing_is_the_same_object() -> None:
    assert INDEX.narrowed(only(AMD, ARM, RISC)) is INDEX
    assert INDEX.narrowed(lambda child: child.platform != UNKNOWN) is INDEX


def test_narrowing_keeps_what_lading_does_not_read() -> None:
    members = json.loads(INDEX.raw)
    members["x-future"] = {"n": 1}
    members["manifests"][0]["x-note"] = "kept"
    index = parse_manifest(json.dumps(members, indent=1).encode())
    assert isinstance(index, Index)

    narrowed = json.loads(index.narrowed(only(AMD)).raw)

    assert narrowed["x-future"] == {"n": 1}
    assert [entry.get("x-note") for entry in narrowed["manifests"]] == ["kept", None]
    assert list(narrowed) == list(members)


def test_an_attestation_of_an_absent_image_is_asked_about_itself() -> None:
    stray = attestation_of(image_for("linux/s390x"))
    index = Index.build([AMD, stray])

    assert index.narrowed(only(AMD)).manifests == (AMD,)
    assert index.narrowed(only(stray)).manifests == (stray,)


texts = st.text(max_size=8)
descriptors = st.builds(
    lambda content, media_type, annotations: replace(descriptor(content, media_type), annotations=annotations),
    st.binary(max_size=4),
    st.text(min_size=1, max_size=8),
    st.dictionaries(texts, texts, max_size=2),
)


@given(
    descriptors,
    st.lists(descriptors, max_size=3),
    st.none() | descriptors,
    st.none() | st.text(min_size=1, max_size=5),
    st.dictionaries(texts, texts, max_size=2),
    st.sampled_from(sorted({types.OCI_MANIFEST, types.DOCKER_MANIFEST})),
)
def test_a_built_manifest_reads_back_as_itself(
    config: Descriptor,
    layers: list[Descriptor],
    subject: Descriptor | None,
    artifact_type: str | None,
    annotations: dict[str, str],
    media_type: str,
) -> None:
    built = Manifest.build(
        config,
        layers,
        media_type=media_type,
        artifact_type=artifact_type,
        subject=subject,
        annotations=annotations,
    )

    assert parse_manifest(built.raw, media_type) == built


@given(st.lists(descriptors, max_size=4), st.sampled_from(sorted(types.INDEXES)), st.sets(st.integers(0, 3)))
def test_a_built_index_reads_back_as_itself_and_narrows_to_what_is_wanted(
    manifests: list[Descriptor], media_type: str, places: set[int]
) -> None:
    built = Index.build(manifests, media_type=media_type)
    wanted = {child.digest for place, child in enumerate(manifests) if place in places}

    narrowed = built.narrowed(lambda child: child.digest in wanted)

    assert parse_manifest(built.raw) == built
    assert parse_manifest(narrowed.raw) == narrowed
    assert [child.digest for child in narrowed.manifests] == [c.digest for c in manifests if c.digest in wanted]


@given(st.integers(0, 60), st.binary(min_size=1, max_size=3), st.integers(0, 200))
def test_damaged_bytes_are_read_exactly_or_refused(place: int, noise: bytes, cut: int) -> None:
    damaged = (IMAGE.raw[:place] + noise + IMAGE.raw[place:])[: len(IMAGE.raw) + len(noise) - cut]

    try:
        manifest = parse_manifest(damaged)
    except (ManifestInvalid, SchemaOneRefused):
        return

    assert manifest.raw == damaged
