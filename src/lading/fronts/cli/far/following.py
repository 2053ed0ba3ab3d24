"""A server's job as it is seen here: its lines become the events that the bars are drawn of, its end ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lading.errors import Cancelled, TimedOut
from lading.fronts.cli.commands.jobs import raise_ended
from lading.fronts.cli.far.server import Row, number, server_of, word
from lading.fronts.cli.invocation import Invocation
from lading.oci.digest import Digest
from lading.wire.docker_words import Verb, read_word
from lading.wire.message import Cancel
from lading.wire.progress import Advanced, Noted, Piece, Planned, Report, State, Tagged

_SILENT = frozenset({"complete", "error", "scan-progress"})
"""Of the end everybody tells; of a scan each stage once is enough."""


@dataclass(slots=True)
class Retelling:
    """Lines and ticks of one job, told as events of `target`."""

    verb: Verb
    target: str
    report: Report
    _known: set[str] = field(default_factory=set)

    def hear(self, kind: str, told: Row) -> None:
        """One more."""
        if kind == "line":
            self._line(told)
        elif kind == "tick":
            layers = told.get("layers")
            for layer in layers if isinstance(layers, list) else ():
                if isinstance(layer, dict):
                    self._layer(layer)

    def _line(self, line: Row) -> None:
        status, message = word(line, "status"), word(line, "message")
        if "id" in line and "message" not in line:
            self._layer(line)
        elif status == "tagged" and (digest := Digest.if_valid(word(line, "digest"))) is not None:
            self.report(Tagged(self.target, word(line, "tag"), digest, number(line, "size")))
        elif message and status not in _SILENT:
            self.report(Noted(self.target, message))

    def _layer(self, line: Row) -> None:
        said = read_word(self.verb, word(line, "status"))
        if said is None or said.state in {State.CHECKING, State.WAITING}:
            return  # it is not known yet how large it is
        target, piece = word(line, "target") or self.target, word(line, "id")
        detail = line.get("progressDetail")
        counts: Mapping[str, object] = detail if isinstance(detail, Mapping) else {}
        total = number(counts, "total") if "total" in counts else None
        if piece not in self._known:
            self._known.add(piece)
            self.report(Planned(target, (Piece(piece, size=total),)))
        current = number(counts, "current") or (total or 0 if said.state.ended else 0)
        self.report(Advanced(target, piece, said.state, current, total, 0, said.detail, said.seconds))


def followed(invocation: Invocation, job: str, target: str, cancel: Cancel, verb: Verb = Verb.PUSH) -> Row:
    """The job at its end, followed with bars. Who stops the command stops the job too. Raises JobEnded unless it is
    done, and what the server answers."""
    server, ended = server_of(invocation), None
    invocation.console.say(f"job {job}   (lading jobs watch {job})")
    try:
        with invocation.progress() as report:
            retelling = Retelling(verb, target, report)
            for heard in server.follow(job, cancel):
                if heard.kind == "end":
                    ended = heard.told
                else:
                    retelling.hear(heard.kind, heard.told)
    except (Cancelled, TimedOut):
        server.give_up(job)
        raise
    assert ended is not None, "following ends with the end"
    result = ended.get("result")
    raise_ended(job, word(ended, "status"), result if isinstance(result, dict) else None)
    return ended


def result_of(job: Row) -> Row:
    """Its terminal line."""
    result = job.get("result")
    return result if isinstance(result, dict) else {}
