"""Signatures: keys that rules name, a repository's rule, what it says of each tag, and pushes that sign."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.test_repository_pages import own_registry, pushed
from tests.browser.visit import Visit
from tests.peers.service_process import PASSWORD, Service

REPOSITORY = "signed/app"
HALF_A_MINUTE = 30_000
PASSPHRASE = "a passphrase of many words"
POLICY = """
[[rule]]
images = ["127.0.0.1:*/signed/*"]
mode = "report"
keys = ["release.pub"]
"""


@pytest.fixture(scope="module")
def public_key(program: Sequence[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the pair `release`; the private half lies beside it."""
    folder = tmp_path_factory.mktemp("keys")
    surroundings = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LADING_TRUST_PASSPHRASE": PASSPHRASE}
    command = [*program, "trust", "key", "generate", "release", "--out", str(folder / "release")]
    subprocess.run(command, env=surroundings, check=True, capture_output=True)
    return folder / "release.pub"


@pytest.fixture(scope="module")
def service(program: Sequence[str], public_key: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One that may sign what it pushes, and says of what it pulls whether `release` signed it."""
    policy = public_key.with_name("policy.toml")
    policy.write_text(POLICY)
    settings = {
        "LADING_TRUST_KEY": str(public_key.with_suffix(".key")),
        "LADING_TRUST_PASSPHRASE": PASSPHRASE,
        "LADING_TRUST_POLICY": str(policy),
    }
    made = Service(tmp_path_factory.mktemp("service") / "data", settings, program=program)
    with made.running():
        own_registry(made)
        yield made


@pytest.fixture
def visit(visiting: Callable[..., Visit], service: Service) -> Visit:
    """The admin, at the server that may sign."""
    made = visiting(f"http://127.0.0.1:{service.port}")
    made.log_in("admin", PASSWORD)
    return made


def test_a_key_is_pasted_and_a_rule_asks_for_it(visit: Visit, service: Service, public_key: Path) -> None:
    assert pushed(service, "1.0", "nobodys", REPOSITORY)[0] == 200
    page = visit.page
    visit.open("/settings/keys")
    expect(page.get_by_text("No key yet")).to_be_visible()
    page.get_by_role("button", name="Add a key").click()
    form = page.get_by_role("dialog", name="Add a signing key")
    form.get_by_label("Name").fill("release")
    form.get_by_label("Public key (PEM)").fill("no key at all")
    visit.expects("400 POST /api/trust/keys")
    form.get_by_role("button", name="Add").click()
    expect(form.get_by_role("alert")).to_be_visible()
    form.get_by_label("Public key (PEM)").fill(public_key.read_text())
    visit.check("signing-key-form")
    form.get_by_role("button", name="Add").click()
    expect(page.get_by_role("row", name=re.compile("^release"))).to_contain_text("by admin")
    visit.check("signing-keys")

    visit.open(f"/repositories/{REPOSITORY.replace('/', '%2F')}/trust")
    page.get_by_role("radio", name=re.compile("^Enforce")).check()
    page.get_by_role("checkbox", name="release").check()
    page.get_by_role("checkbox", name=re.compile("The tag must be signed")).check()
    visit.check("repository-trust", full=True)
    page.get_by_role("button", name="Keep the rule").click()
    expect(page.get_by_text("This holds from now on.")).to_be_visible()
    page.reload()
    expect(page.get_by_role("radio", name=re.compile("^Enforce"))).to_be_checked()
    expect(page.get_by_role("checkbox", name="release")).to_be_checked()
    expect(page.get_by_text("signed only")).to_be_visible()


def test_a_push_that_signs_is_trusted_and_the_other_is_not(visit: Visit, service: Service) -> None:
    page = visit.page
    visit.open("/images")
    page.get_by_role("button", name=re.compile(r"Actions on .*:nobodys")).click()
    page.get_by_role("menuitem", name="Push").click()
    form = page.get_by_role("dialog")
    form.get_by_label("Name and tag there").fill(f"{REPOSITORY}:1.1")
    form.get_by_text("More: tags").click()
    form.get_by_label("Sign it with this server’s key").check()
    push = form.get_by_role("button", name="Push").last
    expect(push).to_be_enabled()
    visit.check("push-signed")
    push.click()
    expect(page.get_by_role("strong").filter(has_text="Image pushed to")).to_be_visible(timeout=HALF_A_MINUTE)

    visit.open(f"/repositories/{REPOSITORY.replace('/', '%2F')}/tags")
    expect(page.get_by_role("row", name=re.compile(r"^1\.1"))).to_contain_text("signed")
    expect(page.get_by_role("row", name=re.compile(r"^1\.0"))).to_contain_text("not trusted")
    visit.check("repository-signed-tags")
    page.get_by_role("button", name="signed", exact=True).click()
    told = page.get_by_role("dialog", name=re.compile("Signatures"))
    expect(told).to_contain_text("Signed by release")
    expect(told.get_by_role("list")).to_contain_text("bound to the tag 1.1")
    visit.check("tag-trusted")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Actions on 1.0").click()
    page.get_by_role("menuitem", name="Signatures").click()
    expect(told).to_contain_text("It is refused.")
    visit.check("tag-not-trusted")
    page.set_viewport_size({"width": 390, "height": 844})
    visit.check("tag-not-trusted-narrow")


def test_an_image_shows_who_signed_it_at_its_registry(visit: Visit, service: Service) -> None:
    host = f"127.0.0.1:{service.registry_port}"
    image = f"{host}/{REPOSITORY}:1.1"
    assert service.ask("POST", "/api/images/pull", {"image": image}, {"Accept": "application/json"})[0] == 200
    page = visit.page
    visit.open(f"/images/{image.replace('/', '%2F')}/signatures")
    expect(page.get_by_role("main")).to_contain_text("Signed by release")
    expect(page.get_by_role("list", name=f"Signatures of {image}")).to_contain_text("Sigstore")
    visit.check("image-signatures", full=True)
    visit.open("/images")
    expect(page.get_by_role("row").filter(has_text=image)).to_contain_text("signed")


def test_what_was_pushed_but_not_signed_says_so_first(visit: Visit, service: Service) -> None:
    """As a Docker host leaves it whose signature failed: tests/services/test_push_signing makes one."""
    jobs = json.loads(service.text("GET", "/api/jobs")[1])
    job = service.job(next(each["id"] for each in jobs if each["kind"] == "push"))
    error = f"{REPOSITORY}:1.1 is pushed but unsigned"
    failure = {"status": "error", "error": error, "code": "pushed_unsigned", "side": "lading", "hint": "Sign it."}
    told = {**job, "status": "error", "result": failure}
    page = visit.page
    page.route(re.compile(rf"/api/jobs/{job['id']}\b"), lambda route: route.fulfill(json=told))
    visit.open(f"/jobs/{job['id']}")
    expect(page.get_by_role("alert")).to_contain_text("pushed, but unsigned")
    expect(page.get_by_role("alert")).to_contain_text("Sign it.")
    visit.check("job-unsigned")


def test_a_fresh_server_says_no_green_word_of_what_was_never_scanned(visit: Visit) -> None:
    page = visit.page
    visit.open("/")
    expect(page.get_by_text("not scanned")).to_be_visible()
    visit.check("overview-unscanned", full=True)
