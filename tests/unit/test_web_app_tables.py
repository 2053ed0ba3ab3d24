"""What the web app knows by heart is what the server has."""

from __future__ import annotations

import re
from pathlib import Path

from lading.services.access import Permission

PERMISSIONS = Path(__file__).parents[2] / "ui/src/lib/permissions.ts"


def test_the_grid_of_permissions_is_the_servers_table() -> None:
    nouns = re.findall(r"^  (\w+): \{ text: '[^']+', verbs: \[([^\]]+)\]", PERMISSIONS.read_text("utf-8"), re.MULTILINE)
    shown = {f"{noun}:{verb}" for noun, verbs in nouns for verb in re.findall(r"'(\w+)'", verbs)}
    assert shown == {permission.value for permission in Permission}
