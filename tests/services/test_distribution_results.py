"""How a distribution ends, and what is told of a host that failed."""

from __future__ import annotations

import pytest

from lading.errors import LadingError, NotFound
from lading.oci.digest import Digest
from lading.services.distribution.progress import HostTelling
from lading.services.environments.environment import ConnectionType
from lading.services.hub.hub import AgentAway
from lading.services.running.ending import ending_of
from lading.services.transfers.distribution_results import (
    DistributionFailed,
    DistributionIncomplete,
    HostResult,
    host_failed,
    raise_failures,
)
from lading.wire.docker_faults import (
    DaemonFailed,
    PlatformNotOffered,
    RegistryLoginRefused,
    RegistryTlsRefused,
    RegistryUnreachable,
)
from lading.wire.progress import Advanced, Held, Noted, Piece, Planned, State
from tests.fakes.scan_bench import Heard

DIGEST, PLACE = Digest.of(b"an image"), "registry.example:5443"


def result(number: int, error: LadingError | None = None) -> HostResult:
    return HostResult(number, f"host-{number}", DIGEST, error=error)


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        (RegistryUnreachable("dial tcp: refused"), f"the host cannot reach {PLACE}"),
        (RegistryTlsRefused("x509: unknown authority"), f"the host does not trust {PLACE}"),
        (RegistryLoginRefused("unauthorized"), f"{PLACE} did not take the login that the host was lent"),
        (PlatformNotOffered("no matching manifest"), "the Docker host says: no matching manifest"),
        (DaemonFailed("odd"), "the Docker host says: odd"),
        (AgentAway(3), "Edge agent not connected"),
    ],
)
def test_what_is_wrong_between_a_host_and_the_registry_is_one_sentence(cause: LadingError, sentence: str) -> None:
    told = host_failed(cause, ConnectionType.SOCKET, PLACE)

    assert str(told) == sentence
    assert told.code == cause.code


def test_a_host_without_trust_is_told_what_to_do_there() -> None:
    told = host_failed(RegistryTlsRefused("x509:"), ConnectionType.HAWSER_EDGE, PLACE)
    assert told.hint is not None
    assert f"/etc/docker/certs.d/{PLACE}/ca.crt on that host" in told.hint


def test_all_well_raises_nothing() -> None:
    raise_failures("app:1", [result(1), result(2)])


def test_some_failed_is_partly_done_and_names_them() -> None:
    with pytest.raises(DistributionIncomplete) as raised:
        raise_failures("app:1", [result(1), result(2, DaemonFailed("full"))])

    line = ending_of(raised.value).line
    assert line["error"] == "app:1 is at 1 of 2 hosts; it is not at host-2"
    assert line["detail"] == "host-2: the Docker host says: full"
    assert (line["code"], line["cause"]) == ("partly_done", "partly_done")
    assert [each["status"] for each in rows(line)] == ["done", "error"]


def test_where_all_failed_the_first_cause_speaks_and_many_are_not_all_named() -> None:
    with pytest.raises(DistributionFailed) as raised:
        raise_failures("app:1", [result(number, AgentAway(number)) for number in range(1, 13)])

    line = ending_of(raised.value).line
    assert str(line["error"]).startswith("app:1 came to none of host-1, host-2,")
    assert str(line["error"]).endswith("host-10 and 2 more")
    assert str(line["detail"]).endswith("host-10: Edge agent not connected; and 2 more")
    assert (line["cause"], line["code"]) == ("unreachable", "unreachable")
    assert len(rows(line)) == 12
    assert isinstance(raised.value.but(hint="x"), DistributionFailed)


def rows(line: object) -> list[dict[str, object]]:
    assert isinstance(line, dict)
    return list(line["results"])


def test_a_host_tells_of_its_bytes_as_one_layer_and_never_goes_back() -> None:
    heard = Heard()
    telling = HostTelling("site:one", heard)
    for event in (
        Planned("x", (Piece("a", size=100), Piece("b", size=50))),
        Advanced("x", "b", State.EXISTS),
        Advanced("x", "a", State.MOVING, 60),
        Advanced("x", "a", State.UNPACKING, 10),
        Held("hub", "too many", None),
        Noted("x", "something"),
    ):
        telling.event(event)
    telling.line({"status": "scanning", "message": "Starting vulnerability scan..."})
    telling.line({"status": "scan-progress", "message": "half"})
    telling.end(result(1), "app:1")

    advanced = [each for each in heard.events if isinstance(each, Advanced)]
    assert [(each.id, each.current, each.total) for each in advanced] == [
        ("site:one", 60, 100),
        ("site:one", 60, 100),
        ("site:one", 60, 100),
    ]
    assert [line["status"] for line in heard.lines] == [
        "Waiting: too many",
        "something",
        "Starting vulnerability scan...",
        "Done",
    ]


def test_a_host_that_failed_says_so_last() -> None:
    heard = Heard()
    HostTelling("one", heard).end(result(1, NotGone()), "app:1")
    assert heard.lines == [{"id": "one", "status": "Failed: it is gone", "hint": "Look elsewhere."}]


class NotGone(NotFound):
    hint = "Look elsewhere."

    def __str__(self) -> str:
        return "it is gone"
