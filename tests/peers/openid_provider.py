"""npm's oidc-provider, a certified provider of OpenID Connect: installed once by its lock file, run by Node.

Its lock names every package by digest; no script of a package runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.peers import programs

HERE = Path(__file__).parent / "openid"
FILES = ("package.json", "package-lock.json", "provider.js")
CLIENT, SECRET = "lading", "kept/quiet: 100%"
"""As the provider knows us: a secret whose characters a form would encode."""

INSTALL_SECONDS = 300


@dataclass(frozen=True)
class OpenIdPeer:
    """One that is up; who logs in there, and with which groups, is written to `accounts`."""

    issuer: str
    accounts: Path
    log: Path

    def knows(self, people: Mapping[str, Sequence[str]], name: str | None = None) -> None:
        """Subjects with their groups, who may log in from now on; `name` is what all of them are called."""
        known = {
            subject: {"preferred_username": name or subject, "groups": list(groups)}
            for subject, groups in people.items()
        }
        beside = self.accounts.with_suffix(".new")
        beside.write_text(json.dumps(known))
        beside.replace(self.accounts)


@contextlib.contextmanager
def openid_provider(folder: Path, redirect: str) -> Iterator[OpenIdPeer]:
    """On a free port, with one client that is sent back to `redirect`; in a folder that is there."""
    port, log, accounts = programs.free_port(), folder / "provider.log", folder / "accounts.json"
    accounts.write_text("{}")
    node = programs.find("node")
    assert node is not None
    command = [node, "--experimental-global-webcrypto", str(_installed() / "provider.js")]
    with programs.process([*command, str(port), redirect, str(accounts)], log) as child:
        programs.wait_for_port(port, child, log)
        yield OpenIdPeer(f"http://127.0.0.1:{port}", accounts, log)


def _installed() -> Path:
    """The folder of its program, with what that needs; kept for later runs, and made anew where a file of ours is."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lading-tests"
    cache.mkdir(parents=True, exist_ok=True)
    version = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in FILES)).hexdigest()[:16]
    there = cache / f"oidc-provider-{version}"
    with (cache / "oidc-provider.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not there.exists():
            _install(cache, there)
    return there


def _install(cache: Path, there: Path) -> None:
    made = Path(tempfile.mkdtemp(dir=cache))
    try:
        for name in FILES:
            shutil.copy(HERE / name, made)
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
        programs.run("npm", "ci", "--prefix", str(made), *quiet, timeout=INSTALL_SECONDS)
        made.rename(there)
    finally:
        shutil.rmtree(made, ignore_errors=True)
