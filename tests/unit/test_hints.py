"""A hint is told at every door: what is typed at the command line stands in `command`, and nowhere else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import lading

ROOT = Path(lading.__file__).parent
OF_THE_COMMAND_LINE = ("fronts/cli/", "main/", "settings.py")
TYPED = re.compile(r"(?<![-\w])--[a-z]|\blading (?!serve\b)[a-z]")
"""A flag, or a command of ours but the one that names the server."""


def hints(tree: ast.AST) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id="hint") | ast.Attribute(attr="hint")], value=value):
                yield value
            case ast.keyword(arg="hint", value=value):
                yield value


def texts(expression: ast.expr) -> Iterator[str]:
    return (
        each.value for each in ast.walk(expression) if isinstance(each, ast.Constant) and isinstance(each.value, str)
    )


def test_a_hint_fits_every_door() -> None:
    unfit = [
        f"{path}: {text}"
        for file in sorted(ROOT.rglob("*.py"))
        if not (path := str(file.relative_to(ROOT))).startswith(OF_THE_COMMAND_LINE)
        for expression in hints(ast.parse(file.read_text()))
        for text in texts(expression)
        if TYPED.search(text)
    ]

    assert unfit == []
