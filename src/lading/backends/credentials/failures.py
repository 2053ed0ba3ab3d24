"""What keeps a login from being found or kept: the leaves of this room. None of them repeats a secret."""

from __future__ import annotations

from lading.errors import AccessDenied, InputInvalid, StorageFailed


class CredentialFileUnusable(StorageFailed):
    """A file of logins that cannot be read, written or understood."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"the logins in {self.path} cannot be used: {self.reason}"

    @property
    def afar(self) -> str:
        return f"the stored logins cannot be used: {self.reason}"


class SealBroken(StorageFailed):
    """A stored login that our key does not open: it was made with another key, or was changed since."""

    def __init__(self, path: str, place: str, reason: str) -> None:
        super().__init__(path, place, reason)
        self.path, self.place, self.reason = path, place, reason
        self.hint = "Forget that login, and log in again."
        self.command = f"lading logout {place}; lading login {place}"

    def __str__(self) -> str:
        return f"the login for {self.place} in {self.path} cannot be opened: {self.reason}"

    @property
    def afar(self) -> str:
        return f"the stored login for {self.place} cannot be opened: {self.reason}"


class SecretKeyMissing(StorageFailed):
    """Logins are stored, and the key that opens them is not there."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path
        self.hint = "Bring the key back from a backup, or set LADING_SECRET_KEY"

    def __str__(self) -> str:
        return f"the key {self.path}, which opens the stored logins, is missing"

    @property
    def afar(self) -> str:
        return "the key that opens the stored logins is missing"


class SecretKeyInvalid(InputInvalid):
    """Text that is no key."""

    hint = "A key is 32 random bytes in base64: openssl rand -base64 32"

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.source = source

    def __str__(self) -> str:
        return f"{self.source} holds no key"


UNSEEN = "It may keep the login that is meant for this registry, so nothing was asked without it."


class HelperMissing(AccessDenied):
    """A credential helper that a file names and this machine does not have."""

    why = UNSEEN

    def __init__(self, program: str, named_by: str) -> None:
        super().__init__(program, named_by)
        self.program, self.named_by = program, named_by
        self.hint = f"Install {program}, or take its name out of {named_by}"

    def __str__(self) -> str:
        return f"{self.program}, which {self.named_by} names, is not installed"


class HelperFailed(AccessDenied):
    """A credential helper that did not do what it was asked. What it printed may hold a secret and is not repeated."""

    why = UNSEEN

    def __init__(self, program: str, named_by: str, reason: str) -> None:
        super().__init__(program, named_by, reason)
        self.program, self.named_by, self.reason = program, named_by, reason
        self.hint = f"Try it by hand: echo HOST | {program} get"

    def __str__(self) -> str:
        return f"{self.program}, which {self.named_by} names, failed: {self.reason}"
