"""The walls between the rooms are real: an import planted through one breaks the check."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the lint over a copy of the package, by the repository's own contracts."""
    return subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache", "--config", str(folder / "pyproject.toml")],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("room", "planted", "broken"),
    [
        ("wire/retry.py", "import socket", "The pure rooms do no input or output"),
        ("oci/digest.py", "import lading.engine.stores", "The rooms, from the door inward"),
        ("fronts/cli/console.py", "import lading.engine.copy", "The command line calls services, never the engine"),
        ("services/embedded/images.py", "import sqlalchemy", "The database libraries stay in their room"),
    ],
)
def test_a_planted_import_breaks_the_check(room: str, planted: str, broken: str, tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    file = tmp_path / "src" / "lading" / room
    file.write_text(file.read_text() + f"\n{planted}\n")

    checked = lint(tmp_path)

    assert checked.returncode == 1
    assert f"{broken} BROKEN" in checked.stdout


def test_a_new_room_must_be_named_in_the_contract(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "src" / "lading" / "unlisted").mkdir()
    (tmp_path / "src" / "lading" / "unlisted" / "__init__.py").write_text("")

    checked = lint(tmp_path)

    assert checked.returncode == 1
    assert "unlisted" in checked.stdout
