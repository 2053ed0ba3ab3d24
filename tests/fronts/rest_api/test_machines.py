"""What machines ask, how the API describes itself, and the headers that every answer carries."""

from __future__ import annotations

import json
import logging
import re
from typing import cast

import pytest

from lading.fronts.rest_api.product import Product
from lading.fronts.rest_api.routes import machines
from lading.wire.message import ConnectFailed
from tests.fronts.rest_api.caller import House, until

ELSEWHERE = re.compile(r"(?:https?:)?//(?!127\.0\.0\.1)[a-z]")


def test_whoever_asks_is_told_that_we_live(house: House) -> None:
    for path in ("/healthz", "/readyz"):
        assert house.nobody.get(path).json == {"status": "ok"}
        head = house.nobody("HEAD", path)
        assert (head.status, head.body) == (200, b"")


def test_why_we_are_not_ready_is_for_the_log(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def ready(self) -> None:
            raise ConnectFailed("db.corp", "nobody listens")

    answer = machines.ready(cast("Product", Broken()))

    assert (answer.status_code, json.loads(bytes(answer.body))) == (503, {"status": "not ready", "code": "network"})
    assert "db.corp" in caplog.text


def test_a_balancer_that_is_told_all_is_well_fills_no_log(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "lading.rest"):
        for path in ("/healthz", "/readyz", "/metrics", "/api/users"):
            house.nobody.get(path)
        until(lambda: "GET /api/users 401" in caplog.messages, "the last of them is told")

    told = {each.getMessage() for each in caplog.records if each.name == "lading.rest"}
    assert told == {"GET /metrics 401", "GET /api/users 401"}


def test_what_is_counted_is_for_who_may_read_it(house: House) -> None:
    house.admin.get("/api/images/unknown:1")
    metrics = house.admin.get("/metrics")

    assert house.nobody.get("/metrics").status == 401
    assert metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'lading_request_seconds_count{method="GET",route="/api/images/{image:path}",status="404"}' in metrics.text
    assert "lading_jobs_running 0.0" in metrics.text
    assert "process_resident_memory_bytes" in metrics.text
    assert "unknown:1" not in metrics.text


def test_the_api_describes_itself_without_anybody_elses_help(house: House) -> None:
    document = house.nobody.get("/api/openapi.json")
    page = house.nobody.get("/api/docs")

    assert document.json["openapi"].startswith("3.")
    assert set(document.json["components"]["securitySchemes"]) == {"session", "token"}
    for path in document.json["paths"]:
        assert path in page.text
    assert not ELSEWHERE.search(page.text)
    assert "src=" not in page.text


def test_every_answer_is_careful(house: House) -> None:
    for path in ("/healthz", "/login", "/api/images", "/api/nothing", "/pages/style.css"):
        headers = house.nobody.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["x-request-id"]
        assert "server" not in headers
    assert house.nobody.get("/api/images").headers["cache-control"] == "no-store"


def test_a_method_that_is_not_known_is_refused(house: House) -> None:
    answer = house.admin("PATCH", "/api/images")
    assert answer.brief == (405, "PATCH is not known here")
    assert answer.headers["allow"] == "GET"


def test_a_body_that_is_no_json_is_one_clear_error(house: House) -> None:
    kind = {"Content-Type": "application/json"}
    for raw in (b"{", b"[]", b"1", b"null", b"\xff", b"[" * 100_000, b'{"a":' * 50_000, b"9" * 10_000):
        answer = house.admin("POST", "/api/images/pull", raw=raw, headers=kind)
        assert answer.brief == (400, "The body is not a JSON object"), raw[:10]
    typeless = house.admin("POST", "/api/images/pull", raw=b'{"image":"a"}')
    assert typeless.brief == (400, "The body is not a JSON object")
    assert typeless.json["hint"] == "Send it with Content-Type: application/json."
