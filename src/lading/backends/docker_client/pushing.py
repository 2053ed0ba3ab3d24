"""A push through a daemon: the name it needs, the stream it tells, and the proof at the registry.

    looked at the registry (where a condition asks) ─> named ─> pushed ─> digest told ─> read back at the registry
                                                                  └─ breaks off ─> followed up (breaks)

A stream that ends is no result: a push is complete when the registry answers the digest that the daemon named, or that
it knows its image by there after a push that nobody heard the end of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Protocol

from lading.backends.docker_client import answers
from lading.backends.docker_client.answers import Members
from lading.backends.docker_client.breaks import Attempts, Back, Break, at_once, heard
from lading.backends.docker_client.daemon import Daemon, check
from lading.backends.docker_client.faults import (
    AnswerCut,
    PlatformsRefused,
    PushCannotConverge,
    PushUnverified,
    TransferLost,
)
from lading.backends.docker_client.logins import LOGIN_ENDED, LentLogin
from lading.backends.docker_client.naming import Names
from lading.backends.docker_client.parts import parts, root
from lading.engine.cancel import Cancellation
from lading.engine.stores import TagMoved, TagUnproven, permits
from lading.errors import AccessDenied, Cancelled, LadingError, NotFound, TimedOut, Unreachable
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.oci.reference import DEFAULT_TAG, Reference
from lading.services.environments.orders import Access, Arrived, PushOrder
from lading.services.platforms import Wanted
from lading.wire import docker_urls as urls
from lading.wire.docker_lines import Story
from lading.wire.docker_words import Verb
from lading.wire.message import Cancel
from lading.wire.progress import Noted, Report, Tagged

UNDO_SECONDS = 30.0
"""How long taking a name back may take, after a cancel too."""


class Prove(Protocol):
    """Asks the registry itself what a tag is, past the daemon."""

    def __call__(self, reference: Reference, access: Access, cancel: Cancel) -> Digest | None:
        """None where there is no such tag. Raises AccessDenied, NetworkFailed and the like."""


@dataclass(frozen=True, slots=True)
class Push:
    """One image of one daemon to its targets, one after the other. `image` is the daemon's description of it."""

    daemon: Daemon
    names: Names
    prove: Prove
    image: Members
    order: PushOrder
    platform: Platform | None
    report: Report
    cancel: Cancel
    back: Back = at_once

    @property
    def id(self) -> str:
        """The daemon's own name for the image."""
        return answers.image_id(self.image, self.daemon.name)

    def run(self) -> Sequence[Arrived]:
        """What became of it at each target: none is touched where the condition does not hold for all.

        Raises Unreachable where it has arrived nowhere, Cancelled and TimedOut; everything else is in what arrived, or
        did not.
        """
        targets = [target.or_latest for target in self.order.targets]
        try:
            for target in targets:
                self._look(target)
        except (Unreachable, Cancelled, TimedOut):
            raise
        except LadingError as error:
            return [Arrived(target, self.id, None, None, error=error) for target in targets]
        if self.order.dry_run:
            return [Arrived(target, self.id, None, None, planned=True) for target in targets]
        return self._one_by_one(targets)

    def _one_by_one(self, targets: Sequence[Reference]) -> Sequence[Arrived]:
        """Where the host is lost after some have arrived, that is the rest's error: what arrived is told."""
        arrived: list[Arrived] = []
        for target in targets:
            try:
                arrived.append(self._to(target))
            except Unreachable as error:
                if not arrived:
                    raise
                lost = targets[len(arrived) :]
                return [*arrived, *(Arrived(each, self.id, None, None, error=error) for each in lost)]
        return arrived

    def _to(self, target: Reference) -> Arrived:
        try:
            return self._pushed(target)
        except (Unreachable, Cancelled, TimedOut):
            raise
        except LadingError as error:
            return Arrived(target, self.id, None, None, error=error)

    def _pushed(self, target: Reference) -> Arrived:
        with self.names.lent(target, self.id, partial(self._give, target)) as lent:
            try:
                arrived = self._followed(target)
            except TransferLost:
                lent.keep()
                raise
            if arrived.error is None or isinstance(arrived.error, PushUnverified):
                lent.keep()  # it worked, or may have: whoever looks finds the image under the name that it has there
            return arrived

    def _followed(self, target: Reference) -> Arrived:
        """Pushed, again where that breaks off. Raises TransferLost, PushCannotConverge and the daemon's faults."""
        attempts, login = Attempts(self.report), LentLogin(self.order.access, target.repository.registry)
        while True:
            story = Story(Verb.PUSH, str(target))
            try:
                broke = self._push(target, login, story, attempts.report)
            except AccessDenied:
                if not login.ended() or not attempts.again():
                    raise
                self.report(Noted(str(target), LOGIN_ENDED))
                continue
            if story.digest is not None:
                return self._proven(target, story.digest, story.size)
            back = broke is None or self.back(self.cancel)
            found = self._landed(target, asking=back)
            if found is not None:
                return self._proven(target, found, None)
            if not back or not attempts.again():
                return self._given_up(target, broke, attempts)
            self.report(Noted(str(target), "the push broke off, and is begun again: what is there is not sent twice"))

    def _landed(self, target: Reference, *, asking: bool) -> Digest | None:
        """What the tag is at the registry now, if that is the image: by the digest it has always had, or one that the
        daemon, where `asking` it has a point, has come to know it by there. None too where nobody can be asked."""
        described = root(self.image)
        own = {described.digest} if described is not None else set()
        try:
            learned = self._learned(target) if asking else set()
            known = learned | own if self._goes_whole else learned - own
            found = self.prove(target, self.order.access, self.cancel) if known else None
        except (Cancelled, TimedOut):
            raise
        except LadingError:
            return None
        return found if found in known else None

    @property
    def _goes_whole(self) -> bool:
        """Whether what is pushed is what the daemon calls the image: not one platform of it, or those that are here."""
        return self.platform is None and all(part.available for part in parts(self.image))

    def _learned(self, target: Reference) -> set[Digest]:
        """By which digests of that repository the daemon knows the image since it was begun to be pushed."""
        found = self.daemon.ask("GET", lambda api: urls.image(api, self.id), self.cancel)
        new = set(answers.digests(answers.members(found, self.daemon.name))) - set(answers.digests(self.image))
        return {digest for repository, digest in new if repository == target.repository}

    def _given_up(self, target: Reference, broke: Break | None, attempts: Attempts) -> Arrived:
        match broke:
            case None:
                unverified = PushUnverified(str(target), None, "the Docker host named no digest")
                return Arrived(target, self.id, None, None, error=unverified)
            case AnswerCut(name=name, seconds=seconds):
                raise PushCannotConverge(str(target), name, seconds, attempts.left) from broke
            case _:
                raise TransferLost(self.daemon.name, f"the push to {target}", broke) from broke

    def _look(self, target: Reference) -> None:
        """Raises TagMoved where the condition does not hold; the digest is known already where it was pushed before."""
        if self.order.condition == "any":
            return
        holds = self.prove(target, self.order.access, self.cancel)
        known = {digest for repository, digest in answers.digests(self.image) if repository == target.repository}
        if holds not in known and not permits(self.order.condition, holds, _never(holds)):
            raise TagMoved(target.tag or "", str(target.repository), holds)

    # ── the name at the daemon

    def _give(self, target: Reference) -> Callable[[], None] | None:
        """Name the image, and say how to take that back; None where it is called so already."""
        if target in answers.names(self.image):
            return None
        before = self._holder(target)
        self._name(self.id, target, self.cancel)
        return partial(self._take_back, target, before)

    def _holder(self, target: Reference) -> str | None:
        """The id of the image that has the name now."""
        try:
            found = self.daemon.ask("GET", lambda api: urls.image(api, str(target)), self.cancel)
        except NotFound:
            return None
        return answers.image_id(answers.members(found, self.daemon.name), self.daemon.name)

    def _name(self, image: str, target: Reference, cancel: Cancel) -> None:
        self.daemon.ask("POST", lambda api: urls.tag(api, image, target), cancel)

    def _take_back(self, target: Reference, before: str | None) -> None:
        """Never raises: the push has an error of its own to tell. With its last name an image would be gone, so then
        the name stays."""
        with Cancellation(UNDO_SECONDS, clock=monotonic) as cancel:
            try:
                if before is not None:
                    self._name(before, target, cancel)
                elif self._has_other_names(target, cancel):
                    self.daemon.ask("DELETE", lambda api: urls.remove(api, str(target), force=False), cancel)
                else:
                    self.report(Noted(str(target), "the image has no other name and keeps this one"))
            except LadingError as error:
                self.report(Noted(str(target), f"the name could not be taken back: {error}"))

    def _has_other_names(self, target: Reference, cancel: Cancel) -> bool:
        found = self.daemon.ask("GET", lambda api: urls.image(api, self.id), cancel)
        return any(name != target for name in answers.names(answers.members(found, self.daemon.name)))

    # ── the stream, and the proof

    def _push(self, target: Reference, login: LentLogin, story: Story, report: Report) -> Break | None:
        """How it broke off; None where it ended by itself. Raises the typed faults of wire.docker_faults."""
        tag = target.tag or DEFAULT_TAG

        def path(api: urls.ApiVersion) -> str:
            return urls.push(api, target.repository, tag, self.platform)

        broke = heard(self.daemon.lines("POST", path, self.cancel, headers=login.fields()), story, report)
        check(story.fault)
        return broke

    def _proven(self, target: Reference, digest: Digest, size: int | None) -> Arrived:
        name = str(target)
        try:
            found = self.prove(target, self.order.access, self.cancel)
        except (Cancelled, TimedOut):
            raise
        except LadingError as error:
            return Arrived(target, self.id, digest, size, error=PushUnverified(name, digest, str(error)))
        if found != digest:
            unproven = TagUnproven(target.tag or "", str(target.repository), digest, found)
            return Arrived(target, self.id, digest, size, error=unproven)
        self.report(Tagged(name, target.tag or "", digest, size or 0))
        return Arrived(target, self.id, digest, size)


def one_platform(wanted: Wanted | None, daemon: Daemon) -> Platform | None:
    """The platform that was asked for by name; None: the daemon's own choice. Raises PlatformsRefused."""
    if wanted is None or wanted.have or wanted == Wanted():
        return None
    if wanted.all or len(wanted.platforms) != 1:
        raise PlatformsRefused(daemon.name)
    return wanted.platforms[0]


def _never(holds: Digest | None) -> Digest:
    """A digest that is not the one held: what a push will make is not known before."""
    return Digest.of(str(holds).encode())
