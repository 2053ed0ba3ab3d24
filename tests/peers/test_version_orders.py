"""Our orders of versions against the programs that made them: dpkg and rpm answer thousands of made pairs."""

from __future__ import annotations

import itertools
import random
import subprocess

import pytest

from lading.inventory.versions import compare
from tests.peers import programs

SEED = 20261121
DPKG_PARTS = ["1", "0", "00", "10", "9", "2.0", "a", "b", "~", "~~", "+", ".", "-", "~rc", "+b1", "-0ubuntu1", "deb12"]
RPM_PARTS = ["1", "0", "00", "10", "9", "2.0", "a", "B", "~", "^", "+", ".", "_", "~rc", "^git2", "el9", "-1", "-1.el"]


def made(parts: list[str], count: int) -> list[str]:
    """Versions that begin with a digit, as dpkg wants, and every third with an epoch."""
    chosen = random.Random(SEED)
    epochs = ("", "", "", "0:", "1:", "2:")
    return [
        chosen.choice(epochs) + str(chosen.randrange(3)) + "".join(chosen.choices(parts, k=chosen.randrange(5)))
        for _ in range(count)
    ]


def neighbours(versions: list[str]) -> list[tuple[str, str]]:
    """Each with the next, and those with one beginning: where orders are told apart."""
    close = sorted(versions, key=lambda version: version.rpartition(":")[2])
    return list(itertools.pairwise(versions)) + list(itertools.pairwise(close))


@pytest.mark.peer("dpkg")
def test_debian_versions_stand_as_dpkg_puts_them() -> None:
    versions = [version for version in made(DPKG_PARTS, 200) if not version.endswith("-")]  # an empty revision is none
    pairs = neighbours(versions)

    assert [pair for pair in pairs if compare("Debian", *pair) != by_dpkg(*pair)] == []


@pytest.mark.peer("rpm")
def test_rpm_versions_stand_as_rpm_puts_them() -> None:
    pairs = [pair for pair in neighbours(made(RPM_PARTS, 3000)) if all(version.count("-") < 2 for version in pair)]
    answers = zip(pairs, by_rpm(pairs), strict=True)

    assert [(pair, answer) for pair, answer in answers if compare("Red Hat", *pair) != answer] == []


def by_dpkg(version: str, other: str) -> int:
    for answer, relation in ((-1, "lt"), (0, "eq")):
        command = ["dpkg", "--compare-versions", version, relation, other]
        code = subprocess.run(command, capture_output=True, check=False).returncode
        assert code in {0, 1}, f"dpkg takes {version} or {other} for no version"
        if code == 0:
            return answer
    return 1


def by_rpm(pairs: list[tuple[str, str]]) -> list[int]:
    """All in one go: rpm's own Lua takes a list."""
    listed = ",".join(f'"{version}","{other}"' for version, other in pairs)
    script = f"local v = {{{listed}}}; for i = 1, #v, 2 do print(rpm.vercmp(v[i], v[i+1]) .. ' ') end"
    return [int(line) for line in programs.run("rpm", "--eval", f"%{{lua:{script}}}").split()]
