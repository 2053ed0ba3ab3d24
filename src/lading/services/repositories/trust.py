"""The rule of one of our own repositories: whose signatures its images need before anybody gets them. A value and its
JSON; pure.

    {"mode": "enforce",            off | report (served, and told on the trail) | enforce (refused)
     "keys": ["release", "qa"],    names of accepted public keys (services.trust.keys)
     "notary": false,              whether the repository's trust collection (Notary v1) counts as a signer
     "rootKeys": [],               ids of root keys that the collection must be signed by; none: whichever it has
     "threshold": 1,               how many of these signers there must be
     "bindTag": false,             the tag must be signed, where somebody asks by tag
     "maxAgeDays": null,           what is older, or says no time, counts for nothing
     "signedAs": ["dev/*"]}        repositories that signatures may be made for, besides the one that the image is in

A registry is reached by many names, so of what a signature says that it was made for, the path counts here, and the
host only where a pattern says one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from lading.errors import InputInvalid
from lading.oci.reference import Repository
from lading.services.access import split_pattern
from lading.services.row_rules import row_name
from lading.services.trust_modes import Mode

MOST_KEYS = 64
MOST_PATTERNS = 64
MOST_DAYS = 36_600

_KEY_ID = re.compile(r"[0-9a-f]{64}")
_PATTERN = re.compile(r"[A-Za-z0-9._:/*-]{1,255}")


class TrustRuleInvalid(InputInvalid):
    """A field of a repository's trust rule that cannot be taken as it is."""

    hint = "Mend the rule. Settings → Signing keys has the keys that it may name."
    command = "Mend the rule; lading repository keys lists the keys that it may name"

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(field, rule)
        self.field, self.rule = field, rule

    def __str__(self) -> str:
        return f"{self.field} of a trust rule {self.rule}"


@dataclass(frozen=True, slots=True)
class RepositoryTrust:
    """What images of one repository need; `keys` are the names of accepted ones."""

    mode: Mode
    keys: tuple[str, ...] = ()
    notary: bool = False
    root_keys: tuple[str, ...] = ()
    threshold: int = 1
    bind_tag: bool = False
    max_age_days: int | None = None
    signed_as: tuple[str, ...] = ()

    @property
    def checks(self) -> bool:
        """Whether anything is looked at."""
        return self.mode is not Mode.OFF

    def accepts_name(self, signed: Repository, path: str) -> bool:
        """Whether a signature made for `signed` counts in our repository `path`."""
        return signed.path == path or any(_names(pattern, signed) for pattern in self.signed_as)


def _names(pattern: str, signed: Repository) -> bool:
    registry, path = split_pattern(pattern)
    return (registry is None or fnmatchcase(signed.registry, registry)) and fnmatchcase(signed.path, path)


def trust_json(trust: RepositoryTrust) -> dict[str, object]:
    """As everybody reads and writes it, and as the row keeps it."""
    return {
        "mode": trust.mode.value,
        "keys": list(trust.keys),
        "notary": trust.notary,
        "rootKeys": list(trust.root_keys),
        "threshold": trust.threshold,
        "bindTag": trust.bind_tag,
        "maxAgeDays": trust.max_age_days,
        "signedAs": list(trust.signed_as),
    }


def read_trust(document: object) -> RepositoryTrust | None:
    """From JSON; None where there is none, or where it says `off` and nothing else. Raises TrustRuleInvalid."""
    if document is None:
        return None
    trust = _read(document)
    return None if trust == RepositoryTrust(Mode.OFF) else trust


def _read(document: object) -> RepositoryTrust:
    if not isinstance(document, Mapping):
        raise TrustRuleInvalid("the whole", "is an object")
    if unknown := sorted(str(name) for name in document.keys() - _FIELDS):
        raise TrustRuleInvalid(unknown[0][:50], "is not known")
    trust = RepositoryTrust(
        _mode(document),
        tuple(_texts(document, "keys", MOST_KEYS)),
        _flag(document, "notary"),
        tuple(_texts(document, "rootKeys", MOST_KEYS)),
        _whole(document, "threshold", MOST_KEYS + 1) or 1,
        _flag(document, "bindTag"),
        _whole(document, "maxAgeDays", MOST_DAYS),
        tuple(_texts(document, "signedAs", MOST_PATTERNS)),
    )
    _check(trust)
    return trust


_FIELDS = {"mode", "keys", "notary", "rootKeys", "threshold", "bindTag", "maxAgeDays", "signedAs"}


def _check(trust: RepositoryTrust) -> None:
    if any(row_name(key) != key for key in trust.keys):
        raise TrustRuleInvalid("keys", "are names of accepted keys")
    if any(not _KEY_ID.fullmatch(key) for key in trust.root_keys):
        raise TrustRuleInvalid("rootKeys", "are ids of keys, 64 hexadecimal digits each")
    if any(not _PATTERN.fullmatch(pattern) for pattern in trust.signed_as):
        raise TrustRuleInvalid("signedAs", "are repositories, in which * stands for any run of characters")
    if trust.root_keys and not trust.notary:
        raise TrustRuleInvalid("rootKeys", "go with notary")
    signers = len(trust.keys) + trust.notary
    if trust.checks and signers < trust.threshold:
        few = f"must be {trust.threshold} or more" if signers else "name nobody: an accepted key is needed, or notary"
        raise TrustRuleInvalid("keys", few)


def _mode(document: Mapping[object, object]) -> Mode:
    found = document.get("mode")
    if not isinstance(found, str) or found not in list(Mode):
        raise TrustRuleInvalid("mode", f"is one of {', '.join(Mode)}")
    return Mode(found)


def _texts(document: Mapping[object, object], field: str, most: int) -> list[str]:
    """Each once, in order."""
    found = document.get(field) or []
    if not isinstance(found, list | tuple) or len(found) > most:
        raise TrustRuleInvalid(field, f"are a list of at most {most}")
    texts = [each for each in found if isinstance(each, str)]
    if len(texts) != len(found):
        raise TrustRuleInvalid(field, "are texts")
    return list(dict.fromkeys(texts))


def _flag(document: Mapping[object, object], field: str) -> bool:
    found = document.get(field, False)
    if not isinstance(found, bool):
        raise TrustRuleInvalid(field, "is true or false")
    return found


def _whole(document: Mapping[object, object], field: str, most: int) -> int | None:
    found = document.get(field)
    if found is not None and (type(found) is not int or not 1 <= found <= most):
        raise TrustRuleInvalid(field, f"is a whole number from 1 to {most}")
    return found
