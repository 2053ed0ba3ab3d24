"""docs/reference/exit-codes.md and error-codes.md: how failures are told, gathered from every error of the program."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Mapping, Sequence
from typing import Any

import lading
from lading import errors
from lading.fronts.cli.failures import ADVICE, EXIT_CODES, MEANINGS, WHOSE
from lading.fronts.rest_api.refusals import ASKED
from tests.docs.reference_words import MADE, escaped, flowing, table


def exit_codes() -> str:
    """Those of every command."""
    rows = ([str(code), escaped(meaning)] for code, meaning in MEANINGS)
    head = f"""# Exit codes

{MADE} Read any other code as a failure.

"""
    tail = """
A failure prints three lines on standard error: `error:` what failed, `why:` the cause and whose side it is on, `try:`
one thing to do. Nothing reads the text of an error to decide, and neither should a script: the code says it.
"""
    return head + table(["code", "meaning"], rows) + flowing(tail)


def every_error() -> list[type[errors.LadingError]]:
    """The roots and all their leaves, once every module of the program has been read."""
    for module in pkgutil.walk_packages(lading.__path__, "lading."):
        if not module.name.endswith("__main__") and ".migrations" not in module.name:
            importlib.import_module(module.name)
    found: dict[type[errors.LadingError], None] = {}

    def gather(kind: type[errors.LadingError]) -> None:
        found[kind] = None
        for each in kind.__subclasses__():
            gather(each)

    gather(errors.LadingError)
    return [kind for kind in found if kind.__module__.startswith("lading.")]


def error_codes() -> str:
    """Every code, with what it means, its exit code and status, and what helps."""
    by_code: dict[str, list[type[errors.LadingError]]] = {}
    for kind in every_error():
        by_code.setdefault(kind.code, []).append(kind)
    head = f"""# Error codes

{MADE} A failure has a code: at the command line with `--format json`, in an answer of the API (`code`), in the last
line of a job. Several failures may share one. The status is that of an answer of the API that failed with it; a
transfer that fails is told by its job, or 500.
"""
    parts = [
        flowing(head),
        *(_code(code, by_code[code]) for code in sorted(by_code)),
    ]
    return "\n".join(parts)


def _code(code: str, kinds: Sequence[type[errors.LadingError]]) -> str:
    sides = sorted({kind.side for kind in kinds})
    exits = sorted({_nearest(kind, EXIT_CODES) for kind in kinds})
    statuses = sorted({_nearest(kind, ASKED) for kind in kinds})
    said = sorted({escaped(_first_sentence(kind)) for kind in kinds})
    hints = sorted({escaped(kind.hint) for kind in kinds if isinstance(kind.hint, str)})
    hints = hints or [escaped(ADVICE[kinds[0]])] if kinds[0] in ADVICE else hints
    whose = WHOSE[sides[0]] if len(sides) == 1 else "Whose side it is, the message says."
    lines = [f"## {code}\n", f"Exit code {_either(exits)}; status {_either(statuses)}. {whose}\n"]
    lines += ["".join(f"- {each}\n" for each in said)]
    if hints:
        lines += ["What helps:\n", "".join(f"- {each}\n" for each in hints)]
    return "\n".join(lines)


def _nearest(kind: type[BaseException], codes: Mapping[Any, int]) -> int:
    return next(codes[each] for each in kind.__mro__ if each in codes)


def _either(numbers: Sequence[int]) -> str:
    return " or ".join(str(each) for each in numbers)


def _first_sentence(kind: type[BaseException]) -> str:
    told = " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())
    return re.split(r"(?<=[.])\s", told)[0].split(" `str()`")[0]
