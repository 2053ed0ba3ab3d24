"""Archives of a Docker host: images out as a stream, images in, and a root file system as an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from lading.backends.docker_client import answers
from lading.backends.docker_client.daemon import Daemon, check
from lading.backends.docker_client.faults import (
    AnswerCut,
    AnswerUnreadable,
    DaemonUnreachable,
    ExportCut,
    TransferLost,
)
from lading.backends.docker_client.inspecting import root_digest
from lading.backends.docker_client.parts import parse_digest
from lading.backends.docker_client.questions import Questions, whole
from lading.oci.platform import Platform
from lading.oci.reference import Reference, ReferenceInvalid
from lading.services.environments.orders import Arrived, ImportOrder
from lading.services.hub.hub import AgentAway
from lading.services.lookup import may_be_id
from lading.services.places import Named
from lading.wire import docker_urls as urls
from lading.wire.docker_lines import Line, Story
from lading.wire.docker_words import Verb
from lading.wire.message import Cancel, Reader
from lading.wire.progress import Report

TAR_END = 1024
"""Bytes of zeros that end every tar archive, at least (POSIX.1, pax)."""

_TAR = {"Content-Type": "application/x-tar"}


class HostArchives:
    """Of one daemon."""

    def __init__(self, daemon: Daemon, questions: Questions) -> None:
        self._daemon, self._questions = daemon, questions

    def export(
        self, images: Sequence[str], platform: Platform | None, cancel: Cancel
    ) -> AbstractContextManager[Reader]:
        """A daemon that misses one tells it by breaking off, so each is looked for. Raises ImageUnknown,
        PlatformMissing; the stream ExportCut, AnswerCut."""
        names = [self._found(image, platform, cancel) for image in images]
        said = platform if self._daemon.api(cancel) >= urls.ARCHIVES_PLATFORM_FROM else None
        return self._whole(self._daemon.stream("GET", lambda api: urls.export(api, names, said), cancel))

    @contextmanager
    def _whole(self, opened: AbstractContextManager[Reader]) -> Iterator[Reader]:
        with opened as stream:
            yield WholeTar(stream, self._daemon.name)

    def load(self, archive: Reader, platform: Platform | None, report: Report, cancel: Cancel) -> Sequence[Arrived]:
        """Raises DaemonTooOld, AnswerUnreadable, AnswerCut, TransferLost and the typed faults of wire.docker_faults."""
        if platform is not None:
            self._questions.need(urls.ARCHIVES_PLATFORM_FROM, "to load one platform of an archive", cancel)
        story = Story(Verb.LOAD, "archive")
        with self._carried(archive, "the load") as body:
            for line in self._daemon.lines(
                "POST", lambda api: urls.load(api, platform), cancel, headers=_TAR, body=body
            ):
                for event in story.hear(line):
                    report(event)
            check(story.fault)
            if not story.loaded:
                raise AnswerUnreadable(self._daemon.name, "the name of what it loaded")
            return [self._loaded(name, cancel) for name in story.loaded]

    def import_(self, archive: Reader, order: ImportOrder, cancel: Cancel) -> Arrived:
        """Raises DaemonTooOld, TransferLost and the typed faults of wire.docker_faults."""
        if order.platform is not None:
            self._questions.need(urls.IMPORTS_PLATFORM_FROM, "to import for a platform", cancel)
        name = order.reference.or_latest if order.reference else None

        def path(api: urls.ApiVersion) -> str:
            return urls.import_(api, name, message=order.message, changes=order.changes, platform=order.platform)

        with self._carried(archive, "the import") as body:
            identity = _last_id(self._daemon.lines("POST", path, cancel, headers=_TAR, body=body))
            if identity is None:
                raise AnswerUnreadable(self._daemon.name, "an image's id")
            image = self._questions.inspect(identity, cancel)
        return Arrived(name, answers.image_id(image, self._daemon.name), root_digest(image), None)

    @contextmanager
    def _carried(self, archive: Reader, work: str) -> Iterator[Reader]:
        """A daemon that has begun to take an archive may end its work without us. Raises TransferLost."""
        body = _Body(archive)
        try:
            yield body
        except (DaemonUnreachable, AgentAway) as error:
            if not body.begun:
                raise
            hint = "Look whether the host has the image, and ask for it again where it has not."
            raise TransferLost(self._daemon.name, work, error).but(hint=hint) from error

    def _found(self, text: str, platform: Platform | None, cancel: Cancel) -> str:
        """As the daemon is to be asked for it: a repository without a tag means all its tags."""
        repository = _repository(text)
        if repository is not None and self._has_tags(repository, cancel):
            return str(repository)
        self._questions.inspect(text, cancel, platform)
        return whole(text)

    def _has_tags(self, asked: Reference, cancel: Cancel) -> bool:
        rows = answers.rows(self._daemon.ask("GET", urls.images, cancel), self._daemon.name)
        return any(name.repository == asked.repository for row in rows for name in answers.names(row))

    def _loaded(self, name: str, cancel: Cancel) -> Arrived:
        image = self._questions.inspect(name, cancel)
        reference = None if may_be_id(name) else Named(name).reference
        return Arrived(reference, answers.image_id(image, self._daemon.name), root_digest(image), None)


class WholeTar:
    """An archive that is not over before it says so: an answer may end without an error where the engine broke down."""

    def __init__(self, stream: Reader, name: str) -> None:
        self._stream, self._name = stream, name
        self._zeros = 0

    def readinto(self, buffer: memoryview, /) -> int:
        """Raises ExportCut besides."""
        try:
            count = self._stream.readinto(buffer)
        except AnswerCut:
            if self._zeros < TAR_END:
                raise
            return 0
        if count == 0 and len(buffer) and self._zeros < TAR_END:
            raise ExportCut(self._name)
        held = bytes(buffer[max(0, count - TAR_END) : count])
        zeros = len(held) - len(held.rstrip(b"\0"))
        self._zeros = zeros + (self._zeros if zeros == count else 0)
        return count

    def close(self) -> None:
        self._stream.close()


class _Body:
    """An archive on its way to a daemon, and whether that has `begun` to take it."""

    def __init__(self, archive: Reader) -> None:
        self._archive = archive
        self.begun = False

    def readinto(self, buffer: memoryview, /) -> int:
        """See Reader."""
        self.begun = True
        return self._archive.readinto(buffer)

    def close(self) -> None:
        """It stays its owner's to close."""


def _last_id(lines: Iterator[Line]) -> str | None:
    """What an import ends with; raises what went wrong."""
    identity: str | None = None
    for line in lines:
        if line.error is not None:
            check(line)
        if parse_digest(line.status) is not None:
            identity = line.status
    return identity


def _repository(text: str) -> Reference | None:
    """A name without tag and digest; None for everything else."""
    try:
        reference = Reference.parse(text)
    except ReferenceInvalid:
        return None
    return None if reference.tag or reference.digest else reference
