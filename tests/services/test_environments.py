"""Rows of environments and the guard: who may, what is on the trail, and that no secret comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from lading.engine.cancel import Cancellation
from lading.oci.reference import Reference
from lading.services.access import LADING, Actor, Denied, Grant, NotLoggedIn
from lading.services.environment import Access, ConnectionType, Environment, PullOrder, PushOrder
from lading.services.environment_forms import EnvironmentForm, EnvironmentInvalid
from lading.services.environment_records import EnvironmentRow
from lading.services.environments import EmbeddedStays, Environments
from lading.services.lookup import ImageUnknown
from lading.services.named_rows import NameTaken, RowUnknown
from lading.wire.endpoint import Endpoint
from tests.contract.environments.suite import told
from tests.fakes.docker_archives import docker_archive, read_to_end, reader
from tests.fakes.embedded import embedded
from tests.fakes.environment_records import KeptTrail, MemoryEnvironments, OneBuilder, PlainSeals, PlayedProbe

CANCEL = Cancellation()
ADMIN = Actor("admin", (Grant(frozenset({"*"})),), user=1)
STRANGER = Actor("stranger")
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n"
ACCESS = Access("nowhere", Endpoint("registry.invalid"))


def actor(
    *permissions: str, environments: set[int] | None = None, repositories: tuple[str, ...] | None = None
) -> Actor:
    grant = Grant(frozenset(permissions), None if environments is None else frozenset(environments), repositories)
    return Actor("ann", (grant,), user=2)


class Bench:
    """Environments over memory, and a real embedded engine behind every row."""

    def __init__(self, environment: Environment) -> None:
        self.records, self.trail, self.probe = MemoryEnvironments(), KeptTrail(), PlayedProbe()
        self.builder = OneBuilder(environment)
        self.environments = Environments(self.records, PlainSeals(), self.trail, self.builder, self.probe)
        self.environments.ensure_embedded()

    def load(self, *names: str) -> str:
        guarded = self.environments.open(ADMIN, None)
        return guarded.load(reader(docker_archive(names)), told, CANCEL)[0].id


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with embedded(tmp_path / "lading") as made:
        yield Bench(made.environment)


# ── rows


def test_our_own_engine_is_there_from_the_start_and_the_default(bench: Bench) -> None:
    (row,) = bench.environments.list(ADMIN)
    assert (row.name, row.connection_type, row.is_default) == ("local", ConnectionType.EMBEDDED, True)
    assert bench.environments.ensure_embedded() == row
    assert bench.environments.open(ADMIN, None).id == row.id


def test_rows_are_added_changed_and_removed(bench: Bench) -> None:
    added = bench.environments.add(ADMIN, EnvironmentForm("docker", "socket"))
    changed = bench.environments.change(ADMIN, added.id, EnvironmentForm(name="dock", socket_path="/run/d.sock"))
    assert (changed.name, changed.socket_path) == ("dock", "/run/d.sock")
    assert bench.environments.get(ADMIN, added.id) == changed
    bench.environments.remove(ADMIN, added.id)
    with pytest.raises(RowUnknown, match="Environment not found"):
        bench.environments.get(ADMIN, added.id)
    assert bench.trail.said == [("create", "done"), ("update", "done"), ("delete", "done")]


def test_one_is_the_default(bench: Bench) -> None:
    added = bench.environments.add(ADMIN, EnvironmentForm("docker", "socket", is_default=True))
    assert [row.is_default for row in bench.environments.list(ADMIN)] == [False, True]
    bench.environments.make_default(ADMIN, 1)
    assert bench.environments.open(ADMIN, None).id == 1
    bench.environments.change(ADMIN, added.id, EnvironmentForm(is_default=True))
    bench.environments.remove(ADMIN, added.id)
    assert bench.environments.open(ADMIN, None).id == 1


def test_our_own_engine_stays_what_it_is(bench: Bench) -> None:
    with pytest.raises(EmbeddedStays):
        bench.environments.remove(ADMIN, 1)
    with pytest.raises(EmbeddedStays):
        bench.environments.add(ADMIN, EnvironmentForm("second", "embedded"))
    with pytest.raises(EmbeddedStays):
        bench.environments.change(ADMIN, 1, EnvironmentForm(connection_type="socket"))
    assert bench.environments.change(ADMIN, 1, EnvironmentForm(name="here")).name == "here"


def test_a_name_is_one_environments(bench: Bench) -> None:
    with pytest.raises(NameTaken):
        bench.environments.add(ADMIN, EnvironmentForm("local", "socket"))
    with pytest.raises(EnvironmentInvalid):
        bench.environments.add(ADMIN, EnvironmentForm("x", "hawser-edge"))


def test_a_key_is_sealed_for_its_row_and_opened_for_work_alone(bench: Bench) -> None:
    row = bench.environments.add(ADMIN, EnvironmentForm("tls", "direct", host="h", tls_cert=CERTIFICATE, tls_key=KEY))
    assert row.tls_key_sealed is not None
    assert row.tls_key_sealed.startswith(f"environment/{row.id}/tls_key|")
    assert KEY not in repr(bench.trail.records) + repr(row)
    assert "sealed" not in repr(row)

    bench.environments.open(ADMIN, row.id).images(CANCEL)
    assert bench.builder.built[-1] == (row, KEY)

    kept = bench.environments.change(ADMIN, row.id, EnvironmentForm(port=1))
    assert kept.tls_key_sealed == row.tls_key_sealed
    gone = bench.environments.change(ADMIN, row.id, EnvironmentForm(tls_cert="", tls_key=""))
    assert gone.tls_key_sealed is None


@pytest.mark.parametrize("verb", ["add", "change", "remove", "make_default", "test"])
def test_only_who_may_edits(bench: Bench, verb: str) -> None:
    viewer = actor("environments:view")
    calls: dict[str, Callable[[], object]] = {
        "add": lambda: bench.environments.add(viewer, EnvironmentForm("x", "socket")),
        "change": lambda: bench.environments.change(viewer, 1, EnvironmentForm(name="x")),
        "remove": lambda: bench.environments.remove(viewer, 1),
        "make_default": lambda: bench.environments.make_default(viewer, 1),
        "test": lambda: bench.environments.test(viewer, 1, CANCEL),
    }
    with pytest.raises(Denied, match="Permission denied"):
        calls[verb]()
    assert [result for _, result in bench.trail.said] == ["denied"]


def test_who_may_edit_one_environment_cannot_lead_it_to_another_host(bench: Bench) -> None:
    row = bench.environments.add(ADMIN, EnvironmentForm("docker", "direct", host="docker.corp", port=2375))
    editor = actor("environments:*", environments={row.id})

    renamed = bench.environments.change(editor, row.id, EnvironmentForm(name="build"))
    for form in (
        EnvironmentForm(host="elsewhere.corp"),
        EnvironmentForm(port=2376),
        EnvironmentForm(protocol="https"),
        EnvironmentForm(connection_type="socket", socket_path="/var/run/docker.sock"),
    ):
        with pytest.raises(Denied):
            bench.environments.change(editor, row.id, form)

    assert bench.environments.row(row.id) == renamed
    assert bench.trail.said[-4:] == [("update", "denied")] * 4


def test_who_may_edit_one_environment_cannot_choose_the_default_of_everybody(bench: Bench) -> None:
    row = bench.environments.add(ADMIN, EnvironmentForm("docker", "direct", host="docker.corp", port=2375))
    editor = actor("environments:*", environments={1, row.id})

    attempts: Sequence[Callable[[], object]] = (
        lambda: bench.environments.make_default(editor, row.id),
        lambda: bench.environments.change(editor, row.id, EnvironmentForm(is_default=True)),
        lambda: bench.environments.change(editor, 1, EnvironmentForm(is_default=False)),
        lambda: bench.environments.add(editor, EnvironmentForm("x", "direct", host="x", is_default=True)),
    )
    for attempt in attempts:
        told = len(bench.trail.said)
        with pytest.raises(Denied):
            attempt()
        assert [result for _, result in bench.trail.said[told:]] == ["denied"]

    assert bench.environments.default().id == 1


def test_the_trail_names_what_was_changed_and_no_secret(bench: Bench) -> None:
    form = EnvironmentForm(
        "docker", "direct", host="docker.corp", port=2376, protocol="https", tls_cert=CERTIFICATE, tls_key=KEY
    )
    row = bench.environments.add(ADMIN, form)
    bench.environments.change(ADMIN, row.id, EnvironmentForm(tls_key=KEY + "\n", tls_skip_verify=True))

    details = bench.trail.records[-1][1].details
    assert (details["changed"], details["tlsSkipVerify"]) == (["tlsKey", "tlsSkipVerify"], True)
    assert "PRIVATE" not in str(bench.trail.records)


def test_two_that_begin_at_once_have_one_embedded_environment(bench: Bench) -> None:
    class Late(MemoryEnvironments):
        """Shows no rows at first, as another process adds one meanwhile."""

        looks = 0

        def environments(self) -> Sequence[EnvironmentRow]:
            self.looks += 1
            return bench.records.environments() if self.looks > 1 else []

        def add_environment(self, make: Callable[[int], EnvironmentRow]) -> EnvironmentRow:
            raise NameTaken("environment", make(1).name)

    other = Environments(Late(), PlainSeals(), bench.trail, bench.builder, bench.probe)

    assert [other.ensure_embedded()] == bench.environments.list(ADMIN)


def test_lists_show_what_may_be_seen(bench: Bench) -> None:
    added = bench.environments.add(ADMIN, EnvironmentForm("docker", "socket"))
    assert bench.environments.list(actor("environments:view", environments={added.id})) == [added]
    with pytest.raises(Denied):
        bench.environments.list(actor("images:view"))
    with pytest.raises(NotLoggedIn):
        bench.environments.list(STRANGER)


def test_an_unknown_row_is_not_found(bench: Bench) -> None:
    with pytest.raises(RowUnknown):
        bench.environments.open(ADMIN, 99)


# ── the test of a connection


@pytest.mark.parametrize(
    ("form", "failing", "steps"),
    [
        (
            EnvironmentForm("x", "direct", host="h", protocol="https"),
            "",
            ["resolve", "connect", "tls", "ping", "version"],
        ),
        (EnvironmentForm("x", "direct", host="h"), "", ["resolve", "connect", "ping", "version"]),
        (EnvironmentForm("x", "socket"), "", ["connect", "ping", "version"]),
        (EnvironmentForm("x", "direct", host="h", protocol="https"), "tls", ["resolve", "connect", "tls"]),
        (EnvironmentForm("x", "direct", host="h"), "resolve", ["resolve"]),
        (EnvironmentForm("x", "socket"), "connect", ["connect"]),
    ],
)
def test_the_first_thing_that_is_wrong_is_named(
    bench: Bench, form: EnvironmentForm, failing: str, steps: list[str]
) -> None:
    row = bench.environments.add(ADMIN, form)
    bench.probe.failing = failing

    report = bench.environments.test(ADMIN, row.id, CANCEL)

    assert [step.name for step in report.steps] == steps
    assert report.success is (failing == "")
    assert report.error == ("cannot connect to host: connection refused" if failing else None)
    assert bench.trail.said[-1] == ("test", "failed" if failing else "done")


def test_our_own_engine_always_answers(bench: Bench) -> None:
    report = bench.environments.test(ADMIN, 1, CANCEL)
    assert [(step.name, step.detail) for step in report.steps] == [
        ("ping", "it answers"),
        ("version", "Lading 1.0, linux/amd64"),
    ]


# ── the guard


def test_what_ends_at_once_is_recorded_before_and_after(bench: Bench) -> None:
    bench.load("app:1")
    guarded = bench.environments.open(ADMIN, None)
    guarded.tag("app:1", Reference.parse("app:2"), CANCEL)
    with guarded.export(["app:1"], CANCEL) as stream:
        read_to_end(stream)
    guarded.remove("app:1", False, CANCEL)
    guarded.prune(True, CANCEL)
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
        lambda: guarded.prune(True, CANCEL),
        lambda: guarded.pull(PullOrder(reference, ACCESS), told, CANCEL),
        lambda: guarded.push(PushOrder("app:1", (reference,), ACCESS), told, CANCEL),
        lambda: guarded.export(["app:1"], CANCEL).__enter__(),
        lambda: guarded.load(reader(b""), told, CANCEL),
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
        guarded.prune(True, CANCEL)
    with pytest.raises(Denied):
        guarded.load(reader(docker_archive(["team/x:1"])), told, CANCEL)


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
