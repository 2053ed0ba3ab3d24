"""What a distribution tells of one host: one line for each thing that happens there, and its bytes as those of a single
layer that is called by the host's name."""

from __future__ import annotations

from lading.oci.digest import Digest
from lading.services.jobs.job import JsonObject, Telling
from lading.services.transfers.distribution_results import HostResult
from lading.wire.ledger import Ledger
from lading.wire.progress import Advanced, Event, Held, Noted, Planned, State

TARGET = "hosts"
"""All hosts are one target of the job, so that none of their lines names it."""

_PASSED_ON = frozenset({"scanning", "scan-complete"})
"""Of a scan's lines: its percents would drown those of the other hosts."""


class HostTelling:
    """Fulfils Telling for the work at one host. One thread at a time."""

    def __init__(self, name: str, telling: Telling, target: str = TARGET) -> None:
        """`target` is what the work is for, where that is told of besides."""
        self._name, self._telling, self._target = name, telling, target
        self._ledger = Ledger()
        self._most = 0

    @property
    def taken_up(self) -> bool:
        """As the job."""
        return self._telling.taken_up

    def say(self, status: str, **more: object) -> None:
        """Something happens at the host."""
        self._telling.line({"id": self._name, "status": status, **more})

    def line(self, data: JsonObject) -> None:
        """What a scan tells of itself, as a line of this host."""
        if data.get("status") in _PASSED_ON:
            self.say(str(data.get("message") or data["status"]))

    def event(self, event: Event) -> None:
        """What the transfer tells, of all its layers together."""
        match event:
            case Planned() | Advanced():
                self._ledger.apply(event)
                if isinstance(event, Advanced):
                    self._advance(State.MOVING)
            case Held(_, reason):
                self.say(f"Waiting: {reason}")
            case Noted(_, text):
                self.say(text)

    def moved(self) -> None:
        """All of its bytes have: none of them is left."""
        if self._most:
            self._advance(State.DONE)

    def end(self, result: HostResult, image: str) -> None:
        """The host's last line."""
        if result.error is None:
            self.moved()
            self.say("Up to date" if result.current else "Done", image=image, digest=str(result.digest))
            return
        if self._most:
            self._advance(State.FAILED)
        hint = {} if result.error.hint is None else {"hint": result.error.hint}
        self.say(f"Failed: {result.error.afar}", **hint)

    def _advance(self, state: State) -> None:
        """Bytes that move, without those that were there. Extracting counts those of a layer anew: what has come never
        grows less."""
        totals = self._ledger.totals()
        self._most = max(self._most, totals.sent)
        if self._most:
            moving = None if totals.image is None else max(self._most, totals.image - totals.saved)
            self._telling.event(Advanced(self._target, self._name, state, self._most, moving))


def staged_line(image: str, digest: Digest) -> JsonObject:
    """The image is in our registry, and hosts may come for it."""
    return {"status": "staged", "message": f"{image} is in the registry", "digest": str(digest)}
