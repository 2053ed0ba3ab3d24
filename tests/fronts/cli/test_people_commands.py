"""`lading user` and `lading token` over a real data folder, in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.service_folder import PASSWORD, ServiceFolder


def test_users_are_added_listed_changed_and_removed(lading: ServiceFolder) -> None:
    lading.user("Ann", "admin", "viewer")
    lading.user("bob", "viewer")

    rows = lading("user", "ls").out.splitlines()
    lading("user", "set", "bob", "--role", "publisher", "--inactive")
    changed = lading.json("user", "ls")
    lading("user", "rm", "bob")

    assert rows[0].split() == ["ID", "NAME", "ROLES", "ACTIVE", "PASSWORD", "CREATED", "SIGN-ON", "LAST-LOGIN"]
    assert rows[1].split()[:6] == ["1", "ann", "admin,", "viewer", "yes", "yes"]
    assert (changed[1]["username"], changed[1]["active"], changed[1]["roles"]) == ("bob", False, [3])
    assert lading("user", "ls", "-q").out == "ann\n"


def test_no_password_is_printed_or_kept_in_the_clear(lading: ServiceFolder) -> None:
    said = lading("user", "add", "ann", "--password-stdin", "-v", stdin=PASSWORD)

    assert PASSWORD not in said.out + said.err
    assert PASSWORD not in lading("user", "ls", "--format", "json").out
    assert all(PASSWORD.encode() not in path.read_bytes() for path in lading.data.glob("lading.db*"))


def test_a_password_is_never_an_argument(lading: ServiceFolder) -> None:
    said = lading.run("user", "add", "ann", "--password", PASSWORD)

    assert said.code == 2
    assert "a password is not taken as an argument" in said.err
    assert PASSWORD not in said.err


def test_a_password_that_nobody_can_be_asked_for_is_missed(lading: ServiceFolder) -> None:
    said = lading.run("user", "add", "ann")

    assert said.code == 2
    assert "error: a password is needed" in said.err
    assert "lading user add … --password-stdin" in said.err


def test_the_environment_holds_a_password_for_scripts(lading: ServiceFolder, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    script = ServiceFolder(lading.data, {"LADING_PASSWORD_FILE": str(tmp_path / "password")})

    script("user", "add", "ann", "--role", "admin")

    assert lading.json("user", "ls")[0]["hasPassword"] is True


def test_a_password_that_is_too_short_is_refused(lading: ServiceFolder) -> None:
    said = lading.run("user", "add", "ann", "--password-stdin", stdin="short")

    assert (said.code, said.err.splitlines()[0]) == (2, "error: the password must have 12 characters or more")


def test_a_user_without_a_password_and_nobody_who_is_admin(lading: ServiceFolder) -> None:
    said = lading("user", "add", "ci", "--no-password", "--role", "publisher")

    assert "nobody is an admin yet" in said.err
    assert lading.json("user", "ls")[0]["hasPassword"] is False


def test_the_last_admin_stays(lading: ServiceFolder) -> None:
    lading.user("ann", "admin")

    removed, changed = lading.run("user", "rm", "ann"), lading.run("user", "set", "ann", "--no-roles")

    assert (removed.code, changed.code) == (6, 6)
    assert "this is the last active admin" in removed.err


def test_an_unknown_name_says_which_was_meant(lading: ServiceFolder) -> None:
    lading.user("ann", "admin")

    said = lading.run("user", "rm", "anne")
    role = lading.run("user", "add", "bob", "--role", "admln", "--no-password")

    assert (said.code, role.code) == (5, 5)
    assert "Did you mean ann?" in said.err
    assert "Did you mean admin?" in role.err
    assert "lading user roles" in role.err


def test_reset_makes_active_again(lading: ServiceFolder) -> None:
    lading.user("ann", "admin")
    lading.user("bob", "viewer")
    lading("user", "set", "bob", "--inactive")

    lading("user", "reset", "bob", "--password-stdin", stdin="another good password")

    assert lading.json("user", "ls")[1]["active"] is True


def test_a_token_is_shown_once_and_alone_on_standard_output(lading: ServiceFolder) -> None:
    lading.user("ann", "admin")

    made = lading("token", "add", "ci", "--user", "ann", "--scope", "images:*", "--expires", "30d")
    listed = lading("token", "ls").out

    assert made.out.startswith("lad_")
    assert made.out.count("\n") == 1
    assert "shown this once" in made.err
    assert made.out.strip() not in listed
    assert listed.splitlines()[1].split()[1:5] == ["ci", "ann", made.out[:10], "images:*"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (["--expires", "soon"], "'soon' is no time that a token can last"),
        (["--scope", "images:explode"], "there is no such permission"),
    ],
)
def test_a_token_that_cannot_be_is_refused(lading: ServiceFolder, wrong: list[str], sentence: str) -> None:
    lading.user("ann", "admin")

    said = lading.run("token", "add", "ci", "--user", "ann", *wrong)

    assert said.code == 2
    assert sentence in said.err


def test_a_token_is_removed_by_its_id(lading: ServiceFolder) -> None:
    lading.user("ann", "admin")
    made = lading.json("token", "add", "ci", "--user", "ann")

    lading("token", "rm", str(made["id"]))

    assert lading.json("token", "ls") == []
    assert lading.run("token", "rm", str(made["id"])).code == 5
