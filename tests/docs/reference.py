"""docs/reference, made from the program itself, so that it cannot say anything else.

python -m tests.docs.reference          writes the pages
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping

from lading.setting_keys import KEYS, Key
from lading.settings import Origin
from tests.docs.pages import FOLDER
from tests.docs.reference_api import api, events, metrics
from tests.docs.reference_commands import command_line
from tests.docs.reference_errors import error_codes, exit_codes
from tests.docs.reference_words import MADE, escaped, flowing, table


def settings() -> str:
    """Every setting: its flag, variable, key in a file, and default."""
    rows = ([f"`{key.name}`", f"`{key.variable}`", _meaning(key), _default(key)] for key in KEYS)
    head = f"""# Settings

{MADE} `lading config show --origin` prints each value and where it comes from.

The first of these that says something wins: the flag (`--` and the name), the variable, the file that `--config` names,
the user's file (`~/.config/lading/config.toml`), the system's file (`/etc/lading/config.toml`), the default. No file is
read from the working directory. A key that is none is an error. A secret may also come from a file, whose path the
variable with `_FILE` at its end gives.

"""
    tail = """
## One registry

A table of a settings file says how one host is reached:

<!-- file: .config/lading/config.toml -->
```toml
data = "/srv/lading"
lanes = 8

[registry."registry.corp:5000"]
tls = "verify"                  # verify, skip or http
ca = "/etc/ssl/corp.pem"
```

Whether a file is right, before anything relies on it:

```sh
lading config validate
```
"""
    return flowing(head) + table(["name", "variable", "meaning", "default"], rows) + tail


def _meaning(key: Key) -> str:
    return escaped(key.meaning) + (" (secret)" if key.secret else "")


def _default(key: Key) -> str:
    if key.name == "data":
        return "`~/.local/share/lading`, or as XDG says; of root `/var/lib/lading`"
    return escaped(Origin(key, None, "default").shown)


PAGES: Mapping[str, Callable[[], str]] = {
    "commands.md": command_line,
    "settings.md": settings,
    "exit-codes.md": exit_codes,
    "error-codes.md": error_codes,
    "api.md": api,
    "events.md": events,
    "metrics.md": metrics,
}
REFERENCE = FOLDER / "reference"


def main() -> int:
    """Write every page that is another than the program's."""
    for name, make in PAGES.items():
        page = make()
        if not (REFERENCE / name).exists() or (REFERENCE / name).read_text(encoding="utf-8") != page:
            (REFERENCE / name).write_text(page, encoding="utf-8")
            sys.stdout.write(f"{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
