"""One table of words: what is written is read as the state that it was."""

from __future__ import annotations

import pytest

from lading.wire.docker_words import Said, Verb, planned_word, read_word, retrying_text, words_of
from lading.wire.progress import State


@pytest.mark.parametrize(
    ("verb", "said", "words"),
    [
        (Verb.PUSH, Said(State.WAITING), ["Waiting"]),
        (Verb.PUSH, Said(State.MOVING), ["Pushing"]),
        (Verb.PUSH, Said(State.COMMITTING), []),
        (Verb.PUSH, Said(State.EXISTS), ["Layer already exists"]),
        (Verb.PUSH, Said(State.MOUNTED, "team/base"), ["Mounted from team/base"]),
        (Verb.PUSH, Said(State.RETRYING, seconds=4.2), ["Retrying in 5 seconds"]),
        (Verb.PUSH, Said(State.DONE), ["Pushed"]),
        (Verb.PUSH, Said(State.FAILED), []),
        (Verb.PULL, Said(State.MOVING), ["Downloading"]),
        (Verb.PULL, Said(State.COMMITTING), ["Verifying Checksum"]),
        (Verb.PULL, Said(State.UNPACKING), ["Download complete", "Extracting"]),
        (Verb.PULL, Said(State.DONE), ["Download complete", "Pull complete"]),
        (Verb.PULL, Said(State.MOUNTED, "team/base"), ["Already exists"]),
        (Verb.LOAD, Said(State.MOVING), ["Loading layer"]),
        (Verb.LOAD, Said(State.DONE), []),
    ],
)
def test_each_state_has_its_words(verb: Verb, said: Said, words: list[str]) -> None:
    assert list(words_of(verb, said)) == words


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("state", State)
def test_the_last_word_of_a_state_is_read_as_that_state(verb: Verb, state: State) -> None:
    said = Said(state, "team/base" if state is State.MOUNTED else "", 3.0 if state is State.RETRYING else None)
    words = words_of(verb, said)

    alike = {State.MOUNTED: {State.EXISTS}, State.COMMITTING: {State.UNPACKING}, State.MOVING: {State.UNPACKING}}
    if words:
        read = read_word(verb, words[-1])
        assert read is not None
        assert read == said or read.state in alike.get(state, set())


@pytest.mark.parametrize(
    ("verb", "status", "state"),
    [
        (Verb.PUSH, "Already exists", State.EXISTS),
        (Verb.PUSH, "Unavailable", State.FAILED),
        (Verb.PULL, "Download complete", State.COMMITTING),
        (Verb.PUSH, planned_word(Verb.PUSH), State.CHECKING),
        (Verb.PULL, planned_word(Verb.PULL), State.CHECKING),
    ],
)
def test_words_of_other_stores_are_read_too(verb: Verb, status: str, state: State) -> None:
    assert read_word(verb, status) == Said(state)


@pytest.mark.parametrize("status", ["", "Pulling from library/x", "Digest: sha256:x", "Mounted from", "Retrying in x"])
def test_what_is_about_no_layer_is_none(status: str) -> None:
    assert read_word(Verb.PULL, status) is None


@pytest.mark.parametrize("seconds", [0.1, 1.0, 7.5, 100.0])
def test_a_countdown_is_read_back(seconds: float) -> None:
    read = read_word(Verb.PULL, retrying_text(seconds))

    assert read is not None
    assert read.seconds is not None
    assert seconds <= read.seconds < seconds + 1
