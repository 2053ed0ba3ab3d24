"""Which scripts of the queue's library bring its tables from one version to another."""

from __future__ import annotations

from pathlib import Path

import pytest

from lading.backends.job_queue.shared import migrations

SCRIPTS = (
    "02.14.01_01_first.sql",
    "03.04.00_01_pre_second.sql",
    "03.04.00_50_post_second.sql",
    "03.10.00_01_pre_third.sql",
    "04.00.00_01_pre_fourth.sql",
    "__init__.py",
    "README.sql",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in reversed(SCRIPTS):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("found", "wanted", "first", "last"),
    [
        ("0", "3.10.0", 0, 4),
        ("2.14.0", "2.14.1", 0, 1),
        ("2.14.1", "3.4", 1, 1),  # what is younger than "3.4" is not of it
        ("2.14.1", "3.4.0", 1, 3),
        ("3.4.0", "3.9.9", 3, 3),
        ("3.9.9", "3.10.0", 3, 4),
        ("3.10.0", "4.0.0", 4, 5),
        ("4.0.0", "4.0.0", 5, 5),
        ("4.0.0", "3.10.0", 0, 0),
    ],
)
def test_they_are_those_in_between_in_order(folder: Path, found: str, wanted: str, first: int, last: int) -> None:
    names = [path.name for path in migrations(found, wanted, folder)]

    assert names == list(SCRIPTS[first:last])


def test_the_library_has_scripts_that_are_named_so() -> None:
    assert [path.name for path in migrations("3.3.0", "3.4.0")] == [
        "03.04.00_01_pre_add_retry_failed_job_procedure.sql",
        "03.04.00_50_post_add_retry_failed_job_procedure.sql",
    ]
