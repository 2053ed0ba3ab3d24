"""docs/backup.md: its lines are lines of this program, run one after the other; its tables are what the code says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from lading.backends.content_store.backup_archive import ENDINGS
from lading.fronts.cli.commands.backup import backup, restore
from lading.services.service_diagnosis import DAY, OLD_BACKUP_SECONDS
from tests.fakes.docker_archives import docker_archive
from tests.fakes.service_folder import ServiceFolder

PAGE = (Path(__file__).parents[3] / "docs/backup.md").read_text(encoding="utf-8")
LINES = [line.partition("lading ")[2] for line in PAGE.splitlines() if line.startswith("    ") and "lading " in line]


def test_its_lines_work_one_after_the_other(lading: ServiceFolder, tmp_path: Path) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(docker_archive(["team/app:1"]))
    lading("load", "-i", str(path))
    lading.user("joe", "admin")
    back = ServiceFolder(tmp_path / "other")
    for line in LINES:
        words = shlex.split(line.replace("/mnt/backup", str(tmp_path / "backup")))
        if words == ["serve"]:  # the tests of the service start it
            continue
        (lading if words[0] == "backup" else back)(*words)

    assert back("images").out == lading("images").out
    assert [line.split()[0] for line in LINES] == ["backup", "restore", "doctor", "serve", "backup"]


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
