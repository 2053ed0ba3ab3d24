"""Commands that a server carries out: a whole product in this process, and the program beside it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from lading.oci.platform import Platform
from lading.services.embedded.samples import sample_archive
from tests.fakes.service_folder import PASSWORD, ServiceFolder
from tests.fronts.rest_api import caller

AMD64 = Platform("linux", "amd64")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[caller.House]:
    with caller.house(tmp_path_factory.mktemp("house")) as running:
        yield running


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of another registry, which takes what everybody brings."""
    from lading.main.wired import Wired  # noqa: PLC0415  opened here alone

    flags = {"data": str(tmp_path_factory.mktemp("upstream") / "data"), "registry-port": 0}
    application = Wired.start({}, flags)
    with application.open_registry() as registry:
        yield registry.address
    application.close()


@pytest.fixture
def away(tmp_path: Path, house: caller.House) -> ServiceFolder:
    """The program of somebody who is logged in at the server, in a folder with `hello.tar`."""
    token = house.admin.post("/api/auth/tokens", {"name": tmp_path.name}).json["token"]
    (tmp_path / "data").mkdir()
    (tmp_path / "hello.tar").write_bytes(sample_archive("demo/hello:1", "hello", AMD64))
    surroundings = {"LADING_SERVER": house.running.api, "LADING_TOKEN": token, "HOME": str(tmp_path / "home")}
    return ServiceFolder(tmp_path / "data", surroundings)


@pytest.fixture
def here(tmp_path: Path, away: ServiceFolder) -> ServiceFolder:
    """The same program without a server."""
    return ServiceFolder(away.data, {"HOME": str(tmp_path / "home")})


def layout(tmp_path: Path, here: ServiceFolder) -> str:
    here("copy", f"archive:{tmp_path}/hello.tar", f"oci:{tmp_path}/D")
    return f"oci:{tmp_path}/D"


def test_content_of_this_machine_goes_to_the_servers_registry_as_it_is(
    away: ServiceFolder, here: ServiceFolder, house: caller.House, tmp_path: Path
) -> None:
    source, target = layout(tmp_path, here), f"{house.running.address}/demo/hello:1"

    pushed = away("push", source, target, "-q").out.strip()
    again = away("push", source, target, "--format", "json").json

    assert pushed == f"{target}@{here('digest', source).out.strip()}"
    assert again["totals"]["sent"] == 0
    assert [row["name"] for row in house.admin.get("/api/repositories/demo%2Fhello/tags").json] == ["1"]


def test_what_is_to_go_further_is_copied_by_the_server(
    away: ServiceFolder, here: ServiceFolder, house: caller.House, upstream: str, tmp_path: Path
) -> None:
    source = layout(tmp_path, here)

    pushed = away("push", source, f"{upstream}/team/app:1", "-q").out.strip()
    job = json.loads(away("jobs", "ls", "--format", "json").out)[0]
    away("push", source, f"{upstream}/team/app:2")

    assert pushed == f"{upstream}/team/app:1@{here('digest', source).out.strip()}"
    assert here("digest", f"{upstream}/team/app:2").out.strip() == pushed.rpartition("@")[2]
    assert (job["kind"], job["status"]) == ("copy", "done")
    assert "lading-sent/team/app" in {row["name"] for row in house.admin.get("/api/repositories").json}


def test_images_of_the_server_are_loaded_pushed_pulled_and_listed(
    away: ServiceFolder, upstream: str, tmp_path: Path
) -> None:
    loaded = away("load", f"{tmp_path}/hello.tar").out
    pushed = away("push", "demo/hello:1", f"{upstream}/there/hello:1").out
    pulled = away("pull", f"{upstream}/there/hello:1", "--format", "json").json
    copied = away("copy", f"{upstream}/there/hello:1", f"{upstream}/there/copy:1", f"{upstream}/there/copy:2", "-q").out
    away("tag", "demo/hello:1", "demo/other:1")
    names = {row["name"] for row in away("images", "--format", "json").json}
    away("rmi", "demo/other:1")
    left = away("images", "other", "-q").out
    inspected, history = away("inspect", "demo/hello:1", "--format", "json").json, away("history", "demo/hello:1").out
    (tmp_path / "out.tar.part").write_text("somebody's")
    (tmp_path / "nothing").symlink_to("/dev/null")
    away("save", "demo/hello:1", "-o", f"{tmp_path}/out.tar")
    away("save", "demo/hello:1", "-o", f"{tmp_path}/nothing")

    assert loaded.strip() == "demo/hello:1   loaded"
    assert pushed.startswith(f"{upstream}/there/hello:1@sha256:")
    assert pulled["image"] == f"{upstream}/there/hello:1"
    assert [line.partition("@")[0] for line in copied.split()] == [
        f"{upstream}/there/copy:1",
        f"{upstream}/there/copy:2",
    ]
    assert {"demo/hello:1", "demo/other:1"} <= names
    assert left == ""
    assert inspected["platform"] == "linux/amd64"
    assert "COPY" in history
    assert (tmp_path / "out.tar").stat().st_size > 1_000_000
    assert (tmp_path / "out.tar.part").read_text() == "somebody's"
    assert (tmp_path / "nothing").is_symlink()
    assert Path("/dev/null").is_char_device()
    assert list(tmp_path.glob(".out.tar.*")) == []


def test_registries_that_the_server_knows_are_looked_into(away: ServiceFolder, upstream: str, tmp_path: Path) -> None:
    away("load", f"{tmp_path}/hello.tar")
    away("push", "demo/hello:1", f"{upstream}/seen/hello:1")
    unknown = away.run("ls", upstream)
    away("registry", "add", "upstream", f"http://{upstream}")
    repositories, tags = away("ls", upstream).out.split(), away.json("ls", f"{upstream}/seen/hello")
    found = away("search", f"{upstream}/seen", "-q").out.split()
    away("registry", "rm", "upstream")

    assert unknown.code == 5
    assert "seen/hello" in repositories
    assert [row["reference"] for row in tags] == [f"{upstream}/seen/hello:1"]
    assert found == [f"{upstream}/seen/hello"]


def test_several_targets_are_done_or_told_one_by_one(away: ServiceFolder, upstream: str, tmp_path: Path) -> None:
    away("load", f"{tmp_path}/hello.tar")
    done, refused, digests = f"{upstream}/some/a:1", "127.0.0.1:1/no/where:1", tmp_path / "digests"
    keeping = ("--keep-going", "--digest-file", str(digests), "--format", "json")

    planned = away("push", "--dry-run", "demo/hello:1", done, "--digest-file", str(tmp_path / "none"))
    before = away.run("pull", done).code
    said = away.run("push", "demo/hello:1", refused, done, *keeping)
    first = away.run("push", "demo/hello:1", refused, done)

    assert "would be pushed" in planned.out
    assert (before, (tmp_path / "none").read_text()) == (5, "")
    assert (said.code, said.json[0]["targetTag"]) == (3, done)
    assert digests.read_text().startswith(f"{done}@sha256:")
    assert first.code == 7


def test_an_archive_comes_on_standard_input(
    away: ServiceFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stdin:
        buffer = BytesIO((tmp_path / "hello.tar").read_bytes())

    monkeypatch.setattr(sys, "stdin", Stdin())

    assert away("load").out.strip() == "demo/hello:1   loaded"


def test_a_job_that_is_not_waited_for_is_watched_later(away: ServiceFolder, upstream: str, tmp_path: Path) -> None:
    away("load", f"{tmp_path}/hello.tar")
    job = away("push", "--detach", "demo/hello:1", f"{upstream}/later/hello:1").out.strip()

    watched = away("jobs", "watch", job).out
    again = away("jobs", "retry", job, "-q").out.strip()

    assert watched.splitlines()[-1] == f"Image pushed to {upstream}/later/hello:1"
    assert away("jobs", "logs", job).out == watched
    assert away("jobs", "watch", again).out.splitlines()[0] == "Tagging image..."
    assert away("jobs", "show", job, "--format", "json").json["status"] == "done"
    assert away("jobs", "cancel", job).out.strip() == f"{job}   was over already: done"
    assert job in away("jobs", "ls", "--state", "done", "-q").out


def test_a_job_that_fails_ends_the_command_as_it_would_here(away: ServiceFolder, upstream: str) -> None:
    missing = away.run("pull", f"{upstream}/none/such:1")
    several = away.run("pull", "--keep-going", f"{upstream}/none/such:1", f"{upstream}/none/other:1")

    assert (missing.code, several.code) == (5, 5)
    assert "lading jobs retry" in missing.err
    assert missing.out == ""


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["digest", "a"], 2, "lading digest works on this machine alone"),
        (["rmi", "no/such:1"], 5, "Image not found"),
        (["push", "--lanes", "3", "a", "b/c"], 2, "--lanes says how this machine works"),
        (["push", "a", "oci:D"], 2, "a server cannot send to oci:D"),
        (["push", "--no-relay", "oci:D", "b/c"], 2, "--relay and --no-relay are for images of a server's Docker hosts"),
        (["images", "--env", "nowhere"], 5, "Environment not found"),
        (["jobs", "show", "0b6f2d9e-0d3c-4a8e-9d59-3a3c1e7b7b10"], 5, "Job not found"),
        (["images", "--token", "lad_wrong"], 4, "Unauthorized"),
        (["images", "--server", "http://127.0.0.1:1"], 10, "does not answer"),
        (["version", "--server", "http://127.0.0.1:1"], 2, "lading version works on this machine alone"),
    ],
)
def test_what_cannot_be_is_said(away: ServiceFolder, words: list[str], code: int, sentence: str) -> None:
    said = away.run(*words)

    assert (said.code, said.out) == (code, "")
    assert sentence in said.err


def test_what_no_docker_host_pushes_is_not_relayed(here: ServiceFolder) -> None:
    assert here.run("push", "--relay", "a/b").code == 2


def test_flags_for_a_server_need_one(here: ServiceFolder) -> None:
    said = here.run("images", "--detach")

    assert said.code == 2
    assert "--detach is for commands that a server carries out" in said.err


def test_commands_that_have_nothing_to_do_with_servers_work_beside_one(
    away: ServiceFolder, house: caller.House
) -> None:
    assert away("version").out.startswith("lading ")
    assert house.running.api in away("config", "show").out


def test_a_login_at_a_server_is_kept_and_taken_back(here: ServiceFolder, house: caller.House) -> None:
    api = house.running.api
    before = house.admin.get("/api/auth/tokens").json

    said = here("login", api, "-u", "admin", "--password-stdin", stdin=PASSWORD)
    kept = here("login", "--list", "-q").out.split()
    listed = here("images", "--server", api)
    wrong = here.run("login", api, "-u", "admin", "--password-stdin", stdin="wrong")
    out = here("logout", api)
    gone = here.run("images", "--server", api)

    assert said.out == f"{api}   logged in as admin\n"
    assert kept == [api]
    assert listed.out.startswith("REPOSITORY")
    assert (wrong.code, gone.code) == (4, 4)
    assert out.out == f"{api}   logged out\n"
    assert house.admin.get("/api/auth/tokens").json == before


def test_a_server_is_called_by_its_name(here: ServiceFolder, house: caller.House) -> None:
    here("login", house.running.api, "-u", "admin", "--password-stdin", stdin=PASSWORD)
    here("context", "create", "work", house.running.api)
    by_name = here("jobs", "ls", "--context", "work")
    here("context", "use", "work")
    chosen, current = here("jobs", "ls"), here("context", "ls").out
    back = here("context", "use", "default").out
    taken = here.run("context", "create", "work", house.running.api)
    unknown = here.run("jobs", "ls", "--context", "nowhere")
    wrong = here.run("context", "create", "other", "not an address")
    here("context", "rm", "work")

    assert chosen.out == by_name.out
    assert "work *" in current
    assert back.startswith("default   commands work on this machine")
    assert (taken.code, unknown.code, wrong.code) == (6, 5, 2)
    assert here("context", "ls", "-q").out == ""


def test_names_at_the_server_complete_a_word(away: ServiceFolder, tmp_path: Path) -> None:
    away("load", f"{tmp_path}/hello.tar")
    away("registry", "add", f"of-{tmp_path.name}", "registry.example")
    (job,) = away("jobs", "ls", "--kind", "import", "-n", "1", "-q").out.split()

    assert "demo/hello:1" in away.completed("rmi", "demo/he")
    assert away.completed("registry", "show", "of-") == [f"of-{tmp_path.name}"]
    assert job in away.completed("jobs", "watch", job[:8])
    assert away.completed("user", "show", "ad") == ["admin"]
    away("registry", "rm", f"of-{tmp_path.name}")


def test_names_that_were_there_lately_complete_a_word_when_nobody_answers(away: ServiceFolder, tmp_path: Path) -> None:
    away("load", f"{tmp_path}/hello.tar")
    away.completed("rmi", "demo/he")
    kept = tmp_path / "home" / ".cache" / "lading" / "names.json"
    rows = {
        key.replace(away.environment["LADING_SERVER"], "http://127.0.0.1:1"): {**row, "at": row["at"] - 60}
        for key, row in json.loads(kept.read_text()).items()
    }
    kept.write_text(json.dumps(rows))
    gone = ServiceFolder(away.data, {**away.environment, "LADING_SERVER": "http://127.0.0.1:1"})

    assert gone.completed("rmi", "demo/he") == ["demo/hello:1"]
    assert gone.completed("registry", "show", "") == []
    assert kept.stat().st_mode & 0o077 == 0
    kept.write_text("no JSON")
    assert gone.completed("rmi", "demo/he") == []


def test_a_scan_that_nothing_is_known_for_fails_as_it_would_here(away: ServiceFolder, tmp_path: Path) -> None:
    away("load", f"{tmp_path}/hello.tar")

    said = away.run("scan", "demo/hello:1")

    assert (said.code, said.out) == (1, "")
    assert "job " in said.err


def test_rules_of_retention_are_previewed_and_carried_out_there(
    away: ServiceFolder, house: caller.House, tmp_path: Path
) -> None:
    away("push", f"archive:{tmp_path}/hello.tar", f"{house.running.address}/kept/hello:1")

    preview = away("policy", "preview", "kept/hello").out
    run = away("policy", "run", "kept/hello")
    swept = away("gc", "--dry-run", "--format", "json").json

    assert preview.splitlines()[1].split()[:2] == ["1", "stays"]
    assert "job " in run.err
    assert swept["dryRun"] is True


def test_who_may_not_read_the_passing_repository_has_nothing_copied_from_it(
    house: caller.House, away: ServiceFolder, upstream: str, tmp_path: Path
) -> None:
    away("push", f"archive:{tmp_path}/hello.tar", f"{house.running.address}/secret/hello:1")
    role = house.role("elsewhere", {"permissions": ["images:push", "images:pull"], "repositories": ["*/else/*"]})
    somebody = house.user("somebody", role)
    body = {"source": f"{house.running.address}/secret/hello:1", "targets": [f"{upstream}/else/hello:1"], "own": True}

    refused, allowed = somebody.post("/api/images/copy", body), house.admin.post("/api/images/copy", body)

    assert refused.brief == (403, "Permission denied")
    assert caller.done(house.admin, allowed.json["jobId"])["status"] == "done"


def test_the_registrys_address_is_told_to_who_is_logged_in(house: caller.House) -> None:
    told = house.admin.get("/api/registry/address").json

    assert told == {"url": None, "port": int(house.running.address.rpartition(":")[2]), "tls": False}
    assert house.nobody.get("/api/registry/address").status == 401
