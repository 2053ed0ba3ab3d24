"""The audit trail over the API: listed, filtered, exported, verified and followed."""

from __future__ import annotations

import csv
import io
import json
import socket
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.fronts.rest_api.caller import UNAUTHORIZED, WAIT_SECONDS, Caller, House, until

FIELDS = [
    *("id", "createdAt", "username", "action", "entityType", "entityId", "entityName", "environmentId"),
    *("result", "details", "ipAddress", "requestId"),
]


@pytest.fixture(scope="module")
def deeds(house: House) -> House:
    """A product where something has happened."""
    house.load("audited:1", label="audited")
    push = {
        "imageId": "audited:1",
        "imageName": "audited:1",
        "registryId": house.own_registry(),
        "newTag": "au/dited:2",
    }
    assert house.admin.post("/api/images/push", push, Accept="application/json").status == 200
    house.user("eve").get("/api/users")
    return house


def test_a_push_is_recorded_when_it_is_admitted_and_at_its_end(deeds: House) -> None:
    ended, started = deeds.admin.get("/api/audit?action=push&env=1").json

    assert list(ended) == FIELDS
    assert (started["result"], ended["result"]) == ("started", "done")
    for record in (started, ended):
        assert (record["entityType"], record["entityId"], record["entityName"]) == ("image", "audited:1", "audited:1")
        assert record["details"]["registry"] == "own"
        assert record["details"]["targetTag"] == f"{deeds.running.address}/au/dited:2"
        assert (record["username"], record["environmentId"]) == ("admin", 1)
        assert record["createdAt"].endswith("Z")
    assert started["ipAddress"] == "127.0.0.1"
    assert started["requestId"]


def test_a_record_and_an_answer_have_the_same_request_id(deeds: House) -> None:
    answer = deeds.admin.post("/api/roles", {"name": "by its request"})
    (record,) = deeds.admin.get("/api/audit?entityName=by%20its%20request").json

    assert record["requestId"] == answer.headers["x-request-id"]


def test_a_pull_is_recorded_by_the_image_as_it_was_given(deeds: House) -> None:
    image = f"{deeds.running.address}/au/dited:2"
    deeds.admin.post("/api/images/pull", {"image": image}, Accept="application/json")
    for record in deeds.admin.get("/api/audit?action=pull&env=1").json:
        assert (record["entityId"], record["entityName"]) == (image, image)


@pytest.mark.parametrize(
    "query",
    [
        "username=eve",
        "action=push",
        "entityType=registry",
        "entityName=audited:1",
        "entityId=audited:1",
        "env=1",
        "result=denied",
        "since=2026-01-01T00:00:00Z&username=eve",
        "until=2999-01-01T00:00:00%2B02:00&username=eve",
        "filter=AUDited",
    ],
)
def test_the_trail_is_filtered(deeds: House, query: str) -> None:
    found = deeds.admin.get(f"/api/audit?{query}").json
    everything = deeds.admin.get("/api/audit").json
    fields = {"username": "username", "action": "action", "entityType": "entityType", "entityName": "entityName"}
    fields |= {"entityId": "entityId", "result": "result"}

    assert 0 < len(found) < len(everything)
    for name, value in urllib.parse.parse_qsl(query):
        if name in fields:
            assert {record[fields[name]] for record in found} == {value}
    assert [record["id"] for record in found] == sorted((record["id"] for record in found), reverse=True)


@pytest.mark.parametrize(
    "query", ["result=perhaps", "since=yesterday", "env=x", "since=nan", "until=9999999999999999999"]
)
def test_a_filter_that_cannot_be_is_refused(deeds: House, query: str) -> None:
    answer = deeds.admin.get(f"/api/audit?{query}")
    assert (answer.status, answer.json["code"]) == (400, "invalid")


def test_nothing_was_done_before_the_beginning(deeds: House) -> None:
    assert deeds.admin.get("/api/audit?until=2026-01-01").json == []
    assert deeds.admin.get("/api/audit?since=2999-01-01T00:00:00").json == []


def test_the_trail_is_exported_in_three_ways(deeds: House) -> None:
    asked = "/api/audit/export?action=push"
    default, array = deeds.admin.get(asked), deeds.admin.get(f"{asked}&format=json")
    lines, table = deeds.admin.get(f"{asked}&format=jsonl"), deeds.admin.get(f"{asked}&format=csv")
    rows = list(csv.DictReader(io.StringIO(table.text)))

    assert array.headers["content-type"] == "application/json"
    assert array.json == default.json == [json.loads(line) for line in lines.text.splitlines()]
    assert lines.headers["content-type"] == "application/jsonl"
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    assert [list(row) for row in rows] == [FIELDS] * len(array.json)
    assert [int(row["id"]) for row in rows] == [record["id"] for record in array.json]
    assert deeds.admin.get(f"{asked}&format=xml").status == 400


def test_the_chain_is_whole_and_its_unsealed_tail_named(deeds: House) -> None:
    until(lambda: "head" in deeds.admin.get("/api/audit/verify").json, "a first record is sealed")
    verified = deeds.admin.get("/api/audit/verify")

    assert (verified.status, verified.json["sound"]) == (200, True)
    assert set(verified.json) == {"sound", "rows", "head", "gaps", "unsealed", "endKnownSince"}
    assert set(verified.json["unsealed"]) == {"rows", "ids"}


class Stream:
    """Server-sent events as they come."""

    def __init__(self, connection: socket.socket) -> None:
        self._file = connection.makefile("rb")
        self.status = int(self._file.readline().split()[1])
        while self._file.readline().strip():
            pass

    def event(self) -> dict[str, str]:
        """The next one that is no comment; empty at the end."""
        fields: dict[str, str] = {}
        for raw in self._file:
            line = raw.decode().rstrip("\r\n")
            if not line and fields:
                return fields
            name, colon, value = line.partition(": ")
            if colon and name in {"event", "id", "data"}:
                fields[name] = value
        return {}


@contextmanager
def following(who: Caller, path: str, **headers: str) -> Iterator[Stream]:
    host, port = urllib.parse.urlsplit(who.api).netloc.split(":")
    with socket.create_connection((host, int(port)), WAIT_SECONDS) as connection:
        fields = {"Host": host, "Connection": "close", "Accept": "text/event-stream", **who.headers, **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        connection.sendall(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
        yield Stream(connection)


def test_the_trail_is_followed_live_and_taken_up_again(deeds: House) -> None:
    newest = deeds.admin.get("/api/audit?limit=1").json[0]["id"]
    with following(deeds.admin, "/api/audit/events?action=create&entityType=role") as stream:
        deeds.role("followed")
        event = stream.event()
    with following(deeds.admin, "/api/audit/events", **{"Last-Event-ID": str(newest)}) as again:
        replayed = again.event()

    assert stream.status == 200
    assert event["event"] == replayed["event"] == "audit"
    assert json.loads(event["data"]) == json.loads(replayed["data"])
    assert json.loads(event["data"])["entityName"] == "followed"
    assert int(event["id"]) == json.loads(event["data"])["id"]


def test_who_may_not_look_any_more_hears_no_more(deeds: House) -> None:
    deeds.role("auditor", {"permissions": ["audit:view"]})
    fay = deeds.user("fay", "auditor")
    with following(fay, "/api/audit/events?entityType=role") as stream:
        deeds.role("still seen")
        seen = stream.event()
        fay.post("/api/auth/logout")
        deeds.role("not seen any more")
        after = stream.event()

    assert json.loads(seen["data"])["entityName"] == "still seen"
    assert after == {}
    assert fay.get("/api/audit").json == UNAUTHORIZED


def test_an_auditor_of_one_environment_sees_its_records(deeds: House) -> None:
    deeds.role("auditor of one", {"permissions": ["audit:view"], "environments": [1]})
    gus = deeds.user("gus", "auditor of one")
    seen = gus.get("/api/audit").json

    assert {record["environmentId"] for record in seen} == {1}
    assert gus.get("/api/audit?env=2").json == []
    assert gus.get("/api/audit?username=eve").json == []
    assert gus.get("/api/audit/verify").status == 403
    assert {
        json.loads(line)["environmentId"] for line in gus.get("/api/audit/export?format=jsonl").text.splitlines()
    } == {1}
