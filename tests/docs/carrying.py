"""A page carried out from top to bottom: each command has to end as the page shows, and print what it shows."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import FOLDER, ROOT, Block, Step, blocks
from tests.docs.place import HERE, Place
from tests.docs.shell import Machine, appeared
from tests.docs.shown import is_as_shown, pattern
from tests.docs.worlds import LONG, NEEDS, WORLDS, nothing


def name_of(page: Path) -> str:
    """As `WORLDS` calls it."""
    return str(page.relative_to(FOLDER if page.is_relative_to(FOLDER) else ROOT).with_suffix(""))


def carry_out(block: Block, place: Place) -> None:
    """Write the file, or type the commands, of a block."""
    machine = place.machine(block.marks.get("on", HERE))
    if "file" in block.marks:
        path = machine.home / block.marks["file"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(place.here(block.text))
        return
    steps = list(block.steps())
    for number, step in enumerate(steps):
        command, shown = place.here(step.command), None if step.shown is None else place.here(step.shown)
        if "keeps running" in block.marks and number == len(steps) - 1:
            assert isinstance(machine, Machine)
            waited = pattern(shown or "").search
            appeared(machine.begin(command), f"{block.where}: {step.shown}", waited)
            continue
        told = machine.run(command)
        asked_for = steps[number + 1].command == "echo $?" if number + 1 < len(steps) else False
        assert (told.code == 0) is not fails(step, asked_for=asked_for), f"{block.where}: $ {command}\n{told.text}"
        assert shown is None or is_as_shown(shown, told.text), differs(block, command, shown, told.text)


def fails(step: Step, *, asked_for: bool) -> bool:
    """A command fails exactly where the page shows that it does."""
    return asked_for or "error: " in (step.shown or "")


def differs(block: Block, command: str, shown: str, printed: str) -> str:
    """What somebody needs to mend the page, or the program."""
    return f"{block.where}: $ {command}\n--- the page shows\n{shown}--- it prints\n{printed}"


def marks_of(name: str) -> list[pytest.MarkDecorator]:
    """The programs that a page needs, and whether it is long."""
    needs = pytest.mark.peer(*NEEDS.get(name, ("skopeo", "docker-registry")))
    return [needs, *([pytest.mark.proof] if name in LONG else [])]


def cases(pages: Iterable[Path]) -> list[Any]:  # what pytest.param gives has no public type
    """Of the pages those that show commands, by their names, with the marks that they have."""
    shown = [page for page in pages if any(block.is_run for block in blocks(page))]
    return [pytest.param(page, id=name_of(page), marks=marks_of(name_of(page))) for page in shown]


def carry_out_page(page: Path, request: pytest.FixtureRequest) -> None:
    """In a place of its own, which is nothing when it is over."""
    with contextlib.ExitStack() as stack:
        folder = tempfile.TemporaryDirectory(prefix="lading-", ignore_cleanup_errors=True)  # a socket's path is short
        place = Place(Path(stack.enter_context(folder)), stack)
        WORLDS.get(name_of(page), nothing)(place, request)
        for block in blocks(page):
            if block.is_run:
                carry_out(block, place)
