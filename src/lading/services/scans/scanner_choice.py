"""Which scanners look at an image when one of the names is chosen, and how several are told as one.

none   nobody            osv, grype, trivy   that one, whether it can work or not: a choice is not second-guessed
both   grype and trivy, a result each (merging makes one of them)
auto   the first of grype, trivy and osv that can work now; where none can, the last one says why
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace

from lading.errors import Cancelled, LadingError, TimedOut
from lading.services.clocks import Clocks
from lading.services.findings.scanner import (
    ImageView,
    Probe,
    ScanFailed,
    Scanner,
    ScannerName,
    ScanProgress,
    ScanReport,
    ScanResult,
    ScanStage,
    ScanStatus,
)
from lading.wire.message import Cancel

_PREFERRED = (ScannerName.GRYPE, ScannerName.TRIVY, ScannerName.OSV)
_WHOLE = 100


class ScannerChoice:
    """For any number of threads. `scanners` are by name, all that this process has."""

    def __init__(self, scanners: Mapping[str, Scanner], clocks: Clocks) -> None:
        self._scanners, self._clocks = dict(scanners), clocks

    def probes(self, cancel: Cancel) -> Mapping[str, Probe]:
        """Whether each scanner can work now, in order of name. Raises Cancelled."""
        return {name: self._scanners[name].probe(cancel) for name in sorted(self._scanners)}

    def of(self, name: ScannerName, cancel: Cancel) -> Sequence[Scanner]:
        """Those that this choice means now; `auto` probes. Raises Cancelled."""
        match name:
            case ScannerName.NONE:
                return ()
            case ScannerName.BOTH:
                return self._had(ScannerName.GRYPE, ScannerName.TRIVY)
            case ScannerName.AUTO:
                return self._first_sound(cancel)
            case _:
                return self._had(name)

    def scan(self, name: ScannerName, view: ImageView, report: ScanReport, cancel: Cancel) -> Sequence[ScanResult]:
        """One result for each scanner that the choice means, one after the other; nothing for `none`. A scanner that
        fails has a failed result. Raises Cancelled."""
        scanners = self.of(name, cancel)
        return [
            self.scan_with(scanner, view, share(report, place, len(scanners)), cancel)
            for place, scanner in enumerate(scanners)
        ]

    def scan_with(self, scanner: Scanner, view: ImageView, report: ScanReport, cancel: Cancel) -> ScanResult:
        """As the scanner says it, or why it failed. Raises Cancelled, TimedOut."""
        started, begun = self._clocks.wall(), self._clocks.steady()
        try:
            return scanner.scan(view, report, cancel)
        except (Cancelled, TimedOut):
            raise
        except LadingError as error:
            reason = error.reason if isinstance(error, ScanFailed) else error.afar
            return ScanResult(
                scanner.name,
                "",
                ScanStatus.FAILED,
                started,
                self._clocks.steady() - begun,
                error=reason,
            )

    def _had(self, *names: ScannerName) -> Sequence[Scanner]:
        return [self._scanners[name] for name in names if name in self._scanners]

    def _first_sound(self, cancel: Cancel) -> Sequence[Scanner]:
        known = self._had(*_PREFERRED)
        sound = (scanner for scanner in known if scanner.probe(cancel).available)
        return [chosen] if (chosen := next(sound, known[-1] if known else None)) else []


def share(report: ScanReport, place: int, count: int) -> ScanReport:
    """What the scanner at this place of so many says of itself, as percents of all of them, which never go back. Only
    the last one's end is the end."""
    lock, reached = threading.Lock(), _WHOLE * place // count

    def told(progress: ScanProgress) -> None:
        nonlocal reached
        percent = (_WHOLE * place + min(max(progress.percent, 0), _WHOLE)) // count
        early = progress.stage is ScanStage.COMPLETE and place + 1 < count
        with lock:
            reached = max(reached, percent)
            report(replace(progress, percent=reached, stage=ScanStage.PARSING if early else progress.stage))

    return told
