"""What is known of hosts by their names alone, because asking them cannot teach it.

Everything else is learned (`wire.endpoint.Profile`): a limit from a 413, a missing PATCH from a 405. Add a row only
where a wrong start would harm without any answer saying so, and say which behaviour it answers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lading.wire.endpoint import Profile

ORDINARY_PROFILE = Profile()


@dataclass(frozen=True, slots=True)
class Quirk:
    """How hosts of this name differ from the specification; `delete_action` is what a token for deletes asks for."""

    pattern: re.Pattern[str]
    profile: Profile = ORDINARY_PROFILE
    delete_action: str = "delete"


QUIRKS = (
    # Amazon ECR mounts only blobs of pushed manifests, and only where the account allows it. Else it answers 202 for a
    # blob that it has, and every push would send everything again.
    Quirk(re.compile(r"\d+\.dkr\.ecr(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?"), Profile(mounts_itself=False)),
    # Quay gives a token that serves for nothing when `delete` is asked for; `*` is what it calls everything.
    Quirk(re.compile(r"quay\.io"), delete_action="*"),
)

ORDINARY = Quirk(re.compile(""))


def quirk_of(host: str) -> Quirk:
    """The row for this host, or the specification's own behaviour."""
    return next((quirk for quirk in QUIRKS if quirk.pattern.fullmatch(host)), ORDINARY)
