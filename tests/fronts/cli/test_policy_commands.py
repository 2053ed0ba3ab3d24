"""`lading policy`, and `lading repository promote`, over a real data folder, in this process."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from lading.backends.database.repositories import open_records
from lading.backends.database.service_database import open_service_database
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.gates.policy import Action, Mode, Scope
from lading.services.gates.records import PolicyRow
from lading.services.repositories.edits import HoldManifest, PointTag
from lading.services.repositories.records import Decide
from lading.services.repositories.rows import HeldManifest
from tests.fakes.service_folder import ServiceFolder

RAW = b"image"
IMAGE = HeldManifest(Descriptor("application/vnd.oci.image.manifest.v1+json", Digest.of(RAW), len(RAW)))


def pointing(tag: str) -> Decide:
    """The tag names the image."""
    return lambda _view: [HoldManifest(IMAGE), PointTag(tag, IMAGE.descriptor.digest)]


@pytest.fixture
def lading(lading: ServiceFolder) -> ServiceFolder:
    """With team/app:1.0, 1.1 and dev in it, which moved one after the other."""
    lading("repository", "ls")
    with closing(open_records(lading.data / "lading.db")) as records:
        for place, tag in enumerate(("1.0", "1.1", "dev")):
            records.change("team/app", pointing(tag), time.time() - 1000 + place)
    return lading


def tags(lading: ServiceFolder, name: str = "team/app") -> list[str]:
    return [tag["name"] for tag in lading.json("repository", "tags", name)]


def test_a_policy_is_written_looked_at_and_carried_out(lading: ServiceFolder) -> None:
    said = lading("policy", "set", "team/app", "--tags", "1.*", "--keep-newest", "1", "--untagged-after", "7d")
    assert said.out == "team/app   rule set for 1.*\n"
    assert lading.json("policy", "ls") == [
        {"for": "team/app", "tags": ["1.*"], "keepNewest": 1, "untaggedAfterDays": 7.0}
    ]

    seen = lading("policy", "preview", "team/app")
    assert [line.split()[:2] for line in seen.out.splitlines()[1:]] == [
        ["1.0", "goes"],
        ["1.1", "stays"],
        ["dev", "stays"],
    ]
    assert "1 of 3 tags to go, and 0 manifests" in seen.err
    assert tags(lading) == ["1.0", "1.1", "dev"]

    assert lading.json("policy", "run", "team/app") == [{"name": "team/app", "tags": ["1.0"], "manifests": 0}]
    assert tags(lading) == ["1.1", "dev"]
    assert lading.json("policy", "run") == []
    assert lading.json("audit", "tail", "--action", "retain")[0]["details"]["first"] == ["1.0"]


def test_what_is_locked_stays_and_the_preview_says_so(lading: ServiceFolder) -> None:
    lading("lock", "team/app:1.0")
    lading("policy", "set", "team/app", "--keep-newest", "0")

    verdict = lading.json("policy", "preview", "team/app")[0]
    lading("policy", "run")

    assert (verdict["kept"], verdict["rule"]["kind"], verdict["why"]) == (True, "protection", "a rule protects it: 1.0")
    assert tags(lading) == ["1.0"]


def test_a_pattern_makes_a_rule_for_all_that_it_names(lading: ServiceFolder) -> None:
    lading("policy", "set", "team/*", "--keep-pushed", "30d", "--keep-tags", "dev")
    lading("policy", "set", "team/*", "--keep-pulled", "2w")

    assert lading.json("policy", "ls") == [
        {"for": "team/*", "repositories": ["team/*"], "tags": ["*"], "keepPulledDays": 14.0}
    ]
    assert "pulled within 14 days" in lading("policy", "ls").out
    lading("policy", "rm", "team/*")
    assert lading.json("policy", "ls") == []


def test_rules_are_replaced_by_their_tags_and_taken_away(lading: ServiceFolder) -> None:
    lading("policy", "set", "team/app", "--keep-newest", "5")
    lading("policy", "set", "team/app", "--tags", "dev", "--keep-newest", "1")
    lading("policy", "set", "team/app", "--untagged-after", "1w")
    lading("policy", "set", "team/app", "--keep-newest", "9")
    assert [rule.get("keepNewest") for rule in lading.json("policy", "ls")] == [1, None, 9]

    lading("policy", "rm", "team/app", "--tags", "dev")
    assert len(lading.json("policy", "ls")) == 2
    assert lading.run("policy", "rm", "team/app", "--tags", "dev").code == 5
    lading("policy", "rm", "team/app")
    assert lading.run("policy", "rm", "team/app").code == 5


def test_what_is_no_rule_is_refused(lading: ServiceFolder) -> None:
    assert lading.run("policy", "set", "team/app", "--keep-pushed", "soon").code == 2
    assert lading.run("policy", "set", "team/app", "--tags", "1.*").code == 2
    assert lading.run("policy", "set", "team/app").code == 2
    assert lading.run("policy", "run", "none").code == 5


def test_an_image_is_promoted_and_an_immutable_tag_is_not_overwritten(lading: ServiceFolder) -> None:
    blob = lading.data / "content/blobs/sha256" / Digest.of(RAW).encoded
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(RAW)

    said = lading("repository", "promote", "team/app:1.0", "prod/app")
    assert said.out == "prod/app:1.0   is team/app:1.0 now, with 1 manifest\n"
    assert tags(lading, "prod/app") == ["1.0"]
    assert "the same already" in lading("repository", "promote", "team/app:1.0", "prod/app:1.0").out
    assert lading("-q", "repository", "promote", "team/app:1.0", "prod/app:2").out == f"prod/app:2@{Digest.of(RAW)}\n"

    assert lading.run("repository", "promote", "team/app:none", "prod/app").code == 5
    with closing(open_records(lading.data / "lading.db")) as records:
        other = HeldManifest(Descriptor("application/x", Digest.of(b"other"), 5))
        records.change("prod/app", lambda _view: [HoldManifest(other), PointTag("3", other.descriptor.digest)], 1.0)
    lading("lock", "prod/app")
    refused = lading.run("repository", "promote", "team/app:1.0", "prod/app:3")
    assert refused.code == 6
    assert "error: tag 3 of prod/app is immutable (rule ** of this repository)" in refused.err


def test_a_gate_stops_a_promotion_at_the_command_line_too(lading: ServiceFolder) -> None:
    blob = lading.data / "content/blobs/sha256" / Digest.of(RAW).encoded
    blob.parent.mkdir(parents=True, exist_ok=True)
    blob.write_bytes(RAW)
    with closing(open_service_database(lading.data / "lading.db", time.time)) as database:
        scope = Scope(repositories=("prod/*",))
        database.gates.add_policy(
            lambda id: PolicyRow(id, "clean", Action.PROMOTE, scope, mode=Mode.ENFORCE)  # noqa: A006  a row's own word
        )

    refused = lading.run("repository", "promote", "team/app:1.0", "prod/app")

    assert refused.code == 6
    assert "error: the policy clean does not let prod/app:1.0 be promoted: it was not scanned" in refused.err
    assert "try:   Scan it first" in refused.err
    assert lading.run("repository", "tags", "prod/app").code == 5
    lading("repository", "promote", "team/app:1.0", "test/app")
