"""What a scanner's program sees of the machine: the folders of its room, the way out, and what we set; nothing else.

Our own environment holds secrets (settings, logins of clouds, tokens of whoever started us): only what is named here
goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lading.backends.scanners.failures import storing

PASSED_ON = frozenset(
    {
        "PATH",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        *(name for proxy in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for name in (proxy, proxy.upper())),
        "GRYPE_DB_UPDATE_URL",
        "GRYPE_DB_CA_CERT",
        "TRIVY_DB_REPOSITORY",
        "TRIVY_JAVA_DB_REPOSITORY",
    }
)
"""The last ones name mirrors of the databases."""

_FOLDERS = {
    "HOME": "home",
    "TMPDIR": "tmp",
    "XDG_CACHE_HOME": "home/.cache",
    "XDG_CONFIG_HOME": "home/.config",
    "XDG_DATA_HOME": "home/.local/share",
    "XDG_RUNTIME_DIR": "home/.run",
    "DOCKER_CONFIG": "home/.docker",
}
"""Settings, logins and sockets of the user are looked for in some of these: they find an empty folder."""


def surroundings(environment: Mapping[str, str], room: Path, own: Mapping[str, str]) -> dict[str, str]:
    """The environment of a program that runs in `room`, whose folders are made; `own` is what we set. Raises
    FolderUnusable."""
    with storing(room):
        for folder in _FOLDERS.values():
            (room / folder).mkdir(0o700, parents=True, exist_ok=True)
    passed = {name: value for name, value in environment.items() if name in PASSED_ON}
    folders = {name: str(room / folder) for name, folder in _FOLDERS.items()}
    return {**passed, **folders, "LC_ALL": "C.UTF-8", "NO_COLOR": "1", **own}
