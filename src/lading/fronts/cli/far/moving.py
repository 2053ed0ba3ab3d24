"""`lading push`, `pull` and `copy` at a server: each a job there that is followed.

A plain source is an image of the server. One on this machine, `oci:DIR`, `archive:FILE`, `docker:NAME` or `-`, goes to
the server's registry first, with the login there and only as far as it is missing; where it is to go further, the
server copies it on from there. Under PASSING it stays, so that the next version moves only what is new.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from lading.errors import Cancelled, InputInvalid, LadingError, TimedOut
from lading.fronts.cli.commands.moving import DigestFileUnwritable, Flags, NoHostPushes, SomeFailed, moved_record
from lading.fronts.cli.console import Record
from lading.fronts.cli.far.following import followed, result_of
from lading.fronts.cli.far.server import Row, environment_of, number, refuse_flags, server_of, word, words
from lading.fronts.cli.far.trusting import signed_there, verified_there
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.texts import duration, size
from lading.oci.reference import DEFAULT_TAG, Reference
from lading.services.lookup import ImageUnknown
from lading.services.places import Named, Place, parse_place
from lading.services.transfers.transfers import Call, Moved
from lading.wire.docker_words import Verb
from lading.wire.guard import is_loopback
from lading.wire.message import Cancel

PASSING = "lading-sent"
"""The first part of the repositories, in the server's registry, that content of clients passes through."""

_OURS_ALONE = ("lanes", "limit-rate", "insecure", "tls-ca", "username", "password")
"""Flags that say how this machine speaks to registries."""


class TargetElsewhere(InputInvalid):
    """A target that is on this machine, of something that a server does."""

    hint = "Name a target in a registry; lading save brings an image of the server here."

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target

    def __str__(self) -> str:
        return f"a server cannot send to {self.target}, which is on this machine"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one piece of work: `pinned` are name@digest, `text` is for people."""

    record: Record
    text: str
    pinned: tuple[str, ...]


Work = Callable[[Cancel], Iterator[Outcome]]


@dataclass(slots=True)
class Errands:
    """Does one piece of work after the other, prints what came of each, and ends with the right error."""

    invocation: Invocation
    flags: Flags
    _outcomes: list[Outcome] = field(default_factory=list)
    _errors: list[LadingError] = field(default_factory=list)

    def run(self, works: Sequence[Work]) -> None:
        """Raises the first error; with --keep-going SomeFailed where some are done."""
        with self.invocation.cancellable() as cancel:
            for work in works:
                try:
                    for outcome in work(cancel):
                        self._done(outcome)
                except (Cancelled, TimedOut):
                    raise
                except LadingError as error:
                    self._errors.append(error)
                    if not self.flags.keep_going:
                        break
                    self.invocation.console.failure(error)
        self._write_digests()
        self._print_json()
        if self._errors:
            failed = SomeFailed(len(self._outcomes), len(self._errors))
            raise failed if self.flags.keep_going and self._outcomes else self._errors[0]

    def _done(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        console = self.invocation.console
        if self.invocation.form != "json" or console.wishes.quiet:
            console.result(self.invocation.form, outcome.record, outcome.text, "\n".join(outcome.pinned))

    def _print_json(self) -> None:
        console, records = self.invocation.console, [each.record for each in self._outcomes]
        if self.invocation.form == "json" and records and not console.wishes.quiet:
            console.json(records[0] if len(records) == 1 and not self._errors else records)

    def _write_digests(self) -> None:
        if self.flags.digest_file is None:
            return
        done = (each for each in self._outcomes if not each.record.get("dryRun") and not each.record.get("jobId"))
        lines = "".join(f"{pinned}\n" for each in done for pinned in each.pinned)
        try:
            Path(self.flags.digest_file).write_text(lines)
        except OSError as error:
            raise DigestFileUnwritable(self.flags.digest_file, error.strerror or str(error)) from error


def pull(
    invocation: Invocation,
    *,
    references: tuple[str, ...],
    all_tags: bool,
    to: str | None,
    if_absent: bool,
    dry_run: bool,
    no_referrers: bool,
    disable_content_trust: bool,
    keep_going: bool,
    digest_file: str | None,
) -> None:
    """Into an environment of the server."""
    refuse_flags(
        invocation,
        *_OURS_ALONE,
        all_tags=all_tags,
        to=to is not None,
        if_absent=if_absent,
        dry_run=dry_run,
        no_referrers=no_referrers,
    )
    flags = Flags(False, False, False, keep_going, digest_file, disable_content_trust)
    trust = flags.trust(invocation)

    def work(name: str) -> Work:
        body = {"image": name, "platform": _platform(invocation), "verify": verified_there(trust, name)}
        return lambda cancel: _job(invocation, _Asked("/api/images/pull", body, name, "pulled"), cancel)

    Errands(invocation, flags).run(list(map(work, references)))


def push(
    invocation: Invocation,
    *,
    source: str,
    targets: tuple[str, ...],
    all_tags: bool,
    relay: bool | None,
    if_absent: bool,
    dry_run: bool,
    no_referrers: bool,
    disable_content_trust: bool,
    keep_going: bool,
    digest_file: str | None,
) -> None:
    """From an environment of the server, or from this machine through its registry."""
    flags = Flags(if_absent, dry_run, no_referrers, keep_going, digest_file, disable_content_trust)
    place = parse_place(source)
    if not isinstance(place, Named):
        refuse_flags(invocation, all_tags=all_tags)
        if relay is not None:
            raise NoHostPushes
        Errands(invocation, flags).run([_sent(invocation, place, targets, flags)])
        return
    refuse_flags(invocation, *_OURS_ALONE, no_referrers=no_referrers)
    trust = flags.trust(invocation)

    def work(image: str, target: str) -> Work:
        body = {
            "imageId": image,
            "target": target,
            "platform": _platform(invocation),
            "ifAbsent": if_absent,
            "dryRun": dry_run,
            "relay": relay,
            "sign": signed_there(trust, [target]),
        }
        return lambda cancel: _job(invocation, _Asked("/api/images/push", body, target, "pushed"), cancel)

    if all_tags:
        pairs = _every_tag(invocation, source, targets)
    else:
        pairs = [(source, _name(target)) for target in targets or (source,)]
    Errands(invocation, flags).run([work(*pair) for pair in pairs])


def _every_tag(invocation: Invocation, source: str, targets: Sequence[str]) -> Sequence[tuple[str, str]]:
    """Each tag that the environment has of the repository, and where it goes. Raises ImageUnknown."""
    wanted = Reference.parse(source).repository
    with invocation.cancellable() as cancel:
        query = {"env": environment_of(invocation, cancel), "filter": wanted.path}
        rows = server_of(invocation).rows("/api/images", cancel, query)
    names = [Reference.parse(name) for row in rows for name in words(row, "tags")]
    tags = sorted(name.tag for name in names if name.repository == wanted and name.tag is not None)
    if not tags:
        raise ImageUnknown(source, ["the server's environment"])
    repositories = [str(Reference.parse(_name(target)).repository) for target in targets] or [wanted.familiar]
    return [(f"{wanted.familiar}:{tag}", f"{repository}:{tag}") for tag in tags for repository in repositories]


def copy(
    invocation: Invocation,
    *,
    source: str,
    targets: tuple[str, ...],
    all_tags: bool,
    archive_form: str,  # noqa: ARG001  no target of a server's is an archive
    compress: str,  # noqa: ARG001
    if_absent: bool,
    dry_run: bool,
    no_referrers: bool,
    disable_content_trust: bool,
    keep_going: bool,
    digest_file: str | None,
) -> None:
    """Between registries, by the server; or from this machine through its registry."""
    refuse_flags(invocation, all_tags=all_tags)
    flags = Flags(if_absent, dry_run, no_referrers, keep_going, digest_file, disable_content_trust)
    place = parse_place(source)
    if not isinstance(place, Named):
        Errands(invocation, flags).run([_sent(invocation, place, targets, flags)])
        return
    refuse_flags(invocation, *_OURS_ALONE, if_absent=if_absent, no_referrers=no_referrers)
    trust = flags.trust(invocation)
    body = {
        "source": source,
        "targets": list(map(_name, targets)),
        "platform": _platform(invocation),
        "dryRun": dry_run,
        "verify": verified_there(trust, source),
        "sign": signed_there(trust, targets),
    }
    asked = _Asked("/api/images/copy", body, targets[0], "copied")
    Errands(invocation, flags).run([lambda cancel: _job(invocation, asked, cancel)])


@dataclass(frozen=True, slots=True)
class _Asked:
    """A job to ask for: where, with which fields (None: not said), what it is about, and what is done to that."""

    path: str
    body: Record
    target: str
    verb: str


def _job(invocation: Invocation, asked: _Asked, cancel: Cancel) -> Iterator[Outcome]:
    """Followed to its end unless it is left alone."""
    server, begun = server_of(invocation), time.monotonic()
    query = None if asked.path.endswith("/copy") else {"env": environment_of(invocation, cancel)}
    body = {name: each for name, each in asked.body.items() if each is not None}
    job = server.started(asked.path, cancel, query=query, body=body)
    if "detach" in invocation.on_the_line:
        yield Outcome({"jobId": job}, job, (job,))
        return
    ended = followed(invocation, job, asked.target, cancel, Verb.PULL if asked.verb == "pulled" else Verb.PUSH)
    yield _told(result_of(ended), asked, time.monotonic() - begun)


def _told(result: Row, asked: _Asked, seconds: float) -> Outcome:
    digest, verb = word(result, "digest"), asked.verb
    given = result.get("targets")
    names = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
    names = names or [word(result, "image", "targetTag") or asked.target]
    pinned = tuple(f"{name}@{digest}" if digest else name for name in names)
    totals = result.get("totals")
    parts = [f"would be {verb}" if result.get("dryRun") else f"{verb} in {duration(seconds)}"]
    if isinstance(totals, dict) and isinstance(totals.get("sent"), int):
        parts.append(f"{size(number(totals, 'sent'))} {'received' if verb == 'pulled' else 'sent'}")
    if result.get("current"):
        parts = ["up to date"]
    parts += filter(None, [word(result, "note")])
    text = "\n".join(f"{name}   {', '.join(parts)}" for name in pinned)
    return Outcome({**result, "references": list(pinned)}, text, pinned)


# ── from this machine


def _sent(invocation: Invocation, place: Place, targets: Sequence[str], flags: Flags) -> Work:
    """To the server's registry by ourselves; from there to the other targets by the server."""

    def work(cancel: Cancel) -> Iterator[Outcome]:
        server = server_of(invocation)
        host, begun = server.registry(cancel), time.monotonic()
        names = [Reference.parse(_name(target)).or_latest for target in targets]
        here = [name for name in names if name.repository.registry in hosts_of(host, server.url)]
        there = [name for name in names if name not in here]
        passing = [f"{host}/{PASSING}/{there[0].repository.path}:{there[0].tag or DEFAULT_TAG}"] if there else []
        sent = _upload(invocation, place, [*map(str, here), *passing], flags, cancel)
        seconds = time.monotonic() - begun
        for moved in sent:
            if moved.planned or not set(moved.names) <= set(passing):
                yield _moved_outcome(moved, seconds)
        if there and not flags.dry_run:
            yield from _copied(invocation, sent, passing[0], there, flags=flags, cancel=cancel)

    return work


def _upload(
    invocation: Invocation, place: Place, targets: Sequence[str], flags: Flags, cancel: Cancel
) -> Sequence[Moved]:
    """Raises TargetMissing where there is none, and what a push does."""
    with invocation.progress() as report:
        uploads = server_of(invocation).uploads(cancel)
        sent = uploads.push(place, list(map(Named, targets)), Call(flags.options(invocation), report, cancel))
    for moved in sent:
        if moved.error is not None:
            raise moved.error
    return sent


def _copied(
    invocation: Invocation,
    sent: Sequence[Moved],
    passing: str,
    there: Sequence[Reference],
    *,
    flags: Flags,
    cancel: Cancel,
) -> Iterator[Outcome]:
    source, targets = f"{Reference.parse(passing).repository}@{sent[0].root.digest}", list(map(str, there))
    sign = signed_there(flags.trust(invocation), targets)
    body = {"source": source, "own": True, "targets": targets, "sign": sign}
    return _job(invocation, _Asked("/api/images/copy", body, there[0].familiar, "pushed"), cancel)


def _moved_outcome(moved: Moved, seconds: float) -> Outcome:
    verb = f"would send {size(moved.totals.left)}" if moved.planned else f"pushed in {duration(seconds)}"
    what = verb if moved.planned else f"{verb}, {size(moved.totals.sent)} sent, verified"
    return Outcome(moved_record(moved, seconds), "\n".join(f"{each}   {what}" for each in moved.pinned), moved.pinned)


def hosts_of(host: str, url: str) -> set[str]:
    """How names of images may call the server's registry: on one machine by any name of that machine."""
    name, _, port = host.rpartition(":")
    if not name or not is_loopback(urlsplit(url).netloc):
        return {host}
    return {host, *(f"{each}:{port}" for each in ("localhost", "127.0.0.1", "[::1]"))}


def _name(target: str) -> str:
    """Raises TargetElsewhere."""
    if not isinstance(parse_place(target), Named):
        raise TargetElsewhere(target)
    return target


def _platform(invocation: Invocation) -> str | None:
    return ",".join(invocation.application.preferences.platform) or None
