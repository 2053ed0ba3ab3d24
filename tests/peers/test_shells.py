"""Completion in the shells themselves: each reads the script that we print, and asks us what may follow."""

from __future__ import annotations

import os
import pty
import select
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from lading.oci.platform import Platform
from lading.services.embedded.samples import sample_archive
from tests.fakes.children import Child
from tests.peers import programs
from tests.peers.command import Lading

ANSWER_SECONDS = 60.0
"""The longest wait for a shell on a busy machine."""


@pytest.fixture
def lading(tmp_path: Path) -> Lading:
    """The command as a shell finds it, with one image in its store."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "lading").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m lading "$@"\n')
    (folder / "lading").chmod(0o755)
    search = ("PATH", f"{folder}:{os.environ['PATH']}")
    lading = Lading(tmp_path / "data", (search, ("LADING_DATA", str(tmp_path / "data"))))
    (tmp_path / "web.tar").write_bytes(sample_archive("demo/web:1", "web", Platform("linux", "amd64")))
    lading("load", str(tmp_path / "web.tar"))
    return lading


def script(lading: Lading, shell: str, path: Path) -> Path:
    """What `lading completion` prints, in a file."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(lading("completion", shell))
    return path


@pytest.mark.peer("fish")
@pytest.mark.parametrize(
    ("line", "offered"),
    [("lading pu", ["pull", "push"]), ("lading tag demo/", ["demo/web:1"]), ("lading load we", ["web.tar"])],
)
def test_fish_completes(lading: Lading, tmp_path: Path, line: str, offered: list[str]) -> None:
    source = script(lading, "fish", tmp_path / "lading.fish")
    asking = f"source {shlex.quote(str(source))}; complete -C {shlex.quote(line)}"
    done = subprocess.run(
        [programs.find("fish") or "", "--no-config", "-c", asking],
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env=lading.surroundings(),
    )

    assert [told.partition("\t")[0] for told in done.stdout.decode().splitlines() if told] == offered


@pytest.mark.peer("zsh")
@pytest.mark.parametrize(
    ("typed", "completed"),
    [("lading pul", "lading pull "), ("lading tag demo/", "demo/web:1 "), ("lading load we", "web.tar ")],
)
def test_zsh_completes(lading: Lading, tmp_path: Path, typed: str, completed: str) -> None:
    functions = script(lading, "zsh", tmp_path / "functions/_lading").parent
    with_ours = f"fpath=({shlex.quote(str(functions))} $fpath); autoload -Uz compinit; compinit -u -D; echo re''ady"
    ours, theirs = pty.openpty()
    command = [programs.find("zsh") or "", "-f", "-i"]
    shell = Child(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=tmp_path, env=lading.surroundings())
    os.close(theirs)
    try:
        os.write(ours, f"{with_ours}\n".encode())
        _read_until(ours, "ready")
        os.write(ours, f"{typed}\t".encode())
        _read_until(ours, completed)
    finally:
        shell.kill()
        shell.wait()
        os.close(ours)


def _read_until(terminal: int, wanted: str) -> None:
    """Until it has been written. Raises AssertionError with all that was, where nothing more comes."""
    written = ""
    while wanted not in written:
        if not select.select([terminal], [], [], ANSWER_SECONDS)[0]:
            raise AssertionError(f"{wanted!r} did not come after {written!r}")
        written += os.read(terminal, 65536).decode(errors="replace")


@pytest.mark.peer("bash")
def test_bash_completes(lading: Lading, tmp_path: Path) -> None:
    source = script(lading, "bash", tmp_path / "lading.bash")
    asking = f"source {shlex.quote(str(source))}; COMP_WORDS=(lading pu); COMP_CWORD=1; _lading_completion lading"
    done = subprocess.run(
        ["bash", "--norc", "-c", asking + '; echo "${COMPREPLY[@]}"'],
        capture_output=True,
        check=True,
        env=lading.surroundings(),
    )

    assert done.stdout.decode() == "pull push\n"
