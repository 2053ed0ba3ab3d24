"""All jobs as one live stream, over HTTP; and figures over time."""

from __future__ import annotations

import json

import pytest

from tests.fakes.board_follower import PATH, following
from tests.fronts.rest_api import conformance
from tests.fronts.rest_api.caller import EVENTS, Caller, House, done


def pushed(caller: Caller, registry: int, image: str, tag: str) -> str:
    """The job of a new push."""
    started = caller.post("/api/images/push", {"imageId": image, "registryId": registry, "newTag": tag})
    assert started.status == 200, started.text
    return str(started.json["jobId"])


def test_a_push_is_followed_to_its_end(house: House, registry: int, image: str) -> None:
    with following(house.admin.api, house.admin.headers) as told:
        first = told.event()
        job = pushed(house.admin, registry, image, "board/app:1")
        last = told.state(job, "done")
    with following(house.admin.api, house.admin.headers, job, "none") as told:
        told.event()
        besides = [told.event(), told.event()]

    assert first is not None
    assert first[0] == "snapshot"
    assert last["endedAt"] >= last["startedAt"] >= last["createdAt"]
    assert [target.rpartition("/")[2] for target in last["targets"]] == ["app:1"]
    assert last["result"] == house.admin.get(f"/api/jobs/{job}").json["result"]
    lines = next(data for name, data in filter(None, besides) if name == "lines")
    assert lines["lines"] == house.admin.get(f"/api/jobs/{job}").json["lines"]
    for name, data in filter(None, [first, ("job", last), *besides]):
        event = f"event: {name}\ndata: {json.dumps(data)}\n\n"
        conformance.check("GET", PATH, 200, EVENTS, event.encode())


def test_somebody_without_the_permission_sees_their_own(house: House, registry: int, image: str) -> None:
    viewer = house.user("board-reader", house.role("pushes", {"permissions": ["images:*", "registries:view"]}))
    with following(viewer.api, viewer.headers) as told:
        assert told.event() == ("snapshot", {"jobs": [], "more": 0})
        done(house.admin, pushed(house.admin, registry, image, "board/other:1"))
        own = pushed(viewer, registry, image, "board/own:1")
        heard = told.event()

    assert heard is not None
    assert heard[1]["id"] == own


def test_who_is_disabled_is_sent_away_at_once(house: House) -> None:
    viewer = house.user("board-leaver", "viewer")
    number = next(user["id"] for user in house.admin.get("/api/users").json if user["username"] == "board-leaver")
    with following(viewer.api, viewer.headers) as told:
        told.event()
        assert house.admin("PATCH", f"/api/users/{number}", {"active": False}).status == 200
        assert told.event() is None

    assert viewer.get(PATH).status == 401


@pytest.mark.parametrize("query", ["&".join(["follow=a"] * 21), "after=a", "after=a:b", "after=:1"])
def test_a_query_that_cannot_be_meant_is_refused(house: House, query: str) -> None:
    assert house.admin.get(f"{PATH}?{query}").status == 400


def test_nobody_in_particular_is_told_nothing(house: House) -> None:
    assert [
        house.nobody.get(path).status for path in (PATH, "/api/statistics/transfers", "/api/statistics/storage")
    ] == [
        401,
        401,
        401,
    ]


def test_a_retry_says_what_it_tries_again(house: House, registry: int, image: str) -> None:
    job = pushed(house.admin, registry, image, "board/again:1")
    done(house.admin, job)

    again = house.admin.post(f"/api/jobs/{job}/retry").json["jobId"]

    assert done(house.admin, again)["retryOf"] == job


def test_transfers_are_counted(house: House, registry: int, image: str) -> None:
    done(house.admin, pushed(house.admin, registry, image, "board/counted:1"))
    quiet = house.user("board-quiet", house.role("nothing much", {"permissions": ["images:view"]}))

    told, own = (caller.get("/api/statistics/transfers?hours=2").json for caller in (house.admin, quiet))

    assert len(told["buckets"]) == 2
    assert sum(bucket["done"] for bucket in told["buckets"]) >= 1
    assert told["durations"]["push"]["count"] >= 1
    assert sum(bucket["done"] for bucket in own["buckets"]) == 0
    assert house.admin.get("/api/statistics/transfers?hours=0").status == 400


def test_storage_over_time_is_for_who_may_see_settings(house: House) -> None:
    quiet = house.user("board-poor", house.role("less", {"permissions": ["images:view"]}))

    assert house.admin.get("/api/statistics/storage").status == 200
    assert quiet.get("/api/statistics/storage").status == 403


def test_what_moved_is_counted_for_who_watches(house: House, registry: int, image: str) -> None:
    done(house.admin, pushed(house.admin, registry, image, "board/metered:1"))

    counted = house.admin.get("/metrics").text

    assert f'lading_transfer_bytes_total{{direction="out",registry="{house.running.address}"}}' in counted
    assert "\nlading_transfer_saved_bytes_total " in counted
    assert 'lading_jobs{kind="push",state="done"}' in counted
    assert 'lading_job_duration_seconds_count{kind="push",state="done"}' in counted
    assert f'lading_registry_requests_total{{code="201",registry="{house.running.address}"}}' in counted
    assert json.dumps(image)[1:-1] not in counted
