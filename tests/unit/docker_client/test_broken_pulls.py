"""Pulls that break off, archives that end too soon, and answers that say nothing."""

from __future__ import annotations

import pytest

from lading.backends.docker_client.archives import TAR_END, WholeTar
from lading.backends.docker_client.breaks import MOST_ATTEMPTS, Attempts
from lading.backends.docker_client.faults import AnswerCut, AnswerUnreadable, ExportCut, PullUnverified, TransferLost
from lading.errors import AccessDenied, LadingError
from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.services.environments.orders import Arriving, PullOrder
from lading.wire.message import BytesReader, Reader
from lading.wire.progress import Advanced, Event, State
from tests.unit.docker_client.played_host import (
    ACCESS,
    CANCEL,
    DIGEST,
    IMAGE,
    LOST,
    OLDER,
    PULLED,
    TARGET,
    Attempt,
    PlayedHost,
    layer,
    line,
    read,
)

PINNED = Reference(TARGET.repository, digest=DIGEST)


def brought(host: PlayedHost) -> Attempt:
    return Attempt(PULLED, meanwhile=host.bring)


@pytest.mark.parametrize("broken", [Attempt(b"", LOST), Attempt(b'{"status":"Down'), Attempt(b"")])
def test_a_pull_that_breaks_off_is_begun_again(broken: Attempt) -> None:
    host = PlayedHost([broken], {}, tag=DIGEST)
    host.attempts.append(brought(host))

    arrived = host.pull()

    assert (arrived.id, arrived.digest, host.transfers) == (IMAGE, DIGEST, 2)


def test_what_has_come_unheard_is_not_pulled_again() -> None:
    host = PlayedHost([], {}, tag=DIGEST)
    host.attempts.append(Attempt(b"", LOST, host.bring))
    assert host.pull().digest == DIGEST
    assert host.transfers == 1


@pytest.mark.parametrize("ends", [LOST, None])
def test_what_the_tag_stood_for_before_is_not_taken_for_what_was_pulled(ends: Exception | None) -> None:
    host = PlayedHost([], {str(TARGET): OLDER}, {OLDER: Digest.of(b"older")}, DIGEST)
    host.attempts += [Attempt(b"", LOST if ends else None), brought(host)]
    assert host.pull().id == IMAGE
    assert host.transfers == 2


@pytest.mark.parametrize("ends", [LOST, None])
def test_a_digest_that_was_told_is_not_there_before_the_host_has_it_under_the_name(ends: Exception | None) -> None:
    """A daemon tells it before it gives the tag, and the one before may still have that."""
    host = PlayedHost([], {str(TARGET): OLDER}, {OLDER: Digest.of(b"older")}, DIGEST)
    host.attempts += [Attempt(PULLED, LOST if ends else None), brought(host)]
    assert host.pull().id == IMAGE
    assert host.transfers == 2


def test_a_host_that_is_lost_when_it_is_asked_what_it_has_is_said_to_be() -> None:
    host = PlayedHost([], {})
    host.attempts += [Attempt(PULLED, None, host.leave)] * 2
    with pytest.raises(TransferLost) as caught:
        host.pull()
    assert "as planned" in (caught.value.why or "")


def test_a_pull_by_digest_is_there_when_the_digest_is() -> None:
    host = PlayedHost([], {})
    host.attempts.append(Attempt(b"", LOST, host.bring))
    assert host.pull(PINNED).digest == DIGEST
    assert host.transfers == 1


def test_a_host_that_does_not_come_back_leaves_it_unknown() -> None:
    host = PlayedHost([Attempt(layer("a", "Downloading"), LOST)], {}, comes_back=False)
    with pytest.raises(TransferLost, match="in the middle of the pull of"):
        host.pull()


def test_a_pull_that_says_nothing_is_no_success() -> None:
    host = PlayedHost([Attempt()] * 2, {str(TARGET): OLDER}, {OLDER: Digest.of(b"older")}, DIGEST)
    with pytest.raises(PullUnverified):
        host.pull()


def test_a_daemon_that_tells_no_digest_is_believed_when_the_registry_has_the_same() -> None:
    host = PlayedHost([], {}, tag=DIGEST)
    host.attempts.append(Attempt(layer("a", "Download complete"), meanwhile=host.bring))
    assert host.pull().digest == DIGEST


def test_what_the_daemon_says_is_wrong_is_no_break() -> None:
    host = PlayedHost([Attempt(line(error="unauthorized: no"))], {})
    with pytest.raises(AccessDenied):
        host.pull()
    assert host.transfers == 1


def test_a_pull_that_is_judged_first_is_followed_up_too() -> None:
    host = PlayedHost([], {})
    host.attempts += [Attempt(b"", LOST), brought(host)]
    host.attempts[1] = Attempt(PULLED, meanwhile=lambda: host.knows.update({IMAGE: DIGEST}))
    host.names["kept"] = IMAGE
    asked: list[Arriving] = []

    arrived = host.environment.pull(PullOrder(PINNED, ACCESS, admit=asked.append), host.events.append, CANCEL)

    assert (arrived.digest, [each.id for each in asked], host.transfers) == (DIGEST, [IMAGE], 2)


def test_what_was_verified_is_pulled_by_its_digest_and_named_afterwards() -> None:
    host = PlayedHost([], {str(TARGET): OLDER}, {OLDER: Digest.of(b"older")}, Digest.of(b"moved since"))
    host.attempts.append(Attempt(PULLED, meanwhile=lambda: host.knows.update({IMAGE: DIGEST})))
    host.names["kept"] = IMAGE

    arrived = host.environment.pull(PullOrder(TARGET, ACCESS, verified=DIGEST), host.events.append, CANCEL)

    assert (arrived.digest, host.names[str(TARGET)]) == (DIGEST, IMAGE)
    assert host.asked[-1].endswith("/tag")


def test_a_verified_pull_that_fails_leaves_the_name_where_it_was() -> None:
    host = PlayedHost([Attempt(line(error="manifest unknown"))], {str(TARGET): OLDER}, {OLDER: Digest.of(b"older")})

    with pytest.raises(LadingError):
        host.environment.pull(PullOrder(TARGET, ACCESS, verified=DIGEST), host.events.append, CANCEL)

    assert host.names == {str(TARGET): OLDER}


# ── archives


class EndsBy:
    """A stream that ends with an error."""

    def __init__(self, held: bytes, error: Exception) -> None:
        self._held, self._error = BytesReader(held), error

    def readinto(self, buffer: memoryview, /) -> int:
        count = self._held.readinto(buffer)
        if not count:
            raise self._error
        return count

    def close(self) -> None:
        self._held.close()


@pytest.mark.parametrize("end", [b"\1", b"\1" + bytes(TAR_END - 1), bytes(TAR_END) + b"\1", b""])
def test_an_archive_without_its_end_is_not_whole(end: bytes) -> None:
    with pytest.raises(ExportCut):
        read(WholeTar(BytesReader(b"x" * 3000 + end), "dock"))


@pytest.mark.parametrize("end", [bytes(TAR_END), bytes(10_240)])
def test_an_archive_with_its_end_is_whole_however_the_answer_ends(end: bytes) -> None:
    content = b"x" * 3000 + end
    streams: list[Reader] = [BytesReader(content), EndsBy(content, AnswerCut("dock", 30))]
    for stream in streams:
        assert read(WholeTar(stream, "dock")) == content


def test_an_archive_that_was_cut_is_said_to_be() -> None:
    with pytest.raises(AnswerCut):
        read(WholeTar(EndsBy(b"x" * 3000, AnswerCut("dock", 30)), "dock"))


def test_a_load_that_names_nothing_is_no_success() -> None:
    host = PlayedHost([Attempt(line(status="Loading layer", id="a", progressDetail={}))])
    with pytest.raises(AnswerUnreadable, match="the name of what it loaded"):
        host.environment.load(BytesReader(b"archive"), host.events.append, CANCEL)


# ── how often


def test_attempts_end_even_where_each_tells_of_another_layer() -> None:
    events: list[Event] = []
    attempts = Attempts(events.append)
    made = 0
    while True:
        attempts.report(Advanced("t", f"layer {made}", State.DONE))
        made += 1
        if not attempts.again():
            break
    assert made == MOST_ATTEMPTS


def test_a_layer_that_failed_is_not_through() -> None:
    attempts = Attempts(lambda _event: None)
    attempts.report(Advanced("t", "a", State.FAILED))
    assert [piece.id for piece in attempts.left] == ["a"]
