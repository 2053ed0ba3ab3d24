"""Where a push goes: interfaces §2, Target, sentence by sentence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.reference import HUB_ALIASES, ImageHasNoTag, Reference, ReferenceInvalid, retarget

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("source", "registry", "new", "expected"),
    [
        # a leading registry part is removed
        ("ubuntu:22.04", "reg.io:5000", None, "reg.io:5000/ubuntu:22.04"),
        ("docker.io/library/ubuntu:22.04", "reg.io", None, "reg.io/ubuntu:22.04"),
        ("me/app:1", "reg.io", None, "reg.io/me/app:1"),
        ("quay.io/team/app:1", "reg.io", None, "reg.io/team/app:1"),
        ("host:5000/app:1", "reg.io", None, "reg.io/app:1"),
        ("localhost/app:1", "reg.io", None, "reg.io/app:1"),
        # newTag replaces the rest
        ("quay.io/team/app:1", "reg.io", "other:2", "reg.io/other:2"),
        ("quay.io/team/app:1", "reg.io", "username/myapp:v1.0", "reg.io/username/myapp:v1.0"),
        (None, "reg.io", "app:production", "reg.io/app:production"),
        ("app:1", "reg.io", "", "reg.io/app:1"),
        # and may itself carry the same host without doubling it
        ("app:1", "reg.io:5000", "reg.io:5000/team/app:2", "reg.io:5000/team/app:2"),
        ("app:1", "reg.io", "REG.io/team/app:2", "reg.io/team/app:2"),
        ("app:1", "reg.io/team", "reg.io/team/app:2", "reg.io/team/app:2"),
        ("app:1", "reg.io/team", "reg.io/app:2", "reg.io/team/app:2"),
        ("app:1", "localhost", "localhost/app:2", "localhost/app:2"),
        # Docker Hub adds no host prefix
        ("quay.io/team/app:1", "docker.io", None, "docker.io/team/app:1"),
        ("app:1", "docker.io", "me/app:2", "docker.io/me/app:2"),
        ("app:1", "docker.io", "docker.io/me/app:2", "docker.io/me/app:2"),
        ("app:1", "index.docker.io/v1/", "registry-1.docker.io/me/app:2", "docker.io/me/app:2"),
        ("ubuntu:1", "docker.io", None, "docker.io/library/ubuntu:1"),
        # every other registry adds host[:port] and its path
        ("app:1", "ghcr.io/org", None, "ghcr.io/org/app:1"),
        ("app:1", "ghcr.io/org/sub/", "team/app", "ghcr.io/org/sub/team/app:latest"),
        ("app:1", "docker.io:443", None, "docker.io:443/app:1"),
        ("app:1", "my.docker.io", None, "my.docker.io/app:1"),
        ("ghcr.io/org/app:1", "ghcr.io/org", None, "ghcr.io/org/app:1"),
        ("ghcr.io/org/app:1", "ghcr.io", None, "ghcr.io/org/app:1"),
        ("ghcr.io/organism/app:1", "ghcr.io/org", None, "ghcr.io/org/organism/app:1"),
        ("[::1]:5000/app:1", "[::1]:5000", None, "[::1]:5000/app:1"),
        # no tag means latest
        ("app", "reg.io", None, "reg.io/app:latest"),
        ("app:1", "reg.io", "other", "reg.io/other:latest"),
        (f"app@{DIGEST}", "reg.io", None, "reg.io/app:latest"),
        (f"app:1@{DIGEST}", "reg.io", None, "reg.io/app:1"),
        # repository path 2-255 characters without the host
        ("ab:1", "reg.io", None, "reg.io/ab:1"),
        ("q.io/" + "a" * 255, "reg.io", None, "reg.io/" + "a" * 255 + ":latest"),
    ],
)
def test_a_push_goes_where_the_rules_say(source: str | None, registry: str, new: str | None, expected: str) -> None:
    target = retarget(Reference.parse(source) if source else None, registry, new)

    assert str(target) == expected
    assert Reference.parse(expected) == target


@pytest.mark.parametrize("alias", sorted(HUB_ALIASES))
def test_every_name_of_hub_is_hub(alias: str) -> None:
    assert str(retarget(Reference.parse("me/app:1"), alias, None)) == "docker.io/me/app:1"


def test_a_push_without_any_name_says_so_in_the_words_of_the_interface() -> None:
    with pytest.raises(ImageHasNoTag, match=r"^Image has no tag\. Please provide a tag name\.$"):
        retarget(None, "reg.io", None)


@pytest.mark.parametrize(
    ("source", "registry", "new", "part"),
    [
        ("app:1", "reg.io", "other.io/app:2", "the registry 'other.io'"),
        ("app:1", "docker.io", "quay.io/app:2", "the registry 'quay.io'"),
        ("app:1", "reg.io", f"app@{DIGEST}", "the digest"),
        ("app:1", "reg.io", "App", "the repository 'App'"),
        ("app:1", "reg.io", "Team/app", "the repository 'Team/app'"),
        ("app:1", "reg.io", "app:", "the tag ''"),
        ("app:1", "reg.io", "app:" + "x" * 129, "the tag"),
        ("app:1", "reg.io", ":2", "the repository"),
        ("app:1", "docker.io", ":2", "the repository"),
        ("app:1", "reg.io", "a", "the repository 'a'"),
        ("app:1", "reg.io/Org", None, "the repository 'Org/app'"),
        ("app:1", "reg.io/" + "o" * 252, None, "the repository"),
        ("app:1", "nas", None, "the registry 'nas'"),
        ("app:1", "https://reg.io", None, "the registry 'https:'"),
        ("app:1", "", None, "the registry ''"),
        ("app:1", "reg.io:99999", None, "the port 99999"),
    ],
)
def test_a_target_that_cannot_be_is_refused_before_any_work(
    source: str, registry: str, new: str | None, part: str
) -> None:
    with pytest.raises(ReferenceInvalid) as refused:
        retarget(Reference.parse(source), registry, new)

    assert refused.value.part.startswith(part)


names = st.from_regex(r"[a-z0-9]{2,8}(/[a-z0-9]{1,8}){0,2}", fullmatch=True)


@given(st.sampled_from(["reg.io", "reg.io:5000", "docker.io", "localhost"]), names, st.sampled_from(["", "org", "a/b"]))
def test_a_target_pushed_again_to_its_own_registry_stays_where_it_is(host: str, name: str, prefix: str) -> None:
    registry = f"{host}/{prefix}".rstrip("/")

    once = retarget(None, registry, name)

    assert retarget(once, registry, None) == once
    assert retarget(None, registry, str(once)) == once
