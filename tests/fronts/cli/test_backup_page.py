"""docs/how-to/backup.md: its flags, figures and tables are what the code says; its lines are run by tests/docs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lading.backends.content_store.backup_archive import ENDINGS
from lading.fronts.cli.commands.backup import backup, restore
from lading.services.server.service_diagnosis import DAY, OLD_BACKUP_SECONDS

PAGE = (Path(__file__).parents[3] / "docs/how-to/backup.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", [backup, restore], ids=["backup", "restore"])
def test_it_names_every_flag(command: object) -> None:
    options = [option for each in getattr(command, "params", ()) for option in each.opts]
    own = {option for option in options if option in {"--no-content", "--with-keys", "--keep-going"}}

    assert own
    assert all(f"`{option}`" in PAGE for option in own)


def test_its_figures_are_the_programs() -> None:
    assert OLD_BACKUP_SECONDS == 7 * DAY
    assert "longer ago than seven days" in PAGE
    assert all(f"`…{ending}`" in PAGE for ending in ENDINGS)
    assert re.findall(r"(?m)^\| (\d) \|", PAGE) == ["0", "1", "3", "6"]
