"""Docker's words for how a layer stands: one table, by which lines are written and read.

    state        push                          pull                               load
    planned      Preparing                     Pulling fs layer                   –
    WAITING      Waiting                       Waiting                            –
    CHECKING     – (where a daemon names a layer for the first time: as planned)
    MOVING       Pushing                       Downloading                        Loading layer
    COMMITTING   –                             Verifying Checksum                 Loading layer
    RETRYING     Retrying in N seconds         the same                           the same
    UNPACKING    –                             Download complete, Extracting      Loading layer
    EXISTS       Layer already exists          Already exists                     –
    MOUNTED      Mounted from X                Already exists                     –
    DONE         Pushed                        Download complete, Pull complete   –
    FAILED       – (an error line ends the stream)

What a daemon says beyond these is read as well: its containerd store has words of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from lading.wire.progress import State


class Verb(StrEnum):
    """Which way content moves, which chooses the words. A copy's are those of a push."""

    PUSH = "push"
    PULL = "pull"
    LOAD = "load"


@dataclass(frozen=True, slots=True)
class _Words:
    """Of one verb: of a layer that is only planned, of each state, and what is read otherwise or besides."""

    planned: str
    said: Mapping[State, tuple[str, ...]]
    also: Mapping[str, State] = field(default_factory=dict)

    def read(self) -> Mapping[str, State]:
        """The state that each word tells of; where several have one word, the first."""
        states = {word: state for state, words in reversed([*self.said.items()]) for word in words}
        return states | ({self.planned: State.CHECKING} if self.planned else {}) | dict(self.also)


DOWNLOADED = "Download complete"
_MOUNTED_FROM = "Mounted from "

_TABLE: Mapping[Verb, _Words] = {
    Verb.PUSH: _Words(
        "Preparing",
        {
            State.WAITING: ("Waiting",),
            State.MOVING: ("Pushing",),
            State.EXISTS: ("Layer already exists",),
            State.DONE: ("Pushed",),
        },
        also={"Already exists": State.EXISTS, "Unavailable": State.FAILED},
    ),
    Verb.PULL: _Words(
        "Pulling fs layer",
        {
            State.WAITING: ("Waiting",),
            State.MOVING: ("Downloading",),
            State.COMMITTING: ("Verifying Checksum",),
            State.UNPACKING: (DOWNLOADED, "Extracting"),
            State.EXISTS: ("Already exists",),
            State.MOUNTED: ("Already exists",),
            State.DONE: (DOWNLOADED, "Pull complete"),
        },
        also={DOWNLOADED: State.COMMITTING},
    ),
    Verb.LOAD: _Words(
        "",
        {
            State.UNPACKING: ("Loading layer",),
            State.COMMITTING: ("Loading layer",),
            State.MOVING: ("Loading layer",),
        },
    ),
}
_READ = {verb: words.read() for verb, words in _TABLE.items()}

_MOUNTED = re.compile(rf"{_MOUNTED_FROM}(?P<origin>\S{{1,512}})")
_RETRYING = re.compile(r"Retrying in (?P<seconds>\d{1,6}) seconds?")


@dataclass(frozen=True, slots=True)
class Said:
    """What a word tells of a layer: `detail` is where it was mounted from, `seconds` the time to the next attempt."""

    state: State
    detail: str = ""
    seconds: float | None = None


def planned_word(verb: Verb) -> str:
    """Of a layer that is known and not begun; empty where nothing is said of one."""
    return _TABLE[verb].planned


def words_of(verb: Verb, said: Said) -> Sequence[str]:
    """What a state is called; at Docker it may have several names, one after the other, or none."""
    if said.state is State.RETRYING:
        return (retrying_text(said.seconds),)
    if said.state is State.MOUNTED and verb is Verb.PUSH:
        return (f"{_MOUNTED_FROM}{said.detail}",)
    return _TABLE[verb].said.get(said.state, ())


def read_word(verb: Verb, status: str) -> Said | None:
    """What a line's status tells of its layer; None where it is about none."""
    state = _READ[verb].get(status)
    if state is not None:
        return Said(state)
    if mounted := _MOUNTED.fullmatch(status):
        return Said(State.MOUNTED, mounted["origin"])
    if retrying := _RETRYING.fullmatch(status):
        return Said(State.RETRYING, seconds=float(retrying["seconds"]))
    return None


def retrying_text(seconds: float | None) -> str:
    """`Retrying in 1 second`, whole seconds, never fewer than are left."""
    if seconds is None:
        return "Retrying"
    whole = max(1, -int(-seconds // 1))
    return f"Retrying in {whole} second{'' if whole == 1 else 's'}"
