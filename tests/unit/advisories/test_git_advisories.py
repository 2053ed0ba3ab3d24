"""Advisories in git repositories: what is committed counts, and nothing else of a repository is looked at."""

from __future__ import annotations

import os
import shutil
import subprocess
import zlib
from pathlib import Path

import pytest

from lading.backends.advisories.failures import SourceUnreadable
from lading.backends.advisories.lookup import KeptAdvisories
from tests.fakes.advisory_files import advisory, brought, folder_of, kept_in

pytestmark = pytest.mark.peer("git")

COMMITTED = 1_780_000_000


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """With one advisory, committed."""
    folder = folder_of(tmp_path / "repository", advisory("PYSEC-1"))
    git(folder, "init", "-q", "-b", "main")
    commit(folder)
    return folder


def git(folder: Path, *arguments: str) -> str:
    surroundings = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_DATE": f"{COMMITTED} +0100",
        "GIT_COMMITTER_DATE": f"{COMMITTED} +0100",
    }
    who = ("-c", "user.name=ann", "-c", "user.email=ann@example.test", "-c", "protocol.file.allow=always")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=folder, env=surroundings, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def commit(folder: Path) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "more")


def ids(data: Path) -> list[str]:
    with KeptAdvisories.opened(data / "advisories.db") as kept:
        return [each.id for each in kept.of_package("PyPI", "demo")]


def test_what_is_committed_counts_and_not_what_stands_beside_it(repository: Path, data: Path) -> None:
    folder_of(repository, advisory("PYSEC-2"))
    (repository / "PYSEC-1.json").unlink()

    done = brought(data, repository)
    assert (done.records, done.built, ids(data)) == (1, COMMITTED, ["PYSEC-1"])
    assert kept_in(data).feeds()[0].built == COMMITTED


def test_a_bare_repository_with_packed_references_and_objects_is_read(
    repository: Path, data: Path, tmp_path: Path
) -> None:
    folder_of(repository / "vulns", advisory("PYSEC-2"))
    (repository / "vulns" / "PYSEC-3.yaml").write_text("id: PYSEC-3\nmodified: 2026-01-01T00:00:00Z\naffected: []\n")
    commit(repository)
    git(tmp_path, "clone", "-q", "--bare", "--no-local", str(repository), "bare")
    git(tmp_path / "bare", "gc", "-q")
    assert not list((tmp_path / "bare" / "refs" / "heads").iterdir())

    assert brought(data, tmp_path / "bare").records == 3


def test_another_branch_or_tag_may_be_named(repository: Path, data: Path, tmp_path: Path) -> None:
    git(repository, "checkout", "-q", "-b", "data/osv")
    folder_of(repository, advisory("PYSEC-2"))
    commit(repository)
    git(repository, "tag", "-a", "-m", "tagged", "v1")
    git(repository, "checkout", "-q", "main")
    git(tmp_path, "clone", "-q", "--no-local", str(repository), "cloned")

    assert brought(data, repository).records == 1
    assert brought(data, repository, branch="data/osv").records == 2
    assert brought(data, tmp_path / "cloned", branch="data/osv").records == 2
    assert brought(data, repository, branch="v1").records == 2
    for branch in ("nothing", "../../HEAD", "-x", "data", ""):
        with pytest.raises(SourceUnreadable):
            brought(data, repository, branch=branch)


def test_a_commit_that_is_checked_out_alone_is_read(repository: Path, data: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    assert brought(data, repository).records == 1


def test_objects_named_by_sha256_are_read(data: Path, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "new", advisory("PYSEC-1"))
    git(folder, "init", "-q", "--object-format=sha256")
    commit(folder)
    assert brought(data, folder).records == 1


def test_links_and_repositories_within_are_left_alone(repository: Path, data: Path, tmp_path: Path) -> None:
    inner = folder_of(tmp_path / "inner", advisory("PYSEC-7"))
    git(inner, "init", "-q")
    commit(inner)
    git(repository, "submodule", "add", "-q", str(inner), "inner")
    (repository / "PYSEC-8.json").symlink_to("/etc/hostname")
    commit(repository)

    assert brought(data, repository).records == 1


def test_no_setting_hook_or_remote_of_a_repository_is_heeded(repository: Path, data: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o700)
    for name in ("core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.askPass", "gpg.program"):
        git(repository, "config", name, str(program))
    for name in ("filter.x.smudge", "filter.x.process", "diff.x.textconv", "alias.cat-file", "alias.ls-tree"):
        git(repository, "config", name, f"!{program}" if name.startswith("alias") else str(program))
    git(repository, "config", "remote.origin.url", f"ext::{program}")
    git(repository, "config", "remote.origin.promisor", "true")
    git(repository, "config", "extensions.partialClone", "origin")
    git(repository, "config", "include.path", "/dev/zero")
    (repository / ".git" / "info" / "attributes").write_text("* filter=x diff=x\n")
    for name in ("post-checkout", "reference-transaction", "pre-auto-gc"):
        shutil.copy(program, repository / ".git" / "hooks" / name)

    assert brought(data, repository).records == 1
    for each in (repository / ".git" / "objects").glob("[0-9a-f][0-9a-f]/*"):
        if git_kind(each) == "blob":
            each.unlink()  # it would be fetched from the remote
    with pytest.raises(SourceUnreadable, match="git cannot read"):
        brought(data, repository)
    assert ids(data) == ["PYSEC-1"]
    assert not mark.exists()


def git_kind(path: Path) -> str:
    """What a loose object is."""
    return zlib.decompress(path.read_bytes()).split(b" ", 1)[0].decode()


def test_a_repository_that_borrows_objects_is_refused(repository: Path, data: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--shared", str(repository), "borrower")
    with pytest.raises(SourceUnreadable, match="borrows"):
        brought(data, tmp_path / "borrower")


@pytest.mark.parametrize("what", ["objects", "objects/pack", "HEAD", "refs"])
def test_a_repository_that_leads_elsewhere_is_refused(what: str, repository: Path, data: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.move(repository / ".git" / what, elsewhere)
    (repository / ".git" / what).symlink_to(elsewhere)

    with pytest.raises(SourceUnreadable):
        brought(data, repository)


@pytest.mark.parametrize(
    "head", ["ref: refs/heads/../../../../etc/passwd", "ref: /etc/passwd", "ref: HEAD", "", "\xff" * 5000, "0" * 40]
)
def test_a_head_that_lies_is_refused(head: str, repository: Path, data: Path) -> None:
    (repository / ".git" / "HEAD").write_text(head)
    with pytest.raises(SourceUnreadable):
        brought(data, repository)


def test_a_tree_that_cannot_be_read_to_its_end_changes_nothing(repository: Path, data: Path) -> None:
    folder_of(repository / "z", advisory("PYSEC-2"))
    commit(repository)
    brought(data, repository)
    tree = git(repository, "rev-parse", "HEAD:z")
    (repository / ".git" / "objects" / tree[:2] / tree[2:]).unlink()

    with pytest.raises(SourceUnreadable):
        brought(data, repository)
    assert ids(data) == ["PYSEC-1", "PYSEC-2"]


def test_beside_a_link_to_a_repository_the_files_count(repository: Path, data: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", str(tmp_path / "tree"))
    folder_of(tmp_path / "tree", advisory("PYSEC-2"))
    assert brought(data, tmp_path / "tree").records == 2
    with pytest.raises(SourceUnreadable, match="no branches"):
        brought(data, tmp_path / "tree", branch="main")
