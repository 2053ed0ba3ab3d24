"""The page of hosts behind NAT: one more is added by its name, and what to paste there is shown once."""

from __future__ import annotations

import html
import re

from tests.fronts.rest_api.caller import House

HTML = "text/html"


def pasted(page: str) -> str:
    """The line for our own agent."""
    found = re.search(r'<pre id="command">(.*?)</pre>', page, re.DOTALL)
    assert found is not None, page
    return html.unescape(found[1])


def test_a_host_is_added_and_its_line_shown_once(house: House) -> None:
    page = house.admin.get("/agents", Accept=HTML)
    added = house.admin("POST", "/agents", form={"name": "page-cellar"})
    listed = house.admin.get("/agents", Accept=HTML)
    words = pasted(added.text).split()
    tokens = house.admin.get("/api/hawser/tokens").json

    assert (page.status, added.status) == (200, 200)
    assert words[:3] == ["lading", "agent", "--server"]
    assert words[3] == house.running.api
    assert any(words[-1].strip("'").startswith(token["tokenPrefix"]) for token in tokens)
    assert "page-cellar" in listed.text
    assert "not connected" in listed.text
    assert words[-1] not in listed.text
    assert added.headers["cache-control"] == "no-store"


def test_a_new_token_takes_the_place_of_the_one_before(house: House) -> None:
    first = pasted(house.admin("POST", "/agents", form={"name": "page-attic"}).text)
    number = next(row["id"] for row in house.admin.get("/api/environments").json if row["name"] == "page-attic")
    second = pasted(house.admin("POST", f"/agents/{number}/token").text)
    active = [each for each in house.admin.get(f"/api/hawser/tokens?environmentId={number}").json if each["isActive"]]

    assert first != second
    assert len(active) == 1


def test_a_name_that_cannot_be_is_told_beside_the_form(house: House) -> None:
    house.admin("POST", "/agents", form={"name": "page-twice"})
    twice = house.admin("POST", "/agents", form={"name": "page-twice"})
    empty = house.admin("POST", "/agents", form={"name": " "})
    strange = house.admin("POST", "/agents", form={"name": "<script>"})

    assert twice.status == 409
    assert 'role="alert"' in twice.text
    assert empty.status == 400
    for page in (strange, house.admin.get("/agents", Accept=HTML)):
        assert page.status == 200
        assert "&lt;script&gt;" in page.text
        assert "<script>" not in page.text


def test_who_may_not_gets_no_token_and_sees_no_host(house: House) -> None:
    stranger, viewer = house.nobody.get("/agents", Accept=HTML), house.user("page-ann")
    house.admin("POST", "/agents", form={"name": "page-hidden"})
    number = next(row["id"] for row in house.admin.get("/api/environments").json if row["name"] == "page-hidden")

    seen = viewer.get("/agents", Accept=HTML)
    added = viewer("POST", "/agents", form={"name": "page-mine"})
    renewed = viewer("POST", f"/agents/{number}/token")

    assert stranger.status == 303
    assert "/login" in stranger.headers["location"]
    assert "page-hidden" not in seen.text
    assert added.status == renewed.status == 403
    assert house.admin.get(f"/api/hawser/tokens?environmentId={number}").json[0]["isActive"] is True
