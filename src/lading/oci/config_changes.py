"""Changes to an image's settings, as lines of a Dockerfile say them (docs.docker.com/reference/dockerfile).

    CMD ["nginx","-g","daemon off;"]      the JSON form: what runs, word for word
    CMD nginx -g 'daemon off;'            the shell form: /bin/sh -c and the line as it stands
    ENV A=1 B="two words"                 NAME=VALUE, quoted as a shell quotes
    ENV A the rest of the line            one NAME, and its value
    EXPOSE 80 53/udp 8000-8003            ports, without a protocol TCP

`import` and `commit` take these instructions alone: none of them runs anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from lading.errors import InputInvalid

Settings = dict[str, object]
"""The `config` member of an image config: Cmd, Entrypoint, Env, … (image-spec, config.md)."""

_MOST_KEYS = 10_000
_SHELL = ("/bin/sh", "-c")
_INSTRUCTION = re.compile(r"\s*(?P<name>[A-Za-z]+)(?:\s+(?P<rest>.*?))?\s*", re.DOTALL)
_PORT = re.compile(r"(?P<first>\d{1,5})(?:-(?P<last>\d{1,5}))?(?:/(?P<protocol>tcp|udp|sctp))?", re.IGNORECASE)
_NAME = re.compile(r"[^\s=\"'\\]+")
_SIGNAL = re.compile(r"[A-Za-z0-9+-]+")


class ChangeInvalid(InputInvalid):
    """A line that is none of the changes an image takes; says what is wrong with it."""

    def __init__(self, line: str, problem: str) -> None:
        super().__init__(line, problem)
        self.line, self.problem = line, problem
        self.hint = f"An image takes {', '.join(INSTRUCTIONS)}, written as in a Dockerfile."

    def __str__(self) -> str:
        return f"the change {self.line[:160]!r} {self.problem}"


def changed(lines: Iterable[str], settings: Mapping[str, object] = MappingProxyType({})) -> Settings:
    """`settings` after these lines, in their order; what no line speaks of stays. Raises ChangeInvalid."""
    result = dict(settings)
    said: set[str] = set()
    for line in lines:
        match = _INSTRUCTION.fullmatch(line)
        change = INSTRUCTIONS.get(match["name"].upper()) if match else None
        if match is None or change is None:
            raise ChangeInvalid(line, "is none that an image takes")
        if "\n" in line.strip() or "\0" in line:
            raise ChangeInvalid(line, "is more than one line")
        rest = match["rest"] or ""
        if not rest and change is not _command:
            raise ChangeInvalid(line, "says nothing")
        try:
            line.encode()
            change(result, match["name"].upper(), rest)
        except _WrongError as wrong:
            raise ChangeInvalid(line, str(wrong)) from None
        except UnicodeEncodeError:
            raise ChangeInvalid(line, "holds half a character") from None
        said.add(match["name"].upper())
        if sum(len(each) for each in result.values() if isinstance(each, dict)) > _MOST_KEYS:
            raise ChangeInvalid(line, f"makes more than {_MOST_KEYS} ports, volumes and labels")
    if "ENTRYPOINT" in said and "CMD" not in said:
        result.pop("Cmd", None)  # it was made for another entrypoint
    return result


class _WrongError(Exception):
    """What is wrong with the line that is being read."""


def _command(settings: Settings, name: str, rest: str) -> None:
    """CMD, ENTRYPOINT; without a word each takes back what there was."""
    words = _json_words(rest)
    if words is None:
        words = [*_SHELL, rest] if rest else []
    settings["Cmd" if name == "CMD" else "Entrypoint"] = words


def _environment(settings: Settings, _name: str, rest: str) -> None:
    known = dict(_parted(each) for each in _texts(settings, "Env"))
    known.update(_pairs(rest))
    settings["Env"] = [f"{name}={value}" for name, value in known.items()]


def _label(settings: Settings, _name: str, rest: str) -> None:
    labels = settings.get("Labels")
    settings["Labels"] = {**(labels if isinstance(labels, dict) else {}), **dict(_pairs(rest))}


def _expose(settings: Settings, _name: str, rest: str) -> None:
    _add_keys(settings, "ExposedPorts", (port for word in _words(rest) for port in _ports(word)))


def _volume(settings: Settings, _name: str, rest: str) -> None:
    places = _json_words(rest)
    if places is None:
        places = _words(rest)
    if not places or "" in places:
        raise _WrongError("names no place")
    _add_keys(settings, "Volumes", places)


def _on_build(settings: Settings, _name: str, rest: str) -> None:
    trigger = rest.split(maxsplit=1)[0].upper()
    if trigger in ("ONBUILD", "FROM", "MAINTAINER"):
        raise _WrongError(f"cannot keep {trigger} for a later build")
    settings["OnBuild"] = [*_texts(settings, "OnBuild"), rest]


def _stop_signal(settings: Settings, _name: str, rest: str) -> None:
    signal = _one(rest)
    if not _SIGNAL.fullmatch(signal):
        raise _WrongError("names no signal")
    settings["StopSignal"] = signal


def _user(settings: Settings, _name: str, rest: str) -> None:
    settings["User"] = _one(rest)


def _working_folder(settings: Settings, _name: str, rest: str) -> None:
    """A relative one is below the one before."""
    folder = "".join(_words(rest, parted=False))
    before = settings.get("WorkingDir")
    if not folder.startswith("/"):
        folder = f"{before if isinstance(before, str) else ''}/{folder}"
    parts: list[str] = []
    for part in folder.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    settings["WorkingDir"] = "/" + "/".join(parts)


INSTRUCTIONS: Mapping[str, Callable[[Settings, str, str], None]] = MappingProxyType(
    {
        "CMD": _command,
        "ENTRYPOINT": _command,
        "ENV": _environment,
        "EXPOSE": _expose,
        "LABEL": _label,
        "ONBUILD": _on_build,
        "STOPSIGNAL": _stop_signal,
        "USER": _user,
        "VOLUME": _volume,
        "WORKDIR": _working_folder,
    }
)
"""Those that an image takes, by their names in capitals."""


# ── words of a line


def _json_words(rest: str) -> list[str] | None:
    """The JSON form; None where the line is not written so, as Docker decides it too."""
    if not rest.startswith("["):
        return None
    try:
        words = json.loads(rest)
    except (ValueError, RecursionError):
        return None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return None
    "".join(words).encode()  # JSON can spell half a character
    return words


def _pairs(rest: str) -> Iterator[tuple[str, str]]:
    """NAME=VALUE …, or one NAME and the rest of the line."""
    first = _NAME.match(rest)
    if first is None:
        raise _WrongError("names nothing")
    if rest[first.end() :][:1] != "=":
        value = rest[first.end() :].strip()
        if not value or not rest[first.end()].isspace():
            raise _WrongError("must be written NAME=VALUE")
        yield first[0], "".join(_words(value, parted=False))
        return
    for word in _words(rest):
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise _WrongError("must be written NAME=VALUE")
        yield name, value


def _words(rest: str, *, parted: bool = True) -> list[str]:
    """Parted at white space, with quotes and backslashes as a shell reads them; nothing is replaced by variables.

    Not `parted` it is one word, white space and all.
    """
    words: list[str] = []
    word: list[str] | None = None
    quote, letters = "", iter(rest)
    for letter in letters:
        if parted and letter.isspace() and not quote:
            if word is not None:
                words.append("".join(word))
            word = None
            continue
        word = [] if word is None else word
        if letter == "\\" and quote != "'":
            word.append(_escaped(next(letters, ""), quote))
        elif quote and letter == quote:
            quote = ""
        elif not quote and letter in "'\"":
            quote = letter
        else:
            word.append(letter)
    if quote:
        raise _WrongError(f"does not end its {quote}")
    return words if word is None else [*words, "".join(word)]


def _escaped(letter: str, quote: str) -> str:
    """Inside quotes a backslash means itself before all but a quote and another one."""
    return letter if not quote or letter in '"\\$' else f"\\{letter}"


def _one(rest: str) -> str:
    words = _words(rest)
    if len(words) != 1 or not words[0]:
        raise _WrongError("takes one word")
    return words[0]


def _ports(word: str) -> Iterator[str]:
    match = _PORT.fullmatch(word)
    first, last = (int(match["first"]), int(match["last"] or match["first"])) if match else (0, 0)
    if match is None or not 1 <= first <= last <= 65535:
        raise _WrongError(f"names no port: {word[:40]!r}")
    for port in range(first, last + 1):
        yield f"{port}/{(match['protocol'] or 'tcp').lower()}"


def _add_keys(settings: Settings, name: str, added: Iterable[str]) -> None:
    """To what image-spec writes as an object whose values are empty."""
    known = settings.get(name)
    settings[name] = {**(known if isinstance(known, dict) else {}), **{each: {} for each in added}}


def _texts(settings: Settings, name: str) -> list[str]:
    known = settings.get(name)
    return [each for each in known if isinstance(each, str)] if isinstance(known, list) else []


def _parted(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value
