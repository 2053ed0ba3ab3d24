"""Versions of Maven's artifacts (maven.apache.org, POM reference, Version order specification)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import total_ordering
from itertools import zip_longest

_TOKENS = re.compile(r"([.-]?)([0-9]+|[^0-9.-]+|(?=[.-]|$))")
_QUALIFIERS = ("alpha", "beta", "milestone", "rc", "snapshot", "", "sp")
_SHORT = {"a": "alpha", "b": "beta", "m": "milestone"}
_SAME = {"cr": "rc", "ga": "", "final": "", "release": ""}

_WORD, _HYPHEN_NUMBER, _DOT_NUMBER = range(3)
"""What a version may go on with, from the oldest."""

Rank = tuple[int, int, bool, str]
_NOTHING: Rank = (_WORD, _QUALIFIERS.index(""), False, "")
_NOUGHT: Rank = (_DOT_NUMBER, 0, False, "")


@dataclass(frozen=True, slots=True)
class Token:
    """A part of a version, and whether a dot stands before it."""

    dotted: bool
    rank: Rank

    @property
    def is_nothing(self) -> bool:
        """Whether it may be left out at the end."""
        return self.rank == _NOTHING or (self.rank[0] != _WORD and self.rank[1] == 0)


@total_ordering
class Key:
    """Keys stand in the order of their versions: token by token, the shorter one filled up with what means nothing."""

    __slots__ = ("_tokens",)

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and self._order(other) == 0

    def __lt__(self, other: Key) -> bool:
        return self._order(other) < 0

    def __hash__(self) -> int:
        return hash(self._tokens)

    def _order(self, other: Key) -> int:
        for mine, others in zip_longest(self._tokens, other._tokens):
            left, right = _rank(mine, others), _rank(others, mine)
            if left != right:
                return 1 if left > right else -1
        return 0


def key(version: str) -> Key:
    """Everything is a version to Maven. Raises nothing."""
    return Key(tuple(_trimmed(_tokens(version.lower()))))


def _rank(token: Token | None, opposite: Token | None) -> Rank:
    if token is not None:
        return token.rank
    return _NOUGHT if opposite is not None and opposite.rank[0] == _DOT_NUMBER else _NOTHING


def _tokens(text: str) -> list[Token]:
    found: list[Token] = []
    written = _TOKENS.findall(text)
    for place, (separator, part) in enumerate(written):
        follows = place + 1 < len(written) and written[place + 1][0] == "" and written[place + 1][1].isdigit()
        if separator or part or not found:
            found.append(_token(separator == "." or not found, part or "0", before_digit=follows))
    return found


def _token(dotted: bool, part: str, *, before_digit: bool) -> Token:
    if part.isdecimal():
        return Token(dotted, (_DOT_NUMBER if dotted else _HYPHEN_NUMBER, int(part), False, ""))
    word = _SHORT.get(part, part) if before_digit else part
    word = _SAME.get(word, word)
    if word in _QUALIFIERS:
        return Token(dotted, (_WORD, _QUALIFIERS.index(word), False, ""))
    return Token(dotted, (_WORD, len(_QUALIFIERS), not dotted, word))


def _trimmed(tokens: list[Token]) -> list[Token]:
    """Without what means nothing at the end, and before each hyphen."""
    kept: list[Token] = []
    for token in tokens:
        if not token.dotted:
            _trim(kept)
        kept.append(token)
    _trim(kept)
    return kept


def _trim(tokens: list[Token]) -> None:
    while tokens and tokens[-1].is_nothing:
        tokens.pop()
