"""WWW-Authenticate: what a server wants to see before it answers (RFC 9110, 11.6.1).

    Bearer realm="https://auth.example/token",service="registry.example",scope="repository:app:pull", Basic realm="r"

Several challenges may share one field, and both challenges and their parameters are parted by commas, so a word is a
parameter's name when `=` and a value follow it and a scheme when they do not. Registries put blanks, single quotes and
stray commas where the grammar has none; whatever can be understood is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_TOKEN = re.compile(r"[!#$%&*+.^_`|~0-9A-Za-z-]+")
_PARAMETER = re.compile(
    r"""(?P<name>[!#$%&*+.^_`|~0-9A-Za-z-]+)\s*=\s*
        (?:"(?P<quoted>(?:[^"\\]|\\.)*)"?|'(?P<single>[^']*)'|(?P<plain>[^\s,"]+))""",
    re.VERBOSE,
)
_BLANK = re.compile(r"[\s,]*")
_QUOTED, _ESCAPED = re.compile(r'(["\\])'), r"\\\1"


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way in. `scheme` is lower case, parameter names are too."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        """As a server writes it: every value in double quotes, no blank after a comma (docker's older parsers)."""
        quoted = (f'{name}="{_QUOTED.sub(_ESCAPED, value)}"' for name, value in self.parameters.items())
        return " ".join([self.scheme.capitalize(), ",".join(quoted)]).rstrip()


def parse_challenges(header: str) -> tuple[Challenge, ...]:
    """All challenges of the field, in order; what is no challenge is passed over."""
    return tuple(_challenges(header))


def _challenges(header: str) -> Iterator[Challenge]:
    place = 0
    while word := _TOKEN.match(header, _skip(header, place)):
        parameters, place = _parameters(header, word.end())
        yield Challenge(word.group().lower(), parameters)


def _parameters(header: str, place: int) -> tuple[dict[str, str], int]:
    """The parameters from `place` on, the first of each name, and where they end."""
    found: dict[str, str] = {}
    while match := _PARAMETER.match(header, _skip(header, place)):
        found.setdefault(match["name"].lower(), _value(match))
        place = match.end()
    return found, place


def _value(match: re.Match[str]) -> str:
    if match["quoted"] is not None:
        return re.sub(r"\\(.)", r"\1", match["quoted"])
    return match["single"] if match["single"] is not None else match["plain"]


def _skip(header: str, place: int) -> int:
    blank = _BLANK.match(header, place)
    return blank.end() if blank else place


def choose(challenges: tuple[Challenge, ...]) -> Challenge | None:
    """The way in that we know, Bearer before Basic; a Bearer without a realm leads nowhere."""
    for scheme in ("bearer", "basic"):
        for challenge in challenges:
            if challenge.scheme == scheme and (scheme == "basic" or challenge.parameters.get("realm")):
                return challenge
    return None
