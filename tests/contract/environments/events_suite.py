"""What every Docker host tells of its images, whatever way leads there."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import closing

from lading.engine.cancel import Cancellation
from lading.errors import Cancelled
from lading.oci.reference import Reference
from lading.services.environment_images import ImageEvent
from lading.services.environments.environment import Environment, Events, TellsEvents
from tests.contract.environments.suite import CANCEL, bring


def follow(environment: Environment, since: float | None = None, until: float | None = None) -> Events:
    assert isinstance(environment, TellsEvents)
    return environment.events(since, until, CANCEL)


def of(identity: str, events: Iterable[ImageEvent | None]) -> Iterator[ImageEvent]:
    """What is told of this image."""
    return (each for each in events if each is not None and each.id == identity)


class EventsContract:
    """A subclass has the fixture `environment`, in which names beginning with `contract` are free."""

    def test_what_is_done_is_told_as_it_happens(self, environment: Environment) -> None:
        identity = bring(environment, "contract/followed:1", label="followed")
        with closing(follow(environment)) as events:
            environment.tag(identity, Reference.parse("contract/followed:2"), CANCEL)
            tagged = next(of(identity, events))
            environment.remove("contract/followed:2", False, CANCEL)
            untagged = next(of(identity, events))

        assert (tagged.action, tagged.name) == ("tag", "contract/followed:2")
        assert tagged.told["label"] == "followed"
        assert untagged.action == "untag"
        assert tagged.at < untagged.at

    def test_what_was_done_is_told_again(self, environment: Environment) -> None:
        identity = bring(environment, "contract/told:1", label="told")
        with closing(follow(environment)) as events:
            for tag in ("2", "3", "4", "5"):
                environment.tag(identity, Reference.parse(f"contract/told:{tag}"), CANCEL)
            seen = of(identity, events)
            first, second, third, fourth = (next(seen) for _ in range(4))

        again = list(of(identity, follow(environment, (first.at + second.at) / 2, (third.at + fourth.at) / 2)))

        assert again == [second, third]

    def test_a_cancel_ends_the_silence(self, environment: Environment) -> None:
        assert isinstance(environment, TellsEvents)
        identity = bring(environment, "contract/silent:1", label="silent")
        with Cancellation() as cancel, closing(environment.events(None, None, cancel)) as events:
            environment.tag(identity, Reference.parse("contract/silent:2"), CANCEL)
            assert next(of(identity, events)).action == "tag"
            ended = threading.Event()

            def wait() -> None:
                try:
                    list(events)
                except Cancelled:
                    ended.set()

            thread = threading.Thread(target=wait)
            thread.start()
            cancel.cancel()
            thread.join(20)
        assert ended.is_set()
