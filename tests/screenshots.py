"""The documents' pictures, of a server that really runs: `python -m tests.screenshots`, after `make app`.

It has images in its store and its registry, a second registry on a slow line, a scan with findings, a Docker host where
there is one, and a push in progress. Needs the built web app, Chromium and docker-registry.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import quote

from playwright.sync_api import Page, TimeoutError, sync_playwright  # noqa: A004  Playwright's own

from tests.browser.visit import LOOKS_DONE, THEMES
from tests.fakes.advisory_files import folder_of
from tests.fakes.pictured_images import ADVISORIES, IMAGES, archive
from tests.fakes.slow_relay import SlowRelay
from tests.peers import chromium, programs
from tests.peers.service_process import PASSWORD, Service, until

FOLDER = Path(__file__).resolve().parent.parent / "docs/pictures"
SIZE = (1280, 800)
NARROW = (390, 844)
FAST, SLOW = None, 1_500_000
"""Bytes a second to the registry that is far away."""

SEEN = 0.2
"""How much of the push has gone when it is looked at; its picture is taken once the app tells the time left."""

SCANNED = ("team/web:1.3", "team/web:1.4", "team/worker:0.9", "team/base:12")
KEPT = ("push", "push-narrow", "overview", "image", "findings", "repository")
"""Those of the documents; the others are to look at."""

WAIT_SECONDS = 15
"""How long a page may take to be whole."""

JSON = {"Accept": "application/json"}


@dataclass(frozen=True)
class Picture:
    """Of one page: `shows` is a text that is there when it is whole."""

    name: str
    path: str
    shows: str
    size: tuple[int, int] = SIZE


@dataclass(frozen=True)
class Scene:
    """What there is to see."""

    service: Service
    relay: SlowRelay
    far: int

    @property
    def push(self) -> str:
        """A job that has begun, to the registry that is far away."""
        self.relay.rate = SLOW
        body = {"imageId": "team/shop:2.0", "registryId": self.far}
        return self.service.started("/api/images/push", body)

    def progressed(self, job: str) -> float:
        """How much of what is to move has moved."""
        progress = cast("dict[str, dict[str, int] | None]", self.service.job(job).get("progress") or {})
        totals = progress.get("totals") or {}
        sent, left = totals.get("sent", 0), totals.get("left", 0)
        return sent / (sent + left) if sent else 0.0


@contextlib.contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """It is ended with the block."""
    with contextlib.ExitStack() as stack:
        registry = stack.enter_context(programs.docker_registry(folder / "registry"))
        relay = stack.enter_context(SlowRelay(int(registry.host.rpartition(":")[2]), FAST))
        service = Service(folder / "data")
        _advise(service, folder)
        stack.enter_context(service.running())
        far = service.registry(f"127.0.0.1:{relay.port}", name="far away")
        ours = f"127.0.0.1:{service.registry_port}"
        own = service.registry(ours, name="own", username="admin", password=service.token)
        _fill(service, far, own)
        _hosts(stack, service, folder)
        yield Scene(service, relay, far)


def _advise(service: Service, folder: Path) -> None:
    """What is known of the packages, before the service begins."""
    records = folder_of(folder / "advisories", *ADVISORIES)
    command = [sys.executable, "-m", "lading", "advisories", "import", str(records)]
    surroundings = {"PATH": os.environ["PATH"], "HOME": str(folder), "LADING_DATA": str(service.data)}
    subprocess.run(command, env=surroundings, check=True, capture_output=True)


def _fill(service: Service, far: int, own: int) -> None:
    """Images, here, in our registry and partly far away; a scan; somebody besides the admin."""
    for name in IMAGES:
        service.load(archive(name))
    for name in (name for name in IMAGES if name.startswith("team/w")):
        _made(service, "/api/images/push", {"imageId": name, "registryId": own}, 200)
    _made(service, "/api/images/push", {"imageId": "team/base:12", "registryId": far}, 200)
    assert service.ask("PUT", "/api/settings/scanner", {"scanner": "osv"})[0] == 200
    for name in SCANNED:
        service.ended([service.started("/api/images/scan", {"image": name})])
    roles = {str(role["name"]): role["id"] for role in json.loads(service.text("GET", "/api/roles")[1])}
    _made(service, "/api/users", {"username": "ann", "password": PASSWORD, "roles": [roles["publisher"]]})


def _hosts(stack: contextlib.ExitStack, service: Service, folder: Path) -> None:
    """One behind NAT that is away, and one here, where Docker is."""
    _made(service, "/api/environments", {"name": "attic", "connectionType": "hawser-edge"})
    if programs.find("dockerd") and os.geteuid() == 0:
        docker = stack.enter_context(programs.docker_engine(folder / "dockerd"))
        docker("load", input=archive("team/worker:0.9"))
        form = {"name": "build", "connectionType": "socket", "socketPath": str(docker.socket)}
        _made(service, "/api/environments", form)


def _made(service: Service, path: str, body: object, status: int = 201) -> dict[str, object]:
    answered, told = service.ask("POST", path, body, JSON)
    assert answered == status, told
    return told


def still(scene: Scene) -> Sequence[Picture]:
    """Pages on which nothing moves."""
    image = quote("team/web:1.4", safe="")
    scans = json.loads(scene.service.text("GET", "/api/scans")[1])
    scan = next(each["id"] for each in scans if each["imageName"].endswith("team/web:1.3"))
    return [
        Picture("images", "/images", "team/web:1.4"),
        Picture("image", f"/images/{image}", "pip install"),
        Picture("compare", f"/compare?a={quote('team/web:1.3', safe='')}&b={image}", "team/web:1.4"),
        Picture("findings", f"/scans/{scan}", "CVE-2023-50447"),
        Picture("repository", "/repositories/team%2Fweb/images", "1.4"),
        Picture("immutability", "/repositories/team%2Fweb/settings", "Immutability"),
        Picture("registries", "/registries", "far away"),
        Picture("environments", "/environments", "attic"),
        Picture("activity", "/activity", "push"),
        Picture("images-narrow", "/images", "team/web", NARROW),
    ]


def moving(job: str) -> Sequence[Picture]:
    """Pages that show the push."""
    return [
        Picture("push", f"/jobs/{job}", "s left"),
        Picture("overview", "/", "team/shop:2.0"),
        Picture("jobs", "/jobs", "team/shop:2.0"),
        Picture("push-narrow", f"/jobs/{job}", "team/shop:2.0", NARROW),
    ]


def take(page: Page, url: str, picture: Picture, into: Path) -> bool:
    """In both themes: `<name>.png` and `<name>-dark.png`; whether the page was whole, which is taken as it is else."""
    page.set_viewport_size({"width": picture.size[0], "height": picture.size[1]})
    page.goto(f"{url}{picture.path}")
    try:
        page.get_by_role("main").get_by_text(picture.shows).first.wait_for(timeout=WAIT_SECONDS * 1000)
    except TimeoutError:
        print(f"{picture.path} does not show {picture.shows!r}", file=sys.stderr)
        whole = False
    else:
        whole = True
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        page.wait_for_function(LOOKS_DONE)
        page.screenshot(path=into / f"{picture.name}{'-dark' if theme == 'dark' else ''}.png")
    print(into / f"{picture.name}.png")
    return whole


def main() -> int:
    """Make them all, or some."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="those too that no document shows")
    parser.add_argument("--only", action="append", metavar="NAME", help="this picture (repeatable)")
    parser.add_argument("--to", type=Path, default=FOLDER, metavar="FOLDER", help=f"where they go ({FOLDER})")
    options = parser.parse_args()
    options.to.mkdir(parents=True, exist_ok=True)

    def wanted(pictures: Sequence[Picture]) -> Sequence[Picture]:
        return [each for each in pictures if options.all or each.name in (options.only or KEPT)]

    with (
        tempfile.TemporaryDirectory(prefix="lading-pictures-", ignore_cleanup_errors=True) as folder,
        scene(Path(folder)) as shown,
        sync_playwright() as playing,
        chromium.launched(playing) as browser,
    ):
        page, url = browser.new_page(), f"http://127.0.0.1:{shown.service.port}"
        page.goto(f"{url}/login")
        page.fill("#username", "admin")
        page.fill("#password", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_url(f"{url}/")
        whole = [take(page, url, picture, options.to) for picture in wanted(still(shown))]
        job = shown.push
        if wanted(moving(job)):
            until(lambda: shown.progressed(job) >= SEEN, "much of the push has gone")
        whole += [take(page, url, picture, options.to) for picture in wanted(moving(job))]
        shown.relay.rate = FAST
    return 0 if all(whole) else 1


if __name__ == "__main__":
    sys.exit(main())
