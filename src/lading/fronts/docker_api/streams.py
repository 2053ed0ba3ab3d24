"""Answers that are told while the work goes on: lines of JSON, in the form and the words of wire.docker_lines."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping

from lading.errors import Cancelled, LadingError
from lading.fronts.docker_api.answers import JSON
from lading.fronts.docker_api.following import QUIET_SECONDS, Heard, Transfer
from lading.fronts.docker_api.refusals import told as refused_as
from lading.fronts.http.exchange import Answer
from lading.oci.reference import Reference, ReferenceInvalid
from lading.services.jobs.job import JsonObject
from lading.wire.docker_lines import BLANK_LINE, error_line, message_line, progress_line
from lading.wire.docker_words import Said, Verb, read_word, retrying_text, words_of
from lading.wire.progress import State

log = logging.getLogger("lading.docker")


class Streamed:
    """A body that is made while it is sent. `close` is called in any case, also where nobody began to read."""

    def __init__(self, pieces: Generator[bytes, None, None], close: Callable[[], None]) -> None:
        self._pieces, self._close = pieces, close

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """End what is still going on."""
        try:
            self._pieces.close()
        finally:
            self._close()


class Transfers:
    """The jobs that one request stands for, one after the other."""

    def __init__(self) -> None:
        self._current: Transfer | None = None

    def follow(self, transfer: Transfer) -> Transfer:
        """This one now; the one before is over."""
        self.close()
        self._current = transfer
        return transfer

    def close(self) -> None:
        """What is not over is given up."""
        current, self._current = self._current, None
        if current is not None:
            current.close()

    def answer(self, pieces: Generator[bytes, None, None]) -> Answer:
        """A stream that ends with its client; what goes wrong in it is its last line."""
        return lines_answer(Streamed(_to_the_end(pieces), self.close))


def _to_the_end(pieces: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    """Raises Cancelled: then nobody is there any more."""
    try:
        yield from pieces
    except Cancelled:
        raise
    except LadingError as error:
        log.warning("a transfer cannot be told of any more: %s", error)
        yield error_line(refused_as(error).message)


def lines_answer(content: Iterable[bytes]) -> Answer:
    """200 with lines of JSON."""
    return Answer(200, (("Content-Type", JSON),), content)


class Layers:
    """What a job tells of its layers, in Docker's lines. `now` tells seconds that never go back.

    A layer that a pull finds here has no line before the one that says so, as at Docker, and none at all where all that
    was asked for is here: so what is planned and what is here is told when something moves, or as the `rest`.
    """

    def __init__(self, verb: Verb, now: Callable[[], float] = time.monotonic) -> None:
        self._verb, self._now = verb, now
        self._held: dict[str, bytes] = {}
        self._last: dict[str, bytes] = {}
        self._counting: str | None = None
        self._retrying: dict[str, tuple[float, str]] = {}

    def lines(self, told: Iterable[Heard]) -> Iterator[bytes]:
        """One piece for each that is to be told, and now and then one that says nothing new."""
        spoken = self._now()
        for each in told:
            piece = b"" if each is None else self.line(each)
            if piece or self._now() - spoken >= QUIET_SECONDS:
                yield piece or self.again()
                spoken = self._now()

    def line(self, told: JsonObject) -> bytes:
        """Empty for what Docker's clients are not told."""
        layer, status = told.get("id"), told.get("status")
        if not isinstance(status, str):
            return b""
        if not isinstance(layer, str):
            return message_line(str(told.get("message"))) if status in _SENTENCES else b""
        said = read_word(self._verb, status)
        if said is None:
            return b""
        self._count_down(layer, said, status)
        line = _line(layer, said, told)
        if self._verb is Verb.PULL and said.state in {State.CHECKING, State.EXISTS}:
            self._held[layer] = line
            return b""
        if line == self._last.get(layer):
            return b""
        self._last[layer] = line
        self._counting = layer if said.state in _COUNTED else None if self._counting == layer else self._counting
        return self.rest() + line

    def _count_down(self, layer: str, said: Said, status: str) -> None:
        self._retrying.pop(layer, None)
        if said.state is State.RETRYING and said.seconds is not None:
            self._retrying[layer] = (self._now() + said.seconds, status)

    def rest(self) -> bytes:
        """What was held back."""
        lines, self._held = b"".join(self._held.values()), {}
        return lines

    def again(self) -> bytes:
        """Where nothing is new: seconds counted down, else the last layer that counts bytes, else a blank."""
        if rest := self.rest():
            return rest
        pieces = []
        for layer, (due, status) in self._retrying.items():
            text = retrying_text(due - self._now())
            if text != status:
                self._retrying[layer] = (due, text)
                pieces.append(progress_line(text, layer, {}))
        return b"".join(pieces) or (BLANK_LINE if self._counting is None else self._last[self._counting])


_SENTENCES = frozenset({"held", "relaying", "scanning", "scan-complete"})
"""Lines about no layer that a person should read: Docker's clients print what has a status and no id as it is."""

_COUNTED = frozenset({State.MOVING, State.UNPACKING})
"""At Docker a layer in any other state has no bytes: where there is no terminal, its line is printed then."""


def _line(layer: str, said: Said, told: JsonObject) -> bytes:
    detail, text = told.get("progressDetail"), told.get("progress")
    status = _mounted(said) if said.state is State.MOUNTED else str(told.get("status"))
    if said.state not in _COUNTED or not isinstance(detail, Mapping):
        return progress_line(status, layer, {})
    return progress_line(status, layer, detail, text if isinstance(text, str) else "")


def _mounted(said: Said) -> str:
    """Docker names the repository by its path alone: it mounts within one registry."""
    try:
        path = Reference.parse(said.detail).repository.path
    except ReferenceInvalid:
        path = said.detail
    return words_of(Verb.PUSH, Said(State.MOUNTED, path))[0]
