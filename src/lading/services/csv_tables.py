"""Tables for spreadsheets (RFC 4180), in which no cell is taken for a formula, whoever chose its words."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from unicodedata import category

_FORMULA = tuple("=+-@＝＋－＠")
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Categories of what shows nothing itself, and may turn or hide what stands beside it."""


def record(values: Iterable[object]) -> str:
    """One line of a table."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerow([harmless(value) for value in values])
    return text.getvalue()


def harmless(value: object) -> object:
    """A spreadsheet takes text that begins so for a formula, which whoever chose the name would have written."""
    if not isinstance(value, str):
        return value
    seen = "".join(each for each in value if category(each) not in _UNSEEN)
    return f"'{seen}" if seen.lstrip().startswith(_FORMULA) else seen
