"""The audit trail as it is written and read: durable, bounded, without secrets, and only for those who may."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.backends.database.service_database import open_service_database
from lading.services.access import LADING, Actor, Denied, Grant, NotLoggedIn, Permission
from lading.services.audit.audit import Deed, Result
from lading.services.audit.export import COLUMNS, Format, export, row_json
from lading.services.audit.records import AuditEntry, AuditFilter, AuditRow
from lading.services.audit.seal import Sealer
from lading.services.audit.trail import LONGEST_TEXT, AuditTrail, admit
from lading.services.audit.view import Audit
from lading.services.identity.authentication import LoginFailed, Visit
from lading.services.identity.passwords import PasswordInvalid
from lading.services.identity.throttling import TooManyAttempts
from lading.services.identity.tokens import TokenForm
from lading.services.identity.users import UserEdit, UserForm
from tests.fakes.people import HOME, NOW, PASSWORD, People, SetClock, basic, heads, people

PUSH = Deed("push", "image", "sha256:1", "app:1", 3, {"targetTag": "r/app:1"})


@pytest.fixture
def all_(tmp_path: Path) -> Iterator[People]:
    with people(tmp_path) as found:
        yield found


def test_a_record_says_who_what_where_and_how(all_: People) -> None:
    ann = Actor("ann", user=7, token=3, address="192.0.2.1", request="r-1")

    all_.trail.record(ann, PUSH, Result.STARTED)

    (row,) = all_.records
    assert row.entry == AuditEntry(NOW, "ann", 7, 3, PUSH, Result.STARTED, "192.0.2.1", "r-1")
    assert row_json(row) == {
        "id": row.id,
        "createdAt": "2027-01-15T08:00:00.000Z",
        "username": "ann",
        "action": "push",
        "entityType": "image",
        "entityId": "sha256:1",
        "entityName": "app:1",
        "environmentId": 3,
        "result": "started",
        "details": {"targetTag": "r/app:1"},
        "ipAddress": "192.0.2.1",
        "requestId": "r-1",
    }


@pytest.mark.parametrize("secret", ["lad_" + "a" * 43, "https://ann:hunter2@host/x", "http://hunter2@host"])
def test_what_looks_like_a_secret_is_blotted_out(all_: People, secret: str) -> None:
    details = {"a": secret, secret: [{"b": f"x {secret} y"}]}

    all_.trail.record(Actor(secret), Deed("pull", "image", secret, secret, None, details), Result.FAILED)

    text = str(all_.records)
    assert "aaaa" not in text
    assert "hunter2" not in text
    assert "***" in text


def test_texts_are_bounded_and_storable(all_: People) -> None:
    deed = Deed("pull", "image", "x" * 10_000, "\0\ud800", None, {"n": float("nan"), "t": "y" * 10_000})

    all_.trail.record(LADING, deed, Result.FAILED)

    kept = all_.records[0].entry.deed
    assert len(kept.entity_id) == LONGEST_TEXT
    assert len(str(kept.details["t"])) == LONGEST_TEXT
    assert (kept.entity_name, kept.details["n"]) == ("\N{REPLACEMENT CHARACTER}?", None)


def test_followers_are_told_after_the_commit(all_: People) -> None:
    seen: list[int] = []

    def broken() -> None:
        raise ValueError

    all_.trail.subscribe(broken)
    end = all_.trail.subscribe(lambda: seen.append(len(all_.records)))
    all_.trail.record(LADING, PUSH, Result.DONE)
    end()
    all_.trail.record(LADING, PUSH, Result.DONE)

    assert seen == [1]


def test_followers_in_another_process_are_told(tmp_path: Path) -> None:
    with (
        closing(open_service_database(tmp_path / "lading.db", SetClock())) as here,
        closing(open_service_database(tmp_path / "lading.db", SetClock())) as there,
    ):
        told = threading.Event()
        followed = AuditTrail(there.audit, SetClock())
        with there.wakes.listening(followed.woken):
            end = followed.subscribe(told.set)
            AuditTrail(here.audit, SetClock()).record(LADING, PUSH, Result.DONE)

            assert told.wait(20)
            end()


def test_admission_records_refusals_of_those_we_know(all_: People) -> None:
    here = Actor("ann", (Grant(frozenset({"images:push"}), frozenset({3})),), 7)

    admit(all_.trail, here, Permission.IMAGES_PUSH, PUSH)
    assert all_.said == []
    with pytest.raises(Denied) as denied:
        admit(all_.trail, here, Permission.IMAGES_PULL, PUSH)
    with pytest.raises(NotLoggedIn):
        admit(all_.trail, Actor("anonymous"), Permission.IMAGES_PUSH, PUSH)

    assert all_.said == [("push", "image", "denied")]
    assert denied.value.environment == 3


# ── reading


def audit(all_: People) -> Audit:
    for environment in (None, 1, 2):
        deed = Deed("push", "image", "", "app", environment)
        all_.trail.record(LADING, deed, Result.DONE)
    return Audit(all_.database.audit, lambda: heads(all_.database), all_.trail)


EVERYTHING = AuditFilter()


def test_reading_takes_permission(all_: People) -> None:
    reader = audit(all_)
    viewer = all_.actor("vic", "viewer")

    for refused in (
        lambda: reader.page(viewer, EVERYTHING, 0, 10),
        lambda: reader.after(viewer, 0, 10),
        lambda: reader.export(viewer, EVERYTHING, Format.CSV),
        lambda: reader.verify(viewer),
    ):
        with pytest.raises(Denied):
            refused()
        with pytest.raises(NotLoggedIn):
            reader.page(Actor("anonymous"), EVERYTHING, 0, 10)
    assert [said[1:] for said in all_.said[3:]] == [("audit", "denied")] * 4


def test_an_auditor_of_some_environments_sees_those(all_: People) -> None:
    reader = audit(all_)
    auditor = Actor("aud", (Grant(frozenset({"audit:view"}), frozenset({1, 9})),), 7)

    found = reader.page(auditor, EVERYTHING, 0, 10)
    followed = reader.after(auditor, 0, 10)
    exported = "".join(reader.export(auditor, EVERYTHING, Format.JSON_LINES))

    assert ([row.entry.deed.environment for row in found.rows], found.total) == ([1], 1)
    assert [row.id for row in followed] == [found.rows[0].id]
    assert [json.loads(line)["environmentId"] for line in exported.splitlines()] == [1]
    with pytest.raises(Denied):
        reader.verify(auditor)


def test_a_token_without_the_scope_reads_nothing(all_: People) -> None:
    reader = audit(all_)
    grants = (Grant(frozenset({"audit:view"}), frozenset({1})),)

    with pytest.raises(Denied):
        reader.page(Actor("aud", grants, 7, 1, frozenset({"images:*"})), EVERYTHING, 0, 10)


def test_an_auditor_reads_pages_filters_and_verifies(all_: People) -> None:
    reader = audit(all_)
    auditor = Actor("aud", (Grant(frozenset({"audit:*"})),), 7)
    Sealer(all_.database.audit, heads(all_.database)).seal_all()

    assert [row.entry.deed.environment for row in reader.page(auditor, EVERYTHING, 1, 1).rows] == [1]
    assert reader.page(auditor, AuditFilter(environment=2), 0, 10).total == 1
    assert reader.verify(auditor).sound


ROWS = [
    AuditRow(
        1,
        AuditEntry(NOW, "=cmd|' /C calc'!A0", 1, None, Deed("pull", "image", "@x", "-1+1", 1, {"a": "é"}), Result.DONE),
    ),
    AuditRow(2, AuditEntry(NOW, "ann", 1, None, Deed("pull", "image", "+1", '"a",\nb', None), Result.DONE)),
]


def test_a_table_holds_no_formulas() -> None:
    text = "".join(export(ROWS, Format.CSV))

    head, first, second = csv.reader(io.StringIO(text))
    assert tuple(head) == COLUMNS
    assert (first[2], first[5], first[6], first[7]) == ("'=cmd|' /C calc'!A0", "'@x", "'-1+1", "1")
    assert (second[5], second[6], second[7]) == ("'+1", '"a",b', "")
    assert all(line.startswith('"') and line.endswith('"') for line in text.splitlines())
    assert json.loads(first[9]) == {"a": "é"}


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_no_cell_of_a_table_begins_as_a_formula_does(names: list[str]) -> None:
    rows = [
        AuditRow(1, AuditEntry(NOW, name, 1, None, Deed(name, name, name, name), Result.DONE, name, name))
        for name in names
    ]

    read = list(csv.reader(io.StringIO("".join(export(rows, Format.CSV)), newline="")))

    cells = [cell for line in read[1:] for cell in line]
    assert not any(cell.lstrip().startswith(tuple("=+-@＝＋－＠")) for cell in cells)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("＝1+1", "'＝1+1"),
        ("＠SUM(1)", "'＠SUM(1)"),
        ("  =1", "'  =1"),
        ("\x1b]0;x\x07=1", "]0;x=1"),
        ("\x00\u202e\u2066=1", "'=1"),
        ("a\u202eb\u2028c\x85d\u200fe", "abcde"),
    ],
)
def test_a_cell_is_as_it_looks(name: str, shown: str) -> None:
    row = AuditRow(1, AuditEntry(NOW, name, 1, None, Deed("a", "b", "", ""), Result.DONE))
    (_, read) = csv.reader(io.StringIO("".join(export([row], Format.CSV)), newline=""))

    assert read[2] == shown


def test_exports_for_programs() -> None:
    assert json.loads("".join(export(ROWS, Format.JSON))) == [row_json(row) for row in ROWS]
    assert json.loads("".join(export([], Format.JSON))) == []
    lines = "".join(export(ROWS, Format.JSON_LINES)).splitlines()
    assert [json.loads(line) for line in lines] == [row_json(row) for row in ROWS]


# ── no secret in any row

secrets = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=14, max_size=40).filter(
    lambda text: len(set(text)) > 6
)


@given(secrets, secrets)
@settings(max_examples=15, deadline=None)
def test_no_row_holds_a_secret(tmp_path_factory: pytest.TempPathFactory, first: str, second: str) -> None:
    with people(tmp_path_factory.mktemp("secrets")) as all_:
        shown = told_secrets(all_, first, second)
        text = json.dumps([row_json(row) for row in all_.records], ensure_ascii=False)

    assert not [secret for secret in (first, second, *shown) if secret in text]


def told_secrets(all_: People, first: str, second: str) -> list[str]:
    """Do everything that a secret goes into; the secrets that were made on the way."""
    link = all_.setup.begin() or ""
    all_.setup.finish(HOME, link, "ann", first)
    session = all_.authentication.login(HOME, "ann", first)
    for name, password in (("ann", second), (first, second), (second, first)):
        for header in (basic(name, password), f"Bearer {password}", f"Bearer lad_{password}"):
            tried(partial(all_.authentication.authenticate, Visit("203.0.113.9"), None, header))
    token = all_.tokens.add(session.actor, TokenForm("ci"))
    bob = all_.users.add(session.actor, UserForm("bob", second))
    all_.users.change(session.actor, bob.id, UserEdit(password=first))
    tried(lambda: all_.authentication.change_password(session.actor, second, first, None))
    tried(lambda: all_.authentication.change_password(session.actor, first, second, session.cookie))
    all_.authentication.logout(HOME, session.cookie)
    all_.tokens.remove(session.actor, token.row.id)
    return [link, session.cookie, token.secret]


def tried(deed: Callable[[], object]) -> None:
    with suppress(LoginFailed, TooManyAttempts, PasswordInvalid):
        deed()


def test_the_trail_is_one_for_all_processes(tmp_path: Path) -> None:
    with people(tmp_path) as first, people(tmp_path) as second:
        first.trail.record(LADING, PUSH, Result.STARTED)
        second.trail.record(LADING, PUSH, Result.DONE)

        assert [row.id for row in first.records] == [row.id for row in second.records] == [1, 2]
        assert isinstance(first.trail, AuditTrail)


def test_the_password_of_a_login_is_in_no_repr(all_: People) -> None:
    session = all_.authentication.login(HOME, all_.user("ann").name, PASSWORD)

    assert session.cookie not in repr(session)
    assert PASSWORD not in repr(UserForm("ann", PASSWORD))
    assert PASSWORD not in repr(UserEdit(password=PASSWORD))
