"""What pull, push and copy share: their options as the service takes them, their results, and how they end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lading.errors import Cancelled, InputInvalid, LadingError, PartlyDone, StorageFailed, TimedOut
from lading.fronts.cli.console import Record
from lading.fronts.cli.invocation import Invocation
from lading.fronts.cli.prefixes import with_prefix
from lading.fronts.cli.texts import duration, plural, size
from lading.services.content.stores import ArchiveForm, Compression
from lading.services.platforms import Wanted
from lading.services.transfers.transfers import Call, Moved, Options
from lading.wire.event_json import totals_json
from lading.wire.message import Cancel
from lading.wire.progress import Event, Noted, Report

if TYPE_CHECKING:  # for those who ask for it
    from lading.services.notary.keys import KeptKey
    from lading.services.trust.content_trust import ContentTrust


class TerminalRefused(InputInvalid):
    """An archive would be written onto a terminal."""

    hint = "Write it to a file, or pipe it on."

    def __str__(self) -> str:
        return "an archive is not written to a terminal"


class SomeFailed(PartlyDone):
    """With --keep-going, some of the targets are done and others are not; each failure was told already."""

    def __init__(self, done: int, failed: int) -> None:
        super().__init__(done, failed)
        self.done, self.failed = done, failed

    def __str__(self) -> str:
        return f"{self.failed} of {self.done + self.failed} failed"


class NoHostPushes(InputInvalid):
    """--relay or --no-relay, and what is pushed is at no Docker host of a server."""

    hint = "Leave it out: Lading pushes by itself."

    def __str__(self) -> str:
        return "--relay and --no-relay are for images of a server's Docker hosts"


class DigestFileUnwritable(StorageFailed):
    """The file that --digest-file names cannot be written."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"cannot write {self.path}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags of a transfer as they stood on the line."""

    if_absent: bool
    dry_run: bool
    no_referrers: bool
    keep_going: bool
    digest_file: str | None
    disable_content_trust: bool = False

    def options(
        self,
        invocation: Invocation,
        form: ArchiveForm = ArchiveForm.OCI,
        compression: Compression = Compression.NONE,
    ) -> Options:
        """As the service takes them, together with the settings. Raises PlatformInvalid, PolicyInvalid."""
        preferences = invocation.application.preferences
        lanes = preferences.lanes
        return Options(
            Wanted.parse(preferences.platform) if preferences.platform else None,
            None if lanes is None else lambda: lanes,
            "absent" if self.if_absent else "any",
            not self.no_referrers,
            self.dry_run,
            form,
            compression,
            self.trust(invocation),
        )

    def trust(self, invocation: Invocation) -> ContentTrust | None:
        """Who verifies and signs on this machine; None: nobody. Raises PolicyInvalid, StorageFailed."""
        if self.disable_content_trust:
            return None

        def ask(key: KeptKey, new: bool) -> str:
            from lading.fronts.cli.content_trust import asking  # noqa: PLC0415  who signs nothing opens no key

            return asking(invocation)(key, new)

        return invocation.application.content_trust(ask)


Transfer = Callable[[Call], Sequence[Moved]]

_MOVED_BY = {"pulled": "received", "loaded": "read", "imported": "read"}
_MOVES_BY = {"pulled": "receive"}


@dataclass(slots=True)
class Moving:
    """Runs one or more transfers, prints what came of each, and ends with the right error."""

    invocation: Invocation
    verb: str
    flags: Flags
    options: Options
    aside: bool = False
    """Whether results go to stderr, because stdout carries an archive."""
    words: Sequence[str] = ()
    """The places as they were written, for a failure may come of a forgotten prefix."""
    _moved: list[Moved] = field(default_factory=list)
    _records: list[Record] = field(default_factory=list)
    _errors: list[LadingError] = field(default_factory=list)

    def run(self, transfers: Sequence[Transfer]) -> None:
        """One after the other. Without --keep-going the first that fails is the last.

        Raises its error, or with --keep-going SomeFailed where some are done.
        """
        with self.invocation.cancellable() as cancel:
            for transfer in transfers:
                try:
                    self._one(transfer, cancel)
                except (Cancelled, TimedOut):
                    raise
                except LadingError as error:
                    self._fail(error)
                if self._errors and not self.flags.keep_going:
                    break
        self._write_digests()
        if self.invocation.form == "json" and not self.aside and not self.invocation.console.wishes.quiet:
            self._print_json(single=len(transfers) == 1)
        self._raise()

    def _one(self, transfer: Transfer, cancel: Cancel) -> None:
        started, warnings = time.monotonic(), list[Noted]()
        try:
            with self.invocation.progress() as report:
                moved = transfer(Call(self.options, _keeping(warnings, report), cancel))
        finally:
            for warning in warnings:
                self.invocation.console.warn(f"{warning.target}: {warning.text}")
        seconds = time.monotonic() - started
        for each in moved:
            if each.error is not None:
                self._fail(each.error)
            else:
                self._done(each, seconds)

    def _done(self, moved: Moved, seconds: float) -> None:
        self._moved.append(moved)
        record = moved_record(moved, seconds)
        self._records.append(record)
        text = "\n".join(_lines(moved, self.verb, seconds))
        if self.aside:
            self.invocation.console.say(text)
        elif self.invocation.form != "json" or self.invocation.console.wishes.quiet:
            self.invocation.console.result(self.invocation.form, record, text, "\n".join(moved.pinned))

    def _fail(self, error: LadingError) -> None:
        error = with_prefix(error, self.words)
        if self.flags.keep_going:
            self.invocation.console.failure(error)
        self._errors.append(error)

    def _print_json(self, single: bool) -> None:
        console = self.invocation.console
        if single and len(self._records) == 1 and not self._errors:
            console.json(self._records[0])
        elif self._records:
            console.json(self._records)

    def _write_digests(self) -> None:
        path = self.flags.digest_file
        if path is None:
            return
        lines = [pinned for moved in self._moved if not moved.planned for pinned in moved.pinned]
        try:
            Path(path).write_text("".join(f"{line}\n" for line in lines))
        except OSError as error:
            raise DigestFileUnwritable(path, error.strerror or str(error)) from error

    def _raise(self) -> None:
        if not self._errors:
            return
        if self.flags.keep_going and self._moved:
            raise SomeFailed(len(self._moved), len(self._errors))
        raise self._errors[0]


def _keeping(warnings: list[Noted], report: Report) -> Report:
    """Warnings come after the bars, and also where there are none."""

    def told(event: Event) -> None:
        if isinstance(event, Noted) and event.warning:
            warnings.append(event)
        else:
            report(event)

    return told


def archive_on_stdout(invocation: Invocation) -> bool:
    """Whether stdout may carry an archive. Raises TerminalRefused."""
    if invocation.console.streams.stdout.isatty():
        raise TerminalRefused
    return True


def moved_record(moved: Moved, seconds: float) -> Record:
    """A target's result as JSON."""
    return {
        "source": moved.source,
        "target": moved.target,
        "references": list(moved.pinned),
        "digest": str(moved.root.digest),
        "mediaType": moved.root.media_type,
        "size": moved.root.size,
        "totals": totals_json(moved.totals),
        "platforms": moved.note,
        "referrers": moved.referrers,
        "seconds": round(seconds, 3),
        "dryRun": moved.planned,
        "upToDate": moved.current,
    }


def _lines(moved: Moved, verb: str, seconds: float) -> list[str]:
    """One for each name. What moved for several names moved once, and is told with the first."""
    further = "would be tagged in the same transfer" if moved.planned else f"{verb} in the same transfer, verified"
    first, *others = moved.pinned
    return [f"{first}   {_summary(moved, verb, seconds)}", *(f"{other}   {further}" for other in others)]


def _summary(moved: Moved, verb: str, seconds: float) -> str:
    totals = moved.totals
    if moved.current:
        return "up to date"
    if moved.planned:
        there = totals.exists + totals.mounted
        moving = f"would {_MOVES_BY.get(verb, 'send')} {size(totals.left)}"
        return f"{moving}, {size(there)} already there" if there else moving
    moved_by = _MOVED_BY.get(verb, "sent")
    parts = [f"{verb} in {duration(seconds)}", f"{size(totals.sent)} {moved_by}"]
    if totals.image and 100 * totals.saved >= totals.image:
        parts.append(f"{100 * totals.saved // totals.image} % saved")
    if totals.kept:
        parts.append(f"{size(totals.kept)} kept from an earlier attempt")
    if moved.note:
        parts.append(moved.note)
    if moved.referrers:
        parts.append(plural(moved.referrers, "referrer"))
    return ", ".join([*parts, "verified"])
