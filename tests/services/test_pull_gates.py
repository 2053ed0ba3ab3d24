"""Pulls through their gate: what is scanned when, what is refused, and what a policy that changes meanwhile does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

import pytest

from lading.backends.database.service_database import ServiceDatabase, open_service_database
from lading.inventory.severity import Severity
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.services.audit.audit import Result
from lading.services.environments.environment import ConnectionType
from lading.services.environments.orders import Arrived, Arriving
from lading.services.findings.scanner import ScanFailed, ScannerName, ScanStatus
from lading.services.gates.exceptions import ExceptionForm, Exceptions
from lading.services.gates.gates import Gates
from lading.services.gates.policy import Action, Handling, Limits, Mode, Scope
from lading.services.gates.records import PolicyRow, VerdictQuery, VerdictRow
from lading.services.gates.refusals import GateRefused
from lading.services.gates.scans import KnownScans
from lading.services.scans.pull_gates import PullCall, PullGate, PullGates
from tests.contract.environments.suite import told
from tests.fakes.docker_archives import docker_archive, reader
from tests.fakes.environment_bench import ADMIN, CANCEL
from tests.fakes.scan_bench import OPENSSL, ZLIB, Heard, PlayedScanner, ScanBench, scan_bench

NAME = "registry.example/team/app:1"
NOTHING_HIGH = Limits(max_severity=Severity.MEDIUM)


@dataclass
class GateBench:
    """Gates over real rows, and over scanners that say what a test wants."""

    scans: ScanBench
    database: ServiceDatabase
    gates: Gates
    exceptions: Exceptions
    root: Descriptor

    def policy(self, limits: Limits = NOTHING_HIGH, mode: Mode = Mode.ENFORCE, scope: Scope = Scope()) -> PolicyRow:  # noqa: B008
        named = f"p{len(self.database.gates.policies())}"
        return self.database.gates.add_policy(
            lambda id: PolicyRow(id, named, Action.PULL, scope, limits, mode)  # noqa: A006  a row's own word
        )

    def begin(self, heard: Heard | None = None, *, scan: bool = True) -> PullGate:
        """A pull of NAME."""
        environment = self.scans.environments.open(ADMIN, 1)
        reference = Reference.parse(NAME)
        call = PullCall(ADMIN, environment, reference, 4, None, scan, heard or Heard(), CANCEL)
        return PullGates(self.gates, self.scans.on_pull, self.scans.views).begin(call)

    @property
    def arriving(self) -> Arriving:
        return Arriving(Reference.parse(NAME), str(self.root.digest), self.root, (self.root,))

    @property
    def arrived(self) -> Arrived:
        return Arrived(Reference.parse(NAME), str(self.root.digest), self.root.digest, self.root.size)

    def ask(self, gate: PullGate) -> None:
        """As our own engine does."""
        assert gate.admit is not None
        gate.admit(self.arriving)

    def verdict(self, gate: PullGate) -> Mapping[str, Any]:
        """The one that the job's result tells."""
        told = gate.result(self.arrived)["verdicts"]
        assert isinstance(told, list)
        (verdict,) = told
        return dict(verdict)

    @property
    def verdicts(self) -> Sequence[VerdictRow]:
        return self.database.gates.verdicts(VerdictQuery(), 0, 100)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ScanBench, ServiceDatabase]]:
    """One engine and one database for all: each test has an image and scanners of its own."""
    folder = tmp_path_factory.mktemp("gates")
    with scan_bench(folder) as scans, ExitStack() as stack:
        database = open_service_database(folder / "service.db", scans.clock)
        stack.callback(database.close)
        yield scans, database


@pytest.fixture
def bench(house: tuple[ScanBench, ServiceDatabase], request: pytest.FixtureRequest) -> GateBench:
    scans, database = house
    for policy in database.gates.policies():
        database.gates.remove_policy(policy.id)
    for exception in database.gates.exceptions():
        database.gates.remove_exception(exception.id)
    database.gates.forget_verdicts(float("inf"))
    scans.settings_kept.put_setting("scanner", "osv")
    played(scans.osv)
    name = "registry.example/team/before:1"
    scans.own.environment.load(reader(docker_archive([name], label=request.node.name)), told, CANCEL)
    root = scans.own.names.find(name)
    assert root is not None

    def choice(environment: int) -> ScannerName:
        return scans.settings.chosen(scans.environments.row(environment).scanner)

    gates = Gates(database.gates, KnownScans(database.scans, choice), scans.trail, scans.clock)
    exceptions = Exceptions(database.gates, scans.trail, scans.clock, lambda: None)
    return GateBench(scans, database, gates, exceptions, root.root)


def played(scanner: PlayedScanner) -> None:
    """As it is at first."""
    fresh = PlayedScanner(scanner.name, OPENSSL, ZLIB)
    scanner.__dict__.update(fresh.__dict__)


def test_without_policies_a_pull_is_scanned_once_it_has_its_name(bench: GateBench) -> None:
    heard = Heard()
    gate = bench.begin(heard)

    bench.ask(gate)
    assert heard.lines == []
    assert "verdicts" not in gate.result(bench.arrived)
    assert heard.statuses[-1] == "scan-complete"
    assert bench.verdicts == []


def test_a_reporting_policy_stops_nothing_and_tells(bench: GateBench) -> None:
    bench.policy(mode=Mode.REPORT)
    heard = Heard()
    gate = bench.begin(heard)

    bench.ask(gate)
    assert heard.lines == []
    verdict = bench.verdict(gate)
    assert (verdict["allowed"], verdict["mode"]) == (False, "report")
    assert verdict["blocking"] == [
        {
            "id": OPENSSL.id,
            "package": "openssl",
            "version": "1.1.1",
            "severity": "high",
            "fixedVersion": OPENSSL.fixed_version,
        }
    ]


def test_an_enforcing_policy_stops_it_before_it_has_its_name(bench: GateBench) -> None:
    policy = bench.policy()
    heard = Heard()

    with pytest.raises(GateRefused) as refused:
        bench.ask(bench.begin(heard))

    assert heard.statuses == ["scanning", "scan-progress", "scan-complete"]
    text = str(refused.value)
    assert (refused.value.code, policy.name in text) == ("denied", True)
    assert "CVE-2099-0001 (high in openssl 1.1.1, fixed in 1.1.1w)" in text
    (kept,) = bench.verdicts
    assert (kept.policy, kept.allowed, kept.blocked, kept.image) == (policy.id, False, 1, NAME)
    name, deed, result = bench.scans.trail.records[-1]
    assert (name, deed.action, deed.entity_name, result) == ("admin", "judge", NAME, Result.DENIED)
    assert deed.details["blocking"] == [OPENSSL.id]


def test_what_an_enforcing_policy_allows_is_scanned_once(bench: GateBench) -> None:
    bench.policy(Limits(max_severity=Severity.HIGH))
    heard = Heard()
    gate = bench.begin(heard)

    bench.ask(gate)
    verdict = bench.verdict(gate)

    assert verdict["allowed"] is True
    assert heard.statuses.count("scanning") == 1
    assert len(bench.scans.osv.seen) == 1


@pytest.mark.parametrize(
    ("scope", "stops"),
    [
        (Scope(), True),
        (Scope(environments=frozenset({1})), True),
        (Scope(environments=frozenset({2})), False),
        (Scope(repositories=("registry.example/*",)), True),
        (Scope(repositories=("team/*",)), True),
        (Scope(repositories=("ghcr.io/*",)), False),
        (Scope(registries=frozenset({4})), True),
        (Scope(registries=frozenset({5})), False),
        (Scope(environments=frozenset({1}), registries=frozenset({5})), False),
    ],
)
def test_a_policy_concerns_whom_it_names(bench: GateBench, scope: Scope, stops: bool) -> None:
    bench.policy(scope=scope)
    gate = bench.begin()

    if stops:
        with pytest.raises(GateRefused):
            bench.ask(gate)
    else:
        bench.ask(gate)
        assert "verdicts" not in gate.result(bench.arrived)


def fails(bench: GateBench) -> None:
    bench.scans.osv.error = ScanFailed("osv", "it was killed")


def breaks(bench: GateBench) -> None:
    bench.scans.osv.error = ValueError("a mistake of ours")


def is_partial(bench: GateBench) -> None:
    bench.scans.osv.findings = ()
    bench.scans.osv.status = ScanStatus.PARTIAL


def has_nobody(bench: GateBench) -> None:
    bench.scans.settings_kept.put_setting("scanner", "none")


@pytest.mark.parametrize("happens", [fails, breaks, is_partial, has_nobody])
@pytest.mark.parametrize("handling", [None, Handling.BLOCK, Handling.WARN, Handling.ALLOW])
def test_what_nobody_knows_does_not_pass_in_silence(
    bench: GateBench, happens: Callable[[GateBench], None], handling: Handling | None
) -> None:
    said = {"unscanned": handling} if happens is has_nobody else {"scan_failed": handling}
    bench.policy(replace(NOTHING_HIGH, **said))  # type: ignore[arg-type]  # fields by name
    happens(bench)
    gate = bench.begin()

    if handling in (None, Handling.BLOCK):
        with pytest.raises(GateRefused) as refused:
            bench.ask(gate)
        assert refused.value.hint is not None
        assert ("Choose a scanner" in refused.value.hint) is (happens is has_nobody)
    else:
        bench.ask(gate)
        verdict = bench.verdict(gate)
        assert verdict["allowed"] is True
        assert verdict["doubts"]
        assert verdict["warnings"] == (verdict["doubts"] if handling is Handling.WARN else [])


def test_a_pull_without_a_scan_is_judged_by_what_is_stored(bench: GateBench) -> None:
    bench.policy()
    with pytest.raises(GateRefused, match="not scanned"):
        bench.ask(bench.begin(scan=False))
    with pytest.raises(GateRefused, match="CVE-2099-0001"):
        bench.ask(bench.begin())

    heard = Heard()
    with pytest.raises(GateRefused, match="CVE-2099-0001"):
        bench.ask(bench.begin(heard, scan=False))
    assert heard.lines == []


def test_each_platform_that_comes_is_judged(bench: GateBench) -> None:
    """One that no scan speaks of is not passed over."""
    bench.policy(Limits(max_severity=Severity.HIGH))
    bench.scans.osv.findings = ()
    other = Descriptor(bench.root.media_type, Digest.of(b"another platform"), 7)
    gate = bench.begin()
    assert gate.admit is not None

    with pytest.raises(GateRefused):
        gate.admit(replace(bench.arriving, parts=(bench.root, other)))


# ── what changes meanwhile


def test_a_policy_that_is_made_during_a_pull_counts_when_the_name_is_given(bench: GateBench) -> None:
    gate = bench.begin()
    bench.policy()

    with pytest.raises(GateRefused):
        bench.ask(gate)


def test_a_policy_that_is_made_during_the_scan_counts_when_it_is_judged(bench: GateBench) -> None:
    bench.policy(Limits(max_severity=Severity.HIGH))
    bench.scans.osv.during = lambda _: bench.policy()  # type: ignore[assignment]  # nobody asks what it gives

    with pytest.raises(GateRefused):
        bench.ask(bench.begin())


def test_a_policy_that_is_taken_back_during_a_pull_stops_it_no_more(bench: GateBench) -> None:
    policy = bench.policy()
    gate = bench.begin()
    bench.database.gates.remove_policy(policy.id)

    bench.ask(gate)


def test_a_policy_that_enforces_once_the_name_is_given_reports(bench: GateBench) -> None:
    gate = bench.begin()
    bench.ask(gate)
    bench.policy()

    verdict = bench.verdict(gate)
    assert verdict["allowed"] is False
    assert len(bench.verdicts) == 1


def test_an_exception_that_is_over_when_it_is_judged_hides_nothing(bench: GateBench) -> None:
    bench.policy()
    form = ExceptionForm(OPENSSL.id, "until the update", expires=bench.scans.clock() + 60)
    bench.exceptions.add(ADMIN, form)
    bench.ask(bench.begin())

    def ages(_: object) -> None:
        bench.scans.clock.now += 61

    bench.scans.osv.version, bench.scans.osv.during = "2", ages
    with pytest.raises(GateRefused):
        bench.ask(bench.begin())


def test_suppressed_findings_are_counted_and_told(bench: GateBench) -> None:
    bench.policy()
    bench.exceptions.add(
        ADMIN, ExceptionForm(OPENSSL.id, "not called", status="not_affected", image="registry.example/team/*")
    )
    gate = bench.begin()

    bench.ask(gate)
    verdict = bench.verdict(gate)
    assert (verdict["allowed"], verdict["suppressed"]) == (True, 1)


def test_two_pulls_of_one_tag_are_judged_each(bench: GateBench) -> None:
    bench.policy()
    first, second = bench.begin(), bench.begin()

    for gate in (first, second):
        with pytest.raises(GateRefused):
            bench.ask(gate)
    assert len(bench.verdicts) == 2


def test_a_docker_host_is_asked_to_wait_only_where_a_policy_enforces(bench: GateBench) -> None:
    row = bench.scans.records.environment(1)
    assert row is not None
    host = replace(row, connection_type=ConnectionType.SOCKET)
    bench.scans.records.change_environment(row, host)
    try:
        assert bench.begin().admit is None
        bench.policy(mode=Mode.REPORT)
        assert bench.begin().admit is None
        bench.policy()
        assert bench.begin().admit is not None
    finally:
        bench.scans.records.change_environment(host, row)
