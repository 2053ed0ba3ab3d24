"""What a daemon tells of its images as it happens, whoever did it: to who follows, without end and without a gap.

A silent daemon and a connection that nobody cut cannot be told apart, and over some ways nothing at all comes before
the first event. So after a while of silence the daemon is asked anew, from where it was: it remembers what it told
last.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from lading.backends.docker_client import answers
from lading.backends.docker_client.daemon import BUFFER, Daemon
from lading.backends.docker_client.faults import DaemonUnreachable
from lading.oci.reference import Reference, ReferenceInvalid
from lading.services.environment_images import ImageEvent
from lading.services.environments.environment import Events
from lading.services.lookup import may_be_id
from lading.wire import docker_urls as urls
from lading.wire.docker_events import ToldEvent, exact_moment, moment_text, read_event
from lading.wire.docker_lines import RawLines
from lading.wire.message import Cancel, Stalled

QUIET_SECONDS = 20.0
"""After which who follows hears that there was nothing: it may have gone away, or may not listen any more."""

REMEMBERED = 256
"""Events: as many as a daemon remembers, and tells again to who asks for them."""


def image_events(daemon: Daemon, since: float | None, until: float | None, cancel: Cancel) -> Events:
    """See services.environments.environment.TellsEvents. Raises DaemonUnreachable, LinesBroken, and what `Daemon.ask`
    raises."""
    now = _now_there(daemon, cancel)
    start = now if since is None else _moment(since)
    return _followed(daemon, start, None if until is None else _moment(until), cancel)


def _followed(daemon: Daemon, start: int | None, end: int | None, cancel: Cancel) -> Events:
    told: deque[ToldEvent] = deque(maxlen=REMEMBERED)
    while True:
        known = max((event.nanoseconds for event in told), default=start)
        try:
            for event in _events(daemon, known, end, cancel):
                if event not in told:
                    told.append(event)
                    yield _image_event(event)
        except DaemonUnreachable as error:
            if not isinstance(error.__cause__, Stalled):
                raise
        else:
            return
        yield None


def _events(daemon: Daemon, start: int | None, end: int | None, cancel: Cancel) -> Iterator[ToldEvent]:
    def path(api: urls.ApiVersion) -> str:
        return urls.image_events(api, *(None if each is None else moment_text(each) for each in (start, end)))

    lines, buffer = RawLines(), memoryview(bytearray(BUFFER))
    with daemon.stream("GET", path, cancel, quiet=QUIET_SECONDS) as stream:
        while count := stream.readinto(buffer):
            yield from (event for event in map(read_event, lines.feed(buffer[:count])) if event.type == "image")
        yield from (event for event in map(read_event, lines.end()) if event.type == "image")


def _now_there(daemon: Daemon, cancel: Cancel) -> int | None:
    """By the daemon's own clock; None where it does not say."""
    found = answers.members(daemon.ask("GET", urls.information, cancel), daemon.name).get("SystemTime")
    return exact_moment(found) if isinstance(found, str) else None


def _moment(seconds: float) -> int:
    """In nanoseconds; beyond microseconds the number says nothing."""
    return round(seconds * 1e6) * 1000


def _image_event(event: ToldEvent) -> ImageEvent:
    name = _name(event.attributes.get("name", ""))
    at = event.nanoseconds / 1e9
    return ImageEvent(event.action, event.id, name, at, event.attributes, nanoseconds=event.nanoseconds)


def _name(called: str) -> str:
    """Empty where it is called by its id alone, as it is when a name is taken from it."""
    try:
        return "" if not called or may_be_id(called) else Reference.parse(called).or_latest.familiar
    except ReferenceInvalid:
        return ""
