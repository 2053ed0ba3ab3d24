"""No fence of a page is left to itself: it is run, held by a test that says so, or marked with why it cannot be."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click
import pytest

from lading.fronts.cli.program import PROGRAM
from lading.setting_keys import KEYS
from tests.docs.pages import MARKS, ROOT, RUN, Block, blocks, calls, documents, lading_calls, prose

BLOCKS = [block for page in documents() for block in blocks(page)]
NOT_RUN = [block for block in BLOCKS if "not run" in block.marks]
AT_MOST_NOT_RUN = 8
"""What no machine of tests can do: a provider's cloud, a host's own systemd. Who needs one more raises this, and says
at the block why."""

REFERENCE = "docs/reference/"


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.where)
def test_a_block_is_run_or_says_why_not(block: Block) -> None:
    assert set(block.marks) <= MARKS
    accounted = block.is_run or block.language in {"text", "json"} or {"held by", "not run"} & set(block.marks)
    assert accounted, f"{block.where}: {block.language} needs a mark"
    if block.language == "json":
        assert all(json.loads(message) for message in messages(block.text))
    if block.language == "text":
        assert not re.search(r"(?m)^(\$ |lading [a-z]+ (?!.*\[OPTIONS\]))", block.text) or REFERENCE in block.where


def messages(text: str) -> list[str]:
    """One, or one on each line."""
    lines = text.splitlines()
    return lines if all(line.startswith("{") and line.endswith("}") for line in lines) else [text]


@pytest.mark.parametrize("block", [each for each in BLOCKS if "held by" in each.marks], ids=lambda block: block.where)
def test_the_test_that_holds_a_block_reads_its_page(block: Block) -> None:
    text = (ROOT / block.marks["held by"]).read_text(encoding="utf-8")
    shared = [ROOT / f"{name.replace('.', '/')}.py" for name in re.findall(r"(?m)^from (tests\.\S+) import", text)]
    texts = [text, *(path.read_text(encoding="utf-8") for path in shared if path.is_file())]
    assert any(str(block.page.relative_to(ROOT)) in each for each in texts)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_what_is_made_is_what_the_makefile_makes(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {name for block in blocks(ROOT / page) for name in re.findall(r"(?m)^(?:\$ )?make (\w+)", block.text)}

    assert named
    assert {name for name in named if not re.search(rf"(?m)^{name}:", makefile)} == set()
    assert "\t.venv/bin/lading demo\n" in makefile, "tests/docs runs `lading demo` where the README has `make demo`"


def test_few_blocks_cannot_run_and_each_says_why() -> None:
    assert len(NOT_RUN) <= AT_MOST_NOT_RUN
    assert [block.where for block in NOT_RUN if len(block.marks["not run"].split()) < 4] == []


@pytest.mark.parametrize("page", documents(), ids=lambda page: str(page.relative_to(ROOT)))
def test_nothing_to_type_stands_outside_of_a_fence(page: Path) -> None:
    assert re.findall(r"(?m)^\n    \S.*", prose(page)) == []
    assert re.findall(r"(?m)^ *```.*", prose(page)) == [], (
        "a fence without an end, or within a list, where nobody runs it"
    )


def test_a_run_language_is_known() -> None:
    assert {"sh", "console"} == RUN


PAGES = [page for page in documents() if "reference" not in page.parts and calls(page)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_call_that_a_sentence_names_can_be_typed(page: Path) -> None:
    for call in calls(page):
        check(call)


@pytest.mark.parametrize("block", [each for each in NOT_RUN if each.language in RUN], ids=lambda block: block.where)
def test_what_is_not_run_can_be_typed(block: Block) -> None:
    for call in lading_calls(block):
        check(call)


@pytest.mark.parametrize("page", documents(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_variable_that_a_page_names_is_a_setting(page: Path) -> None:
    known = {key.variable for key in KEYS} | {f"{key.variable}_FILE" for key in KEYS if key.secret}
    named = set(re.findall(r"\bLADING_[A-Z_]*[A-Z]\b", page.read_text(encoding="utf-8")))

    assert named <= known


def check(call: str) -> None:
    """Its words are commands, its options are theirs. What stands for a choice, a name or the rest is passed over."""
    text = re.sub(r"[…\[\]]", " ", call)
    words = shlex.split(text) if text.count("'") % 2 == 0 else text.split()
    command: click.Command = PROGRAM
    taken = re.findall(r"--(?:data|server|context|env|format|config) (\S+)", text)
    for word in (word for word in words if not word.startswith("-") and word not in taken):
        if not isinstance(command, click.Group) or re.fullmatch(r"[A-Z|]+|.*\|.*|https?:.*", word):
            break
        found = command.get_command(click.Context(command), word)
        assert found, f"lading {call}: no {word}"
        command = found
    options = [*command.params, *PROGRAM.params]
    known = {spelling for each in options for spelling in [*each.opts, *each.secondary_opts]} | {"--help"}
    named = {re.sub(r"[=,;].*", "", word) for word in words if re.match(r"--?[a-z]", word)}
    assert named <= known, f"lading {call}"
