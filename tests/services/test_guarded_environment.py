"""The guard: permission before each verb, and what is on the trail of those that end at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lading.errors import ContentCorrupt
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.services.access import LADING, Actor, Denied, Grant, NotLoggedIn
from lading.services.environment_images import Summary
from lading.services.environments.forms import EnvironmentForm
from lading.services.environments.orders import Access, ImportOrder, PruneOrder, PullOrder, PushOrder
from lading.services.lookup import ImageUnknown
from lading.wire.endpoint import Endpoint
from tests.contract.environments.suite import told
from tests.fakes.docker_archives import docker_archive, read_to_end, reader
from tests.fakes.embedded import embedded
from tests.fakes.environment_bench import ADMIN, CANCEL, Bench, actor
from tests.fakes.root_images import tar_of

STRANGER = Actor("stranger")
ACCESS = Access("nowhere", Endpoint("registry.invalid"))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with embedded(tmp_path / "lading") as made:
        yield Bench(made.environment)


def test_what_ends_at_once_is_recorded_before_and_after(bench: Bench) -> None:
    bench.load("app:1")
    guarded = bench.environments.open(ADMIN, None)
    guarded.tag("app:1", Reference.parse("app:2"), CANCEL)
    with guarded.export(["app:1"], CANCEL) as stream:
        read_to_end(stream)
    guarded.remove("app:1", False, CANCEL)
    guarded.prune(PruneOrder(), CANCEL)
    with pytest.raises(ImageUnknown):
        guarded.remove("nothing:1", False, CANCEL)

    assert bench.trail.said == [
        *[(verb, result) for verb in ("tag", "export", "remove", "prune") for result in ("started", "done")],
        ("remove", "started"),
        ("remove", "failed"),
    ]
    assert all(deed.environment == 1 for _, deed, _ in bench.trail.records)


def test_every_verb_asks_for_its_permission(bench: Bench) -> None:
    bench.load("app:1")
    guarded = bench.environments.open(actor("jobs:view"), None)
    reference = Reference.parse("registry.invalid/app:1")
    for attempt in (
        lambda: guarded.engine(CANCEL),
        lambda: guarded.images(CANCEL),
        lambda: guarded.image("app:1", CANCEL),
        lambda: guarded.find("app:1", CANCEL),
        lambda: guarded.history("app:1", CANCEL),
        lambda: guarded.tag("app:1", reference, CANCEL),
        lambda: guarded.remove("app:1", False, CANCEL),
        lambda: guarded.prune(PruneOrder(), CANCEL),
        lambda: guarded.pull(PullOrder(reference, ACCESS), told, CANCEL),
        lambda: guarded.push(PushOrder("app:1", (reference,), ACCESS), told, CANCEL),
        lambda: guarded.export(["app:1"], CANCEL).__enter__(),
        lambda: guarded.load(reader(b""), told, CANCEL),
        lambda: guarded.load_now(reader(b""), told, CANCEL),
        lambda: guarded.import_now(reader(b""), ImportOrder(reference), told, CANCEL),
        lambda: guarded.import_now(reader(b""), ImportOrder(None), told, CANCEL),
        lambda: guarded.distribution(reference, ACCESS, CANCEL),
        lambda: guarded.size(CANCEL),
        lambda: guarded.admit_push(None),
        lambda: guarded.admit_pull(None),
        guarded.admit_load,
    ):
        with pytest.raises(Denied):
            attempt()
    assert {result for _, result in bench.trail.said} == {"denied"}
    with pytest.raises(NotLoggedIn):
        bench.environments.open(STRANGER, None).images(CANCEL)


def test_permission_is_for_the_environment_that_was_opened(bench: Bench) -> None:
    other = bench.environments.add(ADMIN, EnvironmentForm("docker", "socket"))
    here = actor("images:*", environments={1})

    assert bench.environments.open(here, 1).images(CANCEL) == []
    bench.environments.open(here, 1).admit_push(None)
    for refused in (bench.environments.open(here, other.id),):
        with pytest.raises(Denied):
            refused.images(CANCEL)
        with pytest.raises(Denied):
            refused.admit_push(None)


def test_a_grant_for_some_repositories_shows_and_moves_only_those(bench: Bench) -> None:
    identity = bench.load("team/app:1")
    bench.environments.open(ADMIN, None).tag(identity, Reference.parse("registry.invalid/other/app:1"), CANCEL)
    bench.load("other/thing:1")
    guarded = bench.environments.open(actor("images:*", repositories=("team/*",)), None)

    (shown,) = guarded.images(CANCEL)
    assert shown.names == ("docker.io/team/app:1",)
    assert guarded.image(identity, CANCEL).summary.names == ("docker.io/team/app:1",)
    with pytest.raises(Denied):
        guarded.image("other/thing:1", CANCEL)
    with pytest.raises(Denied):
        guarded.remove(identity, True, CANCEL)
    with pytest.raises(Denied):
        guarded.tag(identity, Reference.parse("other/new:1"), CANCEL)
    guarded.tag(identity, Reference.parse("team/new:1"), CANCEL)
    guarded.admit_push(Reference.parse("registry.invalid/team/app:1").repository)
    with pytest.raises(Denied):
        guarded.admit_push(Reference.parse("registry.invalid/other/app:1").repository)
    with pytest.raises(Denied):
        guarded.prune(PruneOrder(), CANCEL)
    for attempt in (guarded.load, guarded.load_now):
        with pytest.raises(Denied):
            attempt(reader(docker_archive(["team/x:1"])), told, CANCEL)
    for name in ("other/x:1", None):
        order = ImportOrder(Reference.parse(name) if name else None)
        with pytest.raises(Denied):
            guarded.import_now(reader(tar_of({})), order, told, CANCEL)
    guarded.import_now(reader(tar_of({"a": b"b"})), ImportOrder(Reference.parse("team/x:1")), told, CANCEL)


def test_one_platform_goes_from_every_name_of_an_image_so_all_of_them_must_be_allowed(bench: Bench) -> None:
    identity = bench.load("team/app:1")
    bench.environments.open(ADMIN, None).tag(identity, Reference.parse("other/app:1"), CANCEL)
    guarded = bench.environments.open(actor("images:*", repositories=("team/*",)), None)
    platform = Platform("linux", "amd64")

    with pytest.raises(Denied):
        guarded.remove("team/app:1", True, CANCEL, (platform,))
    assert len(bench.environments.open(ADMIN, None).image(identity, CANCEL).summary.names) == 2
    guarded.remove("team/app:1", False, CANCEL)
    assert bench.environments.open(ADMIN, None).image("other/app:1", CANCEL).summary.id == identity


def test_an_archive_of_a_name_that_reads_like_an_id_holds_no_more_than_may_be_exported(bench: Bench) -> None:
    ours = bench.load("team/app:1")
    name = ours[7:11]
    secret = reader(docker_archive([f"{name}:v1"], label="secret"))
    bench.environments.open(ADMIN, None).load(secret, told, CANCEL)
    guarded = bench.environments.open(actor("images:*", repositories=("team/*",)), None)

    with pytest.raises(Denied), guarded.export([name], CANCEL):
        pass
    for identity in (ours, ours[7:]):
        with guarded.export([identity], CANCEL) as archive:
            assert archive.readinto(memoryview(bytearray(512))) > 0


def test_a_name_that_is_not_there_brings_up_none_that_may_not_be_seen(bench: Bench) -> None:
    bench.load("other/payroll:v7")
    guarded = bench.environments.open(actor("images:*", repositories=("team/*",)), None)
    asked = "team/payroll:v7"
    attempts: list[Callable[[], object]] = [
        lambda: guarded.image(asked, CANCEL),
        lambda: guarded.history(asked, CANCEL),
        lambda: guarded.find(asked, CANCEL),
        lambda: guarded.tag(asked, Reference.parse("team/x:1"), CANCEL),
        lambda: guarded.remove(asked, True, CANCEL),
        lambda: guarded.export([asked], CANCEL).__enter__(),
    ]

    for attempt in attempts:
        with pytest.raises(ImageUnknown) as caught:
            attempt()
        assert "other" not in f"{caught.value.hint} {caught.value.command}"
    with pytest.raises(ImageUnknown) as seen:
        bench.environments.open(ADMIN, None).image(asked, CANCEL)
    assert "other/payroll:v7" in str(seen.value.hint)


def test_the_shortest_id_there_is_shows_no_more_than_a_whole_one(bench: Bench) -> None:
    other = bench.load("other/thing:1")
    unnamed = bench.load("other/moved:1")
    bench.environments.open(ADMIN, None).load(reader(docker_archive(["other/moved:1"], label="new")), told, CANCEL)
    guarded = bench.environments.open(actor("images:*", repositories=("team/*", "library/*")), None)

    for identity in (other, unnamed):
        for text in (identity, identity[7:], identity[7:19], identity[7:11], identity[:11]):
            with pytest.raises(Denied):
                guarded.image(text, CANCEL)
            with pytest.raises(Denied):
                guarded.remove(text, True, CANCEL)
    assert guarded.images(CANCEL) == []


def test_what_was_pulled_by_digest_is_shown_to_who_may_see_its_repository(bench: Bench) -> None:
    identity = bench.load("team/app:1")
    admin = bench.environments.open(ADMIN, None)
    admin.tag(identity, Reference.parse(f"team/app@{identity}"), CANCEL)
    admin.tag(identity, Reference.parse("elsewhere/app:1"), CANCEL)
    admin.remove("elsewhere/app:1", False, CANCEL)
    guarded = bench.environments.open(actor("images:*", repositories=("team/*",)), None)

    (shown,) = guarded.images(CANCEL)
    assert shown.digests == (f"docker.io/team/app@{identity}",)
    assert guarded.image(identity, CANCEL).summary.id == identity


def test_what_is_loaded_or_imported_at_once_is_on_record_with_its_ids(bench: Bench) -> None:
    guarded = bench.environments.open(ADMIN, None)
    (loaded,) = guarded.load_now(reader(docker_archive(["team/app:1"])), told, CANCEL)
    imported = guarded.import_now(reader(tar_of({"a": b"b"})), ImportOrder(Reference.parse("x")), told, CANCEL)
    with pytest.raises(ContentCorrupt):
        guarded.load_now(reader(b"cut"), told, CANCEL)

    assert bench.trail.said == [
        ("import", "started"),
        ("import", "done"),
        ("import", "started"),
        ("import", "done"),
        ("import", "started"),
        ("import", "failed"),
    ]
    _, first, _ = bench.trail.records[1]
    _, second, _ = bench.trail.records[3]
    assert first.details["imageIds"] == [loaded.id]
    assert second.details["imageId"] == imported.id


def test_a_push_carries_out_no_image_that_may_be_neither_seen_nor_pushed(bench: Bench) -> None:
    (secret,) = bench.environments.open(ADMIN, None).load(
        reader(docker_archive(["secret/app:1"], label="secret")), told, CANCEL
    )
    ours = bench.load("team/app:1")
    guarded = bench.environments.open(actor("images:push", repositories=("team/*",)), None)
    target = Reference.parse("registry.invalid/team/app:1")

    for image in (secret.id, secret.id.removeprefix("sha256:")[:12], "secret/app:1"):
        with pytest.raises(Denied):
            guarded.find(image, CANCEL)
        with pytest.raises(Denied):
            guarded.push(PushOrder(image, (target,), ACCESS), told, CANCEL)
    assert guarded.find(ours, CANCEL).id == ours
    seer = actor("images:push", repositories=("team/*",))
    seer = replace(seer, grants=(*seer.grants, Grant(frozenset({"images:view"}))))
    assert bench.environments.open(seer, None).find(secret.id, CANCEL).id == secret.id


def test_whoever_may_push_may_look_the_image_up(bench: Bench) -> None:
    identity = bench.load("app:1")
    assert bench.environments.open(actor("images:push"), None).find("app:1", CANCEL).id == identity
    assert bench.environments.open(actor("images:view"), None).find("app:1", CANCEL).id == identity


def test_lading_itself_may_do_everything(bench: Bench) -> None:
    assert bench.environments.open(LADING, None).images(CANCEL) == []


def looking(look: Callable[[], Summary | None]) -> Summary | None:
    """Nobody else has looked."""
    return look()


def test_who_may_see_nothing_is_not_refused_a_count_or_labels(bench: Bench) -> None:
    identity = bench.load("team/app:1")
    nobody, theirs, ours = (
        bench.environments.open(seer, None)
        for seer in (
            actor("jobs:view"),
            actor("images:view", repositories=("other/*",)),
            actor("images:view", repositories=("team/*",)),
        )
    )

    assert [guarded.count(CANCEL) for guarded in (nobody, theirs, ours)] == [0, 0, 1]
    everybody = (nobody, theirs, ours)
    assert [dict(each.labels(identity, CANCEL, looking)) for each in everybody] == [{}, {}, {"label": "x"}]
    assert dict(ours.labels("team/app:1", CANCEL, looking)) == {"label": "x"}
    assert dict(theirs.labels("team/app:1", CANCEL, looking)) == {}
    assert [dict(ours.labels(text, CANCEL, looking)) for text in ("sha256:" + "0" * 64, "")] == [{}] * 2
    assert bench.trail.said == []
    found = ours.image(identity, CANCEL).summary
    bench.environments.open(LADING, None).remove(identity, True, CANCEL)
    assert [dict(each.labels(identity, CANCEL, lambda _look: found)) for each in everybody] == [{}, {}, {"label": "x"}]
    assert dict(ours.labels(identity, CANCEL, looking)) == {}
