"""What a policy is made of (interfaces §2, scans): what it is asked about, whom it concerns, and what it allows.

action      pull | push | promote
scope       environments, repository patterns, registries: whatever is not named is not asked about; nothing: all
limits      what may pass, and what happens where nobody knows
mode        report: it is told, and nothing is stopped; enforce: what it does not allow does not happen
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from lading.inventory.severity import Severity
from lading.oci.digest import Digest
from lading.oci.reference import Repository
from lading.services.access import split_pattern


class Action(StrEnum):
    """What is about to happen to an image."""

    PULL = "pull"
    PUSH = "push"
    PROMOTE = "promote"


class Mode(StrEnum):
    """Whether a policy stops anything."""

    REPORT = "report"
    ENFORCE = "enforce"


class Handling(StrEnum):
    """What to do where nothing is known: `warn` allows, and says so."""

    ALLOW = "allow"
    WARN = "warn"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class Place:
    """Where an image would go, or come to: `environment` None is none, as in a promotion; `repository` is the one that
    is pulled from or pushed to, text for one of our own registry; `registry` is the row that serves it, if one does."""

    environment: int | None
    repository: Repository | str
    registry: int | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Whom a policy concerns; None leaves that open. `repositories` are patterns as in roles (services.access),
    `registries` ids of configured ones. What is said must all be so."""

    environments: frozenset[int] | None = None
    repositories: tuple[str, ...] | None = None
    registries: frozenset[int] | None = None

    def covers(self, place: Place) -> bool:
        """Whether the policy is asked about what happens there."""
        return (
            (self.environments is None or place.environment in self.environments)
            and (self.registries is None or place.registry in self.registries)
            and (self.repositories is None or any(_names(each, place.repository) for each in self.repositories))
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """What may pass. Of what counts against it:

    `max_severity` is the worst that may pass, `counts` how many of each severity may: one of them, or neither, where
    nothing is too much; but with `baseline` and neither, nothing that is not in the baseline may pass.
    `only_fixed`: only findings count that a newer version mends. `min_age_days`: only those that have been public for
    so many days; of those whose age nobody knows, all. `baseline`: only findings that the image with this digest does
    not have, by any of their names. `kev_blocks`: what is known to be exploited may not pass, whatever its severity,
    its age and its fix.

    `unscanned` is for images without a result, or with one of data older than `db_max_age_h` hours; `scan_failed` where
    a scan failed or could not judge everything; None: as the mode says.
    """

    max_severity: Severity | None = None
    counts: Mapping[Severity, int] | None = None
    only_fixed: bool = False
    min_age_days: float | None = None
    baseline: Digest | None = None
    kev_blocks: bool = False
    unscanned: Handling | None = None
    scan_failed: Handling | None = None
    db_max_age_h: float | None = None


DEFAULT_HANDLING: Mapping[Mode, Handling] = {Mode.REPORT: Handling.WARN, Mode.ENFORCE: Handling.BLOCK}
"""What happens where nothing is known, and the policy does not say."""


def _names(pattern: str, repository: Repository | str) -> bool:
    """As a role's pattern does (services.access)."""
    if isinstance(repository, str):
        return fnmatchcase(repository, pattern)
    registry, path = split_pattern(pattern)
    return (registry is None or fnmatchcase(repository.registry, registry)) and fnmatchcase(repository.path, path)
