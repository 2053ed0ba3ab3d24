"""The examples of the published documents as they are written there: curl through a shell, JavaScript in Chromium.

Their text is in `mission/`, byte for byte. What a reader has to put in is put in here, and each such place has to be
there: the session, ids, and the private registry's host. The service's own host is left as it is; curl and Chromium are
told where it is.
"""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright

from tests.peers import chromium
from tests.peers.mission_place import ENVIRONMENTS, HOST, Place, lines_of
from tests.peers.service_process import BOUND_SECONDS, PASSWORD, Json

pytestmark = pytest.mark.peer("dockerd", "docker-registry", "htpasswd", "skopeo", "curl", "chromium")

EXAMPLES = Path(__file__).parent / "mission"
Filled = Mapping[str, str]
Shell = Callable[[str, bool], tuple[int, Json]]


def example(name: str, filled: Filled) -> str:
    """Its text with what a reader puts in."""
    text = (EXAMPLES / name).read_text()
    for gap, value in filled.items():
        assert gap in text, f"{name} has no {gap}"
        text = text.replace(gap, value)
    return text


@pytest.fixture(scope="module")
def shell(mission: Place, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """Runs an example as a person does who has a `.curlrc`; with `token`, it logs in. Status and body."""
    home = tmp_path_factory.mktemp("home")
    port = mission.service.port

    def run(command: str, token: bool) -> tuple[int, Json]:
        rows = [f'connect-to = "{HOST}:443:127.0.0.1:{port}"', f'cacert = "{mission.authority.certificate}"']
        rows += ["silent", r'write-out = "\n%{http_code}"']
        if token:
            rows.append(f'header = "Authorization: Bearer {mission.service.token}"')
        (home / ".curlrc").write_text("\n".join(rows) + "\n")
        surroundings = {"PATH": os.environ["PATH"], "HOME": str(home)}
        done = subprocess.run(
            ["sh", "-c", command], capture_output=True, env=surroundings, timeout=BOUND_SECONDS, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        body, _, status = done.stdout.decode().rpartition("\n")
        return int(status), json.loads(body)

    return run


def env(mission: Place, kind: str) -> Filled:
    return {"env=1": f"env={mission.environments[kind]}"}


def waiting(command: str) -> str:
    """The same, with the header by which the documents ask for the result at once."""
    return command.replace("-H 'Content-Type", "-H 'Accept: application/json' -H 'Content-Type")


def forget(mission: Place, kind: str, image: str) -> None:
    """An environment without that image."""
    mission.ask("DELETE", f"/api/images/{image}?env={mission.environments[kind]}&force=true")


# ── curl


@pytest.mark.parametrize("kind", ENVIRONMENTS)
def test_push_to_docker_hub(mission: Place, shell: Shell, kind: str) -> None:
    image = mission.bring(kind, "myapp:latest")
    filled = {
        "session=...": mission.cookie(),
        "sha256:abc123...": image,
        '"registryId": 1': f'"registryId": {mission.registries["hub"]}',
        **env(mission, kind),
    }
    command = example("push_to_docker_hub.sh", filled)

    status, made = shell(command, False)
    job = mission.ended(made["jobId"])
    waited = shell(waiting(command), False)

    assert (status, list(made)) == (200, ["jobId"])
    assert str(uuid.UUID(str(made["jobId"]))) == made["jobId"]
    assert job["status"] == "done", job
    assert waited[0] == 200
    assert {name: waited[1][name] for name in ("status", "message", "targetTag")} == {
        "status": "complete",
        "message": "Image pushed to username/myapp:v1.0",
        "targetTag": "username/myapp:v1.0",
    }
    assert waited[1]["digest"] == mission.answers(mission.hub, "username/myapp", "v1.0")


@pytest.mark.parametrize("kind", ENVIRONMENTS)
@pytest.mark.parametrize("registry", ["private", "secure"])
def test_push_to_private_registry(mission: Place, shell: Shell, kind: str, registry: str) -> None:
    image = mission.bring(kind, "app:latest")
    filled = {
        "sha256:def456...": image,
        '"registryId": 2': f'"registryId": {mission.registries[registry]}',
        **env(mission, kind),
    }
    command = example("push_to_private_registry.sh", filled)

    stranger = shell(command, False)
    status, made = shell(command, True)
    waited = shell(waiting(command), True)

    running = mission.secure if registry == "secure" else mission.private
    target = f"{running.host}/app:production"
    assert stranger == (401, {"error": "Unauthorized", "message": "Authentication required"})
    assert (status, mission.ended(made["jobId"])["status"]) == (200, "done")
    assert waited[0] == 200
    assert waited[1]["targetTag"] == target
    assert waited[1]["message"] == f"Image pushed to {target}"
    assert waited[1]["digest"] == mission.answers(running, "app", "production")


@pytest.mark.parametrize("kind", ENVIRONMENTS)
def test_pull_public_image(mission: Place, shell: Shell, kind: str) -> None:
    forget(mission, kind, "nginx:latest")
    filled = {"session=...": mission.cookie(), **env(mission, kind)}

    status, made = shell(example("pull_public_image.sh", filled), False)
    job = mission.ended(made["jobId"])

    assert (status, list(made), job["status"]) == (200, ["jobId"], "done")
    told = lines_of(job)
    statuses = [line.get("status") for line in told]
    assert not [status for status in statuses if "scan" in str(status)]  # no scanner is set here
    last = "Pull complete" if "Pull complete" in statuses else "Already exists"  # our engine keeps layers for a while
    assert statuses.index("Pulling fs layer") < statuses.index(last)
    assert told[-1]["status"] == "complete"
    assert "nginx:latest" in str(told[-1]["message"])


@pytest.mark.parametrize("kind", ENVIRONMENTS)
def test_pull_private_registry_image(mission: Place, shell: Shell, kind: str) -> None:
    image = mission.bring("embedded", "app:private")
    registry = mission.registries["secure"]
    assert mission.push("embedded", imageId=image, registryId=registry, newTag="app:v2.1.0").status == 200
    filled = {"registry.company.com": mission.secure.host, **env(mission, kind)}

    _, made = shell(example("pull_private_registry_image.sh", filled), True)

    assert mission.ended(made["jobId"])["status"] == "done"
    found = mission.ask("GET", f"/api/images/{mission.secure.host}%2Fapp:v2.1.0?env={mission.environments[kind]}")
    assert found.status == 200


@pytest.mark.parametrize("kind", ENVIRONMENTS)
def test_pull_with_digest(mission: Place, shell: Shell, kind: str) -> None:
    digest = mission.answers(mission.hub, "library/nginx", "latest")
    command = example("pull_with_digest.sh", {"sha256:abc123def456...": digest})
    mission.ask("POST", f"/api/environments/{mission.environments[kind]}/default")

    try:
        status, pulled = shell(waiting(command), True)
    finally:
        mission.ask("POST", "/api/environments/1/default")

    assert (status, pulled["status"]) == (200, "complete"), pulled
    assert pulled["image"] == f"nginx@{digest}"
    assert pulled["digest"] == digest


# ── docker's own command, at our registry


def test_registry_image_push(mission: Place, tmp_path: Path) -> None:
    """Two commands need more than the page says: a login its name, and version 2.4.0 its build."""
    ours = f"127.0.0.1:{mission.service.registry_port}"
    (tmp_path / "Dockerfile").write_text("FROM scratch\nCOPY shared /shared\n")
    (tmp_path / "shared").write_text("the same in every version")
    surroundings = {
        "PATH": f"/usr/bin:{os.environ['PATH']}",
        "HOME": str(tmp_path / "home"),
        "DOCKER_HOST": f"unix://{mission.docker.socket}",
    }

    def docker(command: str, given: bytes = b"") -> tuple[int, str]:
        done = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, env=surroundings, input=given, capture_output=True, check=False
        )
        return done.returncode, (done.stdout + done.stderr).decode()

    commands = example("registry_image_push.sh", {"registry.example.com": ours}).splitlines()
    build, tag, push, login, again, push_next, pull = commands
    built = docker(build), docker(tag)
    stranger = docker(push)
    logged_in = docker(f"{login} -u admin --password-stdin", mission.service.token.encode())
    pushed = docker(again)
    (tmp_path / "Dockerfile").write_text("FROM myapi:2.3.0\nCOPY Dockerfile /\n")
    docker(f"docker build -t {ours}/myteam/myapi:2.4.0 .")
    pushed_next = docker(push_next)
    docker(f"docker image rm {ours}/myteam/myapi:2.3.0 myapi:2.3.0")
    pulled = docker(pull)

    assert [code for code, _ in built] == [0, 0], built
    assert stranger[0] == 1
    assert logged_in[0] == 0, logged_in
    assert (pushed[0], "2.3.0: digest: sha256:" in pushed[1]) == (0, True), pushed
    assert (pushed_next[0], "Layer already exists" in pushed_next[1]) == (0, True), pushed_next
    assert pulled[0] == 0, pulled
    assert mission.service.token not in str([stranger, logged_in, pushed, pushed_next, pulled])


# ── JavaScript, on a page of the service's own


@pytest.fixture(scope="module")
def page(mission: Place, playing: Playwright) -> Iterator[Page]:
    """Somebody who has logged in with the form, and looks at the status page."""
    with chromium.launched(
        playing, f"--host-resolver-rules=MAP {HOST}:443 127.0.0.1:{mission.service.port}"
    ) as browser:
        # The page's policy lets no script run, for it needs none; a site with an app of its own has another.
        context = browser.new_context(ignore_https_errors=True, bypass_csp=True)
        page = context.new_page()
        page.goto(f"https://{HOST}/login?next=/status")
        page.fill("#username", "admin")
        page.fill("#password", PASSWORD)
        page.click("button")
        page.wait_for_url("**/status")
        yield page
        context.close()


KEEP_THE_CONSOLE = """() => {
  window.told = [];
  const shown = (value) => typeof value === "object" ? JSON.stringify(value) : String(value);
  for (const name of ["log", "error"]) {
    console[name] = (...values) => window.told.push(values.map(shown).join(" "));
  }
}"""


def run(page: Page, script: str, last: str) -> list[str]:
    """What the script writes to the console, up to the line that begins with `last`."""
    page.reload()
    page.evaluate(KEEP_THE_CONSOLE)
    page.add_script_tag(content=script, type="module")
    over = "last => window.told.some(line => line.startsWith(last))"
    page.wait_for_function(over, arg=last, timeout=BOUND_SECONDS * 1000)
    told = page.evaluate("window.told")
    assert isinstance(told, list)
    return told


@pytest.mark.parametrize("kind", ENVIRONMENTS)
def test_push_with_progress_tracking(mission: Place, page: Page, kind: str) -> None:
    image = mission.bring(kind, "myapp:latest")
    private = f"registryId: {mission.registries['private']}"
    filled = {"sha256:abc123...": image, "registryId: 1": private, **env(mission, kind)}

    told = run(page, example("push_with_progress_tracking.js", filled), "Push")

    assert told == [f"Push complete: {mission.private.host}/myapp:v2.0"]


def test_push_with_progress_tracking_that_fails(mission: Place, page: Page) -> None:
    image = mission.bring("socket", "myapp:latest")
    strange = f"registryId: {mission.registries['strange']}"
    filled = {"sha256:abc123...": image, "registryId: 1": strange, **env(mission, "socket")}

    (told,) = run(page, example("push_with_progress_tracking.js", filled), "Push")

    assert told.startswith("Push failed: TLS/HTTPS error. If your registry uses HTTP, add it to Docker's")


@pytest.mark.parametrize("kind", ENVIRONMENTS)
def test_stream_progress(mission: Place, page: Page, kind: str) -> None:
    forget(mission, kind, "nginx:latest")

    *progress, complete = run(page, example("stream_progress.js", env(mission, kind)), "Complete:")

    words = {line.removeprefix("Progress: ").removesuffix(" undefined") for line in progress}
    assert all(line.startswith("Progress: ") for line in progress)
    assert words & {"Pull complete", "Already exists"}, words
    result = json.loads(complete.removeprefix("Complete: "))
    assert result["status"] == "complete"
    assert result["image"] == "nginx:latest"
    assert result["digest"] == mission.answers(mission.hub, "library/nginx", "latest")
