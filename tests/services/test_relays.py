"""When pushes of Docker hosts go through us, and what comes of them then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import pytest

from lading.engine.cancel import Cancellation
from lading.engine.stores import TagMoved
from lading.errors import LadingError
from lading.oci.descriptor import Descriptor
from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.services.content.stores import FullStore, Stores
from lading.services.embedded.environment import Ways
from lading.services.environments.environment import ConnectionType, Environment
from lading.services.environments.orders import Access, Arrived, PushOrder
from lading.services.hub.hub import AgentAway
from lading.services.inventories.host_views import AtHost
from lading.services.registries.records import RelayChoice
from lading.services.relays.relays import Brought, Pushed, Relays
from lading.wire.docker_faults import DaemonFailed, RegistryLoginRefused, RegistryTlsRefused, RegistryUnreachable
from lading.wire.endpoint import Endpoint
from lading.wire.message import Cancel, ConnectFailed
from lading.wire.progress import Advanced, Report, State
from tests.fakes.images import put_image
from tests.fakes.memory import MemoryRepository
from tests.fakes.places import MemoryPlaces
from tests.fakes.scan_bench import Heard

CANCEL = Cancellation()
FIRST, SECOND = (Reference.parse(f"registry.test/team/app:{tag}") for tag in ("1", "2"))
ORDER = PushOrder("an id", (FIRST, SECOND), Access("test", Endpoint("registry.test")))
BY_HOST = [Arrived(target, "an id", Digest.of(b"pushed by the host"), 1) for target in ORDER.targets]
TLS, LOST = RegistryTlsRefused("x509: who is that"), RegistryUnreachable("dial tcp: no")


@dataclass
class Host:
    """Stands for a GuardedEnvironment: what its own push comes to is given."""

    push_result: LadingError | Sequence[Arrived] = field(default_factory=lambda: BY_HOST)
    connection_type: ConnectionType = ConnectionType.SOCKET
    id: int = 7
    pushes: int = 0

    def push(self, order: PushOrder, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        self.pushes += 1
        if isinstance(self.push_result, LadingError):
            raise self.push_result
        return self.push_result

    def pushed_by(
        self, order: PushOrder, push: Callable[[Environment], Sequence[Arrived]], cancel: Cancel
    ) -> Sequence[Arrived]:
        return push(self)  # type: ignore[arg-type]  # no more is asked of an environment


@dataclass
class Bench:
    """Relays over memory; `note` is what is said of what was brought."""

    places: MemoryPlaces = field(default_factory=MemoryPlaces)
    heard: Heard = field(default_factory=Heard)
    brought: list[AtHost] = field(default_factory=list)
    note: str = ""

    def __post_init__(self) -> None:
        self.root = put_image(self.places.own)

    def local(self) -> Stores:
        return self.places

    def stores(self, access: Access) -> Stores:
        assert access is ORDER.access
        return self.places

    @contextmanager
    def bring(self, host: AtHost, order: PushOrder, report: Report, cancel: Cancel) -> Iterator[Brought]:
        self.brought.append(host)
        report(Advanced("it", "it", State.MOVING, 10))
        yield Brought(self.places.own, self.root, self.note)

    def push(self, host: Host, choice: RelayChoice, order: PushOrder = ORDER) -> Pushed:
        ways: Ways = self  # type: ignore[assignment]  # archives are nobody's business here
        relays = Relays(self.bring, ways, lambda: 2, None)
        return relays.push(host, order, choice, self.heard, CANCEL)  # type: ignore[arg-type]

    @property
    def target(self) -> MemoryRepository:
        return self.places.registry(FIRST.repository)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_always_is_always_and_the_host_is_not_asked_to_push(bench: Bench) -> None:
    host = Host()

    pushed = bench.push(host, RelayChoice.ALWAYS)

    assert pushed.relayed
    assert [(each.reference, each.digest, each.error) for each in pushed.arrived] == [
        (FIRST, bench.root.digest, None),
        (SECOND, bench.root.digest, None),
    ]
    assert set(bench.target.names) == {"1", "2"}
    assert (host.pushes, [(each.number, each.image) for each in bench.brought]) == (0, [(7, "an id")])


@pytest.mark.parametrize("error", [TLS, LOST])
@pytest.mark.parametrize("raised", [True, False])
def test_where_the_host_finds_no_way_we_push(bench: Bench, error: LadingError, *, raised: bool) -> None:
    host = Host(error if raised else [BY_HOST[0], replace(BY_HOST[1], error=error)])

    pushed = bench.push(host, RelayChoice.AUTO)

    assert pushed.relayed
    assert set(bench.target.names) == {"1", "2"}
    assert {"status": "relaying", "message": f"Pushing through Lading: {error}"} in bench.heard.lines


@pytest.mark.parametrize(
    "error", [RegistryLoginRefused("no"), DaemonFailed("it broke"), AgentAway(7), ConnectFailed("docker.test", "no")]
)
def test_any_other_failure_of_the_host_stays_its_own(bench: Bench, error: LadingError) -> None:
    with pytest.raises(type(error)) as raised:
        bench.push(Host(error), RelayChoice.AUTO)

    assert raised.value is error
    assert (bench.brought, bench.heard.lines) == ([], [])


def test_nothing_is_brought_where_we_find_no_way_either(bench: Bench) -> None:
    def resolve(_name: object) -> None:
        raise ConnectFailed("registry.test", "nobody listens")

    bench.target.resolve = resolve  # type: ignore[assignment, method-assign]

    with pytest.raises(RegistryUnreachable) as raised:
        bench.push(Host(LOST), RelayChoice.AUTO)

    assert raised.value is LOST
    assert bench.brought == []


@pytest.mark.parametrize(
    ("host", "choice", "order"),
    [
        (Host(), RelayChoice.AUTO, ORDER),
        (Host(), RelayChoice.NEVER, ORDER),
        (Host(connection_type=ConnectionType.EMBEDDED), RelayChoice.ALWAYS, ORDER),
        (Host(), RelayChoice.ALWAYS, replace(ORDER, dry_run=True)),
    ],
)
def test_else_the_host_pushes(bench: Bench, host: Host, choice: RelayChoice, order: PushOrder) -> None:
    assert bench.push(replace(host), choice, order) == Pushed(BY_HOST, relayed=False)
    assert bench.brought == []


def test_who_never_relays_is_told_the_hosts_error(bench: Bench) -> None:
    with pytest.raises(RegistryTlsRefused):
        bench.push(Host(TLS), RelayChoice.NEVER)


def test_no_tag_is_moved_where_one_that_must_not_be_there_is(bench: Bench) -> None:
    there = put_image(bench.target, [b"another"], tag="1")

    pushed = bench.push(Host(), RelayChoice.ALWAYS, replace(ORDER, condition="absent"))

    assert [type(each.error) for each in pushed.arrived] == [TagMoved, TagMoved]
    assert {name: root.digest for name, root in bench.target.names.items()} == {"1": there.digest}


def test_the_bytes_of_both_ways_and_the_note_are_told(bench: Bench) -> None:
    bench.note = "1 of 2 platforms"

    pushed = bench.push(Host(), RelayChoice.ALWAYS)

    assert {each.note for each in pushed.arrived} == {"1 of 2 platforms"}
    coming = [each for each in bench.heard.events if isinstance(each, Advanced) and each.id == "relay"]
    assert [(each.state, each.current) for each in coming] == [(State.MOVING, 10), (State.DONE, 10)]


def test_what_is_relayed_is_signed_when_all_is_there_and_no_tag_is(bench: Bench) -> None:
    seen: list[tuple[Sequence[Reference], Digest, bool, set[str]]] = []

    def sign(references: Sequence[Reference], root: Descriptor, store: FullStore) -> None:
        seen.append((references, root.digest, store.has(root), set(bench.target.names)))

    pushed = bench.push(Host(), RelayChoice.ALWAYS, replace(ORDER, sign=sign))

    assert seen == [([FIRST, SECOND], bench.root.digest, True, set())]
    assert [each.error for each in pushed.arrived] == [None, None]
    assert set(bench.target.names) == {"1", "2"}


def test_what_cannot_be_signed_gets_no_tag(bench: Bench) -> None:
    def sign(_references: Sequence[Reference], _root: Descriptor, _store: FullStore) -> None:
        raise LOST

    pushed = bench.push(Host(), RelayChoice.ALWAYS, replace(ORDER, sign=sign))

    assert [each.error for each in pushed.arrived] == [LOST, LOST]
    assert set(bench.target.names) == set()
