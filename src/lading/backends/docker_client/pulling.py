"""Pulls through a Docker host.

A daemon names what it pulls. Where somebody is to be asked first, the tag is resolved at its registry and the digest is
pulled, which gives no tag; asked is about that, and the tag is given afterwards. So between the two nobody can have
moved it, and whatever had the tag keeps it where the answer is no.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic

from lading.backends.docker_client import answers
from lading.backends.docker_client.answers import Members
from lading.backends.docker_client.archives import check
from lading.backends.docker_client.daemon import Daemon
from lading.backends.docker_client.inspecting import root_digest
from lading.backends.docker_client.naming import Names
from lading.backends.docker_client.pushing import AUTH_FIELD, UNDO_SECONDS
from lading.backends.docker_client.questions import Questions
from lading.engine.cancel import Cancellation
from lading.errors import LadingError
from lading.oci.digest import Digest
from lading.oci.platform import Platform
from lading.oci.reference import Reference
from lading.services.environment_orders import Admit, Arrived, Arriving, PullOrder
from lading.services.lookup import ImageUnknown
from lading.wire import docker_urls as urls
from lading.wire.docker_auth import registry_auth
from lading.wire.docker_lines import Story
from lading.wire.docker_words import Verb
from lading.wire.message import Cancel
from lading.wire.progress import Noted, Report

Resolve = Callable[[Reference], Digest]
"""What the registry has under a tag now."""


@dataclass(frozen=True, slots=True)
class Pull:
    """One pull. `platform` None is the daemon's own."""

    daemon: Daemon
    questions: Questions
    names: Names
    order: PullOrder
    platform: Platform | None
    report: Report
    cancel: Cancel

    def run(self, resolve: Resolve) -> Arrived:
        """Raises the typed faults of wire.docker_faults, and what the order's `admit` raises."""
        reference = self.order.reference.or_latest
        if self.order.admit is not None:
            return self._admitted(reference, self.order.admit, reference.digest or resolve(reference))
        return self._arrived(reference, self._pull(reference, reference))

    def _admitted(self, reference: Reference, admit: Admit, digest: Digest) -> Arrived:
        """Several pulls may bring the same digest at once: it goes with the last of them, if none may keep it."""
        pinned = Reference(reference.repository, digest=digest)
        with self.names.lent(pinned, str(digest), partial(self._bringing, pinned)) as lent:
            story = self._pull(pinned, reference)
            image = answers.image_id(self.questions.inspect(str(pinned), self.cancel), self.daemon.name)
            admit(Arriving(reference, image))
            self.cancel.check()
            if reference.digest is None:
                self.questions.of_image("POST", image, lambda api, name: urls.tag(api, name, reference), self.cancel)
            lent.keep()
        return self._arrived(reference, story)

    def _pull(self, reference: Reference, told: Reference) -> Story:
        headers = {AUTH_FIELD: registry_auth(self.order.access.credential, reference.repository.registry)}
        story = Story(Verb.PULL, str(told))
        lines = self.daemon.lines(
            "POST", lambda api: urls.pull(api, reference, self.platform), self.cancel, headers=headers
        )
        for line in lines:
            for event in story.hear(line):
                self.report(event)
        check(story.fault)
        return story

    def _arrived(self, reference: Reference, story: Story) -> Arrived:
        """What is there now under the name that was asked for: the stream's word alone is no proof."""
        pinned = Reference(reference.repository, digest=reference.digest) if reference.digest else reference
        image: Members = self.questions.inspect(str(pinned), self.cancel)
        known = {digest for repository, digest in answers.digests(image) if repository == reference.repository}
        digest = story.digest if story.digest in known else root_digest(image)
        return Arrived(reference, answers.image_id(image, self.daemon.name), digest, None, current=story.current)

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
