from __future__ import annotations

import json
from pathlib import Path

import pytest

from lading.engine.stores import TagMoved
from lading.oci.digest import Digest
from lading.oci.reference import Repository
from tests.fakes.application import Call, MemoryApplication
from tests.fakes.images import AMD64, ARM64, put_image, put_index
from tests.fakes.memory import MemoryRepository

WEB = "registry.test/acme/web:1"


@pytest.fixture
def application() -> MemoryApplication:
    return MemoryApplication()


@pytest.fixture
def web(application: MemoryApplication) -> MemoryRepository:
    return application.places.registry(Repository("registry.test", "acme/web"))


def test_a_pull_prints_the_whole_name_with_its_digest_and_what_moved(
    application: MemoryApplication, web: MemoryRepository
) -> None:
    root = put_image(web, tag="1")

    call = Call(application, ["pull", WEB])

    assert call.code == 0
    assert call.out.startswith(f"{WEB}@{root.digest}   pulled in ")
    assert call.out.endswith("received, verified\n")
    assert "login: alice from Lading's own logins" in call.err
    assert application.closed == 1


def test_a_pull_that_is_up_to_date_says_so(application: MemoryApplication, web: MemoryRepository) -> None:
    root = put_image(web, tag="1")
    Call(application, ["pull", WEB])

    assert Call(application, ["pull", WEB]).out == f"{WEB}@{root.digest}   up to date\n"


def test_quiet_prints_only_the_name_with_its_digest(application: MemoryApplication, web: MemoryRepository) -> None:
    root = put_image(web, tag="1")

    call = Call(application, ["-q", "pull", WEB])

    assert call.out == f"{WEB}@{root.digest}\n"
    assert call.err == ""


def test_json_is_one_object_and_the_same_for_a_template(application: MemoryApplication, web: MemoryRepository) -> None:
    root = put_image(application.places.own, tag=WEB)

    pushed = Call(application, ["push", WEB, "--format", "json"]).json
    line = Call(
        application, ["push", WEB, "--format", "{{.Target}} {{.digest}} {{.totals.exists}} {{json .references}}"]
    )

    assert pushed["references"] == [f"{WEB}@{root.digest}"]
    assert pushed["totals"]["sent"] > 0
    assert pushed["upToDate"] is False
    exists = pushed["totals"]["image"]
    assert line.out == f'{WEB} {root.digest} {exists} ["{WEB}@{root.digest}"]\n'


def test_several_results_are_one_array(application: MemoryApplication) -> None:
    put_image(application.places.own, tag=WEB)

    call = Call(application, ["push", WEB, WEB, "other.test/web:1", "--format", "json"])

    assert [each["target"] for each in call.json] == [WEB, "other.test/web:1"]


def test_progress_as_json_is_on_stderr_and_the_result_on_stdout(
    application: MemoryApplication, web: MemoryRepository
) -> None:
    root = put_image(web, tag="1")

    call = Call(application, ["pull", WEB, "--progress", "json", "-q"])
    events = [json.loads(line) for line in call.err.splitlines()]

    assert {event["event"] for event in events} == {"noted", "planned", "advanced", "tagged"}
    assert events[-1] == {"event": "tagged", "target": WEB, "tag": WEB, "digest": str(root.digest), "size": root.size}
    assert call.out == f"{WEB}@{root.digest}\n"


def test_the_digest_file_has_a_line_for_each_name(application: MemoryApplication, tmp_path: Path) -> None:
    root = put_image(application.places.own, tag=WEB)
    path = tmp_path / "digests"

    Call(application, ["push", WEB, WEB, "registry.test/acme/web:2", "--digest-file", str(path)])

    assert path.read_text() == f"{WEB}@{root.digest}\nregistry.test/acme/web:2@{root.digest}\n"


def test_a_digest_file_that_cannot_be_written_is_an_error(application: MemoryApplication, tmp_path: Path) -> None:
    put_image(application.places.own, tag=WEB)

    assert Call(application, ["push", WEB, "--digest-file", str(tmp_path)]).code == 1


def test_a_dry_run_says_what_would_move(application: MemoryApplication, web: MemoryRepository) -> None:
    put_image(application.places.own, tag=WEB)

    call = Call(application, ["push", WEB, "-n"])

    assert "would send" in call.out
    assert web.blobs == {}


def test_a_dry_run_of_a_pull_says_what_would_come_and_brings_nothing(
    application: MemoryApplication, web: MemoryRepository
) -> None:
    root = put_image(web, tag="1")

    call = Call(application, ["pull", WEB, "--dry-run"])
    record = Call(application, ["pull", WEB, "--dry-run", "--format", "json"]).json

    assert call.out.startswith(f"{WEB}@{root.digest}   would receive ")
    assert (record["dryRun"], record["totals"]["sent"]) == (True, 0)
    assert (application.places.own.names, application.places.own.blobs) == ({}, {})


def test_the_first_failure_of_several_pulls_ends_them(application: MemoryApplication, web: MemoryRepository) -> None:
    put_image(web, tag="1")

    call = Call(application, ["pull", "registry.test/acme/web:gone", WEB])

    assert call.code == 5
    assert application.places.own.names == {}


def test_with_keep_going_the_others_are_pulled_and_the_exit_code_is_3(
    application: MemoryApplication, web: MemoryRepository
) -> None:
    put_image(web, tag="1")

    call = Call(application, ["pull", "registry.test/acme/web:gone", WEB, "--keep-going"])

    assert call.code == 3
    assert list(application.places.own.names) == [WEB]
    assert "error: registry.test/acme/web:gone does not exist" in call.err
    assert "error: 1 of 2 failed" in call.err


def test_with_keep_going_nothing_done_is_a_failure_like_any_other(application: MemoryApplication) -> None:
    assert Call(application, ["pull", "registry.test/a:1", "registry.test/b:1", "--keep-going"]).code == 5


def test_one_of_two_targets_that_fails_is_exit_3_with_keep_going_and_its_own_code_without(
    application: MemoryApplication, web: MemoryRepository
) -> None:
    root = put_image(application.places.own, tag=WEB)
    web.refusing["1"] = TagMoved("1", "acme/web", None)

    going = Call(application, ["push", WEB, WEB, "other.test/web:1", "--keep-going", "-q"])
    stopping = Call(application, ["push", WEB, WEB, "other.test/web:2", "-q"])

    assert (going.code, going.out) == (3, f"other.test/web:1@{root.digest}\n")
    assert stopping.code == 6


def test_if_absent_refuses_to_move_a_tag(application: MemoryApplication, web: MemoryRepository) -> None:
    put_image(application.places.own, tag=WEB)
    other = put_image(web, [b"other"], tag="1")

    call = Call(application, ["push", WEB, "--if-absent"])

    assert call.code == 6
    assert web.names["1"].digest == other.digest
    assert "is already" in call.err


def test_platforms_are_asked_for_by_a_flag(application: MemoryApplication, web: MemoryRepository) -> None:
    images = [put_image(web, [str(each).encode()], platform=each) for each in (AMD64, ARM64)]
    put_index(web, images, tag="1")

    Call(application, ["pull", WEB, "--platform", "linux/arm64"])

    assert images[1].digest in application.places.own.blobs
    assert images[0].digest not in application.places.own.blobs


def test_some_platforms_here_are_refused_with_the_way_out(
    application: MemoryApplication, web: MemoryRepository
) -> None:
    images = [put_image(web, [bytes([n])], platform=each) for n, each in enumerate((AMD64, ARM64))]
    third = put_image(web, [b"third"], platform=AMD64)
    put_index(web, [*images, third], tag="1")
    Call(application, ["pull", WEB, "--platform", "linux/amd64", "--platform", "linux/arm64"])

    call = Call(application, ["push", WEB, "other.test/web:1"])

    assert call.code == 6
    assert call.labels[-3:] == ["error", "why", "try"]
    assert "Image has 2 of 3 platforms here. Use platform=have, or pull the rest." in call.err


def test_all_tags_of_the_local_store_are_pushed(application: MemoryApplication, web: MemoryRepository) -> None:
    root = put_image(application.places.own, tag=WEB)
    application.places.own.names["registry.test/acme/web:2"] = root

    Call(application, ["push", "-a", "registry.test/acme/web"])
    Call(application, ["push", "-a", "registry.test/acme/web", "other.test/mirror"])

    mirror = application.places.registry(Repository("other.test", "mirror"))
    assert sorted(web.names) == sorted(mirror.names) == ["1", "2"]


def test_all_tags_of_a_registrys_repository_are_pulled_and_copied(
    application: MemoryApplication, web: MemoryRepository
) -> None:
    put_image(web, tag="1")
    put_image(web, [b"two"], tag="2")

    Call(application, ["pull", "-a", "registry.test/acme/web"])
    Call(application, ["copy", "-a", "registry.test/acme/web", "other.test/mirror"])

    mirror = application.places.registry(Repository("other.test", "mirror"))
    assert sorted(application.places.own.names) == [WEB, "registry.test/acme/web:2"]
    assert sorted(mirror.names) == ["1", "2"]


def test_a_copy_names_every_target(application: MemoryApplication, web: MemoryRepository) -> None:
    root = put_image(web, tag="1")

    call = Call(application, ["copy", WEB, "oci:D", "archive:web.tar", "--archive-form", "docker", "-q"])

    assert call.out == f"oci:D:1@{root.digest}\narchive:web.tar@{root.digest}\n"


def test_a_copy_of_a_plain_name_does_not_look_at_the_local_store(application: MemoryApplication) -> None:
    put_image(application.places.own, tag=WEB)

    assert Call(application, ["copy", WEB, "oci:D"]).code == 5


def test_every_target_has_a_line_that_says_what_came_of_it(application: MemoryApplication) -> None:
    root = put_image(application.places.own, tag=WEB)
    targets = [WEB, "registry.test/acme/web:2", "registry.test/acme/web:3", "other.test/web:1"]

    lines = Call(application, ["push", WEB, *targets]).out.splitlines()
    planned = Call(application, ["push", WEB, *targets[:2], "-n"]).out.splitlines()

    assert [line.partition("   ")[0] for line in lines] == [f"{target}@{root.digest}" for target in targets]
    assert all("verified" in line for line in lines)
    assert [" sent, " in line for line in lines] == [True, False, False, True], "what was sent once is told once"
    assert lines[1].endswith("   pushed in the same transfer, verified")
    assert planned[1].endswith("   would be tagged in the same transfer")


def test_archives_are_saved_and_loaded(application: MemoryApplication) -> None:
    root = put_image(application.places.own, tag=WEB)

    saved = Call(application, ["save", WEB, "-o", "web.tar", "-q"])
    application.places.own.names.clear()
    loaded = Call(application, ["load", "-i", "web.tar", "-q"])
    renamed = Call(application, ["load", "web.tar", "--as", "web:2", "-q"])

    assert saved.out == loaded.out == f"{WEB}@{root.digest}\n"
    assert renamed.out == f"docker.io/library/web:2@{root.digest}\n"


def test_an_archive_on_stdout_leaves_stdout_to_the_archive(application: MemoryApplication) -> None:
    put_image(application.places.own, tag=WEB)

    call = Call(application, ["save", WEB])

    assert call.out == ""
    assert "1 image" in call.err


def test_a_copy_to_stdout_leaves_stdout_to_the_archive(application: MemoryApplication, web: MemoryRepository) -> None:
    put_image(web, tag="1")

    for form in ("table", "json"):
        call = Call(application, ["copy", WEB, "-", "--format", form, "--progress", "none"])
        assert (call.code, call.out) == (0, "")
        assert "copied in" in call.err


def test_a_root_file_system_is_imported(application: MemoryApplication) -> None:
    call = Call(application, ["import", "root.tar", "debian:mine", "--platform", "linux/arm64", "--format", "json"])

    digest = Digest.parse(call.json["digest"])
    assert application.places.own.names["docker.io/library/debian:mine"].digest == digest


def test_settings_flags_reach_the_application_wherever_they_stand(
    application: MemoryApplication, web: MemoryRepository
) -> None:
    put_image(web, tag="1")

    Call(application, ["--data", "/srv", "pull", WEB, "--insecure", "--lanes", "7", "-u", "bob"])

    assert application.flags == {"data": "/srv", "insecure": True, "lanes": "7", "username": "bob"}
