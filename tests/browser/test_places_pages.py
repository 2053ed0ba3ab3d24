"""Where images come from and go to: registries, how each stands and what is in them, and hosts that come and go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visiting
from tests.browser.visit import Visit
from tests.fakes.certificates import Authority
from tests.fakes.docker_archives import docker_archive
from tests.fakes.stock_agent import Habits, StockAgent, Variant
from tests.fakes.stock_engine import SocketEngine
from tests.fakes.stock_playing import playing
from tests.peers import programs
from tests.peers.service_process import PASSWORD, Service

AWAY_MS = 15_000
"""The page asks every other second."""


@pytest.mark.peer("docker-registry")
def test_a_registry_is_added_tested_and_looked_into(
    visit: Visit, service: Service, registry: programs.RunningRegistry
) -> None:
    page = visit.page
    visit.open("/registries?add=registry")
    form = page.get_by_role("dialog", name="Add registry")
    form.get_by_label("Provider").select_option("generic")
    form.get_by_label("Name", exact=True).fill("the team's")
    form.get_by_label("Address").fill(registry.host)
    form.get_by_label("Without a login").check()
    form.get_by_text("Connection", exact=True).click()
    form.get_by_label("Protection").select_option("http")
    form.get_by_role("button", name="Test").click()
    expect(form.get_by_text("It is reached, and the login works.")).to_be_visible()
    visit.check("registry-dialog")
    form.get_by_role("button", name="Add", exact=True).click()
    row = page.get_by_role("row", name=re.compile("the team's"))
    expect(row).to_contain_text("works")

    service.load(docker_archive(["places/app:1"], label="places"))
    status, pushed = service.ask(
        "POST",
        "/api/images/push",
        {"imageId": "places/app:1", "target": f"{registry.host}/places/app:1"},
        {"Accept": "application/json"},
    )
    assert status == 200, pushed
    row.get_by_role("link", name="the team's").click()
    page.get_by_role("link", name="places/app").click()
    expect(page.get_by_role("row", name=f"1 {registry.host}/places/app:1")).to_be_visible()
    visit.check("registry-tags")


@pytest.mark.peer("docker-registry")
def test_a_registry_that_fails_says_at_which_step_and_what_to_do(
    visit: Visit, service: Service, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    shown = authority.server("127.0.0.1")
    page = visit.page
    with (
        programs.docker_registry(tmp_path / "tls", tls=(shown.certificate, shown.key)) as tls,
        programs.docker_registry(tmp_path / "login", htpasswd=("bob", PASSWORD)) as locked,
    ):
        service.registry(tls.host, name="private", url=tls.host, tls="verify")
        service.registry(locked.host, name="locked", username="bob", password="not this one")
        visit.open("/registries")
        expect(page.get_by_role("row", name=re.compile("private"))).to_contain_text("Protection (TLS)")
        expect(page.get_by_role("row", name=re.compile("locked"))).to_contain_text("Login")
        visit.check("registries")

        page.get_by_role("button", name="Actions on private").click()
        page.get_by_role("menuitem", name="Change").click()
        form = page.get_by_role("dialog", name="Change private")
        form.get_by_role("button", name="Test").click()
        failed = form.get_by_role("listitem").filter(has_text="Protection (TLS) failed")
        expect(failed).to_contain_text("Do this:")
        expect(form.get_by_role("listitem").filter(has_text="was not tried").filter(has_text="Login")).to_be_visible()
        visit.check("registry-test")
        form.get_by_text("Connection", exact=True).click()
        form.get_by_label("Certificate authority").fill(authority.certificate.read_text())
        form.get_by_role("button", name="Save").click()
        expect(page.get_by_role("row", name=re.compile("private"))).to_contain_text("works")

        page.get_by_role("button", name="Actions on locked").click()
        page.get_by_role("menuitem", name="Rotate the login").click()
        form = page.get_by_role("dialog", name="Rotate the login of locked")
        form.get_by_label("Password").fill(PASSWORD)
        form.get_by_role("button", name="Save").click()
        expect(page.get_by_role("row", name=re.compile("locked"))).to_contain_text("works")


@pytest.mark.proof
def test_a_registry_that_lists_nothing_opens_by_name(visit: Visit, service: Service) -> None:
    nobody = f"127.0.0.1:{programs.free_port()}"
    made = service.registry(nobody, name="silent")
    page = visit.page
    visit.expects("502 GET /api/registry/catalog")
    visit.expects("502 GET /api/registry/tags")
    visit.open(f"/registries/{made}")
    expect(page.get_by_role("alert")).to_contain_text("connection refused")
    visit.open(f"/registries/{made}?repository=team%2Fapp")
    expect(page.get_by_role("heading", name="team/app")).to_be_visible()
    expect(page.get_by_role("alert")).to_contain_text("connection refused")


@pytest.mark.peer("dockerd")
def test_an_agent_goes_away_while_one_looks_and_comes_back(
    visit: Visit, service: Service, docker_engine: programs.RunningDocker
) -> None:
    page = visit.page
    visit.open("/environments?add=environment")
    form = page.get_by_role("dialog", name="Add environment")
    form.get_by_label("Name").fill("edge-berlin")
    form.get_by_role("button", name="Add", exact=True).click()
    added = page.get_by_role("dialog", name="edge-berlin was added")
    added.get_by_role("button", name="Make the line").click()
    line = added.locator("pre").first.inner_text()
    visit.check("environment-agent-line")
    token = re.search(r"--token[ =](\S+)", line)
    assert token is not None, line
    added.get_by_role("button", name="Done").click()
    page.get_by_role("link", name="edge-berlin").click()
    state = page.get_by_role("status").filter(has_text=re.compile("agent away|connected"))
    expect(state).to_have_text(re.compile("agent away"))

    agent = StockAgent(
        f"ws://127.0.0.1:{service.port}",
        token[1],
        SocketEngine(str(docker_engine.socket)),
        Variant.NEW,
        name="berlin",
        habits=Habits(reconnect=0.1),
    )
    with playing(agent):
        expect(state).to_have_text(re.compile("connected"), timeout=AWAY_MS)
        expect(page.get_by_text(re.compile(r"Docker \d+\.\d+.*linux"))).to_be_visible()
    expect(state).to_have_text(re.compile("agent away"), timeout=AWAY_MS)
    expect(page.get_by_text(re.compile("Docker .* (just now|ago)")).last).to_be_visible()
    visit.check("environment-away")
    with playing(agent):
        expect(state).to_have_text(re.compile("connected"), timeout=AWAY_MS)


def a_host(service: Service, engine: programs.RunningDocker) -> None:
    """Configured as build-host."""
    body = {"name": "build-host", "connectionType": "socket", "socketPath": str(engine.socket)}
    status, made = service.ask("POST", "/api/environments", body)
    assert status == 201, made


def spread(visit: Visit) -> None:
    """The image spread/app:1 to build-host, by the dialog."""
    page = visit.page
    visit.open("/environments")
    expect(page.get_by_role("row", name=re.compile("build-host"))).to_contain_text("Docker")
    page.get_by_role("button", name="Distribute an image").click()
    form = page.get_by_role("dialog", name="Distribute an image to hosts")
    form.get_by_role("combobox", name="Image").last.fill("spread/app:1")
    form.get_by_role("option", name="spread/app:1").click()
    form.get_by_label("build-host").check()
    form.get_by_role("button", name="Distribute to 1").click()


@pytest.mark.proof
@pytest.mark.peer("dockerd")
def test_hosts_that_cannot_fetch_from_here_are_not_sent_an_image(
    visit: Visit, service: Service, docker_engine: programs.RunningDocker
) -> None:
    service.load(docker_archive(["spread/app:1"], label="spread"))
    a_host(service, docker_engine)
    visit.expects("409 POST /api/images/distribute")
    spread(visit)
    expect(visit.page.get_by_role("alert")).to_contain_text("Set registry-public-url")
    visit.check("distribute")
    visit.page.keyboard.press("Escape")
    visit.check("environments")


@pytest.mark.proof
@pytest.mark.peer("dockerd")
def test_one_image_goes_to_a_host(
    tmp_path: Path, program: Sequence[str], visiting: Visiting, docker_engine: programs.RunningDocker
) -> None:
    port = programs.free_port()
    public = {"LADING_REGISTRY_PUBLIC_URL": f"http://127.0.0.1:{port}"}
    service = Service(tmp_path / "data", public, registry_port=port, program=program)
    with service.running():
        service.load(docker_archive(["spread/app:1"], label="spread"))
        a_host(service, docker_engine)
        visit = visiting(f"http://127.0.0.1:{service.port}")
        visit.log_in("admin", PASSWORD)
        spread(visit)
        visit.page.wait_for_url("**/jobs/*")
        expect(visit.page.get_by_text("done").first).to_be_visible()
        visit.check("distributed")
        assert "spread/app" in docker_engine("images", "--format", "{{.Repository}}")


@pytest.mark.proof
def test_places_on_a_phone(visiting: Visiting, service: Service) -> None:
    visit = visiting(f"http://127.0.0.1:{service.port}", viewport={"width": 360, "height": 740})
    visit.expects("50[0-9] ")
    visit.log_in("admin", PASSWORD)
    for path in ("/registries", "/environments", "/environments/1", "/settings/rules", "/registries?add=registry"):
        visit.open(path)
        visit.page.get_by_role("heading").first.wait_for()
        visit.page.wait_for_function("() => !document.querySelector('[aria-busy=\"true\"]')")
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 360, path
    expect(visit.page.get_by_role("dialog", name="Add registry")).to_be_visible()
    visit.check("registry-dialog-phone")
