"""The file that says whose signature an image needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.reference import Repository
from lading.proof.signing_keys import KeyKind, PrivateKey
from lading.services.trust_policy import Mode, PolicyInvalid, TrustPolicy, parse_policy

TEAM = PrivateKey.generate(KeyKind.ECDSA_P256, lambda size: bytes(range(size))).public
RELEASE = PrivateKey.generate(KeyKind.ED25519, lambda size: bytes(range(size))).public
FILES = {"team.pub": TEAM.pem, "release.pub": RELEASE.pem, "same.pub": TEAM.pem, "broken.pub": b"nothing"}

WHOLE = """
[[rule]]
images = ["registry.test/team/*"]
mode = "enforce"
keys = ["team.pub", "release.pub"]
threshold = 2
bind-tag = true
max-age-days = 90
signed-as = ["mirror.test/*"]

[[rule]]
images = ["registry.test/*", "docker.io/library/*"]
mode = "report"
keys = ["team.pub"]

[[rule]]
images = ["*"]
mode = "off"
"""


def parsed(text: str) -> TrustPolicy:
    return parse_policy(text, FILES.__getitem__)


def test_the_first_rule_that_names_the_image_decides() -> None:
    policy = parsed(WHOLE)

    modes = [
        policy.rule_for(Repository(registry, path))
        for registry, path in (("registry.test", "team/a/b"), ("docker.io", "library/x"), ("r.test", "x"))
    ]

    assert [rule.mode for rule in modes if rule] == [Mode.ENFORCE, Mode.REPORT, Mode.OFF]


def test_everything_a_rule_says_is_read() -> None:
    rule = parsed(WHOLE).rules[0]

    assert [signer.name for signer in rule.signers] == ["team.pub", "release.pub"]
    assert [signer.key for signer in rule.signers] == [TEAM, RELEASE]
    assert (rule.threshold, rule.bind_tag, rule.max_age) == (2, True, 90 * 86_400)
    assert rule.accepts_name(Repository("mirror.test", "a"), Repository("registry.test", "team/a"))
    assert not rule.accepts_name(Repository("other.test", "a"), Repository("registry.test", "team/a"))


def test_what_no_rule_names_is_not_checked() -> None:
    assert parsed('[[rule]]\nimages = ["a.test/*"]\nmode = "off"').rule_for(Repository("b.test", "a")) is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "must hold tables"),
        ("x = 1", "must hold tables"),
        ("rule = []", "must hold tables"),
        ("rule = [1]", "rule 1 must be a table"),
        (WHOLE + "\n[other]", "must hold tables"),
        ("[[rule]", "is no TOML"),
        ('[[rule]]\nmode = "off"', "images must name some"),
        ('[[rule]]\nimages = ["*"]', "mode must be one of off, report, enforce"),
        ('[[rule]]\nimages = ["*"]\nmode = "ENFORCE"', "mode must be one of"),
        ('[[rule]]\nimages = ["*"]\nmode = ["off"]', "mode must be one of"),
        ('[[rule]]\nimages = "*"\nmode = "off"', "images must be a list of texts"),
        ('[[rule]]\nimages = ["*"]\nmode = "enforce"', "keys is missing"),
        ('[[rule]]\nimages = ["*"]\nmode = "enforce"\nkeys = ["team.pub"]\nthreshold = 2', "keys must name 2 or more"),
        ('[[rule]]\nimages = ["*"]\nmode = "enforce"\nkeys = ["team.pub", "same.pub"]', "names a key twice"),
        ('[[rule]]\nimages = ["*"]\nmode = "enforce"\nkeys = ["broken.pub"]', "key broken.pub cannot be used"),
        ('[[rule]]\nimages = ["*"]\nmode = "off"\nthreshold = 0', "threshold must be a whole number"),
        ('[[rule]]\nimages = ["*"]\nmode = "off"\nthreshold = true', "threshold must be a whole number"),
        ('[[rule]]\nimages = ["*"]\nmode = "off"\nmax-age-days = 1.5', "max-age-days must be a whole number"),
        ('[[rule]]\nimages = ["*"]\nmode = "off"\nbind-tag = 1', "bind-tag must be true or false"),
        ('[[rule]]\nimages = ["*"]\nmode = "off"\nbind_tag = true', "bind_tag is not known"),
        ("#" * 1_100_000, "1100000 characters"),
    ],
)
def test_a_policy_that_cannot_be_understood_whole_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(PolicyInvalid, match=complaint):
        parsed(text)


@given(st.text(max_size=100))
def test_whatever_a_policy_file_holds_is_refused_in_our_words(text: str) -> None:
    try:
        parsed(text)
    except PolicyInvalid:
        return
    raise AssertionError("no such text is a policy")
