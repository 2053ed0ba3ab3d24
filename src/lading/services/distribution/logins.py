"""The logins that hosts of a distribution are lent: to pull from one repository, or, where a host has the image, to
push to one. Repositories are many, so the users that stand for them go when nobody is lent a login any more."""

from __future__ import annotations

from lading.oci.digest import Digest
from lading.services.access import Permission
from lading.services.repositories.logins import Purpose

LOGIN_SECONDS = 24 * 60 * 60.0
"""A login that nobody took back, because the process was killed, ends by itself; a slow line takes long."""

FETCHING, SENDING = "lading-fetch", "lading-send"
"""How the names of their users begin."""

_NAME_CHARACTERS = 24
"""Of a digest's 64: no two repositories share so many."""


def _user_of(start: str, repository: str) -> str:
    return f"{start}-{Digest.of(repository.encode()).encoded[:_NAME_CHARACTERS]}"


TO_FETCH = Purpose(
    "one distribution",
    frozenset({Permission.REPOSITORIES_PULL}),
    lambda repository: _user_of(FETCHING, repository),
    LOGIN_SECONDS,
)
"""Pull from one repository, and nothing else."""

TO_SEND = Purpose(
    "one distribution",
    frozenset({Permission.REPOSITORIES_PUSH, Permission.REPOSITORIES_PULL}),
    lambda repository: _user_of(SENDING, repository),
    LOGIN_SECONDS,
)
"""Push to one repository, and nothing else."""
