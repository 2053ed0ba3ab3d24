from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.digest import Digest
from lading.oci.reference import Reference, ReferenceInvalid, Repository, cosign_tags, fallback_tag
from lading.oci.reference import is_cosign_tag as cosign
from lading.oci.reference import is_fallback_tag as fallback

HEX = "0123456789abcdef" * 4
SHA256 = f"sha256:{HEX}"
SHA512 = f"sha512:{HEX}{HEX}"


@pytest.mark.parametrize(
    ("text", "registry", "path", "tag", "digest"),
    [
        ("ubuntu", "docker.io", "library/ubuntu", None, None),
        ("ubuntu:22.04", "docker.io", "library/ubuntu", "22.04", None),
        ("library/ubuntu", "docker.io", "library/ubuntu", None, None),
        ("me/app:1", "docker.io", "me/app", "1", None),
        ("docker.io/ubuntu", "docker.io", "library/ubuntu", None, None),
        ("index.docker.io/me/app", "docker.io", "me/app", None, None),
        ("registry-1.docker.io/me/app", "docker.io", "me/app", None, None),
        ("registry.hub.docker.com/me/app", "docker.io", "me/app", None, None),
        ("hub.docker.com/me/app", "docker.io", "me/app", None, None),
        ("INDEX.docker.IO/me/app", "docker.io", "me/app", None, None),
        ("docker.io:443/me/app", "docker.io:443", "me/app", None, None),
        ("quay.io/a/b/c:x", "quay.io", "a/b/c", "x", None),
        ("Quay.IO/a/b", "quay.io", "a/b", None, None),
        ("localhost/app", "localhost", "app", None, None),
        ("localhost:5000/app", "localhost:5000", "app", None, None),
        ("localhost:5000", "docker.io", "library/localhost", "5000", None),
        ("127.0.0.1:5000/a:b", "127.0.0.1:5000", "a", "b", None),
        ("[::1]:5000/a:b", "[::1]:5000", "a", "b", None),
        ("[2001:db8::1]/a", "[2001:db8::1]", "a", None, None),
        ("NAS/app", "NAS", "app", None, None),
        (f"ubuntu@{SHA256}", "docker.io", "library/ubuntu", None, SHA256),
        (f"ubuntu:22.04@{SHA256}", "docker.io", "library/ubuntu", "22.04", SHA256),
        (f"host:1/a/b:c@{SHA512}", "host:1", "a/b", "c", SHA512),
        ("host.io/a__b/c-d/e---f/g.h_i", "host.io", "a__b/c-d/e---f/g.h_i", None, None),
        ("host.io/a:_" + "x" * 127, "host.io", "a", "_" + "x" * 127, None),
        ("host.io/" + "a" * 255, "host.io", "a" * 255, None, None),
        ("a/b/c", "docker.io", "a/b/c", None, None),
        (HEX[:63], "docker.io", f"library/{HEX[:63]}", None, None),
    ],
)
def test_references_are_read_by_dockers_rules(
    text: str, registry: str, path: str, tag: str | None, digest: str | None
) -> None:
    expected = Reference(Repository(registry, path), tag, Digest.parse(digest) if digest else None)

    assert Reference.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "the name"),
        (HEX, "the name"),
        (":tag", "the repository"),
        ("host.io/", "the repository"),
        ("host.io/:tag", "the repository"),
        ("@" + SHA256, "the repository"),
        ("Ubuntu", "the repository 'Ubuntu'"),
        ("me/App", "the repository 'me/App'"),
        ("host.io/a//b", "the repository"),
        ("host.io/a/", "the repository"),
        ("/a", "the repository"),
        ("host.io/../a", "the repository"),
        ("host.io/-a", "the repository"),
        ("host.io/a-", "the repository"),
        ("host.io/a..b", "the repository"),
        ("host.io/a___b", "the repository"),
        ("host.io/a b", "the repository"),
        ("host.io/ä", "the repository"),
        ("host.io/a\n", "the repository"),
        ("host.io/" + "a" * 256, "the repository"),
        ("a" * 248, "the repository"),
        ("app:", "the tag ''"),
        ("app:-x", "the tag '-x'"),
        ("app:.x", "the tag '.x'"),
        ("app:a b", "the tag 'a b'"),
        ("app:a\n", "the tag"),
        ("app:" + "x" * 129, "the tag"),
        ("app@", "the digest"),
        ("app@sha256:abc", "the digest"),
        (f"app@{SHA256}x", "the digest"),
        (f"app@{SHA256}@{SHA256}", "the digest"),
        ("app@md5:" + "a" * 32, "the digest"),
        ("-host.io/a", "the registry"),
        ("host-.io/a", "the registry"),
        ("host..io/a", "the registry"),
        ("host.io:/a", "the registry"),
        ("host.io:port/a", "the registry"),
        ("host.io:65536/a", "the port 65536"),
        ("https://host.io/a", "the registry 'https:'"),
        ("user@host.io/a", "the digest"),
        ("[::1/a", "the registry"),
        ("a" * 300 + ".io/x", "the registry"),
    ],
)
def test_a_bad_reference_names_the_part_that_is_wrong(text: str, part: str) -> None:
    with pytest.raises(ReferenceInvalid) as refused:
        Reference.parse(text)

    assert refused.value.part.startswith(part)
    assert refused.value.rule


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("https://host.io/a:1", "Leave out https:// and write host.io/a:1"),
        ("docker://host.io/a", "Leave out docker:// and write host.io/a"),
        ("./layout", "oci:./layout"),
        ("/srv/web.tar", "archive:/srv/web.tar"),
    ],
)
def test_an_address_or_a_path_is_answered_with_the_right_form(text: str, hint: str) -> None:
    with pytest.raises(ReferenceInvalid) as refused:
        Reference.parse(text)

    assert hint in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("text", "familiar", "whole"),
    [
        ("docker.io/library/ubuntu:1", "ubuntu:1", "docker.io/library/ubuntu:1"),
        ("me/app", "me/app", "docker.io/me/app"),
        ("quay.io/a/b:1", "quay.io/a/b:1", "quay.io/a/b:1"),
        (f"ubuntu@{SHA256}", f"ubuntu@{SHA256}", f"docker.io/library/ubuntu@{SHA256}"),
        ("library/a/b", "library/a/b", "docker.io/library/a/b"),
        ("docker.io/a.b/c", "docker.io/a.b/c", "docker.io/a.b/c"),
        (f"docker.io/library/{HEX}", f"docker.io/library/{HEX}", f"docker.io/library/{HEX}"),
    ],
)
def test_people_see_the_familiar_form(text: str, familiar: str, whole: str) -> None:
    reference = Reference.parse(text)

    assert (reference.familiar, str(reference)) == (familiar, whole)


@pytest.mark.parametrize(
    ("text", "expected"), [("app", "app:latest"), ("app:1", "app:1"), (f"app@{SHA256}", f"app@{SHA256}")]
)
def test_latest_is_meant_only_where_nothing_was_said(text: str, expected: str) -> None:
    assert Reference.parse(text).or_latest.familiar == expected


components = st.from_regex(r"[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,8}){0,2}", fullmatch=True)
paths = st.lists(components, min_size=1, max_size=4).map("/".join)
hosts = st.sampled_from(
    [
        "docker.io",
        "index.docker.io",
        "quay.io",
        "localhost",
        "localhost:5000",
        "10.0.0.1:80",
        "[::1]:5000",
        "NAS",
        "a.b.c:1",
    ]
)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", fullmatch=True)
digests = st.binary(max_size=4).map(Digest.of)


@given(hosts, paths, st.none() | tags, st.none() | digests)
def test_a_reference_reads_back_as_itself(host: str, path: str, tag: str | None, digest: Digest | None) -> None:
    text = f"{host}/{path}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")

    reference = Reference.parse(text)

    assert Reference.parse(str(reference)) == reference
    assert (reference.tag, reference.digest) == (tag, digest)


@given(hosts, paths, st.none() | tags)
def test_the_familiar_form_means_the_same_image(host: str, path: str, tag: str | None) -> None:
    reference = Reference.parse(f"{host}/{path}" + (f":{tag}" if tag else ""))

    assert Reference.parse(reference.familiar) == reference


@given(st.text(max_size=40))
def test_any_text_is_a_reference_or_refused(text: str) -> None:
    with suppress(ReferenceInvalid):
        reference = Reference.parse(text)
        assert Reference.parse(str(reference)) == reference


def test_the_fallback_tag_of_a_long_digest_is_cut_to_fit() -> None:
    assert fallback_tag(Digest.parse(SHA256)) == f"sha256-{HEX}"
    assert fallback_tag(Digest.parse(SHA512)) == f"sha512-{HEX}"


@pytest.mark.parametrize(
    ("tag", "is_fallback", "is_cosign"),
    [
        (f"sha256-{HEX}", True, False),
        (f"sha512-{HEX}", True, False),
        (f"sha256-{HEX}.sig", False, True),
        (f"sha256-{HEX}.att", False, True),
        (f"sha256-{HEX}.sbom", False, True),
        (f"sha256-{HEX}.txt", False, False),
        (f"sha256-{HEX[:63]}", False, False),
        (f"sha256-{HEX}0", False, False),
        (f"md5-{HEX}", False, False),
        (f"sha256:{HEX}", False, False),
        ("sig", False, False),
        (".sig", False, False),
        ("latest", False, False),
    ],
)
def test_tags_that_tools_make_are_told_from_names_people_give(tag: str, is_fallback: bool, is_cosign: bool) -> None:
    assert (fallback(tag), cosign(tag)) == (is_fallback, is_cosign)


@given(digests)
def test_tags_made_for_a_digest_are_recognised(digest: Digest) -> None:
    assert fallback(fallback_tag(digest))
    assert all(cosign(tag) for tag in cosign_tags(digest))
