"""Pulls through a Docker host.

A daemon names what it pulls. Where somebody is to be asked first, the tag is resolved at its registry and the digest is
pulled, which gives no tag; asked is about that, and the tag is given afterwards. So between the two nobody can have
moved it, and whatever had the tag keeps it where the answer is no. The same goes for a tag whose signatures were
verified: the daemon is told nothing but the digest that is signed.

What a stream says, or that it ends, is no result either: what the daemon says it pulled, or else what the registry has
under the name, is to be what the host knows the image by under that name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic

from lading.backends.docker_client import answers
from lading.backends.docker_client.breaks import Attempts, Back, Break, at_once, heard
from lading.backends.docker_client.daemon import Daemon, check
from lading.backends.docker_client.faults import PullUnverified, TransferLost
from lading.backends.docker_client.logins import LOGIN_ENDED, LentLogin
from lading.backends.docker_client.naming import Names
from lading.backends.docker_client.pushing import UNDO_SECONDS, Prove
from lading.backends.docker_client.questions import Questions
from lading.engine.cancel import Cancellation
from lading.errors import AccessDenied, Cancelled, LadingError, TimedOut, Unreachable
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.services.environments.orders import Arrived, Arriving, PullOrder
from lading.services.lookup import ImageUnknown
from lading.wire import docker_urls as urls
from lading.wire.docker_lines import Story
from lading.wire.docker_words import Verb
from lading.wire.message import Cancel
from lading.wire.progress import Noted, Report

Resolve = Callable[[Reference], Digest]
"""What the registry has under a tag now."""


@dataclass(frozen=True, slots=True)
class _Pulled:
    """An image that is at the host, by its id there, and known by `digest` in the repository it came from."""

    image: str
    digest: Digest
    current: bool


@dataclass(frozen=True, slots=True)
class Pull:
    """One pull. `platform` None is the daemon's own."""

    daemon: Daemon
    questions: Questions
    names: Names
    prove: Prove
    order: PullOrder
    platform: Platform | None
    report: Report
    cancel: Cancel
    back: Back = at_once

    def run(self, resolve: Resolve) -> Arrived:
        """Raises the typed faults of wire.docker_faults, TransferLost, PullUnverified, and what the order's `admit`
        raises."""
        reference = self.order.reference.or_latest
        if self.order.admit is not None or self.order.verified is not None:
            return self._pinned(reference, self.order.verified or reference.digest or resolve(reference))
        asked = Reference(reference.repository, digest=reference.digest) if reference.digest else reference
        return _arrived(reference, self._pull(asked, reference))

    def _pinned(self, reference: Reference, digest: Digest) -> Arrived:
        """Several pulls may bring the same digest at once: it goes with the last of them, if none may keep it."""
        pinned = Reference(reference.repository, digest=digest)
        with self.names.lent(pinned, str(digest), partial(self._bringing, pinned)) as lent:
            pulled = self._pull(pinned, reference)
            if self.order.admit is not None:
                self.order.admit(Arriving(reference, pulled.image))
            self.cancel.check()
            if reference.digest is None:
                self.questions.of_image(
                    "POST", pulled.image, lambda api, name: urls.tag(api, name, reference), self.cancel
                )
            lent.keep()
        return _arrived(reference, pulled)

    def _pull(self, reference: Reference, told: Reference) -> _Pulled:
        """By its digest or its tag, again where that breaks off; the events carry the name that was `told`."""
        attempts, login = Attempts(self.report), LentLogin(self.order.access, reference.repository.registry)
        while True:
            story = Story(Verb.PULL, str(told))
            try:
                broke = self._heard(reference, login, story, attempts.report)
            except AccessDenied:
                if not login.ended() or not attempts.again():
                    raise
                self.report(Noted(str(told), LOGIN_ENDED))
                continue
            back = broke is None or self.back(self.cancel)
            try:
                found = self._landed(reference, story) if back else None
            except Unreachable as error:
                broke, found = broke or error, None
            if found is not None:
                return found
            if not back or not attempts.again():
                raise self._given_up(told, broke)
            self.report(Noted(str(told), "the pull broke off, and is begun again: what is there is not brought twice"))

    def _heard(self, reference: Reference, login: LentLogin, story: Story, report: Report) -> Break | None:
        """How one attempt broke off; None where it ended by itself. Raises the typed faults of wire.docker_faults."""
        lines = self.daemon.lines(
            "POST", lambda api: urls.pull(api, reference, self.platform), self.cancel, headers=login.fields()
        )
        broke = heard(lines, story, report)
        check(story.fault)
        return broke

    def _landed(self, reference: Reference, story: Story) -> _Pulled | None:
        """Whether the host has under the name what was asked for: by its digest, else by what the daemon says or the
        registry has under the tag now. None too where that cannot be asked. Raises Unreachable."""
        said = reference.digest or story.digest
        try:
            image = self.questions.inspect(str(reference), self.cancel, None if story.digest else self.platform)
            digest = said or self.prove(reference, self.order.access, self.cancel)
        except (Cancelled, TimedOut, Unreachable):
            raise
        except LadingError:
            return None
        if digest is None or (reference.repository, digest) not in answers.digests(image):
            return None
        return _Pulled(answers.image_id(image, self.daemon.name), digest, story.current)

    def _given_up(self, reference: Reference, broke: Break | None) -> LadingError:
        if broke is None:
            return PullUnverified(str(reference))
        return TransferLost(self.daemon.name, f"the pull of {reference}", broke)

    # ── what must not stay

    def _bringing(self, pinned: Reference) -> Callable[[], None] | None:
        """How to undo it; None where the host has it already."""
        try:
            self.questions.inspect(str(pinned), self.cancel)
        except ImageUnknown:
            return partial(self._take_back, pinned)
        return None

    def _take_back(self, pinned: Reference) -> None:
        """Never raises: the pull has an error of its own to tell."""
        with Cancellation(UNDO_SECONDS, clock=monotonic) as cancel:
            try:
                self.questions.of_image(
                    "DELETE", str(pinned), lambda api, name: urls.remove(api, name, force=False), cancel
                )
            except ImageUnknown:
                return  # it did not come so far
            except LadingError as error:
                self.report(Noted(str(pinned), f"what was pulled could not be removed again: {error}"))


def _arrived(reference: Reference, pulled: _Pulled) -> Arrived:
    return Arrived(reference, pulled.image, pulled.digest, None, current=pulled.current)
