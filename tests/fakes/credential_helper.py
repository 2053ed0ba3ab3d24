"""A docker-credential helper as a real program on disk: a keychain in a JSON file, and a few ways to misbehave."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = """#!{python}
import json, pathlib, sys, time
folder = pathlib.Path({folder!r})
keychain, mood = folder / "keychain.json", (folder / "mood").read_text()
kept = json.loads(keychain.read_text())
asked = sys.stdin.read()
with (folder / "asked").open("a") as log:
    log.write(json.dumps([sys.argv[1:], asked]) + "\\n")
if mood == "hangs":
    time.sleep(600)
if mood == "fails":
    print("the secret is hunter2"); sys.exit(1)
if mood == "babbles":
    print("not JSON"); sys.exit(0)
verb = sys.argv[1]
if verb == "get":
    if asked not in kept:
        print("credentials not found in native keychain"); sys.exit(1)
    print(json.dumps({{"ServerURL": asked, "Username": kept[asked][0], "Secret": kept[asked][1]}}))
elif verb == "store":
    entry = json.loads(asked)
    kept[entry["ServerURL"]] = [entry["Username"], entry["Secret"]]
    keychain.write_text(json.dumps(kept))
elif verb == "erase":
    del kept[asked]
    keychain.write_text(json.dumps(kept))
"""


@dataclass(frozen=True, slots=True)
class CredentialHelper:
    """`docker-credential-test` in `folder`, which goes into PATH."""

    folder: Path

    @classmethod
    def install(cls, folder: Path, **kept: tuple[str, str]) -> CredentialHelper:
        """With these logins by server."""
        folder.mkdir(parents=True, exist_ok=True)
        program = folder / "docker-credential-test"
        program.write_text(_PROGRAM.format(python=sys.executable, folder=str(folder)))
        program.chmod(0o755)
        (folder / "keychain.json").write_text(json.dumps(kept))
        helper = cls(folder)
        helper.behave("well")
        return helper

    def behave(self, mood: str) -> None:
        """well, hangs, fails or babbles."""
        (self.folder / "mood").write_text(mood)

    def keeps(self) -> dict[str, list[str]]:
        """User and secret by server."""
        kept: dict[str, list[str]] = json.loads((self.folder / "keychain.json").read_text())
        return kept

    def asked(self) -> list[tuple[list[str], str]]:
        """Arguments and standard input of every call so far."""
        log = self.folder / "asked"
        if not log.exists():
            return []
        return [(arguments, text) for arguments, text in map(json.loads, log.read_text().splitlines())]
