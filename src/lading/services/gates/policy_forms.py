"""Policies as people write them and as rows keep them: one flat object (facts of interfaces §2, scans), checked here.

name action mode                              what it is called, when it is asked, whether it stops anything
environments repositories registries          whom it concerns; what is left out, all
maxSeverity | counts                          what may pass
onlyFixed minAgeDays compare kevBlocks        what counts against it; compare: none | not_worse_than:<digest>
unscanned scanFailed dbMaxAgeH                what happens where nobody knows: allow | warn | block
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TypeVar

from lading.errors import InputInvalid
from lading.inventory.severity import Severity
from lading.oci.digest import Digest, DigestInvalid
from lading.services.gates.policy import Action, Handling, Limits, Mode, Scope
from lading.services.gates.records import PolicyRow
from lading.services.row_rules import NAME_RULE, row_name

W = TypeVar("W", Action, Mode, Handling, Severity)

NOT_WORSE = "not_worse_than:"
MOST_NAMED = 200
"""Environments, patterns or registries of one policy."""

MOST_COUNTED = 1_000_000
MOST_DAYS = 36_500.0
MOST_HOURS = 24 * MOST_DAYS

_PATTERN = re.compile(r"[A-Za-z0-9._:/*-]{1,255}")


class PolicyInvalid(InputInvalid):
    """A field of a policy that cannot be taken as it is."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(field, rule)
        self.field, self.rule = field, rule

    def __str__(self) -> str:
        return f"the policy's {self.field} {self.rule}"


@dataclass(frozen=True, slots=True)
class PolicyForm:
    """What somebody wrote of a policy; None is what was left out."""

    name: str = ""
    action: str | None = None
    mode: str | None = None
    environments: Sequence[int] | None = None
    repositories: Sequence[str] | None = None
    registries: Sequence[int] | None = None
    limits: Mapping[str, object] | None = None

    def row(self, id: int) -> PolicyRow:  # noqa: A002  a row's own word
        """Raises PolicyInvalid."""
        name = row_name(self.name)
        if name is None:
            raise PolicyInvalid("name", NAME_RULE)
        if self.action is None:
            raise PolicyInvalid("action", _one_of(Action))
        action = _word("action", self.action, Action)
        mode = Mode.REPORT if self.mode is None else _word("mode", self.mode, Mode)
        scope = read_scope(self.environments, self.repositories, self.registries)
        if action is Action.PROMOTE and (scope.environments is not None or scope.registries is not None):
            raise PolicyInvalid("scope", "of a promotion is repositories alone: it happens in our own registry")
        return PolicyRow(id, name, action, scope, read_limits(self.limits or {}), mode)


def policy_json(row: PolicyRow) -> dict[str, object]:
    """For others; what is left open is null."""
    return {
        "id": row.id,
        "name": row.name,
        "action": row.action.value,
        "mode": row.mode.value,
        **scope_json(row.scope),
        **limits_json(row.limits),
    }


# ── whom it concerns


def scope_json(scope: Scope) -> dict[str, object]:
    """What is left open is null."""
    return {
        "environments": None if scope.environments is None else sorted(scope.environments),
        "repositories": None if scope.repositories is None else list(scope.repositories),
        "registries": None if scope.registries is None else sorted(scope.registries),
    }


def read_scope(environments: object, repositories: object, registries: object) -> Scope:
    """Raises PolicyInvalid."""
    patterns = _listed("repositories", repositories)
    for pattern in patterns or ():
        if not isinstance(pattern, str) or not _PATTERN.fullmatch(pattern):
            raise PolicyInvalid("repositories", "are names in which * stands for any run of characters")
    return Scope(
        _ids("environments", environments),
        None if patterns is None else tuple(dict.fromkeys(map(str, patterns))),
        _ids("registries", registries),
    )


def _ids(field: str, value: object) -> frozenset[int] | None:
    found = _listed(field, value)
    for each in found or ():
        if not isinstance(each, int) or isinstance(each, bool) or each < 1:
            raise PolicyInvalid(field, "are a list of ids")
    return None if found is None else frozenset(each for each in found if isinstance(each, int))


def _listed(field: str, value: object) -> Sequence[object] | None:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or not 0 < len(value) <= MOST_NAMED:
        raise PolicyInvalid(field, f"are 1 to {MOST_NAMED}; left out, it is all of them")
    return value


# ── what it allows


def limits_json(limits: Limits) -> dict[str, object]:
    """What is left open is null."""
    counts = None if limits.counts is None else {severity.value: most for severity, most in limits.counts.items()}
    return {
        "maxSeverity": None if limits.max_severity is None else limits.max_severity.value,
        "counts": counts,
        "onlyFixed": limits.only_fixed,
        "minAgeDays": limits.min_age_days,
        "compare": "none" if limits.baseline is None else f"{NOT_WORSE}{limits.baseline}",
        "kevBlocks": limits.kev_blocks,
        "unscanned": None if limits.unscanned is None else limits.unscanned.value,
        "scanFailed": None if limits.scan_failed is None else limits.scan_failed.value,
        "dbMaxAgeH": limits.db_max_age_h,
    }


def read_limits(document: Mapping[str, object]) -> Limits:
    """As `limits_json` has it; what is left out or null is left open. Raises PolicyInvalid."""
    worst, counts = document.get("maxSeverity"), document.get("counts")
    if worst is not None and counts is not None:
        raise PolicyInvalid("counts", "and maxSeverity both say what may pass: one of them is enough")
    return Limits(
        None if worst is None else _word("maxSeverity", worst, Severity),
        None if counts is None else _counts(counts),
        _truth("onlyFixed", document.get("onlyFixed")),
        _number("minAgeDays", document.get("minAgeDays"), MOST_DAYS),
        _baseline(document.get("compare")),
        _truth("kevBlocks", document.get("kevBlocks")),
        _handling("unscanned", document.get("unscanned")),
        _handling("scanFailed", document.get("scanFailed")),
        _number("dbMaxAgeH", document.get("dbMaxAgeH"), MOST_HOURS),
    )


def _counts(value: object) -> Mapping[Severity, int]:
    if not isinstance(value, Mapping) or not value:
        raise PolicyInvalid("counts", "say how many findings of which severity may pass")
    counts: dict[Severity, int] = {}
    for severity, most in value.items():
        if not isinstance(most, int) or isinstance(most, bool) or not 0 <= most <= MOST_COUNTED:
            raise PolicyInvalid("counts", f"are whole numbers from 0 to {MOST_COUNTED}")
        counts[_word("counts", severity, Severity)] = most
    return counts


def _baseline(value: object) -> Digest | None:
    if value is None or value == "none":
        return None
    if not isinstance(value, str) or not value.startswith(NOT_WORSE):
        raise PolicyInvalid("compare", f"is none or {NOT_WORSE}<digest>")
    try:
        return Digest.parse(value.removeprefix(NOT_WORSE))
    except DigestInvalid as error:
        raise PolicyInvalid("compare", f"is none or {NOT_WORSE}<digest>") from error


def _handling(field: str, value: object) -> Handling | None:
    return None if value is None else _word(field, value, Handling)


def _word(field: str, value: object, words: type[W]) -> W:
    if not isinstance(value, str) or value not in list(words):
        raise PolicyInvalid(field, _one_of(words))
    return words(value)


def _one_of(words: type[W]) -> str:
    return f"is one of {', '.join(words)}"


def _truth(field: str, value: object) -> bool:
    if value is not None and not isinstance(value, bool):
        raise PolicyInvalid(field, "is true or false")
    return value is True


def _number(field: str, value: object, most: float) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value) or not 0 < value <= most:
        raise PolicyInvalid(field, f"is a number above 0, and at most {most:g}")
    return float(value)
