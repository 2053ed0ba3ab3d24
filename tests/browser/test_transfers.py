"""Pushes, copies and imports as people make and watch them: dialogs, the bars of a job, and what becomes of it."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visiting
from tests.browser.visit import Visit
from tests.fakes.cutting_relay import CuttingRelay
from tests.fakes.docker_archives import docker_archive
from tests.fakes.slow_relay import SlowRelay
from tests.peers.layouts import layer
from tests.peers.programs import RunningDocker, RunningRegistry
from tests.peers.service_process import PASSWORD, Service

pytestmark = pytest.mark.peer("docker-registry")

ENOUGH = 30_000
"""Milliseconds that a transfer of some megabytes may take on a machine that is busy."""


def tar(seed: str, size: int) -> bytes:
    """A layer, as docker's archives have it."""
    return gzip.decompress(layer(seed, size)[0])


def bring(service: Service, name: str, *sizes: int) -> None:
    """An image of layers of these sizes, none of which anybody has."""
    service.load(docker_archive([name], layers=[tar(f"{name} {each}", size) for each, size in enumerate(sizes)]))


@pytest.fixture
def held(service: Service, registry: RunningRegistry) -> Iterator[tuple[CuttingRelay, int]]:
    """A line to the registry that can be stopped, and the row of what is at its end."""
    with CuttingRelay(int(registry.host.rpartition(":")[2])) as relay:
        yield relay, service.registry(f"127.0.0.1:{relay.port}")


def choose(visit: Visit, image: str, registry: str) -> None:
    """In the dialog of a push."""
    dialog = visit.page.get_by_role("dialog")
    dialog.get_by_role("combobox", name="Image").fill(image)
    dialog.get_by_role("option", name=image).click()
    dialog.get_by_label("Registry", exact=True).select_option(registry)


def test_a_push_is_watched_to_its_end_and_outlives_a_reload(
    visit: Visit, service: Service, held: tuple[CuttingRelay, int]
) -> None:
    relay, row = held
    bring(service, "team/watched:1", 3_000_000, 2_000_000, 4_000)
    relay.hold_at(2_500_000)
    visit.page.get_by_role("banner").get_by_role("button", name="Push", exact=True).click()
    choose(visit, "team/watched:1", str(row))
    dialog = visit.page.get_by_role("dialog")
    expect(dialog.get_by_text(f"127.0.0.1:{relay.port}/team/watched:1", exact=True)).to_be_visible()
    visit.check("push-dialog")

    dialog.locator("form").get_by_role("button", name="Push", exact=True).dblclick()
    visit.page.wait_for_url("**/jobs/*")
    relay.held.wait()
    whole = visit.page.get_by_role("progressbar", name="All of it")
    expect(whole).to_have_attribute("aria-valuenow", re.compile(r"^[1-9]\d$"), timeout=ENOUGH)
    visit.check("push-moving")
    visit.page.reload()
    expect(whole).to_have_attribute("aria-valuenow", re.compile(r"^[1-9]\d$"), timeout=ENOUGH)

    relay.let_go()
    expect(visit.page.get_by_text("verified")).to_be_visible(timeout=ENOUGH)
    expect(whole).to_have_attribute("aria-valuenow", "100")
    expect(visit.page.get_by_text(f"docker pull 127.0.0.1:{relay.port}/team/watched:1", exact=True)).to_be_visible()
    visit.check("push-done")
    _, listed = service.ask("GET", "/api/jobs?kind=push&filter=team/watched")
    assert len(listed) == 1, "a double click makes one job"


def test_a_push_is_cancelled_and_tried_again(visit: Visit, service: Service, held: tuple[CuttingRelay, int]) -> None:
    relay, row = held
    bring(service, "team/stopped:1", 2_000_000)
    relay.hold_at(1_000_000)
    job = service.started("/api/images/push", {"imageId": "team/stopped:1", "registryId": row})
    visit.open("/jobs")
    visit.page.get_by_role("button", name="Cancel Push team/stopped:1").wait_for()
    visit.check("jobs-running")
    visit.open(f"/jobs/{job}")
    visit.page.get_by_role("button", name="Cancel", exact=True).click()
    relay.let_go()
    visit.page.get_by_text("This job was cancelled.").wait_for(timeout=ENOUGH)

    visit.page.get_by_role("button", name="Try again").click()
    visit.page.wait_for_url(lambda url: job not in url)
    expect(visit.page.get_by_text("verified")).to_be_visible(timeout=ENOUGH)


def test_what_failed_says_why_and_what_to_do(visit: Visit, service: Service) -> None:
    bring(service, "team/refused:1", 1000)
    row = service.registry("127.0.0.1:9")
    visit.open(f"/jobs/{service.started('/api/images/push', {'imageId': 'team/refused:1', 'registryId': row})}")

    failure = visit.page.get_by_role("main").get_by_role("alert")
    expect(failure).to_contain_text("cannot connect to 127.0.0.1:9", timeout=ENOUGH)
    expect(failure).to_contain_text("What to do:")
    visit.check("push-failed")


def test_who_may_not_push_is_offered_no_push(visiting: Visiting, service: Service) -> None:
    _, role = service.ask("POST", "/api/roles", {"name": "onlooker", "grants": [{"permissions": ["jobs:view"]}]})
    service.ask("POST", "/api/users", {"username": "vera", "password": PASSWORD, "roles": [role["id"]]})
    visit = visiting(f"http://127.0.0.1:{service.port}", viewport={"width": 390, "height": 844})
    visit.log_in("vera", PASSWORD, "/jobs")
    visit.page.get_by_role("heading", name="Jobs", exact=True).wait_for()

    assert visit.page.get_by_role("button", name="Push", exact=True).count() == 0
    visit.check("jobs-viewer")


@pytest.mark.proof
def test_an_archive_that_was_interrupted_goes_on(visit: Visit, tmp_path: Path) -> None:
    archive = tmp_path / "brought.tar"
    archive.write_bytes(docker_archive(["team/brought:1"], layers=[tar("brought", 9_000_000)]))
    visit.expects("error: .*ERR_FAILED.*")
    visit.page.route("**/api/images/imports/*?offset=4194304", lambda route: route.abort())
    importing = visit.page.get_by_role("banner").get_by_role("button", name="Import", exact=True)
    dialog = visit.page.get_by_role("dialog")
    importing.click()
    dialog.locator("input[type=file]").set_input_files(archive)
    dialog.get_by_role("button", name="Import", exact=True).last.click()
    dialog.get_by_text("connection lost, trying again").wait_for()

    visit.page.unroute_all()
    visit.page.on("dialog", lambda asked: asked.accept())
    visit.page.reload()
    importing.click()
    dialog.get_by_text("was interrupted at 4.19 MB").wait_for()
    visit.check("import-interrupted")
    dialog.locator("input[type=file]").set_input_files(archive)
    dialog.get_by_role("button", name="Import", exact=True).last.click()
    visit.page.wait_for_url("**/jobs/*")
    visit.page.get_by_role("link", name="team/brought:1").wait_for(timeout=ENOUGH)


@pytest.mark.proof
def test_two_hundred_layers_are_drawn_without_a_long_task(
    visit: Visit, service: Service, registry: RunningRegistry
) -> None:
    bring(service, "team/wide:1", *[100_000] * 200)
    with SlowRelay(int(registry.host.rpartition(":")[2]), 1_500_000) as relay:
        row = service.registry(f"127.0.0.1:{relay.port}")
        visit.open(f"/jobs/{service.started('/api/images/push', {'imageId': 'team/wide:1', 'registryId': row})}")
        visit.page.get_by_role("button", name="Show all 200").click()
        expect(visit.page.get_by_text("verified")).to_be_visible(timeout=120_000)
    assert max(visit.long_tasks(), default=0) <= 100


@pytest.mark.proof
@pytest.mark.peer("dockerd")
def test_a_push_by_a_docker_daemon_says_whose_it_is(
    visit: Visit, service: Service, registry: RunningRegistry, docker_engine: RunningDocker
) -> None:
    """Its sizes are told late, layer by layer: until then the total is the least that it can be."""
    made = {"name": "build", "connectionType": "socket", "socketPath": str(docker_engine.socket)}
    _, host = service.ask("POST", "/api/environments", made)
    tars = [tar(f"daemon {each}", 1_500_000) for each in range(3)]
    docker_engine("load", input=docker_archive(["team/daemon:1"], layers=tars))
    with SlowRelay(int(registry.host.rpartition(":")[2]), 1_000_000) as relay:
        row = service.registry(f"127.0.0.1:{relay.port}")
        wanted = {"imageId": "team/daemon:1", "imageName": "team/daemon:1", "registryId": row}
        job = service.started(f"/api/images/push?env={host['id']}", wanted)
        visit.open(f"/jobs/{job}")
        visit.page.get_by_text("by the Docker daemon of build").wait_for(timeout=ENOUGH)
        visit.check("push-by-daemon")
        expect(visit.page.get_by_text("verified")).to_be_visible(timeout=ENOUGH)
        visit.check("push-by-daemon-done")
