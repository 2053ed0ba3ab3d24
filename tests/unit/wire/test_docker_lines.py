"""Docker's JSON lines: recorded from dockerd 20.10, and as the containerd image store writes them."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.digest import Digest
from lading.wire.authorize import Credential
from lading.wire.docker_auth import registry_auth
from lading.wire.docker_lines import LINE_LIMIT, Line, Lines, LinesBroken, LinesCut, Story, parse_line
from lading.wire.docker_words import Verb
from lading.wire.progress import Advanced, Event, Noted, Piece, Planned, State

DIGEST = "sha256:e852a525b16e083f99b543e4dfc935190b3cc72549c04a0e3d07daa62cd619d6"
PUSHED = [
    '{"status":"The push refers to repository [127.0.0.1:36321/team/app]"}',
    '{"status":"Preparing","progressDetail":{},"id":"1b42def97497"}',
    '{"status":"Pushing","progressDetail":{"current":33280,"total":3000000},'
    '"progress":"[\\u003e         ]  33.28kB/3MB","id":"1b42def97497"}',
    '{"status":"Pushing","progressDetail":{"current":3010560,"total":3000000},'
    '"progress":"[=========\\u003e]  3.011MB","id":"1b42def97497"}',
    '{"status":"Pushed","progressDetail":{},"id":"1b42def97497"}',
    f'{{"status":"1: digest: {DIGEST} size: 524"}}',
    f'{{"progressDetail":{{}},"aux":{{"Tag":"1","Digest":"{DIGEST}","Size":524}}}}',
]
PULLED = [
    '{"status":"Pulling from library/x","id":"latest"}',
    '{"status":"Pulling fs layer","progressDetail":{},"id":"aaaaaaaaaaaa"}',
    '{"status":"Already exists","progressDetail":{},"id":"bbbbbbbbbbbb"}',
    '{"status":"Waiting","progressDetail":{},"id":"aaaaaaaaaaaa"}',
    '{"status":"Downloading","progressDetail":{"current":10,"total":50},"progress":"","id":"aaaaaaaaaaaa"}',
    '{"status":"Verifying Checksum","progressDetail":{},"id":"aaaaaaaaaaaa"}',
    '{"status":"Download complete","progressDetail":{},"id":"aaaaaaaaaaaa"}',
    '{"status":"Extracting","progressDetail":{"current":50,"total":50},"progress":"","id":"aaaaaaaaaaaa"}',
    '{"status":"Pull complete","progressDetail":{},"id":"aaaaaaaaaaaa"}',
    f'{{"status":"Digest: {DIGEST}"}}',
    '{"status":"Status: Downloaded newer image for x:latest"}',
]


def hear(verb: Verb, lines: Sequence[str]) -> tuple[Story, list[Event]]:
    story = Story(verb, "target")
    events: list[Event] = []
    for line in lines:
        events += story.hear(parse_line(line.encode()))
    return story, events


def states(events: Sequence[Event], identity: str) -> list[tuple[State, int, int | None]]:
    return [(e.state, e.current, e.total) for e in events if isinstance(e, Advanced) and e.id == identity]


def test_a_push_is_told_as_it_goes() -> None:
    story, events = hear(Verb.PUSH, PUSHED)

    assert events[0] == Planned("target", (Piece("1b42def97497"),))
    assert states(events, "1b42def97497") == [
        (State.CHECKING, 0, None),
        (State.MOVING, 33280, 3000000),
        (State.MOVING, 3000000, 3000000),  # a daemon counts the tar's padding too
        (State.DONE, 3000000, None),
    ]
    assert (str(story.digest), story.size) == (DIGEST, 524)
    assert story.fault is None


def test_a_pull_is_told_as_it_goes() -> None:
    story, events = hear(Verb.PULL, PULLED)

    assert [state for state, _, _ in states(events, "aaaaaaaaaaaa")] == [
        State.CHECKING,
        State.WAITING,
        State.MOVING,
        State.COMMITTING,
        State.COMMITTING,
        State.UNPACKING,
        State.DONE,
    ]
    assert states(events, "bbbbbbbbbbbb") == [(State.EXISTS, 0, None)]
    assert not states(events, "latest")
    assert str(story.digest) == DIGEST


def test_the_containerd_store_names_the_digest_in_words_alone() -> None:
    story, events = hear(
        Verb.PUSH,
        [
            '{"status":"Waiting","progressDetail":{},"id":"cccccccccccc"}',
            '{"status":"Already exists","progressDetail":{},"id":"cccccccccccc"}',
            '{"aux":{"manifestPushedInsteadOfIndex":true,"originalIndex":{},"selectedManifest":{}}}',
            f'{{"status":"latest: digest: {DIGEST} size: 1234"}}',
        ],
    )
    assert (str(story.digest), story.size) == (DIGEST, 1234)
    assert [event for event in events if isinstance(event, Noted)]


@pytest.mark.parametrize(
    ("status", "state", "detail", "seconds"),
    [
        ("Layer already exists", State.EXISTS, "", None),
        ("Mounted from team/base", State.MOUNTED, "team/base", None),
        ("Retrying in 5 seconds", State.RETRYING, "", 5.0),
        ("Retrying in 1 second", State.RETRYING, "", 1.0),
        ("Unavailable", State.FAILED, "", None),
    ],
)
def test_the_words_of_a_push(status: str, state: State, detail: str, seconds: float | None) -> None:
    line = json.dumps({"status": status, "progressDetail": {}, "id": "1b42def97497"})
    advanced = hear(Verb.PUSH, [line])[1][1]

    assert isinstance(advanced, Advanced)
    assert (advanced.state, advanced.detail, advanced.seconds) == (state, detail, seconds)


def test_seconds_are_not_taken_for_bytes() -> None:
    line = '{"status":"Extracting","progressDetail":{"current":3,"units":"s"},"id":"aaaaaaaaaaaa"}'
    assert states(hear(Verb.PULL, [line])[1], "aaaaaaaaaaaa") == [(State.UNPACKING, 0, None)]


@pytest.mark.parametrize("number", [2**63, 10**400, -1])
def test_numbers_that_mean_nothing_are_no_bytes(number: int) -> None:
    told = parse_line(
        b'{"status":"Downloading","id":"a","progressDetail":{"current":%d,"total":%d}}' % (number, number)
    )
    assert (told.current, told.total) == (None, None)


def test_an_unknown_state_is_passed_over() -> None:
    assert hear(Verb.PUSH, ['{"status":"Pondering","progressDetail":{},"id":"aaaaaaaaaaaa"}'])[1] == []


def test_what_came_out_of_an_archive() -> None:
    story, _ = hear(
        Verb.LOAD,
        ['{"stream":"Loaded image: app:1\\n"}', '{"stream":"Loaded image ID: sha256:00ff\\n"}'],
    )
    assert story.loaded == ["app:1", "sha256:00ff"]


@pytest.mark.parametrize(
    ("line", "said", "code"),
    [
        ('{"errorDetail":{"message":"no basic auth credentials"},"error":"x"}', "no basic auth credentials", None),
        ('{"error":"only this"}', "only this", None),
        ('{"errorDetail":{"code":401,"message":"unauthorized"}}', "unauthorized", 401),
        ('{"errorDetail":{}}', "it does not say why", None),
    ],
)
def test_an_error_ends_the_story(line: str, said: str, code: int | None) -> None:
    story, events = hear(Verb.PUSH, [line, *PUSHED])

    assert story.fault is not None
    assert (story.fault.error, story.fault.code) == (said, code)
    assert story.digest is None
    assert events == []


@given(st.lists(st.integers(1, 40)))
def test_lines_may_come_in_any_pieces(sizes: list[int]) -> None:
    whole = "\r\n".join(PUSHED).encode()
    lines, at = Lines(), 0
    found: list[Line] = []
    for size in sizes:
        found += lines.feed(whole[at : at + size])
        at += size
    found += lines.feed(whole[at:])
    found += lines.end()

    assert found == [parse_line(line.encode()) for line in PUSHED]


@pytest.mark.parametrize("raw", [b"<html>\n", b"[1]\n", b'{"status":\n', b"[" * 100_000 + b"\n"])
def test_what_is_no_json_line_is_said_so(raw: bytes) -> None:
    with pytest.raises(LinesBroken):
        list(Lines().feed(raw))


@pytest.mark.parametrize("at", range(1, len(PUSHED[0])))
def test_a_stream_that_ends_in_the_middle_of_a_line_was_cut(at: int) -> None:
    lines = Lines()
    assert list(lines.feed(PUSHED[0].encode()[:at])) == []
    with pytest.raises(LinesCut):
        list(lines.end())


def test_a_line_without_end_is_given_up() -> None:
    with pytest.raises(LinesBroken):
        list(Lines().feed(b"x" * (LINE_LIMIT + 1)))


def test_layers_without_end_are_given_up() -> None:
    lines = (f'{{"status":"Waiting","progressDetail":{{}},"id":"{number}"}}' for number in range(20_000))
    with pytest.raises(LinesBroken):
        hear(Verb.PULL, list(lines))


@given(st.binary(max_size=200))
def test_any_bytes_are_lines_or_an_error(raw: bytes) -> None:
    lines = Lines()
    try:
        for line in [*lines.feed(raw), *lines.end()]:
            list(Story(Verb.PUSH, "target").hear(line))
    except LinesBroken:
        pass


def test_a_digest_of_an_unknown_kind_is_no_digest() -> None:
    assert hear(Verb.PUSH, ['{"aux":{"Tag":"1","Digest":"md5:00","Size":1}}'])[0].digest is None
    assert hear(Verb.PUSH, [f'{{"aux":{{"Digest":"{DIGEST}"}}}}'])[0].digest == Digest.parse(DIGEST)


@pytest.mark.parametrize(
    ("credential", "registry", "expected"),
    [
        (None, "example.com", {}),
        (
            Credential("me", "päss"),
            "example.com:5000",
            {"username": "me", "password": "päss", "serveraddress": "example.com:5000"},
        ),
        (
            Credential(identity_token="refresh"),
            "docker.io",
            {"identitytoken": "refresh", "serveraddress": "https://index.docker.io/v1/"},
        ),
        (
            Credential(registry_token="bearer"),
            "example.com",
            {"registrytoken": "bearer", "serveraddress": "example.com"},
        ),
    ],
)
def test_the_login_that_a_daemon_is_given(
    credential: Credential | None, registry: str, expected: dict[str, str]
) -> None:
    field = registry_auth(credential, registry)

    assert json.loads(base64.urlsafe_b64decode(field)) == expected
    assert len(field) % 4 == 0
