"""Advisories in YAML, as PyPA keeps them: only what JSON could say, and nothing that makes much of little.

Values are put together here from the parser's events, not by its loader: that goes deeper into nested brackets than a
stack is high, and makes objects of tags, numbers of versions (`1.10`) and gigabytes of merge keys. Here every scalar is
text but null, true and false, and `*name` counts as often as it is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from yaml import SafeLoader as Loader
else:  # libyaml, ten times as fast, where it was built in
    Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

YAML_LIMIT = 1024 * 1024
"""The longest file, in bytes; real ones have some tens of thousands."""

DEPTH_LIMIT = 64
VALUES_LIMIT = 200_000
"""How deep values may stand in each other, and how many there may be."""

_WORDS = {"null": None, "~": None, "": None, "true": True, "false": False}


class YamlRefused(ValueError):
    """It is no YAML, or such as no advisory needs."""


def read_yaml(content: bytes) -> object:
    """The one value of the file. Raises YamlRefused."""
    if len(content) > YAML_LIMIT:
        raise YamlRefused("it is too long")
    reading = _Reading()
    try:
        for event in yaml.parse(content, Loader):
            reading.take(event)
    except (yaml.YAMLError, UnicodeError, OverflowError) as error:
        raise YamlRefused("it is no YAML") from error
    if len(reading.documents) != 1:
        raise YamlRefused("it is not one document")
    return reading.documents[0]


class _Reading:
    """`open` are the collections that have not ended yet, from the outside in, each with the anchor it has and how many
    values had been read before it."""

    def __init__(self) -> None:
        self.documents: list[object] = []
        self._open: list[tuple[_List | _Mapping, str | None, int]] = []
        self._anchors: dict[str, tuple[object, int]] = {}
        self._count = 0

    def take(self, event: yaml.Event) -> None:
        """Raises YamlRefused."""
        if isinstance(event, yaml.NodeEvent):
            self._more(1)
        if isinstance(event, yaml.ScalarEvent):
            self._add(_scalar(event), event.anchor, self._count - 1)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            if event.tag is not None or len(self._open) >= DEPTH_LIMIT:
                raise YamlRefused("a tag, or values nested too deep")
            made = _Mapping() if isinstance(event, yaml.MappingStartEvent) else _List()
            self._open.append((made, event.anchor, self._count - 1))
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            ended, anchor, before = self._open.pop()
            self._add(ended.value, anchor, before)
        elif isinstance(event, yaml.AliasEvent):
            self._repeat(event.anchor)

    def _more(self, count: int) -> None:
        self._count += count
        if self._count > VALUES_LIMIT:
            raise YamlRefused("it has too many values")

    def _repeat(self, anchor: str | None) -> None:
        if anchor not in self._anchors:
            raise YamlRefused("it repeats what is not there, or itself")
        value, count = self._anchors[anchor]
        self._more(count)
        self._add(value, None, self._count)

    def _add(self, value: object, anchor: str | None, before: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = (value, self._count - before)
        if self._open:
            self._open[-1][0].add(value)
        else:
            self.documents.append(value)


class _List:
    def __init__(self) -> None:
        self.value: list[object] = []

    def add(self, value: object) -> None:
        self.value.append(value)


class _Mapping:
    """Takes a key and its value in turn; where a key comes twice, the first stands."""

    def __init__(self) -> None:
        self.value: dict[str, object] = {}
        self._key: str | None = None

    def add(self, value: object) -> None:
        if self._key is not None:
            self.value.setdefault(self._key, value)
            self._key = None
        elif isinstance(value, str):
            self._key = value
        else:
            raise YamlRefused("a key is no text")


def _scalar(event: yaml.ScalarEvent) -> object:
    if event.tag is not None:
        raise YamlRefused("a tag")
    plain = bool(event.implicit[0]) and event.style in {None, ""}
    return _WORDS.get(event.value, event.value) if plain else event.value
