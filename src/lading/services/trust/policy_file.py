"""The file of a trust policy, as people write it.

    [[rule]]
    images = ["registry.example.com/team/*"]   # `*` stands for anything, also for slashes
    mode = "enforce"                           # or "report": say it and go on; or "off"
    threshold = 1                              # how many of the signers below must have signed
    bind-tag = true                            # the tag must be signed as well, not the digest alone
    max-age-days = 90                          # signatures that are older, or say no time, count for nothing
    signed-as = ["registry.example.com/*"]     # names that signatures may be made for; the image's own unless said

    # who may sign: of each kind any number, and each entry is one signer. Files lie beside this one.
    keys = ["team.pub", "release.pub"]         # public keys
    identities = [{ issuer = "https://accounts.example.com", subject = "ann@example.com" }]  # sigstore's
    sigstore-root = "trusted_root.json"        # whose word on identities counts
    certificates = ["ca.pem"]                  # notation's trust store
    trusted-subjects = ["C=DE, O=Corp"]        # only certificates of these names; each is then a signer
    revocation-lists = ["ca.crl"]              # and none that these take back; one of every authority then
    notary = true                              # the repository's trust server, its root taken on first use; or
    notary-roots = ["<key id>"]                # only with a root that these keys signed

The first rule that names the image decides; what no rule names is not checked. Whatever cannot be understood is
refused: a policy that is half read would let through what it was written against.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn

from lading.errors import InputInvalid
from lading.oci.document import DocumentInvalid, read_object
from lading.proof.certificate_chains import Certificate, CertificateInvalid
from lading.proof.certificate_names import SubjectInvalid, SubjectPattern
from lading.proof.revocations import RevocationList, RevocationListInvalid
from lading.proof.signing_keys import KeyInvalid, PublicKey
from lading.proof.tuf_walk import Pin
from lading.services.trust.patterns import meant, names_nothing
from lading.services.trust.policy import (
    DAY,
    CertificateSigner,
    IdentitySigner,
    KeySigner,
    NotarySigner,
    Signer,
    TrustPolicy,
    TrustRule,
)
from lading.services.trust_modes import Mode

POLICY_LIMIT = 1024 * 1024
"""The longest policy file, in characters."""

_KEY_ID = re.compile(r"[0-9a-f]{64}")

ReadFile = Callable[[str], bytes]
"""The file by the path that stands in the policy."""


class PolicyInvalid(InputInvalid):
    """A policy that cannot be understood; names the place and what is wrong there."""

    code = "policy_invalid"
    hint = "Mend the policy: one that cannot be read whole lets nothing through."

    def __init__(self, place: str, rule: str) -> None:
        super().__init__(place, rule)
        self.place, self.rule = place, rule

    def __str__(self) -> str:
        return f"the trust policy is not valid: {self.place} {self.rule}"


def parse_policy(text: str, read_file: ReadFile) -> TrustPolicy:
    """From a file's text. Raises PolicyInvalid, and what `read_file` raises."""
    if len(text) > POLICY_LIMIT:
        raise PolicyInvalid("the file", f"has {len(text)} characters; {POLICY_LIMIT} are allowed")
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PolicyInvalid("the file", f"is no TOML: {error}") from error
    tables = content.pop("rule", None)
    if content or not isinstance(tables, list) or not tables:
        raise PolicyInvalid("the file", "must hold tables [[rule]], one or more, and nothing else")
    return TrustPolicy(tuple(_rule(_Table(table, f"rule {n}"), read_file) for n, table in enumerate(tables, 1)))


class _Table:
    """A table as it stands in the file; every member is taken once, and none may be left."""

    def __init__(self, members: object, place: str) -> None:
        self.place = place
        if not isinstance(members, Mapping):
            raise PolicyInvalid(place, "must be a table")
        self._members = dict(members)

    def refuse(self, name: str, rule: str) -> NoReturn:
        raise PolicyInvalid(f"{self.place}, {name}", rule)

    def end(self) -> None:
        """Nothing else may stand here."""
        if self._members:
            self.refuse(next(iter(self._members)), "is not known")

    def mode(self) -> Mode:
        said = self._members.pop("mode", None)
        if said not in list(Mode):
            self.refuse("mode", f"must be one of {', '.join(Mode)}")
        return Mode(str(said))

    def text(self, name: str) -> str | None:
        said = self._members.pop(name, None)
        if said is not None and not (isinstance(said, str) and said):
            self.refuse(name, "must be a text")
        return said

    def texts(self, name: str) -> tuple[str, ...]:
        said = self._members.pop(name, [])
        if not isinstance(said, list) or not all(isinstance(text, str) and text for text in said):
            self.refuse(name, "must be a list of texts")
        return tuple(said)

    def tables(self, name: str) -> Iterator[_Table]:
        said = self._members.pop(name, [])
        if not isinstance(said, list):
            self.refuse(name, "must be a list of tables")
        yield from (_Table(table, f"{self.place}, {name} {n}") for n, table in enumerate(said, 1))

    def whole(self, name: str) -> int | None:
        said = self._members.pop(name, None)
        if said is not None and (type(said) is not int or not 1 <= said <= 36_600):
            self.refuse(name, "must be a whole number from 1")
        return said

    def flag(self, name: str) -> bool:
        said = self._members.pop(name, False)
        if not isinstance(said, bool):
            self.refuse(name, "must be true or false")
        return said


def _rule(table: _Table, read_file: ReadFile) -> TrustRule:
    days = table.whole("max-age-days")
    rule = TrustRule(
        table.texts("images"),
        table.mode(),
        tuple(_signers(table, read_file)),
        table.whole("threshold") or 1,
        table.flag("bind-tag"),
        None if days is None else days * DAY,
        table.texts("signed-as"),
    )
    table.end()
    if not rule.images:
        table.refuse("images", "must name some; all are *")
    if nothing := next(filter(names_nothing, rule.images), None):
        table.refuse("images", f"holds {nothing[:160]!r}, and no image's whole name is like that{meant(nothing)}")
    _check_signers(table, rule)
    return rule


def _check_signers(table: _Table, rule: TrustRule) -> None:
    """That it can be satisfied at all."""
    ids = [signer.id for signer in rule.signers]
    if twice := next((each for each in rule.signers if ids.count(each.id) > 1), None):
        table.refuse(twice.name, "is named twice: a signer counts once")
    if rule.mode is Mode.OFF:
        return
    if not rule.signers:
        table.refuse("keys", "is missing, or another field that says who may sign")
    dated = [signer for signer in rule.signers if rule.max_age is None or not isinstance(signer, NotarySigner)]
    if len(rule.signers) < rule.threshold:
        table.refuse("threshold", f"asks for {rule.threshold} signers; the rule names {len(rule.signers)}")
    if len(dated) < rule.threshold:
        table.refuse("max-age-days", "cannot be met: trust metadata (notary) does not say when a tag was signed")


# ── who may sign


def _signers(table: _Table, read_file: ReadFile) -> Iterator[Signer]:
    for path in table.texts("keys"):
        yield _key(table, path, read_file)
    yield from _identities(table, read_file)
    yield from _certificates(table, read_file)
    yield from _notary(table)


def _key(table: _Table, path: str, read_file: ReadFile) -> KeySigner:
    try:
        return KeySigner(path, PublicKey.parse(read_file(path)))
    except KeyInvalid as error:
        raise PolicyInvalid(f"{table.place}, key {path}", f"cannot be used: {error.reason}") from error


def _identities(table: _Table, read_file: ReadFile) -> Iterator[IdentitySigner]:
    entries, root_path = list(table.tables("identities")), table.text("sigstore-root")
    if bool(entries) is not bool(root_path):
        table.refuse("sigstore-root" if entries else "identities", "is missing: identities need both")
    if root_path is None:
        return
    root = read_file(root_path)
    try:
        read_object(root, DocumentInvalid)
    except DocumentInvalid as error:
        raise PolicyInvalid(f"{table.place}, sigstore-root {root_path}", f"is no trusted root: {error}") from error
    for entry in entries:
        issuer, subject = entry.text("issuer"), entry.text("subject")
        if issuer is None or subject is None:
            entry.refuse("issuer" if issuer is None else "subject", "is missing")
        entry.end()
        yield IdentitySigner(issuer, subject, root)


def _certificates(table: _Table, read_file: ReadFile) -> Iterator[CertificateSigner]:
    """Each file is a signer; where names are said, each of these is one instead, under any of the files."""
    stores = [(path, _store(table, path, read_file)) for path in table.texts("certificates")]
    subjects = table.texts("trusted-subjects")
    revocations = tuple(_revocations(table, path, read_file) for path in table.texts("revocation-lists"))
    if (subjects or revocations) and not stores:
        table.refuse("certificates", "is missing: trusted-subjects and revocation-lists are about certificates")
    if not subjects:
        yield from (CertificateSigner(path, roots, None, revocations) for path, roots in stores)
    roots = tuple(dict.fromkeys(root for _, store in stores for root in store))
    for text in subjects:
        try:
            yield CertificateSigner(text, roots, SubjectPattern.parse(text), revocations)
        except SubjectInvalid as error:
            raise PolicyInvalid(f"{table.place}, trusted-subjects", f"is wrong: {error}") from error


def _store(table: _Table, path: str, read_file: ReadFile) -> tuple[Certificate, ...]:
    try:
        return Certificate.parse(read_file(path))
    except CertificateInvalid as error:
        raise PolicyInvalid(f"{table.place}, certificates {path}", f"cannot be used: {error}") from error


def _revocations(table: _Table, path: str, read_file: ReadFile) -> RevocationList:
    try:
        return RevocationList.parse(read_file(path))
    except RevocationListInvalid as error:
        raise PolicyInvalid(f"{table.place}, revocation-lists {path}", f"cannot be used: {error.reason}") from error


def _notary(table: _Table) -> Iterator[NotarySigner]:
    first_use, roots = table.flag("notary"), table.texts("notary-roots")
    if first_use and roots:
        table.refuse("notary", "takes any first root, and notary-roots names some: one of the two")
    if strange := next((root for root in roots if not _KEY_ID.fullmatch(root)), None):
        table.refuse("notary-roots", f"must be ids of keys, 64 hex digits each, not {strange[:80]!r}")
    if first_use or roots:
        yield NotarySigner(Pin(frozenset(roots) if roots else None, first_use))
