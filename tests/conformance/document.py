"""docs/conformance.md, made of what the tests here say they show.

    python -m tests.conformance.document > docs/conformance.md

Each test's docstring is `sections · endpoints · level: what holds`, and this page repeats it with the test's name.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "conformance.md"
LEVELS = ("MUST", "MUST NOT", "SHOULD", "MAY", "dev", "practice")

_SAID = re.compile(
    rf"(?P<section>[^·]+) · (?P<end>[^·]+) · (?P<level>{'|'.join(LEVELS[::-1])}): (?P<text>.+)", re.DOTALL
)

HEAD = """# Conformance

Every MUST and SHOULD of the OCI distribution specification that concerns a registry, in version 1.1.1 and in the coming
one (`dev`), with the test that shows it; and what clients are known to need besides (`practice`). The tests ask over
real sockets, once an open registry and once one with users, through the token service: `pytest tests/conformance`.

This page is made from the tests: `python -m tests.conformance.document > docs/conformance.md`.
"""


@dataclass(frozen=True)
class Shown:
    """One test and what it says."""

    module: str
    name: str
    section: str
    end: str
    level: str
    text: str


class Unsaid(Exception):
    """A test without a docstring of the form."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Each file of tests, by name."""
    for path in sorted(HERE.glob("test_*.py")):
        if path.name != "test_document.py":
            yield path.name, ast.parse(path.read_text())


def shown() -> Iterator[tuple[str, str, list[Shown]]]:
    """For each file its name, what it is about, and its tests in order. Raises Unsaid."""
    for name, tree in modules():
        tests = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
        yield name, (ast.get_docstring(tree) or "").splitlines()[0], [_of(name, test) for test in tests]


def _of(module: str, test: ast.FunctionDef) -> Shown:
    found = _SAID.fullmatch(" ".join((ast.get_docstring(test) or "").split()))
    if not found:
        raise Unsaid(f"{module}: {test.name}")
    return Shown(module, test.name, found["section"], found["end"], found["level"], found["text"])


def page() -> str:
    """The whole document."""
    parts = [HEAD]
    for module, about, tests in shown():
        rows = [
            f"| {test.level} | {_cell(test.text)} | {test.section} | {test.end} | `{test.name}` |" for test in tests
        ]
        head = f"## {about.rstrip('.')}\n\n`tests/conformance/{module}`\n"
        parts.append(
            "\n".join([head, "| level | what holds | section | endpoint | test |", "|---|---|---|---|---|", *rows])
            + "\n"
        )
    return "\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.stdout.write(page())
