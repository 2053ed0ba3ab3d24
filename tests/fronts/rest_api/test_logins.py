"""The set-up link, logins, sessions and the pages without script."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fronts.rest_api.caller import PASSWORD, UNAUTHORIZED, Caller, House, set_up, unset

FORM = {"username": "admin", "password": PASSWORD, "again": PASSWORD}


def test_the_set_up_link_makes_the_first_admin_once(tmp_path: Path) -> None:
    with unset(tmp_path / "data") as running:
        assert running.setup is not None
        token, nobody = running.setup.partition("token=")[2], Caller(running.api)
        wrong = nobody("POST", "/setup", form={**FORM, "token": "x" * 43})
        page = nobody.get(f"/setup?token={token}", Accept="text/html")
        differ = nobody("POST", "/setup", form={**FORM, "token": token, "again": "another one"})
        short = nobody("POST", "/setup", form={**FORM, "token": token, "password": "short", "again": "short"})
        done = nobody("POST", "/setup", form={**FORM, "token": token})
        again = nobody("POST", "/setup", form={**FORM, "token": token})
        gone = nobody.get(f"/setup?token={token}", Accept="text/html")
        me = Caller(running.api, {"Cookie": done.cookie}).get("/api/auth/session")

    assert wrong.status == 404
    assert page.status == 200
    assert 'method="post"' in page.text
    assert (differ.status, "The two passwords differ." in differ.text) == (400, True)
    assert (short.status, PASSWORD in short.text) == (400, False)
    assert (done.status, done.headers["location"]) == (303, "/")
    assert (again.status, gone.status) == (404, 404)
    assert "does not work" in gone.text
    assert me.json["username"] == "admin"


def test_a_login_gives_a_cookie_that_opens_until_the_logout(house: House) -> None:
    house.user("lea")
    answer = house.nobody.post("/api/auth/login", {"username": "Lea", "password": PASSWORD})
    lea = Caller(house.running.api, {"Cookie": answer.cookie})
    inside = lea.get("/api/auth/session")
    out = lea.post("/api/auth/logout")
    after = lea.get("/api/auth/session")

    flags = {flag.strip().lower() for flag in answer.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/"} <= flags
    assert "secure" not in flags
    assert (
        answer.json == inside.json == {"username": "lea", "userId": inside.json["userId"], "grants": [], "scopes": None}
    )
    assert (out.status, out.body) == (204, b"")
    assert 'session=""' in out.headers["set-cookie"]
    assert (after.status, after.json) == (401, UNAUTHORIZED)


def test_without_a_provider_there_is_no_single_sign_on(house: House) -> None:
    offered = house.nobody.get("/api/auth/oidc")
    begun = house.nobody.get("/api/auth/oidc/login")
    back = house.nobody.get("/api/auth/oidc/callback?state=a&code=b", Accept="text/html")
    page = house.nobody.get("/login", Accept="text/html")

    assert offered.json == {"enabled": False, "name": None, "login": None}
    assert (begun.status, begun.json["error"]) == (404, "there is no single sign-on here")
    assert (back.status, "set-cookie" in back.headers) == (404, False)
    assert "oidc" not in page.text


@pytest.mark.parametrize(
    "form",
    [
        {"username": "admin", "password": "not this one"},
        {"username": "nobody-has-this-name", "password": PASSWORD},
        {"username": "admin"},
        {},
    ],
)
def test_a_wrong_login_is_one_answer_whatever_is_wrong(house: House, form: dict[str, str]) -> None:
    answer = house.nobody.post("/api/auth/login", form)

    assert answer.status == 401
    assert answer.json == {"error": "Unauthorized", "message": "the user name or the password is wrong"}
    assert "set-cookie" not in answer.headers
    assert answer.headers["www-authenticate"] == 'Bearer realm="lading"'


def test_who_guesses_is_made_to_wait(tmp_path: Path) -> None:
    with unset(tmp_path / "data") as running:
        set_up(running)
        nobody = Caller(running.api)
        guess = {"username": "admin", "password": "a guess"}
        answers = (nobody.post("/api/auth/login", guess) for _ in range(100))
        answer = next(answer for answer in answers if answer.status != 401)

    assert (answer.status, answer.json["code"]) == (429, "throttled")
    assert int(answer.headers["retry-after"]) >= 1


def test_a_new_password_ends_the_other_sessions(house: House) -> None:
    first = house.user("mia")
    second = house.login("mia")
    wrong = first.post("/api/auth/password", {"oldPassword": "no", "newPassword": "another battery horse"})
    weak = first.post("/api/auth/password", {"oldPassword": PASSWORD, "newPassword": "short"})
    changed = first.post("/api/auth/password", {"oldPassword": PASSWORD, "newPassword": "another battery horse"})

    assert (wrong.status, weak.status, changed.status) == (401, 400, 204)
    assert first.get("/api/auth/session").status == 200
    assert second.get("/api/auth/session").status == 401
    assert house.login("mia", "another battery horse").get("/api/auth/session").status == 200


def test_pages_lead_who_is_not_logged_in_to_the_login_and_back(house: House) -> None:
    house.user("noa", "viewer")
    page = house.nobody.get("/status", Accept="text/html")
    shown = house.nobody.get("/login?next=/status")
    wrong = house.nobody("POST", "/login", form={"username": "noa", "password": "no", "next": "/status"})
    into = house.nobody("POST", "/login", form={"username": "noa", "password": PASSWORD, "next": "/status"})
    noa = Caller(house.running.api, {"Cookie": into.cookie})
    status = noa.get("/status", Accept="text/html")
    out = noa("POST", "/logout", form={})

    assert (page.status, page.headers["location"]) == (303, "/login?next=/status")
    assert 'name="next" value="/status"' in shown.text
    assert (wrong.status, "The user name or the password is wrong." in wrong.text) == (401, True)
    assert (into.status, into.headers["location"]) == (303, "/status")
    assert (status.status, "local" in status.text, "noa" in status.text) == (200, True, True)
    assert (out.status, out.headers["location"]) == (303, "/login")
    assert noa.get("/api/auth/session").status == 401
    assert house.nobody.get("/").headers["location"] == "/status"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.test/", "//evil.test", "/\\evil.test", "javascript:alert(1)", "evil"]
)
def test_a_login_leads_to_no_other_site(house: House, elsewhere: str) -> None:
    page = house.nobody("GET", f"/login?next={elsewhere}")
    into = house.nobody("POST", "/login", form={"username": "admin", "password": PASSWORD, "next": elsewhere})

    assert "evil" not in page.text
    assert "alert" not in page.text
    assert into.headers["location"] == "/"


def test_pages_hold_no_script_and_nothing_from_elsewhere(house: House) -> None:
    house.admin.post("/api/registries", {"name": "<script>&\"'", "url": "registry.test"})
    for path in ("/login", "/status", "/api/docs", "/login?next=/%22%3E%3Cscript%3E"):
        page = house.admin.get(path, Accept="text/html")
        assert page.status == 200, path
        assert "<script" not in page.text, path
        assert "http://" not in page.text.replace(house.running.api, "")
        assert "https://" not in page.text
        assert "script-src" not in page.headers["content-security-policy"]
        assert "default-src 'none'" in page.headers["content-security-policy"]
    assert house.nobody.get("/pages/style.css").headers["content-type"].startswith("text/css")


def test_what_goes_wrong_on_a_page_is_a_page(house: House) -> None:
    page = house.nobody.get("/setup?token=wrong", Accept="text/html")
    program = house.nobody.get("/setup?token=wrong", Accept="*/*")

    assert page.headers["content-type"].startswith("text/html")
    assert program.json["code"] == "setup_over"
    assert (page.status, program.status) == (404, 404)


def test_where_logins_are_turned_off_everybody_may_everything(tmp_path: Path) -> None:
    with unset(tmp_path / "data", no_auth=True) as running:
        nobody = Caller(running.api)
        assert running.setup is None
        assert nobody.get("/api/images").json == []
        assert nobody.get("/status", Accept="text/html").status == 200
        assert nobody.get("/api/auth/session").json["username"] == "anonymous"
