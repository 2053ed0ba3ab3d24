"""Trust policies: whose signature an image needs. Values, and the file that people write.

    [[rule]]
    images = ["registry.example.com/team/*"]   # `*` stands for anything, also for slashes
    mode = "enforce"                           # or "report": say it and go on; or "off"
    keys = ["team.pub", "release.pub"]         # files, beside this one
    threshold = 1                              # how many of these keys must have signed
    bind-tag = true                            # the tag must be signed as well, not the digest alone
    max-age-days = 90                          # signatures that are older, or say no time, count for nothing
    signed-as = ["registry.example.com/*"]     # names that signatures may be made for; the image's own unless said

The first rule that names the image decides; what no rule names is not checked. Whatever cannot be understood is
refused: a policy that is half read would let through what it was written against.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import NoReturn

from lading.errors import InputInvalid
from lading.oci.reference import Repository
from lading.proof.signing_keys import KeyInvalid, PublicKey

DAY = 86_400

POLICY_LIMIT = 1024 * 1024
"""The longest policy file, in characters."""


class Mode(StrEnum):
    """What becomes of an image whose signatures do not satisfy a rule."""

    OFF = "off"
    REPORT = "report"
    ENFORCE = "enforce"


class PolicyInvalid(InputInvalid):
    """A policy that cannot be understood; names the place and what is wrong there."""

    code = "policy_invalid"
    hint = "Mend the policy: nothing is verified by halves."

    def __init__(self, place: str, rule: str) -> None:
        super().__init__(place, rule)
        self.place, self.rule = place, rule

    def __str__(self) -> str:
        return f"the trust policy is not valid: {self.place} {self.rule}"


@dataclass(frozen=True, slots=True)
class Signer:
    """Who may sign: a key, and what people call it."""

    name: str
    key: PublicKey


@dataclass(frozen=True, slots=True)
class TrustRule:
    """What images of these names need. `max_age` is in seconds; `signed_as` empty: the image's own name."""

    images: tuple[str, ...]
    mode: Mode
    signers: tuple[Signer, ...] = ()
    threshold: int = 1
    bind_tag: bool = False
    max_age: int | None = None
    signed_as: tuple[str, ...] = ()

    def names(self, repository: Repository) -> bool:
        """Whether it is about images of this repository."""
        return any(fnmatchcase(str(repository), pattern) for pattern in self.images)

    def accepts_name(self, signed: Repository, asked: Repository) -> bool:
        """Whether a signature made for `signed` counts for `asked`."""
        return signed == asked or any(fnmatchcase(str(signed), pattern) for pattern in self.signed_as)


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """Rules in their order."""

    rules: tuple[TrustRule, ...]

    def rule_for(self, repository: Repository) -> TrustRule | None:
        """The one that decides; None: it is not checked."""
        return next((rule for rule in self.rules if rule.names(repository)), None)


def demanding(signers: Sequence[Signer]) -> TrustPolicy:
    """Every image needs a signature of one of these."""
    return TrustPolicy((TrustRule(("*",), Mode.ENFORCE, tuple(signers)),))


def parse_policy(text: str, read_key: Callable[[str], bytes]) -> TrustPolicy:
    """From a file's text; `read_key` gives the file of a key by the path that stands there.

    Raises PolicyInvalid, and what `read_key` raises.
    """
    if len(text) > POLICY_LIMIT:
        raise PolicyInvalid("the file", f"has {len(text)} characters; {POLICY_LIMIT} are allowed")
    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PolicyInvalid("the file", f"is no TOML: {error}") from error
    tables = content.pop("rule", None)
    if content or not isinstance(tables, list) or not tables:
        raise PolicyInvalid("the file", "must hold tables [[rule]], one or more, and nothing else")
    return TrustPolicy(tuple(_Table(table, f"rule {n}").rule(read_key) for n, table in enumerate(tables, 1)))


class _Table:
    """One rule as it stands in the file; every member is taken once, and none may be left."""

    def __init__(self, members: object, place: str) -> None:
        self._place = place
        if not isinstance(members, Mapping):
            raise PolicyInvalid(place, "must be a table")
        self._members = dict(members)

    def rule(self, read_key: Callable[[str], bytes]) -> TrustRule:
        """Raises PolicyInvalid."""
        days = self._whole("max-age-days")
        rule = TrustRule(
            self._texts("images"),
            self._mode(),
            tuple(self._signer(path, read_key) for path in self._texts("keys")),
            self._whole("threshold") or 1,
            self._flag("bind-tag"),
            None if days is None else days * DAY,
            self._texts("signed-as"),
        )
        self._check(rule)
        return rule

    def _check(self, rule: TrustRule) -> None:
        if self._members:
            self._refuse(next(iter(self._members)), "is not known")
        if not rule.images:
            self._refuse("images", "must name some; all are *")
        keys = len({signer.key for signer in rule.signers})
        if keys < len(rule.signers):
            self._refuse("keys", "names a key twice")
        if rule.mode is not Mode.OFF and keys < rule.threshold:
            self._refuse("keys", f"must name {rule.threshold} or more" if keys else "is missing")

    def _refuse(self, name: str, rule: str) -> NoReturn:
        raise PolicyInvalid(f"{self._place}, {name}", rule)

    def _mode(self) -> Mode:
        said = self._members.pop("mode", None)
        if said not in list(Mode):
            self._refuse("mode", f"must be one of {', '.join(Mode)}")
        return Mode(str(said))

    def _signer(self, path: str, read_key: Callable[[str], bytes]) -> Signer:
        try:
            return Signer(path, PublicKey.parse(read_key(path)))
        except KeyInvalid as error:
            raise PolicyInvalid(f"{self._place}, key {path}", f"cannot be used: {error.reason}") from error

    def _texts(self, name: str) -> tuple[str, ...]:
        said = self._members.pop(name, [])
        if not isinstance(said, list) or not all(isinstance(text, str) and text for text in said):
            self._refuse(name, "must be a list of texts")
        return tuple(said)

    def _whole(self, name: str) -> int | None:
        said = self._members.pop(name, None)
        if said is not None and (type(said) is not int or not 1 <= said <= 36_600):
            self._refuse(name, "must be a whole number from 1")
        return said

    def _flag(self, name: str) -> bool:
        said = self._members.pop(name, False)
        if not isinstance(said, bool):
            self._refuse(name, "must be true or false")
        return said
