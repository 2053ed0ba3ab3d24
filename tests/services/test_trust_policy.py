"""The file that says whose signature an image needs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.oci.reference import Repository
from lading.proof.signing_keys import KeyKind, PrivateKey
from lading.proof.tuf_walk import Pin
from lading.services.trust import policy_file as trust_policy_file
from lading.services.trust.policy import CertificateSigner, IdentitySigner, KeySigner, NotarySigner, TrustPolicy
from lading.services.trust.policy_file import PolicyInvalid, parse_policy
from lading.services.trust_modes import Mode
from tests.fakes.code_signers import authority, revocations

TEAM = PrivateKey.generate(KeyKind.ECDSA_P256, lambda size: bytes(range(size))).public
RELEASE = PrivateKey.generate(KeyKind.ED25519, lambda size: bytes(range(size))).public
ROOT, OTHER = (authority(name) for name in ("root", "other"))
FILES = {
    "team.pub": TEAM.pem,
    "release.pub": RELEASE.pem,
    "same.pub": TEAM.pem,
    "broken.pub": b"nothing",
    "ca.pem": ROOT.pem,
    "both.pem": ROOT.pem + OTHER.pem,
    "ca.crl": revocations(ROOT),
    "part.crl": revocations(ROOT, partial=True),
    "trusted_root.json": b'{"mediaType":"x"}',
    "broken.json": b"[]",
}
ANN = '{ issuer = "https://accounts.corp", subject = "ann@corp.example" }'
KEY_ID = "ab" * 32


def ruled(fields: str, mode: str = "enforce") -> str:
    return f'[[rule]]\nimages = ["*"]\nmode = "{mode}"\n{fields}'


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
    assert [signer.key for signer in rule.signers if isinstance(signer, KeySigner)] == [TEAM, RELEASE]
    assert (rule.threshold, rule.bind_tag, rule.max_age) == (2, True, 90 * 86_400)
    assert rule.accepts_name(Repository("mirror.test", "a"), Repository("registry.test", "team/a"))
    assert not rule.accepts_name(Repository("other.test", "a"), Repository("registry.test", "team/a"))


def test_what_no_rule_names_is_not_checked() -> None:
    assert parsed('[[rule]]\nimages = ["a.test/*"]\nmode = "off"').rule_for(Repository("b.test", "a")) is None


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("registry.test:443/team/app", True),  # the same registry, by its port for HTTPS
        ("registry.test:80/team/app", True),
        ("registry-1.docker.io:443/library/alpine", True),
        ("registry.test:5000/team/app", False),  # another one
        ("registry.test:443.example/team/app", False),
    ],
)
def test_a_usual_port_that_is_spelled_out_leads_past_no_rule(name: str, named: bool) -> None:
    policy = parsed(ruled('keys = ["team.pub"]').replace('"*"', '"registry.test/*", "docker.io/*"'))
    registry, _, path = name.partition("/")

    assert (policy.rule_for(Repository(registry, path)) is not None) is named


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("alpine", ": write docker.io/library/alpine"),
        ("docker.io/alpine", ": write docker.io/library/alpine"),
        ("index.docker.io/library/alpine", ": write docker.io/library/alpine"),
        ("registry.test/team/app:1", ": write registry.test/team/app"),
        ("Registry.Test/team/app", ": write registry.test/team/app"),
        ("https://registry.test/team/*", ""),
        ("team/app/*", ""),
        ("library/*", ""),
        ("alpine*", ""),
        ("alpine:*", ""),
        ("index.docker.io/*", ""),
        ("registry.test/team/*:1", ""),
        ("*/team/App", ""),
        ("*/team/app@sha256:*", ""),
    ],
)
def test_a_pattern_that_is_about_nothing_is_refused(pattern: str, meant: str) -> None:
    """Its images would go unchecked."""
    with pytest.raises(PolicyInvalid) as refused:
        parsed(ruled('keys = ["team.pub"]').replace('"*"', f'"registry.test/*", "{pattern}"'))

    said = f"images holds {pattern!r}, and no image's whole name is like that{meant}"
    assert str(refused.value) == f"the trust policy is not valid: rule 1, {said}"


@pytest.mark.parametrize(
    "pattern",
    [
        *("*", "*.test/*", "registry.*", "localhost*", "localhost:*/team/*", "127.0.0.1:*/a/*", "*:5000/*", "**/x"),
        *("registry.test:5000/team-[ab]*", "[[]::1]*", "docker.io/library/a*", "docker.io/ann/app"),
    ],
)
def test_a_pattern_that_may_be_about_something_is_taken(pattern: str) -> None:
    assert parsed(ruled('keys = ["team.pub"]').replace('"*"', f'"{pattern}"')).rules[0].images == (pattern,)


def test_every_kind_of_signer_is_read_and_counts_alone() -> None:
    text = f"""
        keys = ["team.pub"]
        identities = [{ANN}, {{ issuer = "https://ci.corp", subject = "https://ci.corp/team/*" }}]
        sigstore-root = "trusted_root.json"
        certificates = ["ca.pem", "both.pem"]
        trusted-subjects = ["C=DE, O=Corp", "CN=ann"]
        revocation-lists = ["ca.crl"]
        notary-roots = ["{KEY_ID}"]
        threshold = 6
    """

    key, ann, ci, corp, by_name, notary = parsed(ruled(text)).rules[0].signers

    assert key == KeySigner("team.pub", TEAM)
    assert ann == IdentitySigner("https://accounts.corp", "ann@corp.example", FILES["trusted_root.json"])
    assert isinstance(ci, IdentitySigner)
    assert ci.accepts("https://ci.corp", "https://ci.corp/team/app/release.yml@refs/tags/v1")
    assert isinstance(corp, CertificateSigner)
    assert isinstance(by_name, CertificateSigner)
    assert (corp.name, by_name.name) == ("C=DE, O=Corp", "CN=ann")
    assert len(corp.revocations) == len(by_name.revocations) == 1
    assert len(corp.roots) == len(by_name.roots) == 2, "each name under any of the authorities, each of which is one"
    assert notary == NotarySigner(Pin(frozenset({KEY_ID})))


def test_a_trust_store_without_names_is_one_signer() -> None:
    (store,) = parsed(ruled('certificates = ["both.pem"]')).rules[0].signers

    assert isinstance(store, CertificateSigner)
    assert (store.name, store.subject, len(store.roots)) == ("both.pem", None, 2)


def test_notary_may_take_the_first_root_it_sees() -> None:
    assert parsed(ruled("notary = true")).rules[0].signers == (NotarySigner(Pin(first_use=True)),)


@pytest.mark.parametrize(
    ("subject", "issuer", "accepted"),
    [
        ("ann@corp.example", "https://accounts.corp", True),
        ("ann@corp.example", "https://accounts.corp/", False),
        ("bob@corp.example", "https://accounts.corp", False),
        ("annXcorp.example", "https://accounts.corp", False),
        ("ann@corp.example\n", "https://accounts.corp", False),
    ],
)
def test_an_identity_is_the_issuer_and_the_whole_name(subject: str, issuer: str, accepted: bool) -> None:
    (ann,) = parsed(ruled(f'identities = [{ANN}]\nsigstore-root = "trusted_root.json"')).rules[0].signers

    assert isinstance(ann, IdentitySigner)
    assert ann.accepts(issuer, subject) is accepted


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
        (
            '[[rule]]\nimages = ["*"]\nmode = "enforce"\nkeys = ["team.pub"]\nthreshold = 2',
            "threshold asks for 2 signers; the rule names 1",
        ),
        (
            '[[rule]]\nimages = ["*"]\nmode = "enforce"\nkeys = ["team.pub", "same.pub"]',
            "same.pub is named twice|team.pub is named twice",
        ),
        ('[[rule]]\nimages = ["*"]\nmode = "enforce"\nkeys = ["broken.pub"]', "key broken.pub cannot be used"),
        ('[[rule]]\nimages = ["*"]\nmode = "off"\nthreshold = 0', "threshold must be a whole number"),
        ('[[rule]]\nimages = ["*"]\nmode = "off"\nthreshold = true', "threshold must be a whole number"),
        ('[[rule]]\nimages = ["*"]\nmode = "off"\nmax-age-days = 1.5', "max-age-days must be a whole number"),
        ('[[rule]]\nimages = ["*"]\nmode = "off"\nbind-tag = 1', "bind-tag must be true or false"),
        ('[[rule]]\nimages = ["*"]\nmode = "off"\nbind_tag = true', "bind_tag is not known"),
        ("#" * 1_100_000, "1100000 characters"),
        (ruled(f"identities = [{ANN}]"), "sigstore-root is missing"),
        (ruled('sigstore-root = "trusted_root.json"'), "identities is missing"),
        (ruled(f'identities = [{ANN}]\nsigstore-root = "broken.json"'), "broken.json is no trusted root"),
        (ruled(f'identities = [{ANN}]\nsigstore-root = ["trusted_root.json"]'), "sigstore-root must be a text"),
        (ruled('identities = [{ issuer = "x" }]\nsigstore-root = "trusted_root.json"'), "1, subject is missing"),
        (ruled('identities = [{ subject = "" }]\nsigstore-root = "trusted_root.json"'), "subject must be a text"),
        (
            ruled('identities = [{ issuer = "x", subject = "y", z = 1 }]\nsigstore-root = "trusted_root.json"'),
            "identities 1, z is not known",
        ),
        (ruled('identities = ["x"]\nsigstore-root = "trusted_root.json"'), "identities 1 must be a table"),
        (ruled('identities = "x"\nsigstore-root = "trusted_root.json"'), "identities must be a list of tables"),
        (ruled('certificates = ["team.pub"]'), "certificates team.pub cannot be used"),
        (ruled('trusted-subjects = ["CN=ann"]'), "certificates is missing"),
        (ruled('revocation-lists = ["ca.crl"]'), "certificates is missing"),
        (ruled('certificates = ["ca.pem"]\nrevocation-lists = ["ca.pem"]'), "ca.pem cannot be used: it is none in PEM"),
        (ruled('certificates = ["ca.pem"]\nrevocation-lists = ["part.crl"]'), "it lists a part"),
        (ruled('certificates = ["ca.pem"]\ntrusted-subjects = ["ann"]'), "'ann' cannot be read"),
        (ruled('certificates = ["ca.pem"]\ntrusted-subjects = ["CN=ann,CN=bob"]'), "says something twice"),
        (ruled('certificates = ["ca.pem"]\ntrusted-subjects = ["x509.subject:"]'), "is empty"),
        (ruled('certificates = ["ca.pem", "ca.pem"]'), "ca.pem"),
        (ruled(f'notary = true\nnotary-roots = ["{KEY_ID}"]'), "notary-roots names some: one of the two"),
        (ruled('notary-roots = ["root"]'), "must be ids of keys, 64 hex digits each, not 'root'"),
        (ruled("notary = 1"), "notary must be true or false"),
        (ruled("notary = false"), "keys is missing"),
        (ruled("notary = true\nmax-age-days = 9"), "does not say when a tag was signed"),
    ],
)
def test_a_policy_that_cannot_be_understood_whole_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(PolicyInvalid, match=complaint):
        parsed(text)


def test_the_page_tells_of_every_field_and_its_example_is_a_policy() -> None:
    page = (Path(__file__).parents[2] / "docs/how-to/sign-and-verify.md").read_text(encoding="utf-8")
    example = page.partition("<!-- held by: tests/services/test_trust_policy.py -->\n```toml\n")[2].partition("```")[0]
    told = re.findall(r"(?m)^\| `([a-z-]+)(?: = true)?` \|", page.partition("## A policy")[2].partition("\n## ")[0])
    written = re.findall(r"(?m)^    ([a-z-]+) = ", trust_policy_file.__doc__ or "")

    parsed_rule = parse_policy(example, {"corp-ca.pem": ROOT.pem, **FILES}.__getitem__).rules[0]

    assert len(parsed_rule.signers) == parsed_rule.threshold == 2
    assert sorted(told) == sorted(written)


@given(st.text(max_size=100))
def test_whatever_a_policy_file_holds_is_refused_in_our_words(text: str) -> None:
    try:
        parsed(text)
    except PolicyInvalid:
        return
    raise AssertionError("no such text is a policy")
