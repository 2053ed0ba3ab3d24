"""What wants attention, as far as one may see it; and the settings, for the owner alone."""

from __future__ import annotations

from pathlib import Path

from lading.settings import resolve
from tests.fronts.rest_api.caller import DENIED, UNAUTHORIZED, House, house

PARTS = {"credentials", "environmentsDown", "findings", "storage", "rateLimits"}


def test_an_admin_sees_all_of_it(tmp_path: Path) -> None:
    with house(tmp_path / "data") as here:
        socket = {"name": "gone", "connectionType": "socket", "socketPath": str(tmp_path / "no.sock")}
        edge = {"name": "edge", "connectionType": "hawser-edge"}
        for form in (socket, edge):
            assert here.admin.post("/api/environments", form).status == 201
        here.admin.post("/api/auth/tokens", {"name": "short", "expiresIn": 3600})
        here.admin.post("/api/auth/tokens", {"name": "long", "expiresIn": 90 * 86400})
        told = here.admin.get("/api/overview").json

    assert set(told) == PARTS
    assert [(each["kind"], each["name"]) for each in told["credentials"]] == [("token", "short")]
    assert [each["name"] for each in told["environmentsDown"]] == ["gone", "edge"]
    assert told["environmentsDown"][1]["error"] == "Edge agent not connected"
    assert told["findings"] is None, "no image was ever scanned"
    assert told["storage"]["capacity"] > 0
    assert told["rateLimits"] == []


def test_each_part_is_there_for_who_may_see_it(house: House) -> None:
    scans = house.user("scans", house.role("scans", {"permissions": ["scans:view"]}))
    before = house.admin.get("/api/audit?page=1").json["total"]
    told = scans.get("/api/overview").json

    assert {name for name, part in told.items() if part is not None} == {"credentials"}
    assert house.admin.get("/api/audit?page=1").json["total"] == before
    assert (house.nobody.get("/api/overview").status, house.nobody.get("/api/overview").json) == (401, UNAUTHORIZED)


def test_settings_say_who_said_them(tmp_path: Path) -> None:
    said = resolve({}, {"LADING_PUSH_LANES": "7"}, [], tmp_path / "data", str)
    with house(tmp_path / "data", origins=said.origins) as here:
        told = {each["name"]: each for each in here.admin.get("/api/settings/server").json}
        denied = here.user("settings", "operator").get("/api/settings/server")

    assert told["push-lanes"] == {
        "name": "push-lanes",
        "value": "7",
        "default": "lanes, or 5",
        "origin": "environment",
        "place": "LADING_PUSH_LANES",
        "variable": "LADING_PUSH_LANES",
        "meaning": "layers that one push of serve moves at a time",
        "secret": False,
    }
    assert (denied.status, denied.json) == (403, DENIED)
