"""WWW-Authenticate in the spellings of the wild."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.wire.challenge import Challenge, choose, parse_challenges

HUB = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"'
BEARER = Challenge("bearer", {"realm": "https://t/", "service": "s"})


@pytest.mark.parametrize(
    ("header", "challenges"),
    [
        ("", []),
        ("Basic", [("basic", {})]),
        ('Basic realm="a, b=c"', [("basic", {"realm": "a, b=c"})]),
        (
            HUB,
            [
                (
                    "bearer",
                    {
                        "realm": "https://auth.docker.io/token",
                        "service": "registry.docker.io",
                        "scope": "repository:a/b:pull,push",
                    },
                )
            ],
        ),
        (
            'Bearer realm="https://t/",service="s", Basic realm="r"',
            [("bearer", BEARER.parameters), ("basic", {"realm": "r"})],
        ),
        (
            'Basic realm="r", Bearer realm="https://t/",service="s"',
            [("basic", {"realm": "r"}), ("bearer", BEARER.parameters)],
        ),
        ('bearer  realm = "https://t/" ,\t service=s', [("bearer", BEARER.parameters)]),
        ("Bearer realm='https://t/',service='s'", [("bearer", BEARER.parameters)]),
        ("Bearer realm=https://t/ service=s", [("bearer", BEARER.parameters)]),
        (',, Bearer realm="https://t/",, service="s",', [("bearer", BEARER.parameters)]),
        (r'Basic realm="say \"hi\""', [("basic", {"realm": 'say "hi"'})]),
        ('Bearer realm="https://t/",service="s', [("bearer", BEARER.parameters)]),
        ('Bearer REALM="https://t/",Service="s"', [("bearer", BEARER.parameters)]),
        ('Negotiate, Basic realm="r"', [("negotiate", {}), ("basic", {"realm": "r"})]),
    ],
)
def test_challenges_and_their_parameters(header: str, challenges: list[tuple[str, dict[str, str]]]) -> None:
    assert [(one.scheme, dict(one.parameters)) for one in parse_challenges(header)] == challenges


@given(st.text(alphabet="Bearer Basic=\",;\\'\t realm/:.", max_size=60))
def test_no_header_breaks_the_reader(header: str) -> None:
    choose(parse_challenges(header))


def test_bearer_goes_before_basic_wherever_it_stands() -> None:
    assert choose(parse_challenges('Basic realm="r", Bearer realm="https://t/",service="s"')) == BEARER


def test_a_bearer_challenge_without_a_realm_leads_nowhere() -> None:
    assert choose(parse_challenges('Bearer error="x"')) is None
    assert choose(parse_challenges("Negotiate")) is None


NAMES = st.sampled_from(["realm", "service", "scope", "error"])


@given(st.dictionaries(NAMES, st.text(st.characters(codec="latin-1"))))
def test_a_challenge_is_read_as_it_was_written(parameters: dict[str, str]) -> None:
    challenge = Challenge("bearer", parameters)

    assert parse_challenges(str(challenge)) == (challenge,)


def test_a_challenge_is_written_as_docker_reads_it() -> None:
    told = {"realm": "http://h/v2/token", "service": 'a"\\b', "scope": "repository:a:pull,push"}

    written = 'Bearer realm="http://h/v2/token",service="a\\"\\\\b",scope="repository:a:pull,push"'
    assert str(Challenge("bearer", told)) == written
