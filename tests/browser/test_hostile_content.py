"""What strangers can bring onto the page: markup, script, and characters that turn the reading direction."""

from __future__ import annotations

import http.client
import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from lading.oci.digest import Digest
from tests.browser.visit import Visit
from tests.fakes.root_images import layer_tars
from tests.fakes.scripted_server import Reply, ScriptedServer
from tests.peers.service_process import Service

SCRIPT = "<img src=x onerror=\"window.hacked='{0}'\"><script>window.hacked=1</script>"
TURNED = "safe\u202egpj.exe\u2066"


def hostile(place: str) -> str:
    return SCRIPT.format(place)


def archive(name: str) -> bytes:
    """An image whose labels, history, command and author are markup."""
    layers = layer_tars()
    evil = hostile("image")
    config = {
        "architecture": "amd64",
        "os": "linux",
        "author": evil,
        "created": "2026-01-02T03:04:05Z",
        "config": {
            "Cmd": [evil],
            "Env": [f"A={evil}"],
            "Labels": {evil: evil, "org.opencontainers.image.source": "javascript:window.hacked='label'", "b": TURNED},
        },
        "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(tar)) for tar in layers]},
        "history": [{"created": "2026-01-02T03:04:05Z", "created_by": evil, "comment": evil} for _ in layers],
    }
    raw = json.dumps(config).encode()
    named = f"{Digest.of(raw).encoded}.json"
    entry = {"Config": named, "RepoTags": [name], "Layers": [f"{number}.tar" for number in range(len(layers))]}
    files = {named: raw, **{f"{number}.tar": tar for number, tar in enumerate(layers)}}
    files["manifest.json"] = json.dumps([entry]).encode()
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return held.getvalue()


@pytest.fixture(scope="module")
def hostile_registry() -> Iterator[ScriptedServer]:
    """Every error of it is markup."""
    evil = {"errors": [{"code": "DENIED", "message": hostile("error") + TURNED, "detail": hostile("detail")}]}
    with ScriptedServer(lambda _: Reply(403, body=json.dumps(evil).encode())) as server:
        yield server


def test_nothing_that_strangers_wrote_is_more_than_text(
    visit: Visit, service: Service, hostile_registry: ScriptedServer
) -> None:
    service.load(archive("hostile/app:1"))
    row = service.registry(f"127.0.0.1:{hostile_registry.port}", name=hostile("registry"))
    socket = {"connectionType": "socket", "socketPath": "/none/<script>.sock"}
    for kind, fields in (("environments", socket), ("roles", {"grants": []})):
        assert service.ask("POST", f"/api/{kind}", {"name": hostile(kind), **fields})[0] == 201
        assert service.ask("POST", f"/api/{kind}", {"name": TURNED, **fields})[0] == 400, "a name must be visible"
    job = service.started("/api/images/push", {"imageId": "hostile/app:1", "registryId": row})
    assert service.ended([job])[job]["status"] == "error"
    with closing(http.client.HTTPConnection("127.0.0.1", service.port)) as stranger:
        body = json.dumps({"username": hostile("stranger") + TURNED, "password": "x"})
        stranger.request("POST", "/api/auth/login", body, {"Content-Type": "application/json"})
        assert stranger.getresponse().status == 401

    visit.expects("^(400|404|500|502|503) GET /api/(images|registry|registries|repositories|environments)")
    image = quote("hostile/app:1", safe="")
    for path in (
        "/",
        "/images",
        *(f"/images/{image}{tab}" for tab in ("", "/layers", "/config", "/places", "/timeline", "/findings")),
        f"/compare?a={image}&b={image}",
        "/registries",
        f"/registries/{row}",
        f"/registries/{row}?repository={quote(hostile('query'))}",
        "/environments",
        "/environments/2",
        "/jobs",
        f"/jobs/{job}",
        "/activity",
        f"/images?filter={quote(hostile('filter'))}",
        f"/images/{quote(hostile('path'), safe='')}",
        f"/repositories/{quote(hostile('repository'), safe='')}/tags",
        "/settings/tokens",
        "/settings/roles",
        "/settings/users",
        "/status",
        f"/login?next={quote(hostile('next'))}",
        "/security/findings",
    ):
        visit.open(path)
        visit.page.wait_for_function("() => !document.querySelector('[aria-busy=\"true\"]')")
        assert visit.page.evaluate("window.hacked ?? null") is None, path
        links = visit.page.eval_on_selector_all("a[href]", "all => all.map(each => each.protocol)")
        assert set(links) <= {"http:", "https:"}, path
        assert visit.page.locator("img[onerror], img[src=x]").count() == 0, path
    visit.open("/activity")
    expect(visit.page.get_by_role("table").get_by_text("onerror").first).to_be_visible()


MADE = "const made = (kind, fields) => document.body.append(Object.assign(document.createElement(kind), fields));"
ATTEMPTS = [
    "made('script', {textContent: 'window.hacked = 1'})",
    "made('script', {src: 'data:text/javascript,window.hacked=1'})",
    "made('div', {innerHTML: '<img src=x onerror=window.hacked=1>'})",
    "made('a', {href: 'javascript:window.hacked=1', id: 'led'}); document.getElementById('led').click()",
    "made('iframe', {src: 'javascript:parent.hacked=1'})",
    "made('base', {href: 'http://evil.test/', id: 'base'}); document.head.prepend(document.getElementById('base'))",
    "made('form', {action: 'http://evil.test/', id: 'sent'}); document.getElementById('sent').submit()",
    "fetch('http://evil.test/').catch(() => undefined)",
    "setTimeout(() => { try { eval('window.hacked = 1') } catch { window.stopped = true } })",
    "new Worker(URL.createObjectURL(new Blob(['postMessage(1)']))).onmessage = () => { window.hacked = 1 }",
]


def test_what_came_in_all_the_same_is_stopped_by_the_policy(visit: Visit) -> None:
    visit.expects(".")
    for tried in ATTEMPTS:
        visit.open("/jobs")
        visit.page.evaluate("() => addEventListener('securitypolicyviolation', () => { window.stopped = true })")
        visit.page.evaluate(f"() => {{ {MADE} try {{ {tried} }} catch {{ window.stopped = true }} }}")
        visit.page.wait_for_function("() => window.stopped || window.hacked")
        assert visit.page.evaluate("window.hacked ?? null") is None, tried
        assert visit.page.evaluate("document.baseURI").startswith(f"{visit.url}/"), tried
    visit.foreign.clear()
