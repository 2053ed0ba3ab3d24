"""`lading audit` over a real data folder, in this process."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.fakes.service_folder import ServiceFolder


def test_the_trail_tells_who_did_what(lading: ServiceFolder) -> None:
    lading.user("ann", "admin")
    lading("registry", "add", "prod", "r.example:5000")

    rows = lading.json("audit", "tail")
    last = lading.json("audit", "tail", "-n", "1", "--what", "user")

    assert [(row["action"], row["entityType"], row["entityName"]) for row in rows] == [
        ("create", "user", "ann"),
        ("create", "registry", "prod"),
    ]
    assert {row["username"] for row in rows} == {"lading"}
    assert [row["id"] for row in last] == [1]


def test_the_trail_is_exported_whole(lading: ServiceFolder, tmp_path: Path) -> None:
    lading.user("ann", "admin")

    array = json.loads(lading("audit", "export", "--form", "json").out)
    lines = lading("audit", "export").out
    lading("audit", "export", "--form", "csv", "-o", str(tmp_path / "trail.csv"))
    unwritable = lading.run("audit", "export", "-o", str(tmp_path / "none" / "trail"))

    assert [json.loads(line) for line in lines.splitlines()] == array
    assert (tmp_path / "trail.csv").read_bytes().startswith(b'"id","createdAt","username","action"')
    assert unwritable.code == 1


def test_rows_outside_the_asked_time_stay_away(lading: ServiceFolder) -> None:
    lading.user("ann", "admin")

    assert lading.json("audit", "tail", "--until", "2020-01-01") == []
    assert len(lading.json("audit", "tail", "--since", "2020-01-01T00:00:00Z")) == 1
    assert lading.run("audit", "tail", "--since", "yesterday").code == 2


def test_a_row_that_was_changed_breaks_the_trail(lading: ServiceFolder) -> None:
    lading.user("ann", "admin")
    lading.user("bob", "viewer")
    sound = lading("audit", "verify")

    with closing(sqlite3.connect(lading.data / "lading.db")) as database, database:
        database.execute("UPDATE audit SET actor = 'nobody' WHERE id = 1")
    broken = lading.run("audit", "verify")

    assert sound.out.startswith("2 records, every seal as it was\nhead      2  ")
    assert broken.code == 1
    assert "error: the audit trail was changed at row 1" in broken.err
