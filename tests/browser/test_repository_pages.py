"""Repositories of our own registry: tags and what protects them, retention before it happens, and shared layers."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.visit import Visit
from tests.fakes.docker_archives import docker_archive
from tests.peers.service_process import Service

REPOSITORY = "kept/app"


def pushed(service: Service, tag: str, label: str, repository: str = REPOSITORY) -> tuple[int, object]:
    """An image with this label, to our own registry; what the push was answered."""
    service.load(docker_archive([f"local/{repository}:{label}"], label=label))
    host = f"127.0.0.1:{service.registry_port}"
    body = {"imageId": f"local/{repository}:{label}", "target": f"{host}/{repository}:{tag}"}
    return service.ask("POST", "/api/images/push", body, {"Accept": "application/json"})


def own_registry(service: Service) -> None:
    """Ourselves, as a registry to push to, unless it is there."""
    status, _ = service.ask(
        "POST",
        "/api/registries",
        {
            "name": "our own",
            "url": f"127.0.0.1:{service.registry_port}",
            "tls": "http",
            "username": "admin",
            "password": service.token,
        },
    )
    assert status in {201, 409}


def test_who_has_nothing_yet_is_told_what_to_type(visit: Visit) -> None:
    visit.open("/repositories")
    expect(visit.page.get_by_text("Push something")).to_be_visible()
    expect(visit.page.get_by_text("docker login")).to_be_visible()
    visit.check("repositories-empty")


def test_what_is_immutable_is_not_overwritten(visit: Visit, service: Service) -> None:
    own_registry(service)
    for number in ("1", "2"):
        assert pushed(service, f"1.{number}", number)[0] == 200
    page = visit.page
    visit.open("/repositories")
    page.get_by_role("link", name=REPOSITORY).click()
    expect(page.get_by_role("row", name=re.compile(r"^1\.2"))).to_be_visible()
    page.get_by_role("link", name="Immutability").click()
    page.get_by_role("switch", name="Immutable").check()
    expect(page.get_by_text("No tag here is overwritten or removed from now on.")).to_be_visible()
    page.get_by_role("link", name="Tags").click()
    expect(page.get_by_role("row", name=re.compile(r"^1\.2"))).to_contain_text("locked")
    visit.check("repository-tags")

    page.get_by_role("button", name="Actions on 1.2").click()
    expect(page.get_by_role("menuitem", name="Remove")).to_be_disabled()
    page.get_by_role("menuitem", name="Promote").click()
    form = page.get_by_role("dialog", name=re.compile("Promote"))
    form.get_by_label("Into repository").fill(REPOSITORY)
    form.get_by_label("As tag").fill("1.1")
    visit.expects("(403|409) POST /api/repositories/.*/promote")
    form.get_by_role("button", name="Promote").click()
    expect(form.get_by_role("alert")).to_contain_text("1.1")
    page.keyboard.press("Escape")
    refused = pushed(service, "1.2", "other")
    assert refused[0] != 200, refused

    page.get_by_role("button", name="Actions on 1.2").click()
    page.get_by_role("menuitem", name="Release").click()
    page.get_by_role("dialog").get_by_label("Why").fill("a mistake")
    page.get_by_role("dialog").get_by_role("button", name="Release").click()
    expect(page.get_by_role("row", name=re.compile(r"^1\.2"))).to_contain_text("released")


def test_retention_is_seen_before_it_happens(visit: Visit, service: Service) -> None:
    own_registry(service)
    for number in ("1", "2", "3"):
        assert pushed(service, f"0.{number}", number, "old/app")[0] == 200
    page = visit.page
    visit.open("/repositories/old%2Fapp/retention")
    page.get_by_role("button", name="Add a rule").click()
    page.get_by_label("Keep the newest").fill("2")
    expect(page.get_by_text("Of all tags, the newest 2 stay.")).to_be_visible()
    page.get_by_role("button", name="What would these rules do now?").click()
    expect(page.get_by_role("heading", name=re.compile("1 tag of 3 would go"))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile(r"^0\.1"))).to_contain_text("go")
    visit.check("repository-retention")
    page.get_by_role("button", name="Keep the rules").click()
    expect(page.get_by_text("These rules hold from the next run on.")).to_be_visible()


@pytest.mark.proof
def test_layers_and_storage_are_drawn(visit: Visit, service: Service) -> None:
    own_registry(service)
    for number in ("1", "2", "3"):
        assert pushed(service, number, number, "drawn/app")[0] == 200
    page = visit.page
    visit.open("/repositories/drawn%2Fapp/tags")
    for tab, said in (("Layers", "in 3 tags"), ("Storage", "All it holds")):
        page.get_by_role("link", name=tab, exact=True).last.click()
        expect(page.get_by_text(said).first).to_be_visible()
        visit.check(f"repository-{tab.lower()}")


@pytest.mark.proof
def test_rules_of_the_whole_registry(visit: Visit, service: Service) -> None:
    page = visit.page
    visit.open("/repositories")
    page.get_by_role("link", name="Rules").click()
    expect(page.get_by_text("None.")).to_be_visible()
    page.get_by_role("button", name="Add a rule").first.click()
    form = page.get_by_role("dialog", name="Protect tags")
    form.get_by_label("Repositories").fill("production/**")
    form.get_by_label("Tags").fill("release-*")
    expect(form.get_by_text("In production/**: Tags like release-*")).to_be_visible()
    form.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("In production/**: Tags like release-*")).to_be_visible()
    page.get_by_role("button", name="Add a rule").last.click()
    page.get_by_label("Of repositories").fill("test/**")
    page.get_by_label("Of repositories").press("Tab")
    page.get_by_role("button", name="Keep the rules").click()
    expect(page.get_by_text("These rules hold from the next run on.")).to_be_visible()
    visit.check("registry-rules")
    status, kept = service.ask("GET", "/api/settings/repositories")
    assert status == 200
    assert kept["rules"] == [
        {"repositories": ["production/**"], "tags": ["release-*"], "protects": "both", "releases": "administrator"}
    ]
    assert kept["retention"] == [{"repositories": ["test/**"], "tags": ["**"], "keepNewest": 10}]
    assert service.ask("PUT", "/api/settings/repositories", {"rules": [], "retention": []})[0] == 200
