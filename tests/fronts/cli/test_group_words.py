"""The same words in every group, whole help, and passwords that are refused wherever they stand on the line."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from tests.fakes.service_folder import JOB, ServiceFolder, a_job

SECRET = "hunter2-on-the-line"


@pytest.mark.parametrize("group", ["registry", "environment", "user", "token", "jobs"])
@pytest.mark.parametrize("word", ["ls", "list"])
def test_every_group_lists_by_both_words(lading: ServiceFolder, group: str, word: str) -> None:
    assert lading(group, word, "-q").code == 0


def test_rows_are_made_shown_changed_and_removed_by_the_words_people_know(lading: ServiceFolder) -> None:
    lading("registry", "create", "prod", "r.example:5000/team")
    lading("registry", "update", "prod", "--name", "live")
    shown = lading("registry", "inspect", "live")
    lading("user", "create", "ann", "--no-password")

    assert ["url", "r.example:5000/team"] in [line.split() for line in shown.out.splitlines()]
    assert lading.json("registry", "show", "live")["name"] == "live"
    assert lading.json("user", "show", "ann")["username"] == "ann"
    assert lading.json("environment", "show", "local")["connectionType"] == "embedded"
    assert lading("registry", "delete", "live").out == "live   registry removed\n"
    assert lading.run("registry", "show", "live").code == 5
    assert lading.run("token", "show", "7").code == 5


def test_a_job_is_shown(lading: ServiceFolder) -> None:
    a_job(lading)

    assert lading.json("jobs", "show", JOB)["status"] == "queued"
    assert f"id          {JOB}" in lading("jobs", "show", JOB).out


@pytest.mark.parametrize("group", ["registry", "environment", "jobs", "user", "token", "audit"])
def test_help_is_not_cut(lading: ServiceFolder, group: str, capsys: pytest.CaptureFixture[str]) -> None:
    lading(group, "--help")

    assert "..." not in capsys.readouterr().out.partition("Commands:")[2]


@pytest.mark.parametrize(
    "words",
    [
        ["login", "r.example", SECRET],
        ["login", "r.example", "--password", SECRET],
        ["pull", "r.example/app", "-u", "ann", "-p", SECRET],
        ["user", "add", "ann", SECRET],
        ["user", "add", "ann", "--password", SECRET],
        ["user", "reset", "ann", SECRET],
        ["user", "reset", "ann", "-p", SECRET],
        ["registry", "add", "prod", "r.example", "-u", "me", SECRET],
        ["registry", "add", "prod", "r.example", "-u", "me", f"--password={SECRET}"],
        ["registry", "set", "prod", "-u", "me", SECRET],
    ],
    ids=" ".join,
)
def test_a_password_on_the_line_is_refused_in_the_same_words(lading: ServiceFolder, words: list[str]) -> None:
    said = lading.run(*words)

    assert said.code == 2
    assert "error: a password is not taken as an argument" in said.err
    assert "--password-stdin   (or LADING_PASSWORD_FILE, or a prompt)" in said.err
    assert SECRET not in said.out + said.err


@pytest.mark.parametrize(
    ("side", "whose"),
    [
        ("caller", "The fault is in what was asked for."),
        ("lading", "The fault is on Lading's side."),
        ("target", "The fault is on the registry's side."),
        ("host", "The fault is on the Docker host's side."),
        ("network", "The fault is on the way to the other side."),
    ],
)
def test_whose_fault_a_job_failed_by_is_told_to_who_watches_it(lading: ServiceFolder, side: str, whose: str) -> None:
    a_job(lading)
    result = {
        "status": "error",
        "error": "it broke",
        "code": "network",
        "side": side,
        "cause": "network_failed",
        "detail": "The other side hung up.",
        "hint": "Look at it.",
    }
    with closing(sqlite3.connect(lading.data / "lading.db")) as database:
        database.execute("UPDATE job SET state = 'error', result = ?", (json.dumps(result),))
        database.commit()

    watched = lading.run("jobs", "watch", JOB)

    assert watched.code == 7
    assert watched.err.splitlines() == [
        "error: it broke",
        f"why:   The other side hung up. {whose}",
        "try:   Look at it.",
    ]
