"""Credential helpers: programs that keep docker's logins in a keychain (docker-credential-helpers' protocol).

    program get    stdin: server           stdout: {"ServerURL", "Username", "Secret"}
    program store  stdin: that document    program erase  stdin: server

Secrets travel by stdin and stdout alone, never in arguments or variables.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from lading.backends.credentials.failures import HelperFailed, HelperMissing

SECONDS = 60.0
"""The longest a helper may take: a keychain may ask its owner to unlock it."""

_NOT_FOUND = "credentials not found in native keychain"  # a constant of the protocol, printed on stdout with exit 1


@dataclass(frozen=True, slots=True)
class Helper:
    """The program `docker-credential-NAME`; `named_by` is the file that names it, for people."""

    name: str
    named_by: str
    environment: Mapping[str, str]
    seconds: float = SECONDS

    @property
    def program(self) -> str:
        """As it is called."""
        return f"docker-credential-{self.name}"

    def get(self, server: str) -> tuple[str, str] | None:
        """User and secret, None where it knows none. Raises HelperMissing, HelperFailed."""
        done = self._run("get", server)
        if done.returncode:
            if done.stdout.decode("utf-8", "replace").strip() == _NOT_FOUND:
                return None
            raise self._failed(f"it ended with {done.returncode}")
        try:
            answer = json.loads(done.stdout)
            username, secret = answer["Username"], answer["Secret"]
        except (ValueError, TypeError, KeyError) as error:
            raise self._failed("its answer cannot be read") from error
        if not isinstance(username, str) or not isinstance(secret, str):
            raise self._failed("its answer cannot be read")
        return (username, secret) if secret else None

    def store(self, server: str, username: str, secret: str) -> None:
        """Raises HelperMissing, HelperFailed."""
        document = json.dumps({"ServerURL": server, "Username": username, "Secret": secret})
        self._succeed("store", document)

    def erase(self, server: str) -> None:
        """Raises HelperMissing, HelperFailed."""
        self._succeed("erase", server)

    def _succeed(self, verb: str, document: str) -> None:
        done = self._run(verb, document)
        if done.returncode:
            raise self._failed(f"it ended with {done.returncode}")

    def _run(self, verb: str, document: str) -> subprocess.CompletedProcess[bytes]:
        path = shutil.which(self.program, path=self.environment.get("PATH"))
        if path is None:
            raise HelperMissing(self.program, self.named_by)
        try:
            return subprocess.run(  # noqa: S603 - the user's own configuration names the program
                [path, verb],
                input=document.encode(),
                capture_output=True,
                timeout=self.seconds,
                check=False,
                env=dict(self.environment),
            )
        except subprocess.TimeoutExpired as error:
            raise self._failed(f"no answer within {self.seconds:g} s") from error
        except OSError as error:
            raise self._failed((error.strerror or "it cannot be run").lower()) from error

    def _failed(self, reason: str) -> HelperFailed:
        return HelperFailed(self.program, self.named_by, reason)
