"""Pushes that break off: what a Docker host and the registry show decides, and no more is said than they do."""

from __future__ import annotations

import pytest

from lading.backends.docker_client.faults import (
    AnswerCut,
    PushCannotConverge,
    PushUnverified,
    TransferLost,
)
from lading.engine.cancel import Cancellation
from lading.engine.stores import TagUnproven
from lading.errors import AccessDenied, Cancelled
from lading.oci.digest import Digest
from lading.oci.reference import Reference
from lading.services.environments.orders import PushOrder
from lading.wire.progress import Advanced, Noted, State, Tagged
from tests.unit.docker_client.played_host import (
    ACCESS,
    CANCEL,
    DIGEST,
    IMAGE,
    LOST,
    PUSHED,
    TARGET,
    Attempt,
    PlayedHost,
    layer,
    line,
)

CUT = AnswerCut("dock", 30)


def complete(host: PlayedHost) -> Attempt:
    return Attempt(PUSHED, meanwhile=host.arrive)


@pytest.mark.parametrize("broken", [Attempt(b"", LOST), Attempt(b'{"status":"Pus'), Attempt(b"")])
def test_a_push_that_breaks_off_is_begun_again(broken: Attempt) -> None:
    host = PlayedHost([broken])
    host.attempts.append(complete(host))

    arrived = host.push()

    assert (arrived.error, arrived.digest) == (None, DIGEST)
    assert host.transfers == 2
    assert any(isinstance(event, Noted) for event in host.events)


def test_what_has_arrived_unheard_is_not_pushed_again() -> None:
    host = PlayedHost([])
    host.attempts.append(Attempt(layer("a", "Pushing"), LOST, host.arrive))

    arrived = host.push()

    assert (arrived.error, arrived.digest, host.transfers) == (None, DIGEST, 1)
    assert isinstance(host.events[-1], Tagged)


def test_what_was_known_before_proves_nothing() -> None:
    """The image is known there by a digest, and the tag has it: but that may be an index with more in it than this."""
    index = Digest.of(b"index")
    host = PlayedHost([Attempt(b"", LOST)], knows={IMAGE: index}, tag=index)
    host.attempts.append(complete(host))

    assert host.push().digest == DIGEST
    assert host.transfers == 2


def test_what_the_registry_does_not_show_has_not_arrived() -> None:
    host = PlayedHost([], tag=Digest.of(b"another"))
    host.attempts.append(Attempt(b"", LOST, lambda: host.knows.update({IMAGE: DIGEST})))
    host.attempts.append(complete(host))

    assert host.push().digest == DIGEST
    assert host.transfers == 2


def test_a_digest_that_was_told_before_the_connection_broke_is_asked_for_at_the_registry() -> None:
    host = PlayedHost([], comes_back=False)
    host.attempts.append(Attempt(PUSHED, LOST, host.arrive))
    assert host.push().error is None
    assert (host.transfers, host.waited) == (1, 0)

    other = PlayedHost([Attempt(PUSHED, LOST)])
    assert isinstance(other.push().error, TagUnproven)


def test_a_host_that_does_not_come_back_leaves_it_unknown() -> None:
    host = PlayedHost([Attempt(layer("a", "Pushing"), LOST)], comes_back=False)

    with pytest.raises(TransferLost, match="the Docker host dock was lost in the middle of the push to") as caught:
        host.push()

    assert "as planned" in (caught.value.why or "")
    assert (host.transfers, host.waited) == (1, 1)
    assert str(TARGET) in host.names  # whoever looks finds the image under the name that it may have there


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_host_that_keeps_images_as_registries_do_is_not_needed_to_know(comes_back: bool) -> None:
    """The digest is known before the push: what the registry has under the tag is proof by itself."""

    def arrive() -> None:
        host.tag = DIGEST

    host = PlayedHost([], root=DIGEST, comes_back=comes_back)
    host.attempts.append(Attempt(layer("a", "Pushing"), LOST, arrive))
    assert (host.push().digest, host.transfers) == (DIGEST, 1)

    other = PlayedHost([Attempt(b"", LOST)], root=DIGEST, tag=Digest.of(b"another"), comes_back=False)
    with pytest.raises(TransferLost):
        other.push()


def test_an_index_that_is_not_all_here_is_not_what_is_pushed() -> None:
    """The tag stood for all of it before: that is no sign that the part that was pushed has arrived."""
    index = Digest.of(b"index")
    host = PlayedHost([], root=index, lacks=True, tag=index)
    host.attempts += [Attempt(b"", LOST, lambda: host.knows.update({IMAGE: index})), complete(host)]
    assert (host.push().digest, host.transfers) == (DIGEST, 2)


def test_what_arrived_before_the_host_was_lost_is_told() -> None:
    host = PlayedHost([], comes_back=False)
    host.attempts += [complete(host), Attempt(b"", LOST)]
    second, third = (Reference.parse(f"registry.invalid/team/app:{tag}") for tag in ("2", "3"))

    arrived = host.environment.push(PushOrder("app:1", (TARGET, second, third), ACCESS), host.events.append, CANCEL)

    assert [(each.reference, type(each.error)) for each in arrived] == [
        (TARGET, type(None)),
        (second, TransferLost),
        (third, TransferLost),
    ]
    assert host.transfers == 2


def test_a_host_that_is_lost_again_and_again_is_given_up() -> None:
    host = PlayedHost([Attempt(b"", LOST)] * 2)
    with pytest.raises(TransferLost):
        host.push()
    assert host.transfers == 2


def test_a_daemon_that_never_names_a_digest_leaves_it_unverified() -> None:
    host = PlayedHost([Attempt(layer("a", "Pushed")), Attempt(), Attempt()])
    assert isinstance(host.push().error, PushUnverified)
    assert host.transfers == 3


def test_what_the_daemon_says_is_wrong_is_no_break() -> None:
    host = PlayedHost([Attempt(line(error="no basic auth credentials"))])
    assert isinstance(host.push().error, AccessDenied)
    assert host.transfers == 1


def test_a_registry_that_we_cannot_ask_does_not_stop_the_host() -> None:
    host = PlayedHost([], unasked=1)
    host.attempts += [Attempt(b"", LOST, lambda: host.knows.update({IMAGE: DIGEST})), complete(host)]
    assert host.push().error is None
    assert host.transfers == 2


def test_whoever_cancels_is_not_kept_waiting_for_the_host() -> None:
    cancel = Cancellation()
    host = PlayedHost([Attempt(b"", LOST, cancel.cancel)], comes_back=False)
    with pytest.raises(Cancelled):
        host.push(cancel)


# ── an agent that ends every answer after 30 seconds


def test_a_push_that_is_cut_goes_on_while_each_attempt_brings_a_layer() -> None:
    layers = ["a", "b", "c"]
    host = PlayedHost([])
    for number in range(3):
        there = b"".join(layer(each, "Layer already exists") for each in layers[:number])
        host.attempts.append(Attempt(there + layer(layers[number], "Pushed") + layer("d", "Pushing", 9), CUT))
    host.attempts.append(Attempt(layer("d", "Pushed") + PUSHED, meanwhile=host.arrive))

    assert host.push().error is None
    assert host.transfers == 4
    told = [(event.id, event.state) for event in host.events if isinstance(event, Advanced)]
    assert [state for name, state in told if name == "a"] == [State.DONE]


def test_a_layer_that_takes_longer_than_the_agent_allows_is_named() -> None:
    cut = Attempt(layer("small", "Pushed") + layer("huge", "Pushing", 3_000_000_000) + layer("b", "Preparing"), CUT)
    host = PlayedHost([cut] * 3)

    error = host.push().error

    assert isinstance(error, PushCannotConverge)
    assert host.transfers == 3  # the first brought a layer, two after it did not
    assert (error.code, [piece.id for piece in error.left]) == ("agent_limit", ["huge", "b"])
    assert str(error) == (
        "the push to registry.invalid/team/app:1 cannot be finished: the agent at dock ends every answer after 30 s, "
        "and layer huge (3GB), layer b do not go in that time"
    )
    assert str(TARGET) not in host.names


def test_many_layers_are_counted_and_not_all_named() -> None:
    cut = Attempt(b"".join(layer(f"l{number}", "Pushing", number) for number in range(1, 7)), CUT)
    assert "layer l6 (6B), layer l5 (5B), layer l4 (4B) and 3 more do not go" in str(PlayedHost([cut] * 2).push().error)


def test_one_layer_is_told_of_as_one_and_none_as_what_is_left() -> None:
    one = PlayedHost([Attempt(layer("a", "Pushing", 5), CUT)] * 2)
    assert "and layer a (5B) does not go" in str(one.push().error)
    none = PlayedHost([Attempt(b"", CUT)] * 2)
    assert "and what is left does not go" in str(none.push().error)
