from __future__ import annotations

import pytest

from lading import __version__
from lading.oci.reference import Repository
from tests.fakes.application import Call, MemoryApplication
from tests.fakes.images import ARM64, put_image, put_index
from tests.fakes.memory import MemoryStore

WEB = "docker.io/library/web:1"


@pytest.fixture
def application() -> MemoryApplication:
    return MemoryApplication()


def test_version_opens_nothing(application: MemoryApplication) -> None:
    call = Call(application, ["version"])

    assert call.out.startswith(f"lading {__version__} ")
    assert Call(application, ["version", "-q"]).out == f"{__version__}\n"
    assert Call(application, ["version", "--format", "json"]).json["version"] == __version__
    assert application.opened == 0


def test_images_are_listed_as_docker_does(application: MemoryApplication) -> None:
    image = put_image(application.places.own, tag=WEB)
    absent = put_image(application.places.layout("D"), [b"arm"], platform=ARM64)
    put_index(application.places.own, [image, absent], tag="ghcr.io/acme/db:2")

    lines = Call(application, ["images"]).out.splitlines()

    assert lines[0].split() == ["REPOSITORY", "TAG", "IMAGE", "ID", "PLATFORMS", "PULLED", "SIZE"]
    assert lines[1].split()[:4] == ["web", "1", image.digest.short, "linux/amd64"]
    assert lines[2].split()[:2] + lines[2].split()[3:6] == ["ghcr.io/acme/db", "2", "1", "of", "2"]
    assert Call(application, ["images", "-q", "web"]).out == f"{WEB}@{image.digest}\n"
    assert Call(application, ["images", "--format", "{{.Repository}}:{{.Tag}}"]).out == "web:1\nghcr.io/acme/db:2\n"
    assert [each["reference"] for each in Call(application, ["images", "--format", "json"]).json] == [
        WEB,
        "ghcr.io/acme/db:2",
    ]


def test_an_image_that_lost_its_last_name_is_listed_without_one(application: MemoryApplication) -> None:
    root = put_image(application.places.own)
    application.places.own.names[str(root.digest)] = root

    assert Call(application, ["images"]).out.splitlines()[1].split()[:3] == ["<none>", "<none>", root.digest.short]
    assert Call(application, ["images", "-q"]).out == f"{root.digest}\n"
    (record,) = Call(application, ["images", "--format", "json"]).json
    assert (record["reference"], record["repository"], record["tag"]) == (None, None, None)
    assert Call(application, ["images", "-q", "sha256"]).out == ""
    assert Call(application, ["rmi", root.digest.encoded[:12]]).out.startswith(f"{root.digest}   removed\n")


def test_no_images_are_an_empty_list(application: MemoryApplication) -> None:
    assert Call(application, ["images", "--format", "json"]).json == []


def test_names_are_given_and_taken(application: MemoryApplication) -> None:
    root = put_image(application.places.own, tag=WEB)

    tagged = Call(application, ["tag", "web:1", "web:2"])
    untagged = Call(application, ["untag", "web:2"])
    removed = Call(application, ["rmi", "web:1"])

    assert tagged.out == f"docker.io/library/web:2   is {WEB}@{root.digest}\n"
    assert untagged.out == "docker.io/library/web:2   untagged\n"
    assert removed.out == f"{WEB}   removed\nfreed 300 B in 3 pieces\n"


def test_a_remote_tag_is_taken_only_when_it_is_said(application: MemoryApplication) -> None:
    repository = application.places.registry(Repository("registry.test", "web"))
    put_image(repository, tag="1")

    assert Call(application, ["untag", "registry.test/web:1"]).code == 5
    assert Call(application, ["untag", "--remote", "registry.test/web:1"]).code == 0
    assert repository.names == {}


def test_remote_tags_that_are_gone_are_told_where_another_is_not_there(application: MemoryApplication) -> None:
    put_image(application.places.registry(Repository("registry.test", "web")), tag="1")

    call = Call(application, ["untag", "--remote", "registry.test/web:1", "registry.test/web:2"])

    assert (call.code, call.out) == (5, "registry.test/web:1   untagged\n")
    assert "error: registry.test/web:2 does not exist" in call.err


def test_gc_says_what_went_or_would(application: MemoryApplication) -> None:
    assert Call(application, ["gc"]).out == "freed 300 B in 3 pieces\n"
    assert Call(application, ["gc", "-n"]).out == "would free 300 B in 0 pieces\n"
    none = {"pieces": 0, "bytes": 0}
    assert Call(application, ["gc", "--format", "json"]).json == {
        "removed": 3,
        "bytes": 300,
        "dryRun": False,
        "usedLately": none,
        "unfinished": none,
        "notes": [],
    }


def test_inspect_shows_platforms_and_layers(application: MemoryApplication) -> None:
    root = put_image(application.places.own, tag=WEB)

    text = Call(application, ["inspect", "web:1"]).out
    record = Call(application, ["inspect", "web:1", "--format", "json"]).json

    assert text.startswith(f"{WEB}@{root.digest}\n  in the local store")
    assert "linux/amd64" in text
    assert record["platforms"][0]["platform"] == "linux/amd64"
    assert len(record["platforms"][0]["layers"]) == 2


def test_diff_says_when_two_names_are_one_image(application: MemoryApplication) -> None:
    root = put_image(application.places.own, tag=WEB)
    application.places.own.names["docker.io/library/web:2"] = root
    put_image(application.places.own, [b"first layer", b"third"], tag="docker.io/library/web:3")

    same = Call(application, ["diff", "web:1", "web:2"])
    other = Call(application, ["diff", "web:1", "web:3"])

    assert same.out.splitlines()[-1] == "the same image, byte for byte"
    assert "  1 layer shared, 11 B" in other.out.splitlines()
    assert Call(application, ["diff", "web:1", "web:3", "--format", "json"]).json["same"] is False


def test_history_lists_layers_that_nobody_wrote_down(application: MemoryApplication) -> None:
    put_image(application.places.own, tag=WEB)

    lines = Call(application, ["history", "web:1"]).out.splitlines()

    assert lines[0].split() == ["LAYER", "SIZE", "STEP"]
    assert len(lines) == 3


def test_the_history_of_two_platforms_is_refused(application: MemoryApplication) -> None:
    put_image(application.places.own, tag=WEB)

    refused = Call(application, ["history", "web:1", "--platform", "linux/amd64", "--platform", "linux/arm64"])

    assert refused.code == 2
    assert "one platform is needed here, not 2: linux/amd64, linux/arm64" in refused.err


def test_a_digest_is_printed_alone(application: MemoryApplication) -> None:
    root = put_image(application.places.registry(Repository("registry.test", "web")), tag="1")

    assert Call(application, ["digest", "registry.test/web:1"]).out == f"{root.digest}\n"


def test_ls_and_search_print_a_name_a_line(application: MemoryApplication) -> None:
    assert Call(application, ["ls", "registry.test/acme/web"]).out == "1\n2\n"
    assert Call(application, ["ls", "registry.test/acme/web", "-q"]).out == (
        "registry.test/acme/web:1\nregistry.test/acme/web:2\n"
    )
    assert Call(application, ["ls", "registry.test"]).out == "acme/db\nacme/web\nother/web\n"
    assert Call(application, ["search", "registry.test/db", "--format", "json"]).json == [
        {"name": "acme/db", "reference": "registry.test/acme/db"}
    ]


def test_a_search_without_a_host_is_docker_hubs(application: MemoryApplication) -> None:
    (found,) = Call(application, ["search", "nginx", "--format", "json"]).json

    assert Call(application, ["search", "nginx"]).out == "library/nginx\n"
    assert found["reference"] == "docker.io/library/nginx"
    assert {"description", "stars", "official"} < set(found)


def test_an_image_of_a_docker_host_is_a_source(application: MemoryApplication) -> None:
    root = put_image(application.places.docker.setdefault("web:1", MemoryStore("the Docker host")), tag=WEB)

    copied = Call(application, ["copy", "docker:web:1", "registry.test/web:1"])
    pushed = Call(application, ["push", "docker:web:1", "registry.test/web:2"])
    saved = Call(application, ["save", "docker:web:1", "-o", "web.tar"])
    missing = Call(application, ["push", "docker:none:1", "registry.test/none:1"])

    assert (copied.code, pushed.code, saved.code, missing.code) == (0, 0, 0, 5)
    names = application.places.registry(Repository("registry.test", "web")).names
    assert {tag: held.digest for tag, held in names.items()} == {"1": root.digest, "2": root.digest}
    assert application.places.archives["web.tar"].names[WEB].digest == root.digest


def test_a_docker_host_is_a_target_and_gets_its_own_platform(application: MemoryApplication) -> None:
    registry = application.places.registry(Repository("registry.test", "web"))
    children = [put_image(registry, [b"amd64"]), put_image(registry, [b"arm64"], platform=ARM64)]
    index = put_index(registry, children, tag="1")
    application.places.docker_platforms["prod"] = ARM64

    copied = Call(application, ["copy", "registry.test/web:1", "docker:prod//web:2"])
    pulled = Call(application, ["pull", "registry.test/web:1", "--to", "docker:"])
    both = Call(application, ["copy", "registry.test/web:1", "docker:both:1", "--platform", "all"])

    assert (copied.code, pulled.code, both.code) == (0, 0, 0), copied.err + pulled.err + both.err
    assert copied.out.startswith("docker:prod//docker.io/library/web:2@sha256:")
    held = application.places.docker
    assert held["docker.io/library/web:2"].names["docker.io/library/web:2"].digest == children[1].digest
    assert held["registry.test/web:1"].names["registry.test/web:1"].digest == children[0].digest
    assert held["docker.io/library/both:1"].names["docker.io/library/both:1"].digest == index.digest


@pytest.mark.parametrize("to", ["registry.test/web", "oci:layout", "docker:web:1"])
def test_a_pull_goes_into_our_store_or_a_docker_host(application: MemoryApplication, to: str) -> None:
    assert Call(application, ["pull", "registry.test/web:1", "--to", to]).code == 2


def test_a_login_is_checked_kept_and_never_shown(application: MemoryApplication) -> None:
    call = Call(application, ["login", "registry.test", "-u", "alice", "--password-stdin"], stdin=b"s3cret\n")

    assert call.out == "registry.test   logged in as alice\n"
    assert application.own_logins.kept == {"registry.test": ("alice", "s3cret")}
    assert "s3cret" not in call.out + call.err
    assert Call(application, ["login", "--list"]).out.splitlines()[1].split() == ["registry.test", "alice"]
    assert Call(application, ["logout", "registry.test"]).out == "registry.test   logged out\n"


@pytest.mark.parametrize(("flags", "told"), [([], "docker logout registry.test"), (["--docker"], "lading logout")])
def test_a_logout_from_where_nobody_logged_in_is_done_already(
    application: MemoryApplication, flags: list[str], told: str
) -> None:
    call = Call(application, ["logout", *flags, "registry.test"])

    assert (call.code, call.out) == (0, "registry.test   not logged in\n")
    assert told in call.err
    assert Call(application, ["logout", "registry.test", "-q"]).out == "registry.test\n"
    assert Call(application, ["logout", "registry.test", "--format", "json"]).json["loggedOut"] is False


@pytest.mark.parametrize(
    "arguments",
    [
        ["login", "registry.test", "-u", "alice", "-p", "s3cret"],
        ["login", "registry.test", "--password=s3cret"],
        ["login", "registry.test", "alice", "s3cret"],
        ["pull", "registry.test/web", "-u", "alice", "--password", "s3cret"],
    ],
)
def test_a_password_as_an_argument_is_refused_and_the_right_form_shown(
    application: MemoryApplication, arguments: list[str]
) -> None:
    call = Call(application, arguments)

    assert call.code == 2
    assert "--password-stdin" in call.err
    assert "s3cret" not in call.err
    assert application.own_logins.kept == {}


def test_an_empty_password_is_told_as_one(application: MemoryApplication) -> None:
    call = Call(application, ["login", "registry.test", "-u", "alice", "--password-stdin"])

    assert call.code == 2
    assert "error: no password came on standard input" in call.err


def test_a_login_without_a_password_and_a_terminal_is_refused(application: MemoryApplication) -> None:
    assert Call(application, ["login", "registry.test", "-u", "alice"]).code == 2


def test_settings_are_shown_with_their_origin(application: MemoryApplication) -> None:
    plain, origin = Call(application, ["config"]), Call(application, ["config", "show", "--origin"])

    assert plain.out.splitlines()[1].split() == ["lanes", "8"]
    assert plain.out.splitlines()[3].split() == ["host", "127.0.0.1", "(default)"]
    assert origin.out.splitlines()[1].split() == ["lanes", "8", "LADING_LANES"]
    assert origin.out.splitlines()[2].split() == ["password", "(set)", "LADING_PASSWORD_FILE"]
    assert origin.out.splitlines()[3].split() == ["host", "127.0.0.1", "default"]
    assert Call(application, ["config", "path"]).out == "/home/alice/.config/lading/config.toml\n"
    assert Call(application, ["config", "validate"]).code == 0


def test_doctor_tells_each_check_and_fails_when_one_does(application: MemoryApplication) -> None:
    well = Call(application, ["doctor", "registry.test"])
    application.machine.bytes_free = 5
    unwell = Call(application, ["doctor"])

    assert (well.code, unwell.code) == (0, 1)
    assert all(line.startswith("ok ") for line in well.out.splitlines())
    assert "FAIL  disk     0.0 GB free for /data  →  lading gc" in unwell.out.splitlines()
    assert "try:   What stands at the end of that line, after the arrow" in unwell.err
    assert {line[19:20] for line in well.out.splitlines()} == {" "}, "a long name moves the texts of all"
    assert Call(application, ["doctor", "--format", "json"]).json[1]["well"] is False


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_each_shell(application: MemoryApplication, shell: str) -> None:
    call = Call(application, ["completion", shell])

    assert call.code == 0
    assert "_LADING_COMPLETE" in call.out


def test_openapi_prints_the_description_whatever_else_is_asked(application: MemoryApplication) -> None:
    for flags in ([], ["--quiet"], ["--format", "table"]):
        assert Call(application, [*flags, "openapi"]).json == application.api_description()
