"""`lading lock`, `unlock` and `repository` over a real data folder, in this process."""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path

import pytest

from lading.backends.database.repositories import open_records
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.services.repositories.edits import Edit, HoldBlob, HoldManifest, PointTag
from lading.services.repositories.rows import HeldManifest
from tests.fakes.service_folder import ServiceFolder

IMAGE = HeldManifest(Descriptor("application/vnd.oci.image.manifest.v1+json", Digest.of(b"image"), 500))


@pytest.fixture
def lading(lading: ServiceFolder) -> ServiceFolder:
    """With team/app:1.0 in it."""
    lading("repository", "ls")
    with closing(open_records(lading.data / "lading.db")) as records:
        edits: list[Edit] = [
            HoldBlob(Digest.of(b"layer"), 5),
            HoldManifest(IMAGE),
            PointTag("1.0", IMAGE.descriptor.digest),
        ]
        records.change("team/app", lambda _view: edits, time.time())
    return lading


def against(lading: ServiceFolder) -> list[str]:
    (tag,) = lading.json("repository", "tags", "team/app")
    return [each["against"] for each in tag["protectedBy"]]


def test_a_repository_is_locked_and_its_tag_released_once(lading: ServiceFolder) -> None:
    assert "team/app   locked" in lading("lock", "team/app").out
    assert lading.json("repository", "ls")[0]["immutable"] is True
    assert against(lading) == ["overwrite", "delete"]

    said = lading("unlock", "team/app:1.0", "--reason", "it holds a secret")

    assert said.out == "team/app:1.0   released until it is used\n"
    assert against(lading) == []
    released = lading.json("audit", "tail", "--action", "release")[0]
    assert released["details"] == {"reason": "it holds a secret", "repository": "team/app"}
    lading("lock", "team/app:1.0")
    assert against(lading) == ["overwrite", "delete"]


def test_a_lock_of_a_repository_that_is_not_there_yet_says_so(lading: ServiceFolder) -> None:
    said = lading("lock", "team/ap")

    assert said.out.splitlines()[0] == "team/ap   locked; the repository is new, and nothing was pushed to it yet"
    assert lading("lock", "team/ap").out.splitlines()[0] == "team/ap   locked"


def test_a_lock_says_what_it_protects_and_for_how_long(lading: ServiceFolder) -> None:
    lading("lock", "team/app:1.*", "--protect", "overwrite", "--release-after", "30d")

    assert lading.json("repository", "show", "team/app")["rules"] == [
        {"tags": ["1.*"], "protects": "overwrite", "releases": "age", "afterSeconds": 2_592_000.0}
    ]
    assert against(lading) == ["overwrite"]
    assert "age 30 days" in lading("repository", "rules", "team/app").out
    lading("lock", "team/app:1.*", "--protect", "delete")
    assert len(lading.json("repository", "rules", "team/app")["rules"]) == 1


def test_a_rule_is_taken_away_with_a_reason(lading: ServiceFolder) -> None:
    lading("lock", "team/app")
    assert lading.run("unlock", "team/app", "--reason", "moved", "--for", "2h").code == 2
    assert lading.run("unlock", "team/app:v*", "--reason", "moved").code == 5

    lading("unlock", "team/app", "--reason", "moved")

    assert against(lading) == []
    assert lading.json("audit", "tail", "--action", "update")[-1]["details"]["reason"] == "moved"


def test_what_is_locked_is_neither_removed_nor_renamed(lading: ServiceFolder) -> None:
    lading("lock", "team/app")
    for words in (["rm", "team/app"], ["rename", "team/app", "team/other"]):
        said = lading.run("repository", *words)
        assert said.code == 6
        assert "tag 1.0 of team/app is immutable (rule ** of this repository)" in said.err

    lading("unlock", "team/app:1.0", "--reason", "moving", "--for", "2h")
    lading("repository", "rename", "team/app", "team/other")
    assert lading("repository", "ls", "-q").out == "team/other\n"
    lading("repository", "rm", "team/other")
    assert lading("repository", "ls", "-q").out == ""


def test_rules_are_read_from_a_file(lading: ServiceFolder, tmp_path: Path) -> None:
    rules = [{"tags": ["v*"], "excepts": ["v0*"], "protects": "both", "releases": "never"}]
    (tmp_path / "rules.json").write_text(json.dumps(rules))

    lading("repository", "rules", "team/app", "--set", str(tmp_path / "rules.json"))

    assert lading.json("repository", "rules", "team/app")["rules"] == rules
    for wrong in ("nonsense", "[{}]", '{"tags": ["a"]}'):
        (tmp_path / "rules.json").write_text(wrong)
        assert lading.run("repository", "rules", "team/app", "--set", str(tmp_path / "rules.json")).code == 2
    assert lading.json("repository", "rules", "team/app")["rules"] == rules


def test_a_repository_may_be_public(lading: ServiceFolder) -> None:
    assert lading("repository", "visibility", "team/app", "public").out == "team/app   public\n"
    assert lading.json("repository", "show", "team/app")["visibility"] == "public"
    assert lading.run("repository", "visibility", "team/app", "secret").code == 2


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["lock", "team/app:a b"], 2),
        (["lock", "Team/App"], 2),
        (["lock", "team/app", "--release-after", "soon"], 2),
        (["unlock", "team/app:1.0"], 2),
        (["unlock", "team/app:1.0", "--reason", " "], 2),
        (["unlock", "team/app:1.0", "--reason", "x"], 6),
        (["unlock", "team/app:none", "--reason", "x"], 5),
        (["unlock", "none:1.0", "--reason", "x"], 5),
        (["repository", "show", "none"], 5),
        (["repository", "rename", "none", "some"], 5),
    ],
)
def test_what_cannot_be_is_refused(lading: ServiceFolder, words: list[str], code: int) -> None:
    assert lading.run(*words).code == code


def test_names_of_repositories_are_completed(lading: ServiceFolder) -> None:
    assert lading.completed("repository", "show", "te") == ["team/app"]
    assert lading.completed("lock", "te") == ["team/app"]
