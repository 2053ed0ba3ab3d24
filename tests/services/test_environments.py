"""Rows of environments: who may, what is on the trail, that no secret comes out, and the test of a connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from lading.services.access import Actor, Denied, NotLoggedIn
from lading.services.environments.environment import ConnectionType
from lading.services.environments.environments import EmbeddedStays, Environments
from lading.services.environments.forms import EnvironmentForm, EnvironmentInvalid
from lading.services.environments.records import EnvironmentRow
from lading.services.named_rows import NameTaken, RowUnknown
from tests.fakes.agents import presence_of
from tests.fakes.embedded import embedded
from tests.fakes.environment_bench import ADMIN, CANCEL, Bench, actor
from tests.fakes.environment_records import MemoryEnvironments, PlainSeals

STRANGER = Actor("stranger")
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----\n"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with embedded(tmp_path / "lading") as made:
        yield Bench(made.environment)


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
        bench.environments.add(ADMIN, EnvironmentForm("x", "tunnel"))


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


def test_an_agents_token_is_sealed_for_its_row_and_opened_for_work_alone(bench: Bench) -> None:
    form = EnvironmentForm("proxy", "hawser-standard", host="h", hawser_token="s3cret")
    row = bench.environments.add(ADMIN, form)
    assert (row.hawser_token_sealed, row.tls_key_sealed) == (f"environment/{row.id}/hawser_token|terc3s", None)

    bench.environments.open(ADMIN, row.id).images(CANCEL)
    assert bench.builder.built[-1] == (row, "s3cret")
    assert bench.environments.change(ADMIN, row.id, EnvironmentForm(name="p")).hawser_token_sealed is not None
    assert bench.environments.change(ADMIN, row.id, EnvironmentForm(hawser_token="")).hawser_token_sealed is None
    assert bench.trail.records[-1][1].details["changed"] == ["hawserToken"]
    assert "s3cret" not in str(bench.trail.records) + repr(row)


def test_a_standard_agent_is_tested_as_a_host_that_we_dial(bench: Bench) -> None:
    row = bench.environments.add(ADMIN, EnvironmentForm("proxy", "hawser-standard", host="h", protocol="https"))

    assert steps(bench, row) == ["resolve", "connect", "tls", "ping", "version"]


def test_an_edge_one_is_tested_from_its_agent_on(bench: Bench) -> None:
    row = bench.environments.add(ADMIN, EnvironmentForm("far", "hawser-edge"))
    away = bench.environments.test(ADMIN, row.id, CANCEL)
    assert (away.success, away.error, len(away.steps)) == (False, "Edge agent not connected", 1)

    bench.hub.here[row.id] = presence_of(row.id)
    report = bench.environments.test(ADMIN, row.id, CANCEL)
    assert [step.name for step in report.steps] == ["agent", "ping", "version"]
    assert report.steps[0].detail == "far 0.2.14, Docker 28.0.1, connected since 2027-01-15T08:00:00.000Z"


def steps(bench: Bench, row: EnvironmentRow) -> list[str]:
    return [step.name for step in bench.environments.test(ADMIN, row.id, CANCEL).steps]


def test_an_agent_goes_with_its_environment_and_with_its_kind(bench: Bench) -> None:
    far, near = (bench.environments.add(ADMIN, EnvironmentForm(name, "hawser-edge")) for name in ("far", "near"))
    bench.environments.change(ADMIN, far.id, EnvironmentForm(name="further"))
    assert not bench.hub.dismissed

    bench.environments.change(ADMIN, far.id, EnvironmentForm(connection_type="socket"))
    bench.environments.remove(ADMIN, near.id)
    bench.environments.remove(ADMIN, far.id)
    assert bench.hub.dismissed == [(far.id, 1008, "Environment changed"), (near.id, 1008, "Environment removed")]


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


def test_who_may_edit_one_environment_cannot_remove_the_default_of_everybody(bench: Bench) -> None:
    form = EnvironmentForm("docker", "direct", host="docker.corp", port=2375, is_default=True)
    row = bench.environments.add(ADMIN, form)
    editor = actor("environments:*", environments={row.id})

    with pytest.raises(Denied):
        bench.environments.remove(editor, row.id)
    assert bench.trail.said[-1] == ("delete", "denied")
    assert bench.environments.default() == row

    bench.environments.make_default(ADMIN, 1)
    bench.environments.remove(editor, row.id)
    assert bench.trail.said[-1] == ("delete", "done")


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

    other = Environments(Late(), PlainSeals(), bench.trail, bench.builder, bench.probe, hub=bench.hub)

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
