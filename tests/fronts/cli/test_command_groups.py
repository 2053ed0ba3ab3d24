"""What all groups of the service's commands share: help, near words, flags, completion."""

from __future__ import annotations

import pytest

from tests.fakes.service_folder import JOB, ServiceFolder, a_job


@pytest.mark.parametrize("group", ["registry", "repository", "environment", "jobs", "user", "token", "audit"])
def test_a_group_explains_itself_and_its_commands(
    lading: ServiceFolder, group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    lading(group, "--help")
    told = capsys.readouterr().out

    assert "Commands:" in told
    assert "General options and exit codes: lading --help" in told
    assert lading.run(group, "nonsense").code == 2
    assert not any(lading.data.iterdir())


def test_a_word_that_is_nearly_a_command_is_told(lading: ServiceFolder) -> None:
    assert "Did you mean reset?" in lading.run("user", "rest").err


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["user", "re"], ["reset"]),
        (["user", "rm", "an"], ["ann"]),
        (["user", "add", "eve", "--role", "pu"], ["publisher"]),
        (["token", "add", "ci", "--user", "a"], ["ann"]),
        (["registry", "test", "p"], ["prod"]),
        (["environment", "test", ""], ["local"]),
        (["jobs", "watch", "0"], [JOB]),
    ],
)
def test_names_of_rows_are_completed(lading: ServiceFolder, words: list[str], values: list[str]) -> None:
    lading.user("ann", "admin")
    lading("registry", "add", "prod", "r.example:5000")
    a_job(lading)

    assert lading.completed(*words) == values


def test_flags_for_everything_may_stand_before_and_behind_the_command(lading: ServiceFolder) -> None:
    lading.user("ann", "admin")

    assert lading("user", "-q", "ls").out == lading("user", "ls", "-q").out == lading("-q", "user", "ls").out == "ann\n"
