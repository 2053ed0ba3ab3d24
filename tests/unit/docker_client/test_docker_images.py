"""A Docker host's images as daemons of any age answer them: parts, platforms, and what a version lacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from lading.backends.docker_client.faults import AnswerUnreadable, DaemonTooOld
from lading.engine.cancel import Cancellation
from lading.errors import InputInvalid, LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.media_types import OCI_INDEX, OCI_MANIFEST
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.services.environment_images import Part, PartKind
from lading.services.environments.environment import Environment
from lading.services.environments.orders import ImportOrder, LabelFilter, PruneOrder
from lading.services.lookup import ImageUnknown
from lading.services.platforms import PlatformMissing
from lading.wire.docker_auth import read_registry_auth
from lading.wire.message import Response
from tests.fakes.docker_archives import read_to_end, reader
from tests.unit.docker_client.played_images import (
    ACCESS,
    AMD64,
    ARM64,
    FIRST,
    IMAGE,
    LAYER,
    MANIFESTS,
    ROOT,
    SECOND,
    THIRD,
    docker,
    told,
    written,
)

CANCEL = Cancellation()


def test_parts_are_read_and_what_cannot_be_is_left_out() -> None:
    transport, environment = docker("1.48", IMAGE | {"Descriptor": written(ROOT, OCI_INDEX), "Manifests": MANIFESTS})

    for summary in (*environment.images(CANCEL), environment.image("app:1", CANCEL).summary):
        assert summary.root == Descriptor(OCI_INDEX, ROOT, 500)
        assert summary.moved == 1770091506
        assert summary.parts == (
            Part(Descriptor(OCI_MANIFEST, FIRST, 500, AMD64), PartKind.IMAGE, AMD64, True, 1000),
            Part(Descriptor(OCI_MANIFEST, SECOND, 500), PartKind.UNKNOWN, None, False, 0),
            Part(Descriptor(OCI_MANIFEST, THIRD, 500), PartKind.ATTESTATION, None, True, 10, FIRST),
        )
    assert [line for line in transport.lines if line.endswith("manifests=1")] == transport.lines[1:]


@pytest.mark.parametrize("number", [2**63, 10**400, 1e300, float("inf"), -1])
def test_numbers_that_mean_nothing_are_none(number: float) -> None:
    described = written(ROOT, OCI_INDEX) | {"size": number}
    _, environment = docker("1.48", IMAGE | {"Created": number, "Size": number, "Descriptor": described})

    (summary,) = environment.images(CANCEL)
    assert (summary.created, summary.size, summary.root) == (None, 0, None)


def test_an_older_daemon_is_asked_for_no_parts() -> None:
    transport, environment = docker("1.46")

    (summary,) = environment.images(CANCEL)
    assert (summary.root, summary.parts) == (None, ())
    assert environment.image("app:1", CANCEL).digest == ROOT
    assert not any("manifests" in line for line in transport.lines)


def test_the_config_is_read_back_as_far_as_it_is_told() -> None:
    _, environment = docker("1.41")

    details = environment.image("app:1", CANCEL)
    assert details.document == {
        "created": "2026-01-02T03:04:05.123456789Z",
        "author": "me",
        "architecture": "arm64",
        "os": "linux",
        "os.version": "1",
        "variant": "v8",
        "config": {"Cmd": ["x"], "OnBuild": ["RUN y"], "Labels": {"a": "b"}},
        "rootfs": {"type": "layers", "diff_ids": [LAYER]},
    }
    assert details.config == {"Cmd": ["x"], "Labels": {"a": "b"}}
    assert (details.comment, details.docker_version, details.parent) == (
        "made by hand",
        "20.10",
        "sha256:" + "9" * 64,
    )
    assert details.diff_ids == (LAYER,)


def test_what_a_daemon_leaves_out_is_left_out() -> None:
    _, environment = docker("1.41", {"Id": str(ROOT), "Created": "0001-01-01T00:00:00Z"})
    details = environment.image("app:1", CANCEL)
    assert details.document == {"config": {}}
    assert (details.platform, details.diff_ids, details.summary.moved) == ("", (), None)


@pytest.mark.parametrize(("version", "sent"), [("1.47", False), ("1.48", True), ("1.51", True)])
def test_a_platform_is_told_to_who_knows_of_platforms(version: str, sent: bool) -> None:
    several = IMAGE | {"Manifests": MANIFESTS, "Architecture": "amd64"}
    transport, environment = docker(version, several)

    environment.image("app:1", CANCEL, AMD64)
    environment.history("app:1", CANCEL, AMD64)
    with environment.export(["app:1"], CANCEL, AMD64) as stream:
        read_to_end(stream)
    said = [line for line in transport.lines if "platform=%7B" in line]
    assert any("/history?" in line for line in said) is sent
    assert any("/get?" in line for line in said) is sent
    assert any("/json?" in line for line in said) is (version == "1.51")
    assert not any("platform" in line and "manifests" in line for line in transport.lines)


@pytest.mark.parametrize("version", ["1.24", "1.47", "1.48", "1.49", "1.51"])
def test_a_platform_that_is_not_there_is_one_error_at_every_version(version: str) -> None:
    image = IMAGE | {"Architecture": "amd64", "Variant": "", "Manifests": MANIFESTS}
    _, environment = docker(version, image)
    for attempt in (
        lambda: environment.image("app:1", CANCEL, ARM64),
        lambda: environment.history("app:1", CANCEL, ARM64),
        lambda: environment.export(["app:1"], CANCEL, ARM64),
    ):
        with pytest.raises(PlatformMissing) as missing:
            attempt()
        assert missing.value.offered == (AMD64,) or missing.value.offered == (Platform("linux", "amd64", None, "1"),)
    with pytest.raises(ImageUnknown):
        environment.image("other:1", CANCEL, ARM64)


Attempt = Callable[[Environment], object]


@pytest.mark.parametrize(
    ("last_without", "attempt"),
    [
        ("1.24", lambda it: it.prune(PruneOrder(), CANCEL)),
        ("1.24", lambda it: it.size(CANCEL)),
        ("1.29", lambda it: it.distribution(Reference.parse("registry.invalid/app:1"), ACCESS, CANCEL)),
        ("1.31", lambda it: it.import_(reader(b""), ImportOrder(None, platform=ARM64), told, CANCEL)),
        ("1.47", lambda it: it.load(reader(b""), told, CANCEL, AMD64)),
        ("1.49", lambda it: it.remove("app:1", True, CANCEL, (AMD64,))),
    ],
)
def test_what_a_version_lacks_is_one_clear_error(last_without: str, attempt: Attempt) -> None:
    transport, environment = docker(last_without)
    with pytest.raises(DaemonTooOld):
        attempt(environment)
    assert transport.lines == ["GET /_ping"]

    major, _, minor = last_without.partition(".")
    _, newer = docker(f"{major}.{int(minor) + 1}")
    attempt(newer)


def test_a_removal_of_platforms_says_them() -> None:
    transport, environment = docker("1.50")
    pruned = environment.remove("app:1", True, CANCEL, (AMD64, Platform("linux", "arm", "v7")), keep_parents=True)
    asked = parse_qs(urlsplit(transport.asked[-1].request.url).query)
    assert [json.loads(each) for each in asked["platforms"]] == [
        {"architecture": "amd64", "os": "linux"},
        {"architecture": "arm", "os": "linux", "variant": "v7"},
    ]
    assert (asked["force"], asked["noprune"]) == (["1"], ["1"])
    assert (pruned.untagged, pruned.deleted) == (("app:1",), ("sha256:x",))


def test_a_clean_up_hands_its_filters_on() -> None:
    transport, environment = docker("1.41")
    order = PruneOrder(False, 1767323045.5, (LabelFilter("a"), LabelFilter("b", "c"), LabelFilter("d", without=True)))
    assert environment.prune(order, CANCEL).reclaimed == 5
    (filters,) = parse_qs(urlsplit(transport.asked[-1].request.url).query)["filters"]
    assert json.loads(filters) == {
        "dangling": {"false": True},
        "until": {"1767323045.500000": True},
        "label": {"a": True, "b=c": True},
        "label!": {"d": True},
    }


def test_a_registry_is_looked_at_with_the_login_of_the_access() -> None:
    transport, environment = docker("1.41")

    found = environment.distribution(Reference.parse("registry.invalid/app:1"), ACCESS, CANCEL)

    assert found.descriptor == Descriptor(OCI_INDEX, ROOT, 500)
    assert found.platforms == (AMD64, Platform("linux", "arm", "v7"))
    sent = read_registry_auth(transport.asked[-1].request.headers["X-Registry-Auth"])
    assert sent.credential is not None
    assert (sent.credential.username, sent.credential.secret) == ("me", "secret")


def test_an_import_says_everything_that_was_ordered() -> None:
    transport, environment = docker("1.41")
    order = ImportOrder(Reference.parse("made"), "a word", ("CMD x", "ENV A=1"), ARM64)

    arrived = environment.import_(reader(b"tar"), order, told, CANCEL)

    (asked,) = [each for each in transport.asked if "create" in each.line]
    assert parse_qs(urlsplit(asked.request.url).query) == {
        "fromSrc": ["-"],
        "repo": ["docker.io/library/made"],
        "tag": ["latest"],
        "message": ["a word"],
        "changes": ["CMD x", "ENV A=1"],
        "platform": ["linux/arm64"],
    }
    assert (arrived.reference, arrived.id) == (Reference.parse("made:latest"), str(ROOT))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Response(200, {}, b""), AnswerUnreadable),
        (Response(200, {}, b'{"errorDetail":{"message":"no space left"},"error":"no space left"}\r\n'), LadingError),
        (Response(400, {}, b'{"message":"run is not a valid change command"}'), InputInvalid),
    ],
)
def test_an_import_that_failed_is_an_error(answer: Response, kind: type[LadingError]) -> None:
    transport, environment = docker("1.41")
    transport.trouble("POST", answer)
    with pytest.raises(kind):
        environment.import_(reader(b"tar"), ImportOrder(None), told, CANCEL)
