"""A command whose every word is kept, to be searched for what nobody may read there."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterable

from tests.peers.command import Lading


class Witness:
    """Runs `lading`, and remembers all that it said. `flags` go before every command."""

    def __init__(self, lading: Lading, *flags: str) -> None:
        self._lading, self._flags = lading, flags
        self._told: list[tuple[str, bytes]] = []

    def __call__(self, *arguments: str, stdin: bytes | None = None) -> str:
        """What it prints on standard output; it must exit 0."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, f"lading {' '.join(arguments)} exited {done.returncode}:\n{done.stderr.decode()}"
        return done.stdout.decode()

    def run(self, *arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        """Whatever it exits with."""
        done = self._lading.run(*self._flags, *arguments, stdin=stdin)
        self._told.append((" ".join(arguments), done.stdout + done.stderr))
        return done

    def refusal(self, *arguments: str, code: int, stdin: bytes | None = None) -> dict[str, str]:
        """What it says of its failure, by label: error, why and try, each once. It must exit with `code`."""
        done = self.run(*arguments, stdin=stdin)
        told = done.stderr.decode()
        assert done.returncode == code, f"lading {' '.join(arguments)} exited {done.returncode}:\n{told}"
        assert "Traceback" not in told
        lines = [line.split(":", 1) for line in told.splitlines() if line.startswith(("error:", "why:", "try:"))]
        assert [label for label, _ in lines] == ["error", "why", "try"], told
        return {label: text.strip() for label, text in lines}

    def keeps(self, secrets: Iterable[str]) -> None:
        """None of these was said or written anywhere, plain or in base64."""
        forms = [form for secret in secrets for form in (secret.encode(), base64.b64encode(secret.encode()))]
        files = [path for path in self._lading.data.glob("**/*") if path.is_file()]
        told = [*self._told, *((str(path), path.read_bytes()) for path in files)]
        assert not [place for place, text in told for form in forms if form in text]
